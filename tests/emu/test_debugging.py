"""Breakpoints, watchpoints and steps; and that a debugged run is the run that would have been."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.bits import ByteOrder
from emu.debugging import TooManyStopsError, Watched
from emu.exits import DebugStop, Hypercall, Preempted, StopKind

from .looked_at import CODE, DATA, LOOP, fingerprint, go, load, unwatched
from .machine import REAL, Bare, bare

if TYPE_CHECKING:
    from emu.exits import Exit

ORDERS = pytest.mark.parametrize("order", list(ByteOrder))


@ORDERS
def test_a_breakpoint_stops_before_its_instruction_and_a_run_goes_on_past_it(
    processor: Bare, order: ByteOrder
) -> None:
    labels = load(processor, LOOP, order)
    middle = labels["again"] + 8
    image = processor.memory.read(CODE, 0x100)
    processor.engine.debugging.add_breakpoint(middle)
    for round_ in range(1, 11):
        assert go(processor) == DebugStop(StopKind.BREAKPOINT, middle)
        assert processor.registers.nip == middle
        assert processor.registers.gpr(5) == 3 * round_
    assert processor.memory.read(CODE, 0x100) == image
    assert isinstance(go(processor), Hypercall)


def test_a_breakpoint_on_a_branch_to_itself_stops_every_time(processor: Bare) -> None:
    load(processor, "_start: b .\n")
    processor.engine.debugging.add_breakpoint(CODE)
    for _ in range(3):
        assert go(processor) == DebugStop(StopKind.BREAKPOINT, CODE)


@pytest.mark.parametrize("offset", range(0, 32, 4))
def test_a_run_with_breakpoints_counts_as_one_without(processor: Bare, offset: int) -> None:
    labels = load(processor, LOOP)
    for at in {labels["again"] + offset, labels["again"] + 12}:
        processor.engine.debugging.add_breakpoint(at)
    stops = 0
    while not isinstance(go(processor), Hypercall):
        stops += 1
    assert stops >= 10
    assert fingerprint(processor)[:-1] == unwatched(LOOP)[:-1]


def test_a_stepped_run_counts_as_one_that_is_not(processor: Bare) -> None:
    load(processor, LOOP)
    steps = 0
    while True:
        processor.engine.debugging.step()
        if isinstance(exit_ := go(processor), Hypercall):
            break
        assert exit_ == DebugStop(StopKind.STEP, processor.registers.nip)
        steps += 1
    assert steps == unwatched(LOOP)[33] - 1
    assert fingerprint(processor)[:-1] == unwatched(LOOP)[:-1]
    assert go(processor) == DebugStop(StopKind.STEP, processor.registers.nip)


@ORDERS
def test_a_step_executes_one_instruction(processor: Bare, order: ByteOrder) -> None:
    labels = load(processor, LOOP, order)
    processor.engine.debugging.add_breakpoint(labels["again"])
    go(processor)
    for offset in (4, 8, 12):
        processor.engine.debugging.step()
        assert go(processor) == DebugStop(StopKind.STEP, labels["again"] + offset)
    assert processor.registers.gpr(5) == 3


def test_a_step_ends_at_the_interrupt_that_its_instruction_causes(processor: Bare) -> None:
    for source, vector in (
        ("_start: sc\n", 0xC00),
        ("_start: trap\n", 0x700),
        ("_start: .long 0\n", 0x700),
        ("_start: lis r4,0x4000\n ld r5,0(r4)\n", 0x300),
    ):
        load(processor, source)
        for _ in range(source.count("\n")):
            processor.engine.debugging.step()
            stop = go(processor)
        assert stop == DebugStop(StopKind.STEP, vector)


def test_a_step_takes_the_interrupt_that_is_due_and_one_instruction_of_its_handler(
    processor: Bare,
) -> None:
    load(processor, LOOP)
    processor.memory.write_words(0x500, 0x60000000, 0x60000000)
    processor.registers.msr = REAL.replace(EE=1)
    processor.engine.set_external_interrupt(True)
    processor.engine.debugging.step()
    assert go(processor) == DebugStop(StopKind.STEP, 0x504)
    assert processor.registers.spr("srr0") == CODE


def test_decrementer_interrupts_come_where_they_would_without_breakpoints() -> None:
    ticking = """
        .org    0x900
        addi    r20,r20,1
        mftb    r21
        add     r22,r22,r21
        li      r23,37
        mtdec   r23
        mfspr   r24,26
        add     r25,r25,r24
        rfid
        .org    0x4000
_start: li      r23,20
        mtdec   r23
        li      r4,200
        mtctr   r4
        load64  r5,0x8000000000008000
        mtmsrd  r5,0
again:  addi    r6,r6,1
        addi    r6,r6,1
        addi    r6,r6,1
        addi    r6,r6,1
        bdnz    again
        sc      1
"""

    def run(*, stepping: bool, offsets: tuple[int, ...] = ()) -> tuple[int, ...]:
        from emu.assembler import assemble

        with bare() as processor:
            program = assemble(ticking, origin=0)
            processor.memory.write(program.origin, program.image())
            processor.registers.msr, processor.registers.nip = REAL, program.entry
            for offset in offsets:
                processor.engine.debugging.add_breakpoint(program.symbols["again"] + offset)
            while True:
                processor.engine.debugging.step(stepping)
                if isinstance(go(processor), Hypercall):
                    return fingerprint(processor)[:-1]

    expected = run(stepping=False)
    assert expected[20] > 5
    assert run(stepping=False, offsets=(0, 8)) == expected
    assert run(stepping=False, offsets=(4, 12, 16)) == expected
    assert run(stepping=True) == expected


@ORDERS
def test_a_watchpoint_stops_before_the_access(processor: Bare, order: ByteOrder) -> None:
    labels = load(processor, LOOP, order)
    processor.engine.debugging.add_watchpoint(DATA + 10, 2, Watched.STORES)
    for round_ in range(10):
        assert go(processor) == DebugStop(StopKind.WATCH_STORE, DATA + 10)
        assert processor.registers.nip == labels["again"] + 4
        stored = processor.memory.read(DATA + 8, 8)
        assert int.from_bytes(stored, order.value) == 3 * round_
    assert isinstance(go(processor), Hypercall)


def test_loads_and_stores_are_watched_apart(processor: Bare) -> None:
    labels = load(processor, LOOP)
    debugging = processor.engine.debugging
    debugging.add_watchpoint(DATA + 8, 8, Watched.LOADS)
    assert go(processor) == DebugStop(StopKind.WATCH_LOAD, DATA + 8)
    assert processor.registers.nip == labels["again"] + 16
    debugging.remove_watchpoint(DATA + 8, 8, Watched.LOADS)
    debugging.add_watchpoint(DATA + 8, 8, Watched.LOADS | Watched.STORES)
    found = [go(processor), processor.registers.nip, go(processor), processor.registers.nip]
    stop = DebugStop(StopKind.WATCH_ACCESS, DATA + 8)
    assert found == [stop, labels["again"] + 4, stop, labels["again"] + 16]


def test_accesses_beside_a_watchpoint_run_on_and_count_the_same(processor: Bare) -> None:
    load(processor, LOOP)
    processor.engine.debugging.add_watchpoint(DATA + 0x100, 8, Watched.LOADS | Watched.STORES)
    assert isinstance(go(processor), Hypercall)
    assert fingerprint(processor)[:-1] == unwatched(LOOP)[:-1]


def test_a_watched_run_counts_the_same(processor: Bare) -> None:
    load(processor, LOOP)
    processor.engine.debugging.add_watchpoint(DATA + 8, 4, Watched.STORES)
    processor.engine.debugging.add_watchpoint(DATA + 0x20, 1, Watched.STORES)
    stops = 0
    while not isinstance(go(processor), Hypercall):
        stops += 1
    assert stops == 20
    assert fingerprint(processor)[:-1] == unwatched(LOOP)[:-1]


ACCESSES = [
    ("stw r5,0(r7)", 0, 4), ("stbu r5,3(r7)", 3, 1), ("sthx r5,r7,r8", 0x10, 2),
    ("stmw r28,0(r7)", 0, 16), ("stswi r5,r7,7", 0, 7), ("dcbz 0,r7", 0, 128),
    ("stdcx. r5,0,r7", 0, 8), ("stvx v1,r7,r8", 0x10, 16), ("stxvd2x vs1,r7,r8", 0x10, 16),
    ("stfdx f1,r7,r8", 0x10, 8), ("stfs f1,8(r7)", 8, 4), ("stdbrx r5,r7,r8", 0x10, 8),
    ("stxv vs1,16(r7)", 16, 16), ("stxsd v1,8(r7)", 8, 8),
]  # fmt: skip


@pytest.mark.parametrize(("text", "offset", "length"), ACCESSES)
def test_an_access_is_as_long_as_its_instruction_says(
    processor: Bare, text: str, offset: int, length: int
) -> None:
    source = f"""
_start: load64  r7,{DATA:#x}
        load64  r10,0x{DATA + offset:x}
        li      r8,0x10
        ldarx   r9,0,r7
        {text}
        sc      1
"""

    def stop(at: int) -> Exit:
        with bare() as fresh:
            load(fresh, source)
            fresh.registers.msr = REAL.replace(FP=1, VEC=1, VSX=1)
            fresh.engine.debugging.add_watchpoint(at, 1, Watched.STORES)
            return go(fresh)

    first, last = DATA + offset, DATA + offset + length - 1
    assert stop(first) == DebugStop(StopKind.WATCH_STORE, first)
    assert stop(last) == DebugStop(StopKind.WATCH_STORE, last)
    assert isinstance(stop(first - 1), Hypercall)
    assert isinstance(stop(last + 1), Hypercall)


def test_a_reservation_outlives_a_watchpoint_beside_it_and_a_step_over_it(processor: Bare) -> None:
    load(
        processor,
        f"""
_start: load64  r7,{DATA:#x}
        ldarx   r5,0,r7
        std     r5,0x40(r7)
        addi    r5,r5,1
        stdcx.  r5,0,r7
        mfcr    r6
        sc      1
""",
    )
    processor.engine.debugging.add_watchpoint(DATA + 0x80, 8, Watched.LOADS | Watched.STORES)
    while True:
        processor.engine.debugging.step()
        if isinstance(go(processor), Hypercall):
            break
    assert processor.memory.u64(DATA) == 1


def test_a_debugger_that_leaves_leaves_nothing(processor: Bare) -> None:
    labels = load(processor, LOOP)
    debugging = processor.engine.debugging
    debugging.add_breakpoint(labels["again"] + 8)
    debugging.add_watchpoint(DATA + 8, 8, Watched.STORES)
    go(processor)
    go(processor)
    debugging.clear()
    assert isinstance(go(processor), Hypercall)
    assert fingerprint(processor)[:-1] == unwatched(LOOP)[:-1]


def test_a_debugger_may_move_the_processor(processor: Bare) -> None:
    labels = load(processor, LOOP)
    processor.engine.debugging.add_breakpoint(labels["again"] + 8)
    go(processor)
    processor.engine.debugging.clear()
    processor.registers.nip = CODE
    before = processor.engine.counts().instructions
    assert isinstance(go(processor), Hypercall)
    assert processor.engine.counts().instructions - before == unwatched(LOOP)[33]


def test_each_processor_stops_at_the_same_breakpoint(processor: Bare) -> None:
    labels = load(processor, LOOP)
    engine = processor.engine
    other = engine.add_processor()
    engine.debugging.add_breakpoint(labels["again"] + 4)
    stop = DebugStop(StopKind.BREAKPOINT, labels["again"] + 4)
    assert go(processor) == stop
    engine.select(other)
    processor.registers.msr, processor.registers.nip = REAL, CODE
    assert go(processor) == stop
    engine.select(0)
    engine.debugging.clear()
    assert isinstance(go(processor), Hypercall)
    engine.select(other)
    assert isinstance(go(processor), Hypercall)
    assert engine.counts().instructions == 2 * unwatched(LOOP)[33]


def test_a_run_stops_at_the_end_of_its_time_beside_a_breakpoint(processor: Bare) -> None:
    load(processor, "_start: addi r4,r4,1\n b _start\n")
    processor.engine.debugging.add_breakpoint(0x8000)
    assert isinstance(processor.engine.run(1000), Preempted)
    assert processor.engine.time_base == 1000


def test_breakpoints_are_bounded(processor: Bare) -> None:
    debugging = processor.engine.debugging
    for n in range(1024):
        debugging.add_breakpoint(4 * (n * 7 % 1024))
    with pytest.raises(TooManyStopsError):
        debugging.add_breakpoint(0x8000)
    debugging.clear()
    debugging.add_breakpoint(0x8000)
