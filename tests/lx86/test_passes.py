"""Each pass of the translator can be left out, and all thirteen programs say the same."""

from __future__ import annotations

import functools
from dataclasses import fields

import pytest

from lx86.options import GRADUAL, PASSES, Options, without

from . import passes, small

pytestmark = pytest.mark.skipif(not small.available(), reason=f"{small.COMPILER} is not there")

GIVEN = {
    "flush_to_zero", "exact_sse", "base", "constants", "bases", "code_16", "often", "marked",
    "architecture", "whole_stores", "more",
}  # fmt: skip
"""Options that are no passes."""


@functools.cache
def said(name: str) -> str:
    return passes.run(name, Options(), 1)[0]


@pytest.mark.parametrize("left_out", PASSES)
@pytest.mark.parametrize("name", passes.PROGRAMS)
def test_no_pass_changes_what_a_program_says(name: str, left_out: str) -> None:
    options = GRADUAL if left_out == "first-regions" else without(Options(), [left_out])
    assert passes.run(name, options, 1)[0] == said(name)
    assert said(name).startswith("0 ")


def test_every_switch_is_tried() -> None:
    switched = {
        field.name
        for left_out in PASSES
        for field in fields(Options)
        if getattr(without(GRADUAL, [left_out]), field.name) != getattr(GRADUAL, field.name)
    }
    assert switched == {field.name for field in fields(Options)} - GIVEN


def test_the_table_says_what_leaving_out_a_pass_costs() -> None:
    whole, less = (
        passes.steady("i64", options) for options in (Options(), Options(inline_calls=False))
    )
    lines = list(passes.table(["i64"], ["inline-calls", "first-regions"]))
    assert lines[2] == f"| (nothing) | {whole:,} | |"
    share = f"{less / whole - 1:+.1%}"
    assert lines[3:] == [f"| inline-calls | {share} | {share} |"]
