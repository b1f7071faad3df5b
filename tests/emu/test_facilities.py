"""MSR[FP], MSR[VEC] and MSR[VSX]: privileged code that uses what is on runs as if always known.

Translated code learns of them late (emu/native/facilities.c), and nothing shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.assembler import assemble
from emu.debugging import Watched
from emu.exits import DebugStop, Hypercall, Preempted, StopKind

from .machine import BUDGET, REAL, Bare, bare

if TYPE_CHECKING:
    from emu.exits import Exit

CODE, AWAY, DATA = 0x4000, 0xC000, 0x10000
ALL = 0x2802000
SOURCE = f"""
_start:
        li      r4,12
        mtctr   r4
        load64  r7,{DATA:#x}
        load64  r8,{ALL:#x}
        mfmsr   r5
        or      r5,r5,r8
        mtmsrd  r5
again:  li      r3,1
        load64  r11,{AWAY:#x}
        mtlr    r11
        blrl
        mftb    r9
        add     r10,r10,r9
use:    lfd     f1,0(r7)
        fadd    f1,f1,f1
        stfd    f1,0(r7)
        add     r6,r6,r3
        load64  r11,back
        mtsrr0  r11
        mfmsr   r5
        mtsrr1  r5
        rfid
back:   vaddudm v1,v1,v1
        xxlxor  vs3,vs3,vs3
        b       known
known:  mftb    r9
        add     r13,r13,r9
        fadd    f2,f2,f2
        mftb    r9
        add     r13,r13,r9
        bdnz    again
        sc      1
"""
"""Forgets them by a branch far away and by a return, and asks for each of them.  `mftb` tells
where blocks begin: one counts whole."""
ONES = 0x3FF0_0000_0000_0000


def load(processor: Bare) -> dict[str, int]:
    program = assemble(SOURCE, origin=CODE)
    processor.memory.write(program.origin, program.image())
    processor.load("mftb r12\n blr", AWAY)
    processor.memory.write_u64(DATA, ONES)
    processor.registers.msr = REAL
    processor.registers.nip = program.entry
    return dict(program.symbols)


def go(processor: Bare, ticks: int = BUDGET) -> Exit:
    return processor.engine.run(processor.engine.time_base + ticks)


def value(processor: Bare) -> int:
    return int.from_bytes(processor.memory.read(DATA, 8), "big")


def fingerprint(processor: Bare) -> tuple[int, ...]:
    registers = processor.registers
    return (
        *(registers.gpr(n) for n in range(32)),
        *(registers.vsr(n) for n in (1, 3, 33)),
        registers.nip,
        processor.engine.counts().instructions,
        processor.engine.time_base,
        value(processor),
    )


def plain() -> tuple[int, ...]:
    with bare() as processor:
        load(processor)
        assert go(processor) == Hypercall()
        return fingerprint(processor)


def test_each_instruction_counts_once_and_no_interrupt_comes(processor: Bare) -> None:
    labels = load(processor)
    traced: list[int] = []
    everything = range(CODE, labels["use"] + 0x100)
    processor.engine.tracing.trace_instructions(everything, traced.append)
    assert go(processor) == Hypercall()
    counts = processor.engine.counts()
    assert len(traced) + 12 * 2 == counts.instructions
    assert traced.count(labels["use"]) == traced.count(labels["back"]) == 12
    assert not counts.interrupts
    assert value(processor) == ONES + (12 << 52)
    assert fingerprint(processor) == plain()


@pytest.mark.parametrize("where", ["use", "back"])
def test_a_breakpoint_there_stops_once_a_time(processor: Bare, where: str) -> None:
    labels = load(processor)
    processor.engine.debugging.add_breakpoint(labels[where])
    for _ in range(12):
        assert go(processor) == DebugStop(StopKind.BREAKPOINT, labels[where])
    assert go(processor) == Hypercall()
    assert fingerprint(processor) == plain()


def test_a_watched_operand_stops_once_a_time(processor: Bare) -> None:
    load(processor)
    processor.engine.debugging.add_watchpoint(DATA, 8, Watched.LOADS)
    for _ in range(12):
        assert go(processor) == DebugStop(StopKind.WATCH_LOAD, DATA)
    assert go(processor) == Hypercall()
    assert fingerprint(processor) == plain()


def test_each_step_executes_an_instruction(processor: Bare) -> None:
    load(processor)
    steps = 0
    while True:
        before = processor.registers.nip
        processor.engine.debugging.step()
        if go(processor) == Hypercall():
            break
        assert processor.registers.nip != before
        steps += 1
    assert steps == plain()[36] - 1
    assert fingerprint(processor) == plain()


@pytest.mark.parametrize("ticks", [7, 11, 23, 50, 51, 52, 53])
def test_a_run_moved_to_another_engine_is_the_run_that_goes_on(ticks: int) -> None:
    with bare() as one, bare() as other:
        load(one)
        moves = 0
        while (exit_ := go(one, ticks)) == Preempted():
            other.memory.write(0, one.memory.read(0, DATA + 0x1000))
            other.engine.restore(one.engine.state())
            one, other = other, one
            moves += 1
        assert exit_ == Hypercall()
        assert moves >= 4
        assert fingerprint(one) == plain()


@pytest.mark.parametrize(
    ("instruction", "bit", "vector"),
    [
        ("fadd f1,f1,f1", "FP", 0x800),
        ("vaddudm v1,v1,v1", "VEC", 0xF20),
        ("xxlxor vs3,vs3,vs3", "VSX", 0xF40),
    ],
)
def test_what_is_off_interrupts_while_the_others_are_on(
    processor: Bare, instruction: str, bit: str, vector: int
) -> None:
    processor.load("li r31,1\n sc 1", vector)
    on = REAL.replace(FP=1, VEC=1, VSX=1)
    for msr, interrupts in ((on, 0), (on.replace(**{bit: 0}), 1), (on, 0)):
        processor.run(f"{instruction}\n sc 1", msr, r31=0)
        assert processor.registers.gpr(31) == interrupts
        if interrupts:
            assert processor.registers.spr("srr0") == CODE
