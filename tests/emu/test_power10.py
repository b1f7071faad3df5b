"""What ISA 3.1 adds, where QEMU's user mode cannot be asked (Power ISA v3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emu.isa_level import IsaLevel
from tests.emu.machine import REAL, Bare, bare

if TYPE_CHECKING:
    from collections.abc import Iterator

FACILITIES = REAL.replace(FP=1, VEC=1, VSX=1)
A, B, T = 34, 35, 36  # v2, v3, v4


@pytest.fixture(scope="module")
def cpu() -> Iterator[Bare]:
    with bare() as machine:
        machine.engine.set_isa_level(IsaLevel.V3_1)
        yield machine


def elements(value: int, bits: int, signed: bool) -> list[int]:
    raw = value.to_bytes(16, "big")
    size = bits // 8
    return [int.from_bytes(raw[n : n + size], "big", signed=signed) for n in range(0, 16, size)]


@pytest.mark.parametrize("bits", [32, 64, 128])
@pytest.mark.parametrize("signed", [False, True])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_extended_quotients_that_fit_are_exact(
    cpu: Bare, bits: int, signed: bool, data: st.DataObject
) -> None:
    letter = {32: "w", 64: "d", 128: "q"}[bits]
    any_quadword = st.integers(0, 2**128 - 1)
    a, b = data.draw(any_quadword), data.draw(any_quadword)
    b |= sum(1 << n for n in range(0, 128, bits))  # no division by 0
    cpu.registers.set_vsr(A, a)
    cpu.registers.set_vsr(B, b)
    cpu.run(f"vdive{'s' if signed else 'u'}{letter} v4,v2,v3\n sc 1", FACILITIES)
    got = elements(cpu.registers.vsr(T), bits, signed)
    low = -(2 ** (bits - 1)) if signed else 0
    operands = zip(elements(a, bits, signed), elements(b, bits, signed), got, strict=True)
    for dividend, divisor, quotient in operands:
        magnitude = (abs(dividend) << bits) // abs(divisor)
        exact = -magnitude if (dividend < 0) != (divisor < 0) else magnitude
        if low <= exact < low + 2**bits:
            assert quotient == exact
