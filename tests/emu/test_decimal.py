"""Decimal floating point works on our processor's state and on nothing else."""

from __future__ import annotations

from emu.bits import MSR

from .machine import Bare, bare

FLOATING = MSR(0).replace(SF=1, FP=1)
FPRF, POSITIVE_ZERO = 0x1F000, 0x2000
INTERRUPTING = FLOATING.replace(FE0=1, FE1=1)
CODE, DATA, PROGRAM = 0x4000, 0x8000, 0x700
FX, FEX, ZX, FI, ZE, XE = 1 << 31, 1 << 30, 1 << 26, 1 << 17, 27, 28
ONE, THREE = 0x2238000000000001, 0x2238000000000003
DADD, DRRND = "dadd f1, f1, f1\n", "drrnd f1, f2, f3, 0\n"


def test_decimal_results_are_classified_in_fpscr() -> None:
    with bare() as machine:
        registers = machine.run(f"_start: {DADD} sc 1", FLOATING)
        assert registers.fpscr & FPRF == POSITIVE_ZERO


def test_decimal_arithmetic_leaves_the_table_of_sprs_alone() -> None:
    """The core's own decimal helpers write into the entry of SPR 943."""
    with bare() as machine:
        machine.run(f"_start: {DRRND} {DADD} sc 1", FLOATING)
        machine.run("_start: mfspr r3,943\n mtspr 943,r3\n sc 1", FLOATING)


def divide(machine: Bare, dividend: int, divisor: int, enable: int, msr: MSR) -> None:
    """f3 becomes 0 and then, perhaps, their quotient."""
    machine.memory.write_u64(DATA, dividend)
    machine.memory.write_u64(DATA + 8, divisor)
    machine.load(" sc 1", at=PROGRAM)
    source = f" lfd f1,0(r4)\n lfd f2,8(r4)\n mtfsb1 {enable}\n ddiv. f3,f1,f2\n sc 1"
    machine.registers.set_vsr(3, 0)
    machine.run(f"_start: {source}", msr, at=CODE, r4=DATA)


def test_an_enabled_decimal_exception_interrupts_at_its_instruction() -> None:
    with bare() as machine:
        divide(machine, ONE, 0, ZE, INTERRUPTING)
        assert machine.registers.spr("srr0") == CODE + 4 * 3
        assert machine.registers.fpscr & (FX | FEX | ZX) == FX | FEX | ZX
        assert machine.registers.cr >> 24 & 0xF == (FX | FEX) >> 28


def test_an_enabled_decimal_division_by_zero_leaves_the_target() -> None:
    with bare() as machine:
        divide(machine, ONE, 0, ZE, FLOATING)
        assert machine.registers.vsr(3) == 0
        assert machine.registers.fpscr & (FEX | ZX) == FEX | ZX


def test_an_inexact_decimal_result_is_written_before_it_interrupts() -> None:
    with bare() as machine:
        divide(machine, ONE, THREE, XE, INTERRUPTING)
        assert machine.registers.spr("srr0") == CODE + 4 * 3
        assert machine.registers.vsr(3)
        divide(machine, THREE, ONE, XE, FLOATING)
        assert not machine.registers.fpscr & FI
