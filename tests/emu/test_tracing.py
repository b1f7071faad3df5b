"""Traces by range: what they tell, and that a traced run is the run that would have been."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.assembler import assemble
from emu.bits import ByteOrder
from emu.debugging import TooManyStopsError, Watched
from emu.exits import DebugStop, DeviceAccess, Hypercall
from emu.tracing import EVERYWHERE, Accessed

from .looked_at import CODE, DATA, LOOP, fingerprint, go, load, unwatched

if TYPE_CHECKING:
    from .machine import Bare

BOTH = Watched.LOADS | Watched.STORES


@pytest.mark.parametrize("order", list(ByteOrder))
def test_a_traced_run_is_the_run_that_would_have_been(processor: Bare, order: ByteOrder) -> None:
    labels = load(processor, LOOP, order)
    tracing = processor.engine.tracing
    traced: list[int] = []
    accesses: list[Accessed] = []
    tracing.trace_instructions(range(labels["again"] + 4, labels["again"] + 12), traced.append)
    tracing.trace_accesses(range(DATA + 8, DATA + 16), BOTH, accesses.append)
    assert go(processor) == Hypercall()
    assert fingerprint(processor) == unwatched(LOOP, order)
    assert traced == [labels["again"] + 4, labels["again"] + 8] * 10
    store, fetch = labels["again"] + 4, labels["again"] + 16
    assert (
        accesses
        == [
            Accessed(store, DATA + 8, 8, stored=True),
            Accessed(fetch, DATA + 8, 8, stored=False),
        ]
        * 10
    )


def test_everything_can_be_traced(processor: Bare) -> None:
    labels = load(processor, LOOP)
    traced: list[int] = []
    accesses: list[Accessed] = []
    processor.engine.tracing.trace_instructions(EVERYWHERE, traced.append)
    processor.engine.tracing.trace_accesses(EVERYWHERE, BOTH, accesses.append)
    assert go(processor) == Hypercall()
    assert fingerprint(processor) == unwatched(LOOP)
    assert len(traced) == processor.engine.counts().instructions
    assert traced[-2:] == [labels["behind"], labels["behind"] + 4]
    assert len(accesses) == 30


def test_page_mates_of_a_traced_byte_are_not_told(processor: Bare) -> None:
    load(processor, LOOP)
    accesses: list[Accessed] = []
    processor.engine.tracing.trace_accesses(range(DATA + 0x21, DATA + 0x30), BOTH, accesses.append)
    assert go(processor) == Hypercall()
    assert accesses == []
    assert fingerprint(processor) == unwatched(LOOP)


def test_loads_or_stores_alone(processor: Bare) -> None:
    load(processor, LOOP)
    loads: list[Accessed] = []
    stores: list[Accessed] = []
    where = range(DATA, DATA + 64)
    processor.engine.tracing.trace_accesses(where, Watched.LOADS, loads.append)
    processor.engine.tracing.trace_accesses(where, Watched.STORES, stores.append)
    assert go(processor) == Hypercall()
    assert [a.stored for a in loads] == [False] * 10
    assert [(a.address, a.stored) for a in stores] == [(DATA + 8, True), (DATA + 0x20, True)] * 10


def test_a_trace_starts_and_ends_in_the_middle_of_a_run(processor: Bare) -> None:
    labels = load(processor, LOOP)
    tracing = processor.engine.tracing
    traced: list[int] = []
    accesses: list[Accessed] = []
    processor.engine.run(processor.engine.time_base + 20)
    where = range(DATA, DATA + 16), BOTH
    tracing.trace_instructions(range(labels["again"], labels["again"] + 4), traced.append)
    tracing.trace_accesses(*where, accesses.append)
    processor.engine.run(processor.engine.time_base + 21)
    assert 2 <= len(traced) <= 4
    assert 4 <= len(accesses) <= 8
    tracing.untrace_instructions(range(labels["again"], labels["again"] + 4), traced.append)
    tracing.untrace_accesses(*where, accesses.append)
    before = len(traced), len(accesses)
    assert go(processor) == Hypercall()
    assert (len(traced), len(accesses)) == before
    assert fingerprint(processor)[:-1] == unwatched(LOOP)[:-1]  # it was entered more often


def test_an_observer_may_end_its_trace_and_start_another(processor: Bare) -> None:
    labels = load(processor, LOOP)
    tracing = processor.engine.tracing
    here = range(labels["again"], labels["again"] + 4)
    accesses: list[Accessed] = []
    traced: list[int] = []

    def once(address: int) -> None:
        traced.append(address)
        tracing.untrace_instructions(here, once)
        tracing.trace_accesses(range(DATA + 8, DATA + 9), Watched.STORES, accesses.append)

    tracing.trace_instructions(here, once)
    assert go(processor) == Hypercall()
    assert traced == [labels["again"]]
    assert len(accesses) in (9, 10)  # at the latest from the end of that block on
    assert fingerprint(processor) == unwatched(LOOP)


def test_conditional_stores_are_told_when_they_store(processor: Bare) -> None:
    source = f"""
_start: load64  r7,{DATA:#x}
        li      r5,1
        ldarx   r6,0,r7
        stdcx.  r5,0,r7
        stdcx.  r5,0,r7
        lwz     r6,4(r7)
        sc      1
"""
    load(processor, source)
    seen: list[Accessed] = []
    processor.engine.tracing.trace_accesses(range(DATA, DATA + 8), BOTH, seen.append)
    assert go(processor) == Hypercall()
    shown = [(a.address, a.length, a.stored) for a in seen]
    assert shown == [(DATA, 8, False), (DATA, 8, True), (DATA + 4, 4, False)]
    assert fingerprint(processor) == unwatched(source)


def test_an_access_that_interrupts_is_not_told(processor: Bare) -> None:
    """The word lies in storage and beyond its end: there is nothing there."""
    end = processor.memory.size
    handler = assemble("        sc 1\n")
    processor.memory.write(0x300, handler.image())
    load(processor, f"_start: load64 r7,{end - 4:#x}\n        ld r6,0(r7)\n        sc 1\n")
    seen: list[Accessed] = []
    processor.engine.tracing.trace_accesses(range(end - 4, end), BOTH, seen.append)
    assert go(processor) == Hypercall()
    assert processor.registers.nip == 0x304
    assert seen == []


def test_an_access_across_two_traced_pages_is_told_once(processor: Bare) -> None:
    source = f"_start: load64 r7,{DATA + 0xFFC:#x}\n        std r7,0(r7)\n        sc 1\n"
    load(processor, source)
    seen: list[Accessed] = []
    processor.engine.tracing.trace_accesses(range(DATA, DATA + 0x2000), BOTH, seen.append)
    assert go(processor) == Hypercall()
    assert [(a.address, a.length) for a in seen] == [(DATA + 0xFFC, 8)]


def test_breakpoints_and_steps_keep_traces_whole(processor: Bare) -> None:
    labels = load(processor, LOOP)
    engine = processor.engine
    traced: list[int] = []
    accesses: list[Accessed] = []
    engine.tracing.trace_instructions(EVERYWHERE, traced.append)
    engine.tracing.trace_accesses(range(DATA + 8, DATA + 9), Watched.STORES, accesses.append)
    engine.debugging.add_breakpoint(labels["again"] + 8)
    engine.debugging.add_watchpoint(DATA + 8, 8, Watched.LOADS)
    stops = 0
    while isinstance(go(processor), DebugStop):
        stops += 1
        engine.debugging.step()
        assert isinstance(go(processor), DebugStop)
    assert stops == 20
    assert fingerprint(processor)[:-1] == unwatched(LOOP)[:-1]  # it was entered more often
    assert len(traced) == engine.counts().instructions
    assert len(accesses) == 10


def test_ranges_are_checked_and_counted(processor: Bare) -> None:
    tracing = processor.engine.tracing
    for wrong in (range(8, 8), range(8, 4), range(-1, 4), range(0, (1 << 64) + 1), range(0, 8, 2)):
        with pytest.raises(ValueError, match="nothing to trace"):
            tracing.trace_instructions(wrong, print)
    for n in range(64):
        tracing.trace_instructions(range(n, n + 1), print)
        tracing.trace_accesses(range(n, n + 1), BOTH, print)
    with pytest.raises(TooManyStopsError, match="64 ranges are traced already"):
        tracing.trace_instructions(range(64, 65), print)
    with pytest.raises(TooManyStopsError, match="64 traces or watchpoints"):
        tracing.trace_accesses(range(64, 65), BOTH, print)


def test_accesses_to_devices_are_told_when_they_are_answered(processor: Bare) -> None:
    device = processor.memory.size
    engine = processor.engine
    engine.add_device_pages(device, 0x1000)
    load(processor, f"_start: load64 r7,{device:#x}\n lwz r5,8(r7)\n stw r5,4(r7)\n sc 1\n")
    seen: list[Accessed] = []
    engine.tracing.trace_accesses(range(device, device + 0x1000), BOTH, seen.append)
    for count in range(2):
        assert isinstance(go(processor), DeviceAccess)
        assert len(seen) == count
        engine.finish_device_access(7)
    assert go(processor) == Hypercall()
    assert [(a.address - device, a.length, a.stored) for a in seen] == [(8, 4, False), (4, 4, True)]


@pytest.mark.parametrize("order", ByteOrder)
def test_words_are_counted_and_a_counted_run_is_the_run_that_would_have_been(
    processor: Bare, order: ByteOrder
) -> None:
    labels = load(processor, LOOP, order)
    counts = processor.engine.tracing.count_words(range(CODE, CODE + 0x100))
    began = processor.engine.time_base
    assert go(processor) == Hypercall()
    words = (labels["behind"] - CODE) // 4 + 2
    before = (labels["again"] - CODE) // 4
    found = counts.of(CODE, words)
    assert found == [1] * before + [10] * (words - before - 1) + [1]
    assert processor.engine.time_base - began == sum(found)
    counts.forget(CODE, before)
    assert counts.of(CODE, before) == [0] * before
