"""How a process ends, or that it cannot begin."""

from __future__ import annotations

from dataclasses import dataclass


class RunError(Exception):
    """A program that cannot be started; the text says why and what would help."""


class EngineError(Exception):
    """The processor's engine failed; the program is not to blame."""


@dataclass(frozen=True, slots=True)
class Ending:
    """By a status of its own, or by a signal."""

    status: int = 0
    signal: int = 0


class Ended(Exception):  # noqa: N818
    """The program is over; raised by a call or a fault, caught where the process is run."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending
