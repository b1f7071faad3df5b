"""The commands on docs/machines.md are commands, with options that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from pyphyp.cli import cli

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "machines.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (?:echo \w+ \| )?pyphyp ([^|&\n]+)", PAGE, re.MULTILINE)


@pytest.mark.parametrize("words", dict.fromkeys(COMMANDS))
def test_a_command_on_the_page_is_understood(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    name, *arguments = shlex.split(words)
    command = cli.get_command(click.Context(cli), name)  # type: ignore[attr-defined]
    assert command is not None
    command.make_context(name, arguments)


def test_every_example_is_a_machine_that_can_be(capsys: pytest.CaptureFixture[str]) -> None:
    from pyphyp.cli import main

    for example in (ROOT / "docs" / "examples").glob("*.toml"):
        assert main(["check", str(example)]) == 0, capsys.readouterr().err
