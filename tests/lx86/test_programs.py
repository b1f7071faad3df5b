"""Whole programs, translated: what they write, however they are interrupted."""

from __future__ import annotations

from dataclasses import fields

import pytest

from lx86.options import Options
from lx86.translating_cpu import TranslatingCpu
from lx86.unicorn_cpu import UnicornCpu

from . import alone, small
from .test_counts import strings

pytestmark = pytest.mark.skipif(not small.available(), reason=f"{small.COMPILER} is not there")


@pytest.mark.parametrize("name", [*small.INTEGER, "repstr"])
def test_a_translated_program_writes_what_it_writes_on_unicorns_x86(name: str) -> None:
    outcome = small.run(TranslatingCpu, name, "2")
    assert outcome == small.run(UnicornCpu, name, "2")
    assert outcome.ended == 0


@pytest.mark.parametrize("name", [*small.INTEGER, "repstr"])
def test_a_program_that_is_preempted_all_the_time_writes_the_same(name: str) -> None:
    expected = small.run(TranslatingCpu, name, "1")
    assert small.run(TranslatingCpu, name, "1", budget=1009) == expected


PASSES: dict[str, object] = {
    "lazy_values": False,
    "forward_words": False,
    "reuse_sums": False,
    "inline_calls": False,
    "pin_constants": False,
    "string_blocks": False,
    "look_ahead": False,
    "most_lent": 0,
    "wanted_flags": False,
    "exact_flags": True,
    "longest_region": 7,
    "first_region": 24,
    "slots": False,
}
"""What each option is switched to for study."""


@pytest.mark.parametrize("option", PASSES)
@pytest.mark.parametrize("name", ["fib", "dhry", "i64", "vm"])
def test_no_pass_changes_what_a_program_writes(name: str, option: str) -> None:
    expected = small.run(TranslatingCpu, name, "1")
    options = Options(**{option: PASSES[option]})  # type: ignore[arg-type]
    assert small.run(lambda s: TranslatingCpu(s, options=options), name, "1") == expected


@pytest.mark.parametrize("option", PASSES)
def test_no_pass_changes_what_a_program_with_a_c_library_does(option: str) -> None:
    done, _ = alone.execute("translator", strings(), "1", **{option: PASSES[option]})
    assert (done.returncode, done.stdout) == (0, "strs 8299\n")


def test_every_switch_is_tried() -> None:
    given = {
        "flush_to_zero",
        "exact_sse",
        "base",
        "constants",
        "bases",
        "code_16",
        "often",
        "marked",
        "architecture",
    }
    assert {f.name for f in fields(Options)} - given == set(PASSES)
