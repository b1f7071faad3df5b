"""What the VPA and the dispatch trace log tell of dispatches (LoPAR 14.11.3.1)."""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu.memory import MIB, Memory
from hypervisor.abi import H
from hypervisor.dispatch_trace import LastPreemption, tell_of_dispatch
from hypervisor.dispatching.records import Dispatched, Preemption, Wake
from hypervisor.partition import Progress
from hypervisor.splpar_areas import Area, RegisteredAreas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hypervisor.lpar import Lpar

VPA, LOG, ENTRY = 0x8000, 0xA000, 48
MASK, YIELD_COUNT, DISPERSION, INDEX = 0xB8, 0x100, 0x104, 0x218
FOR_PROCESSOR, FOR_CAPACITY, FOR_EVENT = 0x158, 0x160, 0x168
VOLUNTARY, TIME_SLICE, ALL = 1, 2, 7


@dataclass
class Traced:
    """A processor's areas, with room for so many entries."""

    memory: Memory
    areas: RegisteredAreas
    entries: int

    def dispatch(self, reason: Preemption = Preemption.CEDE, at: int = 100, **facts: int) -> None:
        usual = {"core": 0, "start": 1000, "waited": 300, "dispersed": 0, "without_capacity": 0}
        told = usual | facts
        last = LastPreemption(reason, at, 0x4000, 0x8000)
        tell_of_dispatch(
            self.areas,
            self.memory,
            last,
            Dispatched(
                told["core"],
                told["start"],
                Wake.PROD,
                told["waited"],
                bool(told["dispersed"]),
                told["without_capacity"],
            ),
        )

    def entry(self, number: int) -> tuple[int, ...]:
        return struct.unpack(">BBHIIIQQQQ", self.memory.read(LOG + number * ENTRY, ENTRY))

    def field(self, offset: int) -> int:
        return self.memory.u64(VPA + offset)


def traced(memory: Memory, entries: int = 4, mask: int = ALL) -> Traced:
    memory.write_u16(VPA + 4, 640)
    memory.write_u32(LOG + 4, entries * ENTRY + 7)  # rounded down
    areas = RegisteredAreas()
    areas.register(Area.VPA, VPA, memory, dispatched=True)
    areas.register(Area.TRACE_LOG, LOG, memory, dispatched=True)
    memory.write_u8(VPA + MASK, mask)
    return Traced(memory, areas, entries)


@pytest.fixture
def log() -> Iterator[Traced]:
    with Memory(MIB) as memory:
        yield traced(memory)


def test_an_entry_tells_why_where_when_and_what_was_waited_for(log: Traced) -> None:
    log.dispatch(Preemption.TIME_SLICE, at=100, core=7, waited=300, without_capacity=120)
    reasons = (Wake.PROD, Preemption.TIME_SLICE)
    waits = (300 - 120, 120, 900 - 300)
    assert log.entry(0) == (*reasons, 7, *waits, 1000, 0, 0x4000, 0x8000)
    assert log.field(INDEX) == 1


def test_waits_are_summed_up_in_the_vpa(log: Traced) -> None:
    log.dispatch(waited=300, without_capacity=120)
    log.dispatch(waited=50)
    sums = [log.field(offset) for offset in (FOR_PROCESSOR, FOR_CAPACITY, FOR_EVENT)]
    assert sums == [180 + 50, 120, 600 + 850]


def test_dispatches_on_another_processor_are_counted(log: Traced) -> None:
    for dispersed in (0, 1, 1, 0):
        log.dispatch(dispersed=dispersed)
    assert log.memory.u32(VPA + DISPERSION) == 2


@pytest.mark.parametrize(
    ("mask", "logged"),
    [
        (0, []),
        (VOLUNTARY, [Preemption.CEDE, Preemption.CONFER]),
        (TIME_SLICE, [Preemption.HYPERVISOR, Preemption.TIME_SLICE]),
        (4, []),
        (0xFF, list(Preemption)),
    ],
)
def test_the_mask_says_which_preemptions_are_logged(
    log: Traced, mask: int, logged: list[Preemption]
) -> None:
    log.memory.write_u8(VPA + MASK, mask)
    for reason in Preemption:
        log.dispatch(reason)
    assert log.field(INDEX) == len(logged)
    assert sorted(log.entry(n)[1] for n in range(len(logged))) == sorted(logged)


def test_the_log_goes_round(log: Traced) -> None:
    after = log.memory.read(LOG + 4 * ENTRY, ENTRY)
    for start in range(1000, 1006):
        log.dispatch(start=start)
    assert log.field(INDEX) == 6
    assert [log.entry(n)[6] for n in range(4)] == [1004, 1005, 1002, 1003]
    assert log.memory.read(LOG + 4 * ENTRY, ENTRY) == after


@given(st.integers(0, (1 << 64) - 1), st.integers(1, 85))
def test_a_guest_s_index_leads_nowhere_else(index: int, entries: int) -> None:
    with Memory(MIB) as memory:
        it = traced(memory, entries)
        memory.write_u64(VPA + INDEX, index)
        before = bytearray(memory.read(0, MIB))
        it.dispatch()
        after = memory.read(0, MIB)
        changed = [n for n in range(MIB) if before[n] != after[n]]
        inside = range(LOG, LOG + entries * ENTRY)
        assert all(n in inside or VPA <= n < VPA + 640 for n in changed)
        assert memory.u64(VPA + INDEX) == (index + 1) % (1 << 64)


def test_without_areas_nothing_is_told() -> None:
    with Memory(MIB) as memory:
        it = traced(memory)
        it.areas = RegisteredAreas()
        before = memory.read(0, MIB)
        it.dispatch()
        assert memory.read(0, MIB) == before


def test_processors_that_take_turns_tell_of_them(lpar3: Lpar) -> None:
    """Two processors on one: one spins, the other cedes until its decrementer interrupts."""
    memory = lpar3.memory
    memory.write_u16(VPA + 4, 640)
    memory.write_u32(LOG + 4, 4096)
    for function, area in ((1, VPA), (2, LOG)):
        assert lpar3.code("H_REGISTER_VPA", function << 45, 1, area, caller=1) == H.SUCCESS
    memory.write_u8(VPA + MASK, ALL)
    lpar3.load("        load64 r20,30000\n        mtdec r20\n        rfid\n", 0x900)
    lpar3.start("loop: b loop\n", at=0x4000)
    lpar3.start(
        "        load64 r20,30000\n        mtdec r20\n"
        "next:   li r3,H_CEDE\n        sc 1\n        b next\n",
        at=0x5000,
        number=1,
    )
    assert lpar3.partition.run(1_000_000) is Progress.RAN
    count = memory.u64(VPA + INDEX)
    assert count >= 5
    entries = [
        struct.unpack(">BBHIIIQQQQ", memory.read(LOG + n * ENTRY, ENTRY)) for n in range(count)
    ]
    for entry, after in itertools.pairwise(entries):
        reason, preemption, core, for_processor, for_capacity, for_event, start, *_ = entry
        assert (core, for_capacity) == (0, 0)
        assert (reason, preemption) in (
            (Wake.DECREMENTER, Preemption.CEDE),
            (Wake.TIME_SLICE, Preemption.TIME_SLICE),
        )
        assert start + after[3] + after[5] <= after[6]
        assert for_event or preemption is not Preemption.CEDE
        assert for_processor < 1_000_000
    assert entries[0][8] in range(0x5000, 0x5030)
    assert memory.u64(VPA + FOR_PROCESSOR) == sum(entry[3] for entry in entries)
    assert memory.u64(VPA + FOR_EVENT) == sum(entry[5] for entry in entries)
