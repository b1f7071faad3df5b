"""Virtual processors taking turns on one engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.exits import Hypercall, Preempted

from .machine import REAL, Bare, bare

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE, THERE = 0x4000, 0x8000


@pytest.fixture
def cpu() -> Iterator[Bare]:
    with bare() as machine:
        yield machine


def fpscr(seed: int) -> int:
    """Rounding modes and enabled exceptions."""
    return seed & 0xFF | (seed & 7) << 32


def test_each_processor_keeps_its_registers_through_others_turns(cpu: Bare) -> None:
    other = cpu.engine.add_processor()
    registers = cpu.registers
    for number, seed in ((0, 0x1111), (other, 0x2222)):
        cpu.engine.select(number)
        for n in range(32):
            registers.set_gpr(n, seed * (n + 1))
        for n in range(64):
            registers.set_vsr(n, seed << 70 | n)
        registers.cr, registers.fpscr, registers.nip = seed, fpscr(seed), seed * 4
        registers.msr = REAL.replace(FP=1, PR=int(number != 0), EE=1, IR=1, DR=1)
        for name in ("lr", "ctr", "xer", "srr0", "sprg3", "pidr", "amr"):
            registers.set_spr(name, seed)
    for number, seed in ((0, 0x1111), (other, 0x2222)):
        cpu.engine.select(number)
        assert [registers.gpr(n) for n in range(32)] == [seed * (n + 1) for n in range(32)]
        assert registers.vsr(63) == seed << 70 | 63
        assert (registers.cr, registers.fpscr, registers.nip) == (seed, fpscr(seed), seed * 4)
        assert bool(registers.msr.PR) is (number != 0)
        assert {registers.spr(name) for name in ("lr", "ctr", "xer", "srr0", "sprg3")} == {seed}


def test_the_time_base_is_common_and_purr_counts_each_processors_own(cpu: Bare) -> None:
    other = cpu.engine.add_processor()
    cpu.run("nop\n nop\n sc 1")
    cpu.engine.select(other)
    cpu.run("nop\n sc 1")
    assert cpu.engine.time_base == 5
    assert cpu.registers.spr("purr") == 2
    assert cpu.engine.counts().instructions == 5
    cpu.engine.select(0)
    assert cpu.registers.spr("purr") == 3
    assert cpu.engine.counts().instructions == 5


def test_no_processor_reads_an_earlier_time_base_than_another_has_read(cpu: Bare) -> None:
    other = cpu.engine.add_processor()
    cpu.run("nop\n" * 100 + "mftb r4\n mfspr r5,269\n sc 1")
    late = cpu.registers.gpr(4)
    assert late > 100
    cpu.engine.select(other)  # on a core of its own, at the same time
    cpu.engine.set_time_base(10)
    cpu.run("mftb r4\n sc 1")
    assert cpu.registers.gpr(4) == late
    assert cpu.engine.time_base == 12
    cpu.run("nop\n" * 200 + "mftb r4\n sc 1")
    assert cpu.registers.gpr(4) > 200


def test_a_decrementer_runs_on_while_another_processor_has_the_core(cpu: Bare) -> None:
    other = cpu.engine.add_processor()
    cpu.load("li r31,9\n sc 1", 0x900)
    cpu.registers.set_spr("dec", 100)
    due = cpu.engine.decrementer_due(0)
    cpu.engine.select(other)
    cpu.registers.set_spr("ctr", 100)
    cpu.run("0: nop\n bdnz 0b\n sc 1")
    assert cpu.engine.decrementer_due(0) == due == 101
    cpu.engine.select(0)
    cpu.run("nop\n sc 1", REAL.replace(EE=1))
    assert cpu.registers.gpr(31) == 9


def test_a_turn_in_between_ends_a_reservation(cpu: Bare) -> None:
    other = cpu.engine.add_processor()
    cpu.load("lwarx r4,0,r3\n sc 1\n stwcx. r4,0,r3\n mfcr r6\n sc 1", HERE)
    assert isinstance(cpu.enter(HERE, r3=0x9000), Hypercall)
    cpu.engine.select(other)
    cpu.engine.select(0)
    assert isinstance(cpu.engine.run(1000), Hypercall)
    assert cpu.registers.gpr(6) >> 28 & 0b0010 == 0


def test_code_that_one_processor_patches_another_runs_as_patched(cpu: Bare) -> None:
    other = cpu.engine.add_processor()
    cpu.load("0: bl 1f\n b 0b\n1: li r3,1\n blr", HERE)
    cpu.load("lwz r5,0(r4)\n addi r5,r5,1\n stw r5,0(r4)\n sc 1", THERE)
    assert isinstance(cpu.enter(HERE), Preempted)
    assert cpu.registers.gpr(3) == 1
    cpu.engine.select(other)
    assert isinstance(cpu.enter(THERE, r4=HERE + 8), Hypercall)
    cpu.engine.select(0)
    assert isinstance(cpu.engine.run(cpu.engine.time_base + 100), Preempted)
    assert cpu.registers.gpr(3) == 2


def test_a_reset_processor_is_as_at_power_on_and_its_purr_goes_on(cpu: Bare) -> None:
    other = cpu.engine.add_processor()
    cpu.engine.select(other)
    cpu.run("li r3,7\n mtsprg0 r3\n nop\n sc 1", REAL.replace(FP=1))
    cpu.engine.reset_processor()
    assert cpu.registers.gpr(3) == cpu.registers.spr("sprg0") == 0
    assert cpu.registers.msr == REAL
    assert cpu.registers.spr("purr") == 4
