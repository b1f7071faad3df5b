"""Decimal floating point works on our processor's state and on nothing else."""

from __future__ import annotations

from emu.bits import MSR

from .machine import bare

FLOATING = MSR(0).replace(SF=1, FP=1)
FPRF, POSITIVE_ZERO = 0x1F000, 0x2000
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
