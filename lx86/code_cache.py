"""Translated blocks in storage: where they lie, how they are linked, and how they go again.

Blocks are put one behind the other, and from the beginning again where the place ends; those that
lie there then have to go.  So the oldest go first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from .convention import CODE_SIZE
from .storage import PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .block import Block
    from .fpu.lowering import Assist
    from .machine import Machine
    from .state import Recovery

_CALL = (0x44000022).to_bytes(4, "little")
SMALLEST = 1 << 17
"""Bytes of a cache that holds any block."""


@dataclass(slots=True)
class CacheCounts:
    blocks: int = 0
    instructions: int = 0  # of x86, in blocks
    words: int = 0  # of POWER
    linked: int = 0
    slots: int = 0
    dropped: int = 0  # because what they came from changed
    evicted: int = 0  # because their place was wanted
    flushes: int = 0
    seconds: float = 0.0  # spent in translating


class CodeCache:
    """`machine` holds the words."""

    def __init__(self, machine: Machine, limit: int = CODE_SIZE, *, long: bool = False) -> None:
        """`long`: slots hold addresses, not branches."""
        assert limit >= SMALLEST
        self._branches = 0 if long else 18 << 26 | 2
        self._machine, self._places = machine, machine.places
        self._start = self._places.code
        self._end = self._start + min(limit, CODE_SIZE)
        self.counts = CacheCounts()
        self.on_evict: Callable[[Block], None] | None = None
        """Is shown each block that is about to lose its place."""
        self._clear()

    def _clear(self) -> None:
        self._next = self._start
        self.entries: dict[int, int] = {}
        """Where code begins, by x86 address, while the direction flag is clear."""
        self.entries_down: dict[int, int] = {}
        self._versions: dict[int, dict[int, int]] = {}
        """By x86 address and R1: code that expects a certain x87 stack."""
        self._blocks: list[Block] = []
        self._starts: list[int] = []
        self._by_page: dict[int, set[Block]] = {}
        self._waiting: dict[int, set[int]] = {}
        """By x86 address: words that leave, and will be branches once there is code for it."""
        self._linked: dict[int, dict[int, int]] = {}
        """By x86 address: the words that are branches to its code, and where that is."""
        self._slots: dict[int, int] = {}
        self._held: dict[tuple[int, bool], Block] = {}
        """By x86 address and direction flag: blocks that are looked at before each entry."""

    def flush(self) -> None:
        """Forget all code."""
        if self.on_evict:
            for block in self._blocks:
                self.on_evict(block)
        for eip in self._slots.values():
            self._machine.fill_slot(eip, 0)
        self.counts.flushes += 1
        self._clear()

    def add(self, block: Block, down: bool, *, link: bool = True) -> None:
        self._place(block)
        for page in block.pages:
            self._by_page.setdefault(page, set()).add(block)
        self.counts.blocks += 1
        self.counts.instructions += block.instructions
        self.counts.words += len(block.code) // 4
        if not link:
            self._machine.write_code(block.address, block.placed(self._places))
            return
        block.alive = True
        if block.held:
            self._held.update(dict.fromkeys([(eip, down) for eip in block.entries], block))
            self._machine.write_code(block.address, block.placed(self._places))
            return
        address, entries = block.address, self.entries_down if down else self.entries
        for eip, index in block.entries.items():
            if eip not in entries or eip == block.start:
                entries[eip] = address + 4 * index
            elif not block.first and self._is_first(entries[eip]):
                self.use_version(eip, address + 4 * index)
        self._machine.write_code(
            address, block.placed(self._places) if down else self._linked_code(block)
        )
        if down:
            return
        for eip in block.entries:
            if (waiting := self._waiting.pop(eip, None)) is not None:
                self._link(waiting, eip, entries[eip])

    def _link(self, sites: Iterable[int], target: int, address: int) -> None:
        """Make words branches to the code for an x86 address."""
        linked = self._linked.setdefault(target, {})
        for site in sites:
            self._machine.write_code(site, _branch(site, address))
            linked[site] = address
            self.counts.linked += 1

    def _is_first(self, address: int) -> bool:
        block = self.block_at(address)
        return block is not None and block.first

    def _linked_code(self, block: Block) -> bytes | bytearray:
        """With branches to what is there; the other links wait for it."""
        code, entries, linked = (
            bytearray(block.placed(self._places)),
            self.entries,
            self._linked,
        )
        for index, target in block.links.items():
            site, to = block.address + 4 * index, entries.get(target)
            if to is None:
                self._waiting.setdefault(target, set()).add(site)
                continue
            code[4 * index : 4 * index + 4] = _branch(site, to)
            linked.setdefault(target, {})[site] = to
            self.counts.linked += 1
        return code

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All that have a place."""
        return tuple(self._blocks)

    @property
    def used(self) -> int:
        """Bytes between the first and the last word that blocks hold."""
        return self._blocks[-1].end - self._start if self._blocks else 0

    def _place(self, block: Block) -> None:
        """Give a block its place, and take that from whoever had it."""
        size = len(block.code) + 15 & -16
        assert self._start + size <= self._end
        if self._next + size > self._end:
            self._next = self._start
        block.address, self._next = self._next, self._next + size
        first = bisect_left(self._starts, block.address)
        last = bisect_left(self._starts, self._next)
        for old in self._blocks[first:last]:
            self._drop(old)
            self._evict(old)
        self._blocks[first:last] = [block]
        self._starts[first:last] = [block.address]

    def _evict(self, block: Block) -> None:
        """None of its words is to be written from now on."""
        if self.on_evict:
            self.on_evict(block)
        self.counts.evicted += 1
        for index, target in block.links.items():
            site = block.address + 4 * index
            for sites in (self._waiting, self._linked):
                if (known := sites.get(target)) is not None and site in known:
                    known.discard(site) if isinstance(known, set) else known.pop(site)
                    if not known:
                        del sites[target]

    def _link_or_wait(self, site: int, target: int) -> None:
        address = self.entries.get(target)
        if address is None:
            self._waiting.setdefault(target, set()).add(site)
            return
        self._link((site,), target, address)

    def fill_slot(self, eip: int) -> None:
        """Let branches through registers find the code for an address."""
        slot = self._places.slot_of(eip)
        owner = self._slots.get(slot)
        if owner is not None and owner != eip:
            return  # two addresses share it; this one is found by the host
        address = self.entries.get(eip)
        if address is None:  # each entry is the host's
            return
        word = self._branches | address & 0x3FFFFFC if self._branches else address
        self._machine.fill_slot(eip, word)
        self._slots[slot] = eip
        self.counts.slots += 1

    def empty_slots(self, first: int, last: int) -> None:
        """Have the host find the code of addresses that share their slots with these pages."""
        for slot, eip in list(self._slots.items()):
            page = eip // PAGE
            sharing = first + (page - first) % self._places.slot_pages
            if sharing == page:
                sharing += self._places.slot_pages
            if sharing <= last:
                del self._slots[slot]
                self._machine.fill_slot(eip, 0)

    def _empty_slot(self, eip: int) -> bool:
        slot = self._places.slot_of(eip)
        if self._slots.get(slot) != eip:
            return False
        self._machine.fill_slot(eip, 0)
        del self._slots[slot]
        return True

    def version(self, eip: int, stack_key: int) -> int | None:
        return self._versions.get(eip, {}).get(stack_key)

    def add_version(self, eip: int, stack_key: int, address: int) -> None:
        if self._is_held(address):
            return
        self._versions.setdefault(eip, {})[stack_key] = address

    def use_version(self, eip: int, address: int) -> None:
        """From now on whoever branches to an x86 address gets there."""
        if self._is_held(address):
            return
        self.entries[eip] = address
        if self._empty_slot(eip):
            self.fill_slot(eip)
        sites = self._linked.get(eip, {})
        for site in sites:
            self._machine.write_code(site, _branch(site, address))
            sites[site] = address

    def held(self, eip: int, down: bool) -> Block | None:
        """A block with code for an address that nobody branches to unasked."""
        return self._held.get((eip, down))

    def _is_held(self, address: int) -> bool:
        block = self.block_at(address)
        return block is not None and bool(block.held)

    def block_at(self, address: int) -> Block | None:
        """The block whose code an address lies in, even one that was dropped since."""
        n = bisect_right(self._starts, address) - 1
        if n < 0:
            return None
        block = self._blocks[n]
        return block if address < block.end else None

    def recovery_at(self, address: int) -> Recovery | None:
        """If that word was interrupted."""
        block = self.block_at(address)
        return block.details.recoveries.get(block.index_of(address)) if block else None

    def safe_at(self, address: int) -> Recovery | None:
        """If one can go on at that word at any time."""
        block = self.block_at(address)
        return block.details.safe.get(block.index_of(address)) if block else None

    def assist_at(self, address: int) -> Assist | None:
        """With the address to go on at."""
        block = self.block_at(address)
        found = block.details.assists.get(block.index_of(address)) if block else None
        if block is None or found is None:
            return None
        return replace(found, resume=block.address + 4 * found.resume)

    def wants_flags(self, address: int, eip: int) -> bool:
        """Whether the code at an address, which is that of `eip`, asks for flags."""
        block = self.block_at(address)
        return block is not None and eip in block.wanted

    def drop(self, first: int, last: int) -> None:
        """Forget the blocks that come from these pages of the program."""
        if last - first > len(self._by_page):
            pages = [page for page in self._by_page if first <= page <= last]
        else:
            pages = [page for page in range(first, last + 1) if page in self._by_page]
        for page in pages:
            for block in self._by_page.get(page, set()).copy():
                self.counts.dropped += block.alive
                self._drop(block)

    def _drop(self, block: Block) -> None:
        """Nobody gets there any more."""
        for page in block.pages:
            blocks = self._by_page.get(page)
            if blocks is not None:
                blocks.discard(block)
                if not blocks:
                    del self._by_page[page]
        if not block.alive:
            return
        block.alive = False
        low, high = block.address, block.end
        if block.held:
            for at in product(block.entries, (False, True)):
                if self._held.get(at) is block:
                    del self._held[at]
        for eip in block.entries:
            for entries in (self.entries, self.entries_down):
                if low <= entries.get(eip, 0) < high:
                    del entries[eip]
            versions = self._versions.pop(eip, {})
            if left := {k: a for k, a in versions.items() if not low <= a < high}:
                self._versions[eip] = left
            self._empty_slot(eip)
            sites = self._linked.get(eip, {})
            for site in [s for s, address in sites.items() if low <= address < high]:
                del sites[site]
                self._machine.write_code(site, _CALL)
                self._link_or_wait(site, eip)


def _branch(site: int, address: int) -> bytes:
    return (18 << 26 | address - site & 0x3FFFFFC).to_bytes(4, "little")
