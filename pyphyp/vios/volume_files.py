"""Logical volumes as clients use them: runs of physical volumes, one behind the other, as one disk.

A physical volume's file is open, and nobody else's, while its volume group is active; logical
volumes share it.  A client's flush is a flush of every file that its volume lies in.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from emu.values import frozen
from hypervisor.scsi.backing import BackingError
from hypervisor.vio.configuration import DiskFormat
from pyphyp.qcow2 import Qcow2File
from pyphyp.raw_file import MediaError, RawFile

from .records import ViosError
from .volumes import LABEL_BYTES, read_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hypervisor.scsi.backing import Backing

    from .records import Label
    from .units import PhysicalDevice


@frozen
class Piece:
    """A run of bytes of a physical volume."""

    backing: Backing
    offset: int
    length: int


class VolumeFile:
    """The `Backing` over `pieces`; growing it keeps what is there."""

    read_only = False

    def __init__(self, name: str, pieces: Iterable[Piece]) -> None:
        self.name = name
        self.set_pieces(pieces)

    def set_pieces(self, pieces: Iterable[Piece]) -> None:
        self._pieces = tuple(pieces)
        self.size = sum(piece.length for piece in self._pieces)

    def read(self, offset: int, length: int) -> bytes:
        return b"".join(
            piece.backing.read(at, count) for piece, at, count, _ in self._places(offset, length)
        )

    def write(self, offset: int, data: bytes) -> None:
        for piece, at, count, done in self._places(offset, len(data)):
            whole = count == len(data)
            piece.backing.write(at, data if whole else data[done : done + count])

    def flush(self) -> None:
        for backing in {id(its.backing): its.backing for its in self._pieces}.values():
            backing.flush()

    def discard(self, offset: int, length: int) -> None:
        for piece, at, count, _ in self._places(offset, length):
            piece.backing.discard(at, count)

    def close(self) -> None:
        """The physical volumes stay open, as others use them; this one has no bytes any more."""
        self._pieces = ()

    def _places(self, offset: int, length: int) -> Iterator[tuple[Piece, int, int, int]]:
        """Where bytes lie: a piece, an offset in its file, how many, and how many came before."""
        done = 0
        for piece in self._pieces:
            if offset < piece.length and done < length:
                count = min(length - done, piece.length - offset)
                yield piece, piece.offset + offset, count, done
                done += count
                offset = 0
            else:
                offset -= piece.length
        if done < length:
            raise BackingError(f"{self.name} ends before that, or is closed")


def open_disk(device: PhysicalDevice) -> RawFile | Qcow2File:
    """A physical volume's file, which nobody else has; raises `ViosError`."""
    its = device.unit
    if its.shared or its.read_only:
        how = "shared with others" if its.shared else "read-only"
        raise ViosError(f'"{device.name}" is {how}: a volume group has its disks to itself.')
    kind = Qcow2File if its.format is DiskFormat.QCOW2 else RawFile
    try:
        return kind(Path(its.path))
    except MediaError as wrong:
        raise ViosError(f"{device.name}: {wrong}") from None


def label_of(name: str, backing: Backing) -> tuple[Label | None, bool]:
    """A physical volume's label, and whether anything else stands where it would; `ViosError`."""
    try:
        data = backing.read(0, min(LABEL_BYTES, backing.size))
    except BackingError as wrong:
        raise ViosError(f"{name}: {wrong}") from None
    label = read_label(data)
    return label, label is None and any(data)


def write_label(name: str, backing: Backing, data: bytes) -> None:
    """Have `data` stand where the label is, now and after a power failure; `ViosError`."""
    try:
        backing.write(0, data)
        backing.flush()
    except BackingError as wrong:
        raise ViosError(f"{name}: {wrong}") from None
