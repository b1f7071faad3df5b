"""`pyphyp linux` without a terminal, run to its end."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from .terminal import PATIENCE, PYPHYP

if TYPE_CHECKING:
    from pathlib import Path


def linux(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """From the year 1970 on and for a minute of its time at most."""
    return subprocess.run(
        [*PYPHYP, "linux", "--epoch", "0", "--timeout", "60", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=2 * PATIENCE,
        check=False,
    )
