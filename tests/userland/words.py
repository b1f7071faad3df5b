"""The script both run, and what of its output belongs to which program."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .programs import Program

_ENVIRONMENT = "export LC_ALL=C.UTF-8 TZ=UTC HOME=/ PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1\n"


def script(programs: Iterable[Program], run: str) -> str:
    """Shell text that runs the programs, where `run` defines what `run` does."""
    parts = [
        f"echo '@@ begin {program.name}'\n({program.lines}\n) 2>&1 </dev/null\necho '@@ end' $?\n"
        for program in programs
    ]
    return "".join([_ENVIRONMENT, run, *parts])


def said(output: str) -> dict[str, str]:
    """What each program said, and its status behind that."""
    output = output.replace("\r", "")
    found = re.findall(r"^@@ begin (.*?)\n(.*?)^@@ end (\d+)$", output, re.DOTALL | re.MULTILINE)
    return {name: f"{text}status {status}" for name, text, status in found}
