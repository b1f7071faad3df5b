"""The program's instructions: decoded once, and forgotten page by page when their bytes change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from emu.native import ffi, lib

from .decoder import LONGEST, Reader, Truncated, Undefined, mode
from .flags import EVERY, C, X
from .storage import PAGE
from .tables import TABLES

if TYPE_CHECKING:
    from array import array

    from .instruction import Instruction
    from .spaces import Space

_INSIDE = PAGE - LONGEST
"""What begins before that in a page cannot reach into the next one."""
_PAGES = 256
"""More than the flags can be asked of."""


class Pages(Protocol):
    """What of a storage is asked here: where the host has it, and where there may be code."""

    space: Space

    @property
    def pointer(self) -> int: ...
    @property
    def executable(self) -> array[int]: ...


class FetchFault(Exception):  # noqa: N818
    """No instruction can be fetched from `address`."""

    def __init__(self, address: int) -> None:
        super().__init__(f"no code at {address:#010x}")
        self.address = address


class Code:
    """Decoded instructions by address.  May be asked as long as the storage is open."""

    def __init__(self, storage: Pages, *, long: bool = False) -> None:
        """`long`: of 64-bit mode."""
        self._long = long
        self._native = ffi.new("x86_code *")
        self._native.tables = TABLES.native
        self._native.storage = ffi.cast("uint8_t *", storage.pointer)
        self._native.hole = storage.space.hole
        self._native.moved = storage.space.beyond - storage.space.hole
        self._storage = storage
        self._executable: array[int] | None = None
        self._native.mode = mode(False, long)
        self._reader = Reader()
        self._pages = ffi.new("uint64_t []", _PAGES)
        self._count = ffi.new("size_t *")
        self._decoded: dict[int, Instruction | type[Undefined]] = {}
        self._by_page: dict[int, list[int]] = {}
        self._live: dict[tuple[int, bool], tuple[int, frozenset[int]]] = {}
        """By address and whether exact: what is wanted there, and the pages that say so."""
        self.looked_at: set[int] = set()
        """Pages whose bytes, or their absence, were asked for since this was emptied."""
        self._base, self._code_16 = 0, False

    def use_segment(self, base: int, code_16: bool) -> None:
        """From now on code is that of a segment: where it begins, whether it is 16-bit code."""
        if (base, code_16) != (self._base, self._code_16):
            self._base, self._code_16 = base, code_16
            self._native.base, self._native.mode = base, mode(code_16, self._long)
            self.forget_everything()

    def fetch(self, address: int) -> Instruction:
        """The instruction at an address.  Raises `FetchFault` or `Undefined`."""
        page = address // PAGE
        pages = self.looked_at
        pages.add(page)
        if address % PAGE >= _INSIDE:
            pages.add(page + 1)
        known = self._decoded.get(address)
        if known is None:
            known = self._decode(address)
        if isinstance(known, type):
            raise known
        return known

    def _decode(self, address: int) -> Instruction | type[Undefined]:
        """Also those that follow, where only pages that are now looked at have a say in them."""
        found: list[Instruction] = []
        self._look()
        try:
            found = self._reader.read_more(self._native, address)
        except Undefined:
            self._decoded[address] = Undefined
        except Truncated as end:
            raise FetchFault(end.address) from None
        for i in found:
            self._decoded.setdefault(i.address, i)
        page, last = address // PAGE, (address + LONGEST) // PAGE
        for each in (page,) if page == last else (page, last):
            self._by_page.setdefault(each, []).extend([i.address for i in found] or [address])
        return self._decoded[address]

    def _look(self) -> None:
        """Have the decoder know where there may be code."""
        bounds = self._storage.executable
        if bounds is not self._executable:
            self._executable = bounds
            self._native.bounds = ffi.from_buffer("uint64_t[]", bounds)
            self._native.count = len(bounds)

    def forget(self, first: int, last: int) -> None:
        """What lies on these pages, or reaches into them."""
        few = last - first < len(self._by_page)
        pages = range(first, last + 1)
        for page in pages if few else [page for page in self._by_page if page in pages]:
            for address in self._by_page.pop(page, ()):
                self._decoded.pop(address, None)
        self._live.clear()

    def forget_looked_at(self) -> None:
        for page in self.looked_at:
            self.forget(page, page)

    def forget_everything(self) -> None:
        self._decoded.clear()
        self._by_page.clear()
        self._live.clear()

    # -- flags -----------------------------------------------------------------------------

    def wanted(self, address: int, exact: bool) -> int:
        """The pieces of the flags that code at an address may ask for, in their usual places.

        `exact`: those behind a branch through a register are wanted, too.
        """
        known = self._live.get((address, exact))
        if known is None:
            self._look()
            pages, count = self._pages, self._count
            live = lib.x86_wanted(self._native, address, EVERY if exact else 0, pages, count)
            looked_at = frozenset(ffi.unpack(pages, count[0]))
            known = self._live[address, exact] = live & ~X | (C if live & X else 0), looked_at
        self.looked_at |= known[1]
        return known[0]
