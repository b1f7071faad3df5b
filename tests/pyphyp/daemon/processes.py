"""Machines as processes of their own, and commands that speak with them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.pyphyp.terminal import PATIENCE, PYPHYP

if TYPE_CHECKING:
    from pyphyp.daemon.locations import Location

MACHINE = """
[machine]
name = "office"
cores = 1
memory = "256M"
lmb = "16M"
epoch = 0

[[partition]]
name = "shell"
guest = "hcalls"
memory = "32M"
units = 0.3

[[partition]]
name = "counter"
guest = "ticks"
memory = "32M"
units = 0.2
weight = 100

[[partition]]
name = "spare"
guest = "hello"
memory = "32M"
units = 0.1
start = false
"""


def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PYPHYP, *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def completed(words: str) -> list[str]:
    """What a shell is offered for the last of these words."""
    environment = os.environ | {
        "_PYPHYP_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from pyphyp.cli import main; main()"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return [line.partition(",")[2] for line in done.stdout.split()]


def daemon_process(place: Location) -> int:
    owner = place.owner()
    assert owner
    return owner


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until_gone(process: int) -> None:
    end = time.monotonic() + PATIENCE
    while alive(process):
        assert time.monotonic() < end, "the daemon does not end"
        time.sleep(0.02)
