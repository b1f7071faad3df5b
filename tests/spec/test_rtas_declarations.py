"""The declarations of RTAS calls against the specification's table (LoPAR 2.9 chapter 7)."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from firmware import services
from firmware.rtas import RtasCall, RtasTable

with (Path(__file__).parent / "lopar_rtas.csv").open(encoding="utf-8") as table:
    SPECIFIED = {row["name"]: row for row in csv.DictReader(table)}
CALLS = list(RtasTable(*services.ALL))
IN_PROSE = {"ibm,nmi-register", "ibm,nmi-interlock"}
"""Calls that a section (7.3.14) describes and the table lacks."""


def numbers(text: str) -> set[int]:
    """The counts a cell of the table allows: a number, or several with the words around them."""
    return {int(number) for number in re.findall(r"(?<![\w.])\d(?![\w.])", text)}


@pytest.mark.parametrize(
    "call", [call for call in CALLS if call.name not in IN_PROSE], ids=lambda call: call.name
)
def test_a_call_is_declared_as_lopar_has_it(call: RtasCall) -> None:
    row = SPECIFIED[call.name]
    assert call.papr == row["section"]
    assert set(range(call.nargs, len(call.parameters) + 1)) <= numbers(row["nargs"])
    assert call.nrets in numbers(row["nrets"])


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_call_says_what_it_does(call: RtasCall) -> None:
    assert call.summary
