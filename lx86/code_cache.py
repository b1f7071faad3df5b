"""Translated blocks: where they lie, how they are linked, and how they go again."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .block import Why
from .convention import CODE, CODE_END, SLOT_BITS, SLOT_PAGES, SLOTS
from .emitter import branch
from .storage import PAGE

if TYPE_CHECKING:
    from .block import Block, Out
    from .machine import Machine

CALL = 0x44000022


@dataclass(slots=True)
class CacheCounts:
    blocks: int = 0
    instructions: int = 0  # of x86, translated
    words: int = 0  # of POWER, emitted
    linked: int = 0
    slots: int = 0
    dropped: int = 0
    flushes: int = 0
    seconds: float = 0.0  # spent in translating


class CodeCache:
    """`machine` holds the words; addresses of x86 and POWER are both 32 bits."""

    def __init__(self, machine: Machine, limit: int = CODE_END - CODE) -> None:
        self._machine = machine
        self._end = CODE + min(limit, CODE_END - CODE)
        self.counts = CacheCounts()
        self._clear()

    def _clear(self) -> None:
        self.next = CODE
        self.entries: dict[int, int] = {}
        """By x86 address, while the direction flag is clear."""
        self.entries_down: dict[int, int] = {}
        self.versions: dict[tuple[int, int], int] = {}
        """Entries of code that expects a certain x87 stack, by x86 address and R1."""
        self._blocks: list[Block] = []
        self._starts: list[int] = []
        self._outs: dict[int, Out] = {}
        self._by_page: dict[int, list[Block]] = {}
        self._waiting: dict[int, list[int]] = {}
        self._linked: dict[int, list[int]] = {}
        self._slots: dict[int, int] = {}
        self._first: set[int] = set()
        """Where first regions are entered."""

    @property
    def full(self) -> bool:
        return self.next > self._end - 0x10000

    def flush(self) -> None:
        """Forget all code."""
        for slot in self._slots:
            self._machine.write_code(slot, [0])
        self.counts.flushes += 1
        self._clear()

    def add(self, block: Block, down: bool, *, link: bool = True) -> None:
        self._machine.write_code(block.address, block.words)
        self.next = block.address + 4 * len(block.words) + 15 & ~15
        self._blocks.append(block)
        self._starts.append(block.address)
        self._outs.update(block.outs)
        for page in block.pages:
            self._by_page.setdefault(page, []).append(block)
        self.counts.blocks += 1
        self.counts.instructions += block.instructions
        self.counts.words += len(block.words)
        if not link:
            return
        entries = self.entries_down if down else self.entries
        for eip, address in block.entries.items():
            if eip not in entries or eip == block.start:
                entries[eip] = address
            elif eip in self._first and not block.first:
                self.use_version(eip, address)
        if down:
            return
        if block.first:
            self._first.update(block.entries)
        else:
            self._first.difference_update(block.entries)
        for at, out in block.outs.items():
            if out.why is Why.LINK:
                self._link_or_wait(at, out.target)
        for eip in block.entries:
            for site in self._waiting.pop(eip, ()):
                self._link_or_wait(site, eip)

    def _link_or_wait(self, site: int, target: int) -> None:
        address = self.entries.get(target)
        if address is None:
            self._waiting.setdefault(target, []).append(site)
            return
        self._machine.write_code(site, [branch(site, address)])
        self._linked.setdefault(target, []).append(site)
        self.counts.linked += 1

    def fill_slot(self, eip: int) -> None:
        """Let branches through registers find the code for an address."""
        slot = slot_of(eip)
        owner = self._slots.get(slot)
        if owner is not None and owner != eip:
            return  # two addresses share it; this one is found by the host
        address = self.entries[eip]
        distance = address if address < 0x80000000 else address - (1 << 32)
        self._machine.write_code(slot, [18 << 26 | distance & 0x3FFFFFC | 2])
        self._slots[slot] = eip
        self.counts.slots += 1

    def empty_slots(self, first: int, last: int) -> None:
        """Have the host find the code of addresses that share their slots with these pages."""
        for slot, eip in list(self._slots.items()):
            page = eip // PAGE
            sharing = first + (page - first) % SLOT_PAGES
            if sharing == page:
                sharing += SLOT_PAGES
            if sharing <= last:
                del self._slots[slot]
                self._machine.write_code(slot, [0])

    def use_version(self, eip: int, address: int) -> None:
        """From now on whoever branches to an x86 address gets there."""
        self.entries[eip] = address
        slot = slot_of(eip)
        if self._slots.get(slot) == eip:
            self._machine.write_code(slot, [0])
            del self._slots[slot]
            self.fill_slot(eip)
        for site in self._linked.get(eip, ()):
            self._machine.write_code(site, [branch(site, address)])

    def out_at(self, address: int) -> Out | None:
        return self._outs.get(address)

    def block_at(self, address: int) -> Block | None:
        """The block whose code an address lies in, even one that was dropped since."""
        n = bisect_right(self._starts, address) - 1
        if n < 0:
            return None
        block = self._blocks[n]
        return block if address < block.address + 4 * len(block.words) else None

    def has_code(self, page: int) -> bool:
        return page in self._by_page

    def drop(self, first: int, last: int) -> None:
        """Forget the blocks that come from these pages of the program."""
        if last - first > len(self._by_page):
            pages = [page for page in self._by_page if first <= page <= last]
        else:
            pages = [page for page in range(first, last + 1) if page in self._by_page]
        for page in pages:
            for block in self._by_page.pop(page, ()):
                self._drop(block)

    def _drop(self, block: Block) -> None:
        self.counts.dropped += 1
        low, high = block.address, block.address + 4 * len(block.words)
        for key in [k for k, address in self.versions.items() if low <= address < high]:
            del self.versions[key]
        for eip in block.entries:
            for entries in (self.entries, self.entries_down):
                if low <= entries.get(eip, 0) < high:
                    del entries[eip]
            slot = slot_of(eip)
            if self._slots.get(slot) == eip:
                del self._slots[slot]
                self._machine.write_code(slot, [0])
            for site in self._linked.pop(eip, ()):
                self._machine.write_code(site, [CALL])
                self._waiting.setdefault(eip, []).append(site)


def slot_of(eip: int) -> int:
    return SLOTS | (eip & (1 << SLOT_BITS) - 1) << 2
