"""What the command says for itself, on standard error; in colour only to a terminal."""

from __future__ import annotations

import os
import sys

import click


def styled(text: str, **style: bool | str) -> str:
    """`text` in colour, where standard error is a terminal that wants it (see no-color.org)."""
    if os.environ.get("NO_COLOR") or sys.stderr is None or not sys.stderr.isatty():
        return text
    return click.style(text, **style)  # type: ignore[arg-type]


def complain(text: str) -> None:
    """What is wrong."""
    click.echo(f"{styled('pyphyp:', fg='red', bold=True)} {text}", err=True)


def report(text: str) -> None:
    """What went on."""
    click.echo(f"{styled('pyphyp:', bold=True)} {text}", err=True)
