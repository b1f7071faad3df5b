"""A partition's storage: bytes by logical real address, from 0 to its size.

Reads look straight into the storage the processor uses.  Writes go through the native core, so
that translated code they overwrite is translated anew.  Words are big-endian, as everything that
firmware and hypervisor exchange with a guest.
"""

from __future__ import annotations

import os
import re
import struct
from typing import TYPE_CHECKING, Protocol

from .native import ffi, lib
from .values import frozen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

MIB = 1 << 20
_PAGE = 4096
_GAP_PAGES = 16
"""Pieces that lie closer are mapped as one."""
_MOST_PIECES = 8192
"""The host's limit on mappings is 65,530 for the whole process."""
_COPIED_AT_MOST = 16 * MIB
"""A clone takes what changed since the last one as a copy, up to this; then all is shared anew."""


class StorageError(Exception):
    """An access outside the storage: `address` and `length` in bytes."""

    def __init__(self, address: int, length: int, size: int) -> None:
        super().__init__(f"{length} bytes at {address:#x} lie outside the {size:#x} of storage")
        self.address, self.length, self.size = address, length, size


@frozen
class Piece:
    """`length` bytes of storage from `address` on, whole pages."""

    address: int
    length: int


@frozen
class MappedPiece(Piece):
    """One that lay at `offset` of a file when it was mapped; `file` is a descriptor of it."""

    file: int
    offset: int


class StorageObserver(Protocol):
    """Whoever must know of writes from outside the processor (the engine)."""

    def storage_written(self, address: int, data: bytes | memoryview) -> None: ...


def _pieces(marks: bytearray) -> list[Piece]:
    """The pages marked, a byte each."""
    runs = (match.span() for match in re.finditer(rb"\x01+", marks))
    return [Piece(first * _PAGE, (end - first) * _PAGE) for first, end in runs]


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """With what lies between neighbours, until there are few enough to be mapped."""
    gap = _GAP_PAGES * _PAGE
    while True:
        joined: list[Piece] = []
        for piece in pieces:
            if joined and piece.address <= joined[-1].address + joined[-1].length + gap:
                first = joined.pop().address
                joined.append(Piece(first, piece.address + piece.length - first))
            else:
                joined.append(piece)
        if len(joined) <= _MOST_PIECES:
            return joined
        gap *= 2


def _located(file: int, pieces: Sequence[Piece], offset: int) -> list[MappedPiece]:
    located = []
    for piece in pieces:
        located.append(MappedPiece(piece.address, piece.length, file, offset))
        offset += piece.length
    return located


_BYTE, _HALFWORD = struct.Struct(">B"), struct.Struct(">H")
_WORD, _DOUBLEWORD = struct.Struct(">I"), struct.Struct(">Q")


class Memory:
    """`size` bytes of zeroed storage, a multiple of 4 KiB; released by `close` or `with`."""

    def __init__(self, size: int) -> None:
        if size <= 0 or size % 4096:
            raise ValueError(f"storage of {size} bytes: a positive multiple of 4096 is needed")
        self.size = size
        self.pointer = lib.storage_map(size)
        if self.pointer == ffi.NULL:
            raise MemoryError(f"the host has no {size // MIB} MiB for a partition's storage")
        self._bytes = memoryview(ffi.buffer(self.pointer, size))
        self._observer: StorageObserver | None = None
        self._mapped: tuple[MappedPiece, ...] = ()
        self._file: int | None = None
        """The descriptor the mapped pieces name."""

    def observe_writes(self, observer: StorageObserver | None) -> None:
        """From now on `observer` carries out the writes."""
        self._observer = observer

    def close(self) -> None:
        """Give the storage back to the host; the engine over it must be closed before."""
        if self.pointer != ffi.NULL:
            self._bytes.release()
            lib.storage_unmap(self.pointer, self.size)
            self.pointer = ffi.NULL
            self._forget_file()

    def _forget_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file, self._mapped = None, ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    # -- saving, restoring, cloning --------------------------------------------------------

    def view(self, piece: Piece) -> memoryview:
        """The bytes of `piece` themselves, to be looked at before the storage is closed."""
        self.check(piece.address, piece.length)
        return self._bytes[piece.address : piece.address + piece.length].toreadonly()

    def pieces_in_use(self, *, joined: bool = False) -> list[Piece]:
        """All pages that hold anything but zeros, in ascending order.

        `joined`: also a few that hold zeros, to have fewer pieces.
        """
        marks = self._written()
        for piece in self._mapped:
            first, count = piece.address // _PAGE, piece.length // _PAGE
            marks[first : first + count] = b"\1" * count
        lib.storage_unmark_zeros(self.pointer, self.size, ffi.from_buffer(marks))
        return _joined(_pieces(marks)) if joined else _pieces(marks)

    def _written(self) -> bytearray:
        marks = bytearray(self.size // _PAGE)
        lib.storage_mark_written(self.pointer, self.size, ffi.from_buffer(marks))
        return marks

    def load(self, address: int, data: bytes | memoryview) -> None:
        """As `write`, before the first instruction runs: nothing can be translated yet."""
        self.check(address, len(data))
        self._bytes[address : address + len(data)] = data

    def map_file(self, file: int, pieces: Sequence[Piece], offset: int) -> None:
        """Put the pages of a file from `offset` on into `pieces`, one behind the other.

        They are read when they are touched, so the file must stay as it is; stores do not reach
        it.  As with `load`, before the first instruction runs.
        """
        for piece in pieces:
            self.check(piece.address, piece.length)
        total = sum(piece.length for piece in pieces)
        if offset + total > os.fstat(file).st_size:
            raise ValueError("the file ends before the pieces do")
        self._map(os.dup(file), _located(file, pieces, offset))

    def _map(self, file: int, pieces: Sequence[MappedPiece]) -> None:
        """Take over the descriptor `file`, and its pages instead of those that are there."""
        self._forget_file()
        self._file = file
        self._mapped = tuple(MappedPiece(p.address, p.length, file, p.offset) for p in pieces)
        for p in self._mapped:
            if lib.storage_map_file(self.pointer, p.address, p.length, file, p.offset):
                raise MemoryError(f"the host cannot map {p.length} bytes of a file")

    def share_with(self, copy: Memory) -> None:
        """Fill empty storage of the same size; pages are shared until one of the two changes them.

        As with `load`, before the first instruction of `copy` runs.
        """
        assert copy.size == self.size
        changed = self._written()
        if self._file is None or changed.count(1) > _COPIED_AT_MOST // _PAGE:
            self._share()
            changed = bytearray(len(changed))
        assert self._file is not None
        copy._map(os.dup(self._file), self._mapped)
        for piece in _pieces(changed):
            with self.view(piece) as content:
                copy.load(piece.address, content)

    def _share(self) -> None:
        """Move the content to a file without a name, over which it is then mapped."""
        pieces = self.pieces_in_use(joined=True)
        file = os.memfd_create("storage", os.MFD_CLOEXEC)
        with os.fdopen(os.dup(file), "wb", buffering=0) as writer:
            for piece in pieces:
                with self.view(piece) as rest:
                    done = 0
                    while done < piece.length:
                        done += writer.write(rest[done:])
        if lib.storage_map_file(self.pointer, 0, self.size, -1, 0):
            os.close(file)
            raise MemoryError("the host cannot map storage anew")
        self._map(file, _located(file, pieces, 0))

    # -- access ----------------------------------------------------------------------------

    def contains(self, address: int, length: int = 1) -> bool:
        return address >= 0 and length >= 0 and address + length <= self.size

    def check(self, address: int, length: int) -> None:
        """Raise `StorageError` unless the range lies inside."""
        if not self.contains(address, length):
            raise StorageError(address, length, self.size)

    def read(self, address: int, length: int) -> bytes:
        self.check(address, length)
        return bytes(self._bytes[address : address + length])

    def look(self, address: int, length: int) -> memoryview:
        """These bytes themselves, for the moment: before anything else happens to the storage."""
        self.check(address, length)
        return self._bytes[address : address + length].toreadonly()

    def read_string(self, address: int, limit: int = 4096) -> bytes:
        """The bytes before the first zero, at most `limit`."""
        self.check(address, 1)
        end = min(address + limit, self.size)
        return bytes(self._bytes[address:end]).split(b"\0", 1)[0]

    def write(self, address: int, data: bytes | memoryview) -> None:
        if not 0 <= address <= self.size - len(data):
            raise StorageError(address, len(data), self.size)
        if self._observer is None:
            self._bytes[address : address + len(data)] = data
        elif data:
            self._observer.storage_written(address, data)

    def u8(self, address: int) -> int:
        return self._number(_BYTE, address)

    def u16(self, address: int) -> int:
        return self._number(_HALFWORD, address)

    def u32(self, address: int) -> int:
        return self._number(_WORD, address)

    def u64(self, address: int) -> int:
        return self._number(_DOUBLEWORD, address)

    def _number(self, format_: struct.Struct, address: int) -> int:
        if not 0 <= address <= self.size - format_.size:
            raise StorageError(address, format_.size, self.size)
        number: int = format_.unpack_from(self._bytes, address)[0]
        return number

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """`count` 32-bit words from `address` on."""
        return struct.unpack(f">{count}I", self.read(address, 4 * count))

    def write_u8(self, address: int, value: int) -> None:
        self.write(address, value.to_bytes(1, "big"))

    def write_u16(self, address: int, value: int) -> None:
        self.write(address, value.to_bytes(2, "big"))

    def write_u32(self, address: int, value: int) -> None:
        self.write(address, value.to_bytes(4, "big"))

    def write_u64(self, address: int, value: int) -> None:
        self.write(address, value.to_bytes(8, "big"))

    def write_words(self, address: int, *values: int) -> None:
        """32-bit words from `address` on."""
        self.write(address, struct.pack(f">{len(values)}I", *values))
