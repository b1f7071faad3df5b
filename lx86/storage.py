"""A program's address space: 4 GiB of the host's, with the program's pages in the lower three.

It is one private mapping without reserve: what is not touched costs nothing, and a forked process
has a copy.  A byte for each page says what the program may do there.  To the host all pages can be
written (but for shared maps of files that cannot): the processor and the accesses here heed the
permissions.
"""

from __future__ import annotations

import mmap
import os
from enum import IntFlag
from typing import TYPE_CHECKING, Protocol

from cffi import FFI

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 4096
SIZE = 1 << 32
PROGRAM_END = 0xC000_0000
"""Where a program's addresses end, as on a 32-bit kernel; what lies above is the translator's."""

_REMEDY = "lx86 needs 4 GiB of address space: raise `ulimit -v`, or set vm.overcommit_memory to 0"

_ffi = FFI()
_ffi.cdef("""
    void *mmap(void *address, size_t length, int protection, int flags, int file, long offset);
    void *mremap(void *old, size_t old_length, size_t length, int flags, void *place);
""")
_libc = _ffi.dlopen(None)
_FIXED, _NORESERVE = 0x10, 0x4000
_MAYMOVE, _MOVE_FIXED = 1, 2
_FAILED = (1 << 64) - 1


class Page(IntFlag):
    """What a program may do with a page; 0 is no page at all."""

    READ = 1
    WRITE = 2
    EXECUTE = 4
    MAPPED = 8
    """There is a page, even if it may not be accessed."""
    BEYOND_FILE = 16
    """A page of a file map behind the file's end: SIGBUS instead of SIGSEGV."""
    SHARED = 32
    """Others may see what is written here."""
    READ_ONLY_FILE = 64
    """Shared with a file that is open for reading alone: may never get WRITE."""


READ, WRITE, EXECUTE = Page.READ, Page.WRITE, Page.EXECUTE


class StorageFault(Exception):  # noqa: N818
    """An access from outside the processor that the program itself may not make."""

    def __init__(self, address: int) -> None:
        super().__init__(f"no access to {address:#010x}")
        self.address = address


class Observer(Protocol):
    """Who must know what becomes of the program's pages (a `Cpu`)."""

    def invalidate(self, start: int, length: int) -> None: ...
    def mapping_changed(self, start: int, length: int) -> None: ...


def pages_of(address: int, length: int) -> range:
    """The numbers of the pages that hold some of these bytes."""
    return range(address // PAGE, (address + length + PAGE - 1) // PAGE)


class Storage:
    """The address space.  Addresses are the program's; whatever lies outside is refused."""

    def __init__(self) -> None:
        try:
            self._map = mmap.mmap(
                -1, SIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE,
                mmap.PROT_READ | mmap.PROT_WRITE,
            )  # fmt: skip
        except OSError as refused:
            raise MemoryError(f"{_REMEDY} ({refused})") from refused
        self._permissions = mmap.mmap(-1, SIZE // PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._bytes = memoryview(self._map)
        self._observer: Observer | None = None
        self.permissions = memoryview(self._permissions)
        """A byte for each page, of `Page`.  To be read only."""
        self.pointer = int(_ffi.cast("uintptr_t", _ffi.from_buffer(self._map)))
        """The host's address of the program's address 0."""
        self.permissions_pointer = int(_ffi.cast("uintptr_t", _ffi.from_buffer(self._permissions)))

    def close(self) -> None:
        """Give the storage back; nobody may use it, or a view of it, any more."""
        self._bytes.release()
        self.permissions.release()
        # The mapping has been mapped over, piece by piece, but its range is still ours alone.
        self._map.close()
        self._permissions.close()

    def observe(self, observer: Observer | None) -> None:
        self._observer = observer

    # -- pages -----------------------------------------------------------------------------

    def map(self, start: int, length: int, permissions: Page) -> None:
        """New pages of zeros, instead of whatever is there."""
        self._remap(start, length, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE)
        self._set(start, length, permissions | Page.MAPPED)

    def map_shared(
        self, start: int, length: int, permissions: Page, file: int = -1, offset: int = 0
    ) -> None:
        """Pages of `file`, or anonymous ones, that this process and others share.

        Raises OSError, also if the file is not open for what `permissions` says.
        """
        anonymous = mmap.MAP_ANONYMOUS if file < 0 else 0
        kind = Page.MAPPED | Page.SHARED
        try:
            self._remap(start, length, mmap.MAP_SHARED | anonymous, file, offset)
        except PermissionError:
            if permissions & WRITE:
                raise
            self._remap(start, length, mmap.MAP_SHARED, file, offset, mmap.PROT_READ)
            kind |= Page.READ_ONLY_FILE
        self._set(start, length, permissions | kind)

    def unmap(self, start: int, length: int) -> None:
        if any(self.permissions[start // PAGE : (start + length) // PAGE]):
            self._remap(start, length, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE)
            self._set(start, length, Page(0))

    def protect(self, start: int, length: int, permissions: Page) -> None:
        """The caller knows that these pages are mapped and may be so used."""
        for run, size, kind in list(self.runs(start, length)):
            self._set(run, size, permissions | kind & ~(READ | WRITE | EXECUTE))

    def move_shared(self, start: int, length: int, to: int) -> None:
        """Have pages that are shared at another place; what was there is gone.  Raises OSError."""
        kinds = bytes(self.permissions[start // PAGE : (start + length) // PAGE])
        base = self.pointer
        moved = _libc.mremap(
            _ffi.cast("void *", base + start), length, length, _MAYMOVE | _MOVE_FIXED,
            _ffi.cast("void *", base + to),
        )  # fmt: skip
        if int(_ffi.cast("uintptr_t", moved)) == _FAILED:
            error = _ffi.errno
            raise OSError(error, os.strerror(error))
        self._remap(start, length, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE)
        self._set(start, length, Page(0))
        for n, kind in enumerate(kinds):
            self._set(to + n * PAGE, PAGE, Page(kind))

    def find_free(self, length: int, below: int, above: int = 0x10000) -> int | None:
        """The highest place of `length` bytes of no pages between two addresses."""
        count = len(pages_of(0, length))
        place = self._permissions.rfind(bytes(count), above // PAGE, below // PAGE)
        return place * PAGE if place >= 0 else None

    def is_free(self, start: int, length: int) -> bool:
        return not any(self.permissions[start // PAGE : (start + length + PAGE - 1) // PAGE])

    def runs(self, start: int = 0, length: int = PROGRAM_END) -> Iterator[tuple[int, int, Page]]:
        """The mapped pages among these, as (address, length, what one may do there)."""
        page, end = start // PAGE, (start + length) // PAGE
        table = self.permissions
        while page < end:
            kind, first = table[page], page
            if not kind:
                # A search for the next page that is something, without looking at each.
                chunk = bytes(table[page : min(end, page + 4096)])
                page += len(chunk) - len(chunk.lstrip(b"\0"))
                continue
            while page < end and table[page] == kind:
                page += 1
            yield first * PAGE, (page - first) * PAGE, Page(kind)

    def _remap(
        self, start: int, length: int, flags: int, file: int = -1, offset: int = 0,
        protection: int = mmap.PROT_READ | mmap.PROT_WRITE,
    ) -> None:  # fmt: skip
        assert start % PAGE == 0
        assert length % PAGE == 0
        assert 0 <= start < start + length <= PROGRAM_END
        place = _ffi.cast("void *", self.pointer + start)
        mapped = _libc.mmap(place, length, protection, flags | _FIXED, file, offset)
        if int(_ffi.cast("uintptr_t", mapped)) == _FAILED:
            error = _ffi.errno
            raise OSError(error, os.strerror(error))

    def _set(self, start: int, length: int, permissions: Page) -> None:
        first, count = start // PAGE, length // PAGE
        self.permissions[first : first + count] = bytes([permissions]) * count
        if self._observer:
            self._observer.mapping_changed(start, length)

    # -- bytes -----------------------------------------------------------------------------

    def view(self, address: int, length: int, need: Page) -> memoryview:
        """These bytes themselves, of which the program may do `need`; raises `StorageFault`.

        Whoever writes to it calls `written` afterwards.
        """
        if address < 0 or length < 0 or address + length > PROGRAM_END:
            raise StorageFault(max(address, PROGRAM_END))
        pages = pages_of(address, length)
        if len(pages) > 16 and all(kind & need == need for kind in set(bytes(self._slice(pages)))):
            return self._bytes[address : address + length]
        for page in pages:
            if self.permissions[page] & need != need:
                raise StorageFault(max(address, page * PAGE))
        return self._bytes[address : address + length]

    def accessible(self, address: int, length: int, need: Page) -> int:
        """How many of these bytes, from the first, the program may so access."""
        length = max(0, min(length, PROGRAM_END - address))
        try:
            self.view(address, length, need)
        except StorageFault as fault:
            return fault.address - address
        return length

    def written(self, address: int, length: int) -> None:
        """Something outside the processor wrote there: what was code may be other code now."""
        if self._observer and any(
            self.permissions[page] & EXECUTE for page in pages_of(address, length)
        ):
            self._observer.invalidate(address, length)

    def read(self, address: int, length: int) -> bytes:
        return bytes(self.view(address, length, READ))

    def write(self, address: int, data: bytes | memoryview) -> None:
        self.view(address, len(data), WRITE)[:] = data
        self.written(address, len(data))

    def load(self, address: int, data: bytes | memoryview) -> None:
        """Write where the program itself perhaps may not (a loader's work); the pages are there."""
        self._bytes[address : address + len(data)] = data
        self.written(address, len(data))

    def raw(self, address: int, length: int) -> memoryview:
        """These bytes, whatever the program may do there."""
        return self._bytes[address : address + length]

    def read_word(self, address: int) -> int:
        """32 bits, little-endian."""
        return int.from_bytes(self.view(address, 4, READ), "little")

    def write_word(self, address: int, value: int) -> None:
        self.write(address, value.to_bytes(4, "little"))

    def read_string(self, address: int, limit: int) -> bytes | None:
        """Bytes up to a NUL, without it; None if `limit` bytes hold none."""
        found = bytearray()
        while len(found) < limit:
            here = address + len(found)
            step = min(PAGE - here % PAGE, limit - len(found))
            chunk = bytes(self.view(here, step, READ))
            end = chunk.find(0)
            if end >= 0:
                return bytes(found + chunk[:end])
            found += chunk
        return None

    def _slice(self, pages: range) -> memoryview:
        return self.permissions[pages.start : pages.stop]
