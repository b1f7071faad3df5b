"""The TLB with hashed page tables: what a removed entry or segment takes with it, and what not.

The core answers H_REMOVE, H_PROTECT and H_BULK_REMOVE itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.answered_call import AnsweredCall
from emu.engine import Engine
from emu.engine_state import Segment
from emu.exits import Hypercall
from emu.hash_translation import (
    ENCODINGS,
    ENTRY_BYTES,
    SEGMENT_ENCODINGS,
    PageEncoding,
    PteLow,
    SlbEsid,
    SlbVsid,
)
from emu.memory import MIB, Memory

from .machine import REAL, Bare
from .test_hash_translation import Mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

STORAGE, TABLE = 64 * MIB, MIB
CODE = 0x4000
DATA = REAL.replace(DR=1)
REMOVE, PROTECT, REMOVE_BULK = 4, 8, 12
BULK_REQUEST, BULK_END = 1 << 62, 3 << 62
NOTHING = (1 << 64) - 1
KERNEL = 0xC00 << 24
"""ESID of the kernel's addresses; other segments of these tests lie low."""
FREE = PteLow(0).replace(RPN=2 << 12, PP12=2, WIMG=2)


class Hashed(Bare):
    """A processor that translates by `table` and answers calls on it itself."""

    def __init__(self, memory: Memory, engine: Engine, table: Memory) -> None:
        super().__init__(memory, engine)
        self.table = table
        engine.set_page_table(table)
        engine.bind_answered_call(AnsweredCall.REMOVE, REMOVE)
        engine.bind_answered_call(AnsweredCall.PROTECT, PROTECT)
        engine.bind_answered_call(AnsweredCall.REMOVE_BULK, REMOVE_BULK)
        engine.answer_calls(True)

    def enter_page(self, mapping: Mapping) -> tuple[int, int]:
        """Gives its effective address and the index of its entry."""
        before = self.table.read(0, TABLE)
        mapping.enter(self.table)
        after = self.table.read(0, TABLE)
        at = next(n for n in range(0, TABLE, 8) if before[n : n + 8] != after[n : n + 8])
        return mapping.effective, at // ENTRY_BYTES

    def segments(self, *segments: tuple[SlbEsid, SlbVsid]) -> None:
        self.engine.segments = tuple(
            Segment(n, int(esid), int(vsid)) for n, (esid, vsid) in enumerate(segments)
        )

    def read(self, address: int) -> int:
        """What the guest loads there; its handlers of storage interrupts give all ones."""
        for vector in (0x300, 0x380):
            self.load("li r3,-1\n sc 1", vector)
        self.load("ld r3,0(r4)\n sc 1", CODE)
        assert isinstance(self.enter(CODE, DATA, r3=NOTHING, r4=address), Hypercall)
        return self.registers.gpr(3)

    def fills(self, address: int) -> int:
        before = self.engine.counts().tlb_fills
        self.read(address)
        return self.engine.counts().tlb_fills - before

    def call(self, number: int, *arguments: int) -> None:
        """One that the core answers: only the second `sc 1` comes back, with an unknown number."""
        gprs = {f"r{n}": value for n, value in enumerate(arguments, start=4)}
        self.run("sc 1\n mr r31,r3\n li r3,-1\n sc 1", at=CODE, r3=number, **gprs)
        assert self.registers.gpr(31) == 0

    def remove(self, ptex: int) -> None:
        self.call(REMOVE, 0, ptex, 0)


@pytest.fixture
def cpu() -> Iterator[Hashed]:
    with Memory(STORAGE) as memory, Memory(TABLE) as table:
        engine = Engine(memory)
        try:
            yield Hashed(memory, engine, table)
        finally:
            engine.close()


def segment_of(base: int, number: int, b: int = 0, esid: int = 5 << 12) -> tuple[SlbEsid, SlbVsid]:
    large, lp = SEGMENT_ENCODINGS[base]
    vsid = SlbVsid(0).replace(B=b, L=large, LP=lp, VSID=number << 12)
    return SlbEsid(0).replace(ESID=esid, V=1), vsid


SMALL = [encoding for encoding in ENCODINGS if encoding.size.actual <= 16]


@pytest.mark.parametrize("secondary", [0, 1], ids=["primary", "secondary"])
@pytest.mark.parametrize("b", [0, 1], ids=["256M", "1T"])
@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda e: f"{e.size.base}-{e.size.actual}")
def test_a_removed_entry_takes_its_page_with_it(
    cpu: Hashed, encoding: PageEncoding, b: int, secondary: int
) -> None:
    segment = segment_of(encoding.size.base, 0x5AB77, b)
    cpu.segments(segment)
    for offset in (0x0, 0x3000000, 0x7FFF000, 0x1234000):
        offset &= ~((1 << encoding.size.base) - 1)
        page, ptex = cpu.enter_page(Mapping(segment, offset, encoding, FREE, secondary))
        page += (1 << encoding.size.base) - 0x1000
        assert cpu.read(page) == 0
        cpu.remove(ptex)
        assert cpu.read(page) == NOTHING


@pytest.mark.parametrize("encoding", SMALL, ids=lambda e: f"{e.size.base}-{e.size.actual}")
def test_a_removed_entry_leaves_the_other_pages(cpu: Hashed, encoding: PageEncoding) -> None:
    segment = segment_of(encoding.size.base, 0x77)
    cpu.segments(segment)
    kept, _ = cpu.enter_page(Mapping(segment, 0x3000000, encoding, FREE))
    page, ptex = cpu.enter_page(Mapping(segment, 0x3010000, encoding, FREE))
    assert cpu.read(kept) == cpu.read(page) == 0
    cpu.remove(ptex)
    assert cpu.fills(kept) == 0
    assert cpu.read(page) == NOTHING


def test_a_page_of_two_segments_goes_from_both(cpu: Hashed) -> None:
    one, other = segment_of(12, 0x77), segment_of(12, 0x77, esid=KERNEL)
    cpu.segments(one, other)
    page, ptex = cpu.enter_page(Mapping(one, 0x5000, ENCODINGS[0], FREE))
    alias = Mapping(other, 0x5000, ENCODINGS[0], FREE).effective
    assert cpu.read(page) == cpu.read(alias) == 0
    cpu.remove(ptex)
    assert cpu.read(page) == cpu.read(alias) == NOTHING


def test_a_bulk_removal_takes_the_pages_it_removes(cpu: Hashed) -> None:
    segment = segment_of(12, 0x77)
    cpu.segments(segment)
    entered = [cpu.enter_page(Mapping(segment, n << 12, ENCODINGS[0], FREE)) for n in range(4)]
    assert [cpu.read(page) for page, _ in entered] == [0] * 4
    first, second = (BULK_REQUEST | ptex for _, ptex in entered[:2])
    cpu.call(REMOVE_BULK, first, 0, second, 0, BULK_END, 0)
    assert [cpu.read(page) for page, _ in entered] == [NOTHING, NOTHING, 0, 0]


def test_a_protected_page_is_asked_about_again(cpu: Hashed) -> None:
    esid, vsid = segment_of(12, 0x77)
    cpu.segments((esid, vsid.replace(KS=1)))
    page, ptex = cpu.enter_page(Mapping((esid, vsid), 0x5000, ENCODINGS[0], FREE))
    assert cpu.read(page) == 0
    cpu.call(PROTECT, 0, ptex, 0)
    assert cpu.read(page) == NOTHING


@pytest.mark.parametrize("esid", [5 << 12, KERNEL], ids=["low", "high"])
@pytest.mark.parametrize("source", ["slbie r5\n isync", "slbia\n isync", "slbmte r7,r6\n isync"])
def test_a_segment_that_leaves_the_slb_takes_its_pages(cpu: Hashed, source: str, esid: int) -> None:
    one, other = segment_of(12, 0x77, esid=esid), segment_of(12, 0x99, esid=esid)
    cpu.segments(segment_of(12, 0x11, esid=7 << 12), one)
    page, _ = cpu.enter_page(Mapping(one, 0x5000, ENCODINGS[0], FREE))
    assert cpu.read(page) == 0
    cpu.run(f"{source}\n sc 1", at=CODE, r5=page, r6=other[0] | 1, r7=int(other[1]))
    assert cpu.read(page) == NOTHING


def test_a_page_removed_while_its_segment_was_away_is_gone_when_it_is_back(cpu: Hashed) -> None:
    one, other = segment_of(12, 0x77), segment_of(12, 0x99, esid=6 << 12)
    cpu.segments(segment_of(12, 0x11, esid=7 << 12), one)
    page, ptex = cpu.enter_page(Mapping(one, 0x5000, ENCODINGS[0], FREE))
    assert cpu.read(page) == 0
    cpu.run("slbmte r7,r6\n isync\n sc 1", at=CODE, r6=other[0] | 1, r7=int(other[1]))
    cpu.remove(ptex)
    cpu.run("slbmte r7,r6\n isync\n sc 1", at=CODE, r6=one[0] | 1, r7=int(one[1]))
    assert cpu.read(page) == NOTHING


def test_pid_is_nothing_to_a_hashed_page_table(cpu: Hashed) -> None:
    segment = segment_of(12, 0x77)
    cpu.segments(segment)
    page, ptex = cpu.enter_page(Mapping(segment, 0x5000, ENCODINGS[0], FREE))
    assert cpu.read(page) == 0
    cpu.run("mtspr 48,r3\n sc 1", at=CODE, r3=5)
    assert cpu.fills(page) == 0
    cpu.remove(ptex)
    cpu.run("mtspr 48,r3\n sc 1", at=CODE, r3=0)
    assert cpu.read(page) == NOTHING
