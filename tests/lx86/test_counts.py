"""How many POWER instructions the translated programs take, to the instruction."""

from __future__ import annotations

import pytest

from . import counting, small

pytestmark = pytest.mark.skipif(not small.available(), reason=f"{small.COMPILER} is not there")

# x86 and POWER instructions of one round in steady state, built by Debian 12's cross compiler.
COUNTS = {
    "fib": (91_374, 95_635),
    "crc32": (69_677, 93_236),
    "dhry": (65_100, 80_700),
    "qsortb": (724_302, 1_036_268),
    "sha256": (51_438, 48_734),
    "sieve": (137_359, 153_085),
    "vm": (11_039, 18_730),
    "i64": (74_730, 79_798),
    "repstr": (2_170, 5_946),
}


@pytest.mark.parametrize("name", COUNTS)
def test_a_program_takes_so_many_instructions(name: str) -> None:
    ratio = counting.steady(name)
    assert (ratio.x86, ratio.power) == COUNTS[name]


def test_the_geometric_mean_is_below_the_target_of_one_and_a_quarter() -> None:
    ratios = [counting.Ratio(*COUNTS[name]) for name in small.INTEGER]
    assert counting.geometric_mean(ratios) < 1.25
