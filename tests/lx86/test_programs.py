"""Whole programs, translated: what they write, however they are interrupted."""

from __future__ import annotations

import pytest

from lx86.translating_cpu import TranslatingCpu
from lx86.unicorn_cpu import UnicornCpu

from . import small

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
