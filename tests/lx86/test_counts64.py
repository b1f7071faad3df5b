"""How many POWER instructions 64-bit programs take, translated, to the instruction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lx86.architecture import X86_64
from lx86.spaces import SPACE_64
from lx86.storage import Storage
from lx86.translating_cpu import TranslatingCpu

from . import counting, small, small64
from .test_counts import steady_strings, strings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    small64.COMPILER != "gcc" or not small64.available(), reason="no compiler for x86-64 is there"
)

# x86 and POWER instructions of one round in steady state, built by Debian 12's compiler.
COUNTS = {
    "fib": (67_652, 96_608),
    "crc32": (69_150, 76_841),
    "dhry": (51_600, 62_600),
    "qsortb": (607_711, 735_114),
    "sha256": (44_655, 40_655),
    "sieve": (136_888, 137_001),
    "vm": (10_030, 13_340),
    "i64": (36_319, 35_181),
    "repstr": (2_168, 1_110),
}
MATRICES = {
    "x87": (106_301, 179_446),
    "sse": (106_294, 120_683),
    "sse fast": (29_834, 30_143),
}
STRINGS = (37_942, 48_505)
_FLAGS = {
    "x87": ["-mfpmath=387"],
    "sse": [],
    "sse fast": ["-O3", "-ftree-vectorize", "-DFT=float", "-ffast-math"],
}


def matrix(variant: str) -> Path:
    return small64.build("mat", *_FLAGS[variant])


def _executed(program: Path, rounds: str, *, translated: bool) -> int:
    storage = Storage(SPACE_64)
    cpu = small64.translating(storage) if translated else counting.CountingCpu(storage)
    try:
        cpu.state.cs = X86_64.code_selector
        cpu.state.eip, cpu.state.esp = small.load(storage, program, rounds)
        assert small.serve(cpu, storage, long=True).ended == 0
        return cpu.machine.instructions if isinstance(cpu, TranslatingCpu) else cpu.executed
    finally:
        cpu.close()
        storage.close()


def steady(program: Path) -> tuple[int, int]:
    """x86 and POWER instructions that one round more takes."""
    x86, power = (
        _executed(program, "2", translated=engine) - _executed(program, "1", translated=engine)
        for engine in (False, True)
    )
    return x86, power


@pytest.mark.parametrize("name", COUNTS)
def test_a_64_bit_program_takes_so_many_instructions(name: str) -> None:
    assert steady(small64.build(name)) == COUNTS[name]


@pytest.mark.parametrize("variant", MATRICES)
def test_a_64_bit_matrix_product_takes_so_many_instructions(variant: str) -> None:
    assert steady(matrix(variant)) == MATRICES[variant]


def test_a_64_bit_c_librarys_string_functions_take_so_many_instructions() -> None:
    assert steady_strings(strings(small64.COMPILER)) == STRINGS


def test_the_geometric_means_of_64_bit_programs_are_below_their_targets() -> None:
    ratios = {name: counting.Ratio(*counts) for name, counts in COUNTS.items()}
    integer = counting.geometric_mean([ratios[name] for name in small.INTEGER])
    others = [counting.Ratio(*counts) for counts in (*MATRICES.values(), STRINGS)]
    assert len([*ratios.values(), *others]) == 13
    every = counting.geometric_mean([*ratios.values(), *others])
    print(f"{integer:.3f} of integer programs, {every:.3f} of all")
    assert integer < 1.14
    assert every < 1.11
