"""Denormal numbers in vectors: VSCR[NJ] (Power ISA I 6.2.3)."""

from __future__ import annotations

import pytest

from emu.bits import MSR

from .machine import bare

DENORMAL, LARGE, ONE = 0x0040_0000, 0x7F00_0000, 0x3F80_0000
"""2 to the -127th, the 127th, and their product."""
NON_JAVA = 0x1_0000
VECTORS = MSR(0).replace(SF=1, VEC=1)


@pytest.mark.parametrize(
    ("vscr", "product", "equals_zero"),
    [(0, ONE, 0), (NON_JAVA, 0, 0xFFFF_FFFF)],
    ids=["a number", "zero in non-Java mode"],
)
@pytest.mark.parametrize("by_the_guest", [False, True])
def test_a_denormal_operand_counts_as(
    vscr: int, product: int, equals_zero: int, by_the_guest: bool
) -> None:
    with bare() as machine:
        registers = machine.registers
        for number, element in ((33, DENORMAL), (34, LARGE), (35, 0), (36, vscr)):
            registers.set_vsr(number, element)
        registers.vscr = 0 if by_the_guest else vscr
        machine.run(
            f"""
            {"mtvscr v4" if by_the_guest else "nop"}
            vmaddfp v0, v1, v2, v3
            vcmpeqfp v5, v1, v3
            sc 1
            """,
            VECTORS,
        )
        assert registers.vsr(32) == product
        assert registers.vsr(37) & 0xFFFF_FFFF == equals_zero
