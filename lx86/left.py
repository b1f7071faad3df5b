"""Who studies what is executed is told where code is left, and how."""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol


class Left(Enum):
    """How code was left in the midst of a node."""

    CALLED = auto()  # by a call to the host
    INTERRUPTED = auto()  # by an instruction that failed
    PREEMPTED = auto()  # between two instructions


class Study(Protocol):
    """Who wants to know what was executed."""

    def program_begins(self) -> None:
        """Another one: no code is left of the last."""

    def left(self, address: int, eip: int, how: Left) -> None:
        """Code is left at `address`, and goes on elsewhere with the x86 instruction at `eip`."""
