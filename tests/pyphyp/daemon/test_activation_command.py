"""`pyphyp activation`: codes are made, entered and told of at a shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .processes import MACHINE, run

pytestmark = pytest.mark.usefixtures("runtime")


@pytest.fixture
def express(file: str) -> None:
    """Two cores, one of them activated."""
    text = MACHINE.replace(
        "cores = 1", 'cores = { installed = 2, activated = 1 }\nedition = "express"'
    )
    Path(file).write_text(text)
    assert run("up", file, "--detach").returncode == 0


def made(*words: str) -> str:
    done = run("activation", "code", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.usefixtures("express")
def test_codes_are_entered_and_what_was_refused_is_recorded() -> None:
    refused = run("change-pool", "1", "--maximum", "0.5")
    assert refused.returncode == 1
    assert "the express edition has no shared processor pools besides pool 0" in refused.stderr
    code = made("processors", "1", "--days", "30")
    assert run("activation", "enter", code).stderr == "pyphyp: activated: 1 processor, on trial\n"
    again = run("activation", "enter", code)
    assert again.returncode == 1
    assert "used before" in again.stderr
    other = made("edition", "standard", "--serial", "OTHER")
    assert "not valid" in run("activation", "enter", other).stderr
    assert run("activation", "enter", made("edition", "standard")).returncode == 0
    assert run("change-pool", "1", "--maximum", "0.5").returncode == 0
    assert run("change", "shell", "--pool", "1").returncode == 0
    assert json.loads(run("ps", "--json").stdout)["pools"][1]["entitled"] == 30
    told = run("activation", "list").stdout
    assert "standard: 1000 partitions, shared processor pools, no memory sharing" in told
    assert "2 of 2 activated" in told
    assert "1 processor, on trial until second 2592" in told
    assert told.count("accepted") == 2
    assert told.count("refused") == 2
    entered = json.loads(run("activation", "list", "--json").stdout)["entered"]
    assert [bool(entry["refused"]) for entry in entered] == [False, True, True, False]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("processors", "none"), "none"),
        (("memory", "0"), "storage of 0"),
        (("edition", "gold"), "gold"),
        (("edition", "standard", "--days", "3"), "for ever"),
        (("processors", "1", "--on-off"), "--days"),
    ],
)
def test_a_code_for_nothing_is_not_made(words: tuple[str, ...], why: str) -> None:
    done = run("activation", "code", *words, "--serial", "PYP0001")
    assert done.returncode == 2
    assert why in done.stderr
