"""The declarations of RTAS calls against the specification's table (LoPAR 2.9 chapter 7)."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from firmware import services
from firmware.rtas import RtasCall, RtasTable
from firmware.services.parameters import NOT_SUPPORTED, Parameter
from pyphyp import absent

with (Path(__file__).parent / "lopar_rtas.csv").open(encoding="utf-8") as table:
    SPECIFIED = {row["name"]: row for row in csv.DictReader(table)}
CALLS = list(RtasTable(lambda: services.ALL))
IN_PROSE = {"ibm,nmi-register", "ibm,nmi-interlock", "ibm,activate-firmware"}
"""Calls that a section (7.3.14; the last one, of 7.3.8) describes and the table lacks."""
OF_OTHER_EDITIONS = {"ibm,display-message"}
"""A call that librtas makes and LoPAR 2.9 does not describe."""


def numbers(text: str) -> set[int]:
    """The counts a cell of the table allows: a number, or several with the words around them."""
    return {int(number) for number in re.findall(r"(?<![\w.])\d(?![\w.])", text)}


@pytest.mark.parametrize(
    "call",
    [call for call in CALLS if call.name not in IN_PROSE | OF_OTHER_EDITIONS],
    ids=lambda call: call.name,
)
def test_a_call_is_declared_as_lopar_has_it(call: RtasCall) -> None:
    row = SPECIFIED[call.name]
    assert call.papr == row["section"]
    assert set(range(call.nargs, len(call.parameters) + 1)) <= numbers(row["nargs"])
    assert call.nrets in numbers(row["nrets"])


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_call_says_what_it_does(call: RtasCall) -> None:
    assert call.summary


def test_reason_is_given_for_every_call_that_is_missing_and_only_for_those() -> None:
    with (Path(__file__).parent / "linux_rtas.csv").open(encoding="utf-8") as table:
        known = {row["name"] for row in csv.DictReader(table)} | SPECIFIED.keys()
    declared = {call.name for call in CALLS}
    assert all(absent.rtas_reason(name) for name in known - declared)
    for pattern, _ in absent.RTAS_MISSING:
        matching = {name for name in known if re.fullmatch(pattern, name)}
        assert matching
        assert not matching & declared


def test_every_system_parameter_is_answered_or_not_supported_for_a_reason() -> None:
    reserved = {16, 17, 19, 21, 22, 23, 49, 51}
    answered = {parameter.value for parameter in Parameter}
    refused = [range(first, last + 1) for first, last in NOT_SUPPORTED]
    tokens = [*answered, *(token for tokens in refused for token in tokens), *reserved]
    assert sorted(tokens) == list(range(59))
