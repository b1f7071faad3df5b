"""Run commands in turn, so that a change in the machine's speed meets all of them alike."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMEOUT_SECONDS = 120


@dataclass(slots=True)
class Contender:
    """A command; `marker` must appear in its output, or the run does not count."""

    name: str
    command: Sequence[str]
    marker: bytes
    seconds: list[float] = field(default_factory=list)

    def run(self) -> float:
        started = time.perf_counter()
        done = subprocess.run(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        elapsed = time.perf_counter() - started
        if self.marker not in done.stdout:
            tail = done.stdout[-2000:].decode(errors="replace")
            raise SystemExit(f"{self.name} never said {self.marker!r}; it ended with:\n{tail}")
        return elapsed


def alternate(contenders: Sequence[Contender], rounds: int) -> None:
    """One warm-up each, then `rounds` counted runs in turn; prints seconds and ratios.

    The ratio is pyphyp's (the first contender's) time over the other's, pair by pair.
    """
    for contender in contenders:
        contender.run()
    for _ in range(rounds):
        for contender in contenders:
            contender.seconds.append(contender.run())
    first = contenders[0]
    for contender in contenders:
        row = f"  {contender.name:34}" + spread("s", contender.seconds)
        if contender is not first:
            ratios = [a / b for a, b in zip(first.seconds, contender.seconds, strict=True)]
            row += "   ratio" + spread("x", ratios)
        print(row, flush=True)


def spread(unit: str, values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f" {median(values):6.2f}{unit} ({low:.2f} to {high:.2f})"
