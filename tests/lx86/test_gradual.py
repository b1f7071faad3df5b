"""Code translated a little at first sight, and whole once it is entered often."""

from __future__ import annotations

import pytest

from lx86.options import GRADUAL, Options
from lx86.translating_cpu import TranslatingCpu

from . import counting, small

pytestmark = pytest.mark.skipif(not small.available(), reason=f"{small.COMPILER} is not there")


@pytest.mark.parametrize("options", [GRADUAL, Options(first_region=3, often=1)], ids=str)
@pytest.mark.parametrize("name", ["fib", "dhry", "qsortb", "vm"])
def test_a_program_that_is_preempted_all_the_time_writes_the_same(
    name: str, options: Options
) -> None:
    expected = small.run(TranslatingCpu, name, "1")
    assert (
        small.run(lambda s: TranslatingCpu(s, options=options), name, "1", budget=1009) == expected
    )


@pytest.mark.parametrize("name", ["fib", "crc32", "dhry", "sha256", "sieve", "i64"])
def test_what_is_entered_often_takes_no_more_instructions_than_translated_at_once(
    name: str,
) -> None:
    gradual = Options(first_region=24, often=8)
    rounds = [counting.power_instructions(name, n, gradual) for n in (1, 2)]
    whole = [counting.power_instructions(name, n) for n in (1, 2)]
    assert rounds[1] - rounds[0] <= 1.01 * (whole[1] - whole[0])


def test_less_is_translated_at_first() -> None:
    translated = []
    for options in (GRADUAL, Options()):
        small.run(
            lambda s, o=options: TranslatingCpu(s, options=o),  # type: ignore[misc]
            "qsortb",
            "0",
            look=lambda cpu: translated.append(cpu.cache.counts.instructions),  # type: ignore[attr-defined]
        )
    assert translated[0] < translated[1]
