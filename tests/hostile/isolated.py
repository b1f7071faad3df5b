"""Drivers in a process of their own: a guest that ends it is a failed test with its seed."""

from __future__ import annotations

import subprocess
import sys

SILENCE = 120
"""Seconds a driver may take beyond what its rounds may (see `rounds.HOST_SECONDS`)."""


def drive(name: str, seed: int, count: int, seconds: int) -> str:
    """Run a driver; gives what it printed, AssertionError with its last words if it failed."""
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.hostile", name]
    ended = subprocess.run(
        [*command, "--seed", str(seed), "--count", str(count)],
        capture_output=True,
        text=True,
        timeout=seconds + SILENCE,
        check=False,
    )
    last_words = "\n".join(ended.stderr.splitlines()[-30:])
    assert ended.returncode == 0, f"{name}, seed {seed}: status {ended.returncode}\n{last_words}"
    return ended.stdout
