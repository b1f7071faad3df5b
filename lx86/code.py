"""The program's instructions: decoded once, and forgotten page by page when their bytes change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .decoder import LONGEST, Truncated, Undefined, decode
from .flags import EVERY, C, X, live_before
from .instruction import TRANSFERS
from .storage import EXECUTE, PAGE, PROGRAM_END

if TYPE_CHECKING:
    from .instruction import Instruction

_EXECUTE = int(EXECUTE)
_LOOKAHEAD = 40
"""Instructions looked at to learn which flags are wanted somewhere."""


class Pages(Protocol):
    """What of a storage is asked here."""

    @property
    def permissions(self) -> memoryview: ...
    def raw(self, address: int, length: int) -> memoryview: ...


class FetchFault(Exception):  # noqa: N818
    """No instruction can be fetched from `address`."""

    def __init__(self, address: int) -> None:
        super().__init__(f"no code at {address:#010x}")
        self.address = address


class Code:
    """Decoded instructions by address."""

    def __init__(self, storage: Pages, *, long: bool = False) -> None:
        """`long`: of 64-bit mode."""
        self._storage, self._long = storage, long
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
            self.forget_everything()

    def fetch(self, address: int) -> Instruction:
        """The instruction at an address.  Raises `FetchFault` or `Undefined`."""
        pages = self.looked_at
        pages.add(address // PAGE)
        pages.add((address + LONGEST) // PAGE)
        known = self._decoded.get(address)
        if known is None:
            known = self._decode(address)
            self._decoded[address] = known
            first, last = address // PAGE, (address + LONGEST) // PAGE
            for page in (first,) if first == last else (first, last):
                self._by_page.setdefault(page, []).append(address)
        if isinstance(known, type):
            raise known
        return known

    def _decode(self, address: int) -> Instruction | type[Undefined]:
        length = 0
        while length < LONGEST and self._executable(address + length):
            length = min(LONGEST, PAGE - (address + length) % PAGE + length)
        if not length:
            raise FetchFault(address)
        try:
            code, offset = bytes(self._storage.raw(address, length)), address - self._base
            i = decode(code, offset & 0xFFFFFFFF, self._code_16, self._long)
            return i.moved(self._base) if self._base else i
        except Undefined:
            return Undefined
        except Truncated:
            if length == LONGEST:
                return Undefined
            raise FetchFault(address + length) from None

    def _executable(self, address: int) -> bool:
        return address < PROGRAM_END and self._storage.permissions[address // PAGE] & _EXECUTE != 0

    def forget(self, first: int, last: int) -> None:
        """What lies on these pages, or reaches into them."""
        for page in range(first, last + 1):
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
            before, self.looked_at = self.looked_at, set()
            live = self._wanted(address, EVERY if exact else 0, [_LOOKAHEAD], set())
            known = live & ~X | (C if live & X else 0), frozenset(self.looked_at)
            self._live[address, exact] = known
            self.looked_at = before
        self.looked_at |= known[1]
        return known[0]

    def _wanted(self, address: int, beyond: int, fuel: list[int], path: set[int]) -> int:
        block: list[Instruction] = []
        live = EVERY
        while True:
            if address in path:
                live = 0
                break
            path.add(address)
            fuel[0] -= 1
            if fuel[0] < 0:
                break
            try:
                i = self.fetch(address)
            except (FetchFault, Undefined):
                live = 0
                break
            block.append(i)
            if live_before(i, EVERY) == 0:
                live = 0
                break
            target = i.target
            if i.name in ("jcc", "loop", "loope", "loopne", "jecxz"):
                assert target is not None
                live = self._wanted(target, beyond, fuel, path)
                live |= self._wanted(i.next, beyond, fuel, path)
                break
            if i.name in ("jmp", "call"):
                if target is None:
                    live = beyond
                    break
                address = target
            elif i.name == "ret" or i.name in TRANSFERS:
                live = beyond
                break
            else:
                address = i.next
        for i in reversed(block):
            live = live_before(i, live)
        return live
