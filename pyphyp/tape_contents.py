"""What is on a tape image, file by file, for people and programs of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from emu.values import frozen

from .raw_file import MediaError
from .tape_file import TapeFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_ALL = 1 << 28
_AT_ONCE = 64
"""Blocks of one write."""


@frozen
class FileFacts:
    """A file of a tape; sizes are in bytes."""

    blocks: int
    size: int
    longest: int


class TapeContents:
    """The files of an image: what lies between two filemarks.  Use it in `with`."""

    def __init__(self, image: Path) -> None:
        """Raises `MediaError`."""
        self._tape = TapeFile(image, read_only=True)
        self._image = image

    @property
    def damaged(self) -> bool:
        return self._tape.damaged

    def files(self) -> Iterator[FileFacts]:
        """All of them; raises `BackingError` for a bad block."""
        for first, end in self._extents():
            lengths = [self._tape.read(place, 0)[1] for place in range(first, end)]
            yield FileFacts(len(lengths), sum(lengths), max(lengths, default=0))

    def blocks_of(self, number: int) -> Iterator[bytes]:
        """The blocks of a file; raises `MediaError`, and `BackingError` for a bad one."""
        extents = self._extents()
        if number >= len(extents):
            raise MediaError(f"{self._image} has {len(extents)} files, counted from 0")
        for place in range(*extents[number]):
            yield self._tape.read(place, _ALL)[0]

    def _extents(self) -> list[tuple[int, int]]:
        ends = list(self._tape.filemarks)
        first = [0, *(mark + 1 for mark in ends)]
        if first[-1] < len(self._tape):  # without a filemark behind it
            ends.append(len(self._tape))
        return list(zip(first, ends, strict=False))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._tape.close()


def append_file(image: Path, source: BinaryIO, block: int) -> None:
    """Write `source` behind what is in the image, in blocks, and a filemark.

    Raises `MediaError`, and `BackingError` where it does not fit.
    """
    try:
        image.touch()
    except OSError as wrong:
        raise MediaError(f"{image}: {wrong.strerror}") from None
    tape = TapeFile(image)
    try:
        if tape.damaged:
            raise MediaError(f"{image} is damaged or cut: writing would lose what cannot be read")
        while some := source.read(block * _AT_ONCE):
            tape.write(len(tape), [some[at : at + block] for at in range(0, len(some), block)])
        tape.write(len(tape), [b""])
        tape.flush()
    finally:
        tape.close()
