"""How many POWER instructions the translated programs take, to the instruction."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from pathlib import Path

import pytest

from . import alone, counting, small
from .fpu import test_programs as floats

pytestmark = pytest.mark.skipif(not small.available(), reason=f"{small.COMPILER} is not there")

# x86 and POWER instructions of one round in steady state, built by Debian 12's cross compiler.
COUNTS = {
    "fib": (91_374, 90_439),
    "crc32": (69_677, 72_752),
    "dhry": (65_100, 75_000),
    "qsortb": (724_302, 742_734),
    "sha256": (51_438, 47_472),
    "sieve": (137_359, 137_470),
    "vm": (11_039, 13_710),
    "i64": (74_730, 69_658),
    "repstr": (2_170, 1_108),
}
MATRICES = {
    "x87": (106_352, 178_851),
    "sse": (106_349, 120_689),
    "sse fast": (29_866, 30_146),
}
STRINGS = (123_892, 152_573)


@functools.cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="lx86-strings-")


@functools.cache
def strings(compiler: str = small.COMPILER) -> Path:
    """`strs` with Debian's C library, whose string functions it measures."""
    out = Path(_directory().name) / f"strs-{compiler}"
    march = ["-march=i686"] if compiler == small.COMPILER else []
    flags = ["-O2", *march, "-fno-tree-vectorize", "-static", "-s", "-w"]
    subprocess.run([compiler, *flags, str(small.SOURCES / "strs.c"), "-o", str(out)], check=True)
    return out


def steady_strings(program: Path) -> tuple[int, int]:
    """x86 and POWER instructions of a round more of `strs`."""
    found = []
    for engine in ("reference", "translator"):
        (one, first), (two, second) = (
            alone.execute(engine, program, rounds) for rounds in ("1", "2")
        )
        assert (one.stdout, two.stdout) == ("strs 8299\n", "strs 16599\n")
        found.append(second - first)
    return found[0], found[1]


@pytest.mark.parametrize("name", COUNTS)
def test_a_program_takes_so_many_instructions(name: str) -> None:
    ratio = counting.steady(name)
    assert (ratio.x86, ratio.power) == COUNTS[name]


@pytest.mark.parametrize("variant", MATRICES)
def test_a_matrix_product_takes_so_many_instructions(variant: str) -> None:
    program = floats.build("mat", variant)
    one, two = (
        (floats.x86_instructions(program, times), floats.translated(program, times)[1])
        for times in ("1", "2")
    )
    assert (two[0] - one[0], two[1] - one[1]) == MATRICES[variant]


def test_a_c_librarys_string_functions_take_so_many_instructions() -> None:
    assert steady_strings(strings()) == STRINGS


def test_the_geometric_means_are_below_their_targets() -> None:
    ratios = {name: counting.Ratio(*counts) for name, counts in COUNTS.items()}
    assert counting.geometric_mean([ratios[name] for name in small.INTEGER]) < 1.04
    others = [counting.Ratio(*counts) for counts in (*MATRICES.values(), STRINGS)]
    assert len([*ratios.values(), *others]) == 13
    assert counting.geometric_mean([*ratios.values(), *others]) < 1.05
