"""A program's address space, in the host's: pages, and what the program may do with each.

It is one private mapping without reserve: what is not touched costs nothing, and a forked process
has a copy.  What the program may do with its pages is known by runs of them.  To the host all pages
can be written (but for shared maps of files that cannot): the processor and the accesses here heed
the permissions.
"""

from __future__ import annotations

import mmap
import os
from array import array
from enum import IntFlag
from typing import TYPE_CHECKING, Protocol

from . import libc
from .extents import Extents
from .spaces import SPACE_32

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .spaces import Space

PAGE = 4096
_REMEDY = "of address space are needed: raise `ulimit -v`, or set vm.overcommit_memory to 0"


_ffi, _libc = libc.ffi, libc.library
_FIXED, _NORESERVE = 0x10, 0x4000
_MAYMOVE, _MOVE_FIXED = 1, 2
_AHEAD = 256
"""So many pages that a file has come to reach are found at a time."""
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
    READ_THEN = 1 << 7
    WRITE_THEN = 2 << 7
    EXECUTE_THEN = 4 << 7
    """Of a page that is `BEYOND_FILE`: what the program may do there once the file reaches it."""


READ, WRITE, EXECUTE = Page.READ, Page.WRITE, Page.EXECUTE
_NOW, _THEN, _SHIFT = 7, 7 << 7, 7


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

    def __init__(self, space: Space = SPACE_32) -> None:
        self.space, self.word, self.end = space, space.word, space.end
        how = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE
        try:
            self._map = mmap.mmap(-1, space.size, how, mmap.PROT_READ | mmap.PROT_WRITE)
        except OSError as refused:
            raise MemoryError(f"{space.size >> 30} GiB {_REMEDY} ({refused})") from refused
        self._below, self._above = space.below, space.below + space.hole - space.beyond
        self._pages = Extents()
        """By number, with what the program may do there as a number of `Page`."""
        self._executable = Extents()
        self._executable_bounds: array[int] | None = None
        self._bytes = memoryview(self._map)
        self._observer: Observer | None = None
        self.whole = int(_ffi.cast("uintptr_t", _ffi.from_buffer(self._map)))
        """The host's address of all `space.size` bytes."""
        self.pointer = self.whole + space.below
        """And of the program's address 0."""

    def close(self) -> None:
        """Give the storage back; nobody may use it, or a view of it, any more."""
        self._bytes.release()
        # The mapping has been mapped over, piece by piece, but its range is still ours alone.
        self._map.close()

    def observe(self, observer: Observer | None) -> None:
        self._observer = observer

    def place(self, address: int) -> int:
        """Where among all bytes one of the program's lies."""
        return address + (self._below if address < self.space.hole else self._above)

    def held(self, place: int, length: int) -> memoryview:
        """Bytes by their place among all."""
        return self._bytes[place : place + length]

    def host(self, address: int) -> int:
        """The host's address of a byte of the program's."""
        return self.whole + self.place(address)

    def kind(self, address: int) -> Page:
        """What there is at an address, whatever that is."""
        return Page(self._pages.at(address // PAGE))

    def page(self, number: int) -> int:
        """The kind of a page, as a number."""
        return self._pages.at(number)

    @property
    def executable(self) -> array[int]:
        """Where pages that can be executed begin and end, by address; another one when they do."""
        if self._executable_bounds is None:
            bounds = [PAGE * number for number in self._executable.bounds()]
            self._executable_bounds = array("Q", bounds)
        return self._executable_bounds

    def executable_pages(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Runs of such pages among those from `first` to before `end`, by number."""
        return ((low, high) for low, high, _ in self._executable.within(first, end))

    @property
    def pieces(self) -> int:
        """How many runs of pages of one kind there are."""
        return self._pages.count

    def outside(self, start: int, length: int) -> bool:
        """Whether not all of these addresses can be a program's."""
        end = start + length
        return start < 0 or end > self.end or (start < self.space.beyond and end > self.space.hole)

    # -- pages -----------------------------------------------------------------------------

    def map(self, start: int, length: int, permissions: Page) -> None:
        """New pages of zeros, instead of whatever is there.  Raises OSError."""
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
        for first, end, _ in list(self._pages.within(start // PAGE, (start + length) // PAGE)):
            at, size = first * PAGE, (end - first) * PAGE
            self._remap(at, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE)
            self._set(at, size, Page(0))

    def protect(self, start: int, length: int, permissions: Page) -> None:
        """The caller knows that these pages are mapped and may be so used."""
        for run, size, kind in list(self.runs(start, length)):
            rest = kind & ~(_NOW | _THEN)
            if kind & Page.BEYOND_FILE:
                self._set(run, size, Page((permissions & _NOW) << _SHIFT) | rest)
            else:
                self._set(run, size, permissions | rest)

    def find_end(self, start: int, length: int) -> None:
        """Find out how many of these pages, which are shared with one file, it still has.

        The others are `BEYOND_FILE` from now on, until `look_again`.
        """
        low, high = start // PAGE, (start + length) // PAGE
        end = high
        while low < high:
            middle = (low + high) // 2
            if self._is_there(middle):
                low = middle + 1
            else:
                high = middle
        self.file_ends(low * PAGE, (end - low) * PAGE)

    def file_ends(self, start: int, length: int) -> None:
        """Their file does not reach these pages."""
        for address, size, kind in list(self.runs(start, length)):
            if not kind & Page.BEYOND_FILE:
                then = (kind & _NOW) << _SHIFT | kind & ~_NOW | Page.BEYOND_FILE
                self._set(address, size, Page(then))

    def look_again(self, address: int) -> bool:
        """Whether a file has come to reach an address: the program may be there from now on."""
        page = address // PAGE
        kind, end = self._pages.run(page)
        if not (kind & Page.BEYOND_FILE and kind & Page.SHARED and self._is_there(page)):
            return False
        last = page + 1
        while last < min(end, page + _AHEAD) and self._is_there(last):
            last += 1
        now = (kind & _THEN) >> _SHIFT | kind & ~(_THEN | Page.BEYOND_FILE)
        self._set(page * PAGE, (last - page) * PAGE, Page(now))
        return True

    def _is_there(self, page: int) -> bool:
        """Whether the host has the page, which a file that was cut has not."""
        byte = _ffi.new("char *")
        here = _ffi.new("struct iovec *", (byte, 1))
        there = _ffi.new("struct iovec *", (_ffi.cast("void *", self.host(page * PAGE)), 1))
        return bool(_libc.process_vm_readv(os.getpid(), here, 1, there, 1, 0) == 1)

    def move_shared(self, start: int, length: int, to: int) -> None:
        """Have pages that are shared at another place; what was there is gone.  Raises OSError."""
        runs = list(self.runs(start, length))
        moved = _libc.mremap(
            _ffi.cast("void *", self.host(start)), length, length, _MAYMOVE | _MOVE_FIXED,
            _ffi.cast("void *", self.host(to)),
        )  # fmt: skip
        if int(_ffi.cast("uintptr_t", moved)) == _FAILED:
            error = _ffi.errno
            raise OSError(error, os.strerror(error))
        self._remap(start, length, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE)
        self._set(start, length, Page(0))
        for address, size, kind in runs:
            self._set(to + address - start, size, kind)

    def find_free(self, length: int, below: int, above: int = 0x10000) -> int | None:
        """The highest place of `length` bytes of no pages between two addresses."""
        count = len(pages_of(0, length))
        for low, high in ((self.space.beyond, below), (0, min(below, self.space.hole))):
            low = max(low, above)
            place = self._pages.highest_gap(count, low // PAGE, high // PAGE)
            if low < high and place is not None:
                return place * PAGE
        return None

    def is_free(self, start: int, length: int) -> bool:
        return self._pages.is_free(start // PAGE, (start + length + PAGE - 1) // PAGE)

    def runs(self, start: int = 0, length: int | None = None) -> Iterator[tuple[int, int, Page]]:
        """The mapped pages among these, as (address, length, what one may do there)."""
        end = self.end if length is None else start + length
        for first, last, kind in list(self._pages.within(start // PAGE, end // PAGE)):
            yield first * PAGE, (last - first) * PAGE, Page(kind)

    def _remap(
        self, start: int, length: int, flags: int, file: int = -1, offset: int = 0,
        protection: int = mmap.PROT_READ | mmap.PROT_WRITE,
    ) -> None:  # fmt: skip
        assert start % PAGE == 0
        assert length % PAGE == 0
        assert length > 0
        assert not self.outside(start, length)
        place = _ffi.cast("void *", self.host(start))
        mapped = _libc.mmap(place, length, protection, flags | _FIXED, file, offset)
        if int(_ffi.cast("uintptr_t", mapped)) == _FAILED:
            error = _ffi.errno
            raise OSError(error, os.strerror(error))

    def _set(self, start: int, length: int, permissions: Page) -> None:
        first, end = start // PAGE, (start + length) // PAGE
        self._pages.set(first, end, int(permissions))
        can = int(permissions & EXECUTE)
        if can or not self._executable.is_free(first, end):
            self._executable.set(first, end, can)
            self._executable_bounds = None
        if self._observer:
            self._observer.mapping_changed(start, length)

    # -- bytes -----------------------------------------------------------------------------

    def view(self, address: int, length: int, need: Page) -> memoryview:
        """These bytes themselves, of which the program may do `need`; raises `StorageFault`.

        Whoever writes to it calls `written` afterwards.
        """
        if address < 0 or length < 0 or address + length > self.end:
            raise StorageFault(max(address, self.end))
        page, end, wanted = address // PAGE, (address + length + PAGE - 1) // PAGE, int(need)
        while page < end:
            kind, until = self._pages.run(page)
            if kind & wanted == wanted:
                page = until
            elif not self.look_again(page * PAGE):
                raise StorageFault(max(address, page * PAGE))
        place = self.place(address)
        return self._bytes[place : place + length]

    def accessible(self, address: int, length: int, need: Page) -> int:
        """How many of these bytes, from the first, the program may so access."""
        length = max(0, min(length, self.end - address))
        try:
            self.view(address, length, need)
        except StorageFault as fault:
            return fault.address - address
        return length

    def written(self, address: int, length: int) -> None:
        """Something outside the processor wrote there: what was code may be other code now."""
        first, end = address // PAGE, (address + length + PAGE - 1) // PAGE
        if self._observer and not self._executable.is_free(first, end):
            self._observer.invalidate(address, length)

    def read(self, address: int, length: int) -> bytes:
        return bytes(self.view(address, length, READ))

    def write(self, address: int, data: bytes | memoryview) -> None:
        self.view(address, len(data), WRITE)[:] = data
        self.written(address, len(data))

    def probe(self, address: int) -> None:
        """Nothing, if a byte can be written there; raises `StorageFault`."""
        self.view(address, 1, WRITE)

    def load(self, address: int, data: bytes | memoryview) -> None:
        """Write where the program itself perhaps may not (a loader's work); the pages are there."""
        self.raw(address, len(data))[:] = data
        self.written(address, len(data))

    def raw(self, address: int, length: int) -> memoryview:
        """These bytes, whatever the program may do there."""
        place = self.place(address)
        return self._bytes[place : place + length]

    def read_word(self, address: int) -> int:
        """32 bits, little-endian."""
        return int.from_bytes(self.view(address, 4, READ), "little")

    def write_word(self, address: int, value: int) -> None:
        self.write(address, value.to_bytes(4, "little"))

    def read_long(self, address: int) -> int:
        """As long as an address is."""
        return int.from_bytes(self.view(address, self.word, READ), "little")

    def write_long(self, address: int, value: int) -> None:
        self.write(address, (value & (1 << 8 * self.word) - 1).to_bytes(self.word, "little"))

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
