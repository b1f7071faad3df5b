"""What the dispatcher and those it dispatches tell each other."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Protocol

from emu.engine import TIME_BASE_HZ
from emu.values import frozen
from hypervisor.watchdog import NEVER

__all__ = ["NEVER", "WINDOW", "Dispatched", "Left", "Preemption", "Ran", "Runnable", "Wake"]

WINDOW = TIME_BASE_HZ // 100
"""Ticks of a dispatch window: 10 ms."""


class Wake(IntEnum):
    """Why a virtual processor is dispatched, as the dispatch trace log has it (LoPAR 14.11.3.2)."""

    EXTERNAL_INTERRUPT = 0
    HYPERVISOR = 1
    """It waited for an answer of the hypervisor's."""
    PROD = 2
    DECREMENTER = 3
    SYSTEM_RESET = 4
    """Or it was started."""
    CONFERRED = 6
    """Another one gave it the rest of its turn."""
    TIME_SLICE = 7
    """It did not wait: it had been preempted."""


class Preemption(IntEnum):
    """Why it lost the core, as the dispatch trace log has it."""

    HYPERVISOR = 1
    """Another one was more urgent, or the core was wanted back."""
    CEDE = 2
    CONFER = 3
    TIME_SLICE = 4


class Left(Enum):
    """How the run of a virtual processor ended."""

    PREEMPTED = "its time was up"
    WAITS = "it ceded, joined or stopped"
    GAVE_WAY = "it gave the rest of its turn away"
    ENDED = "its partition runs no more"


@frozen
class Ran:
    """A run that ended at time base `end`, which may lie a few ticks behind what was allowed."""

    end: int
    left: Left
    to: int | None = None
    """Where it gave way: to which virtual processor of its partition; None: to any."""


@frozen
class Dispatched:
    """A virtual processor has got a core, at time base `start`."""

    core: int
    start: int
    reason: Wake
    waited: int
    """How long it was ready, in ticks."""
    dispersed: bool
    """It was on another core before."""
    without_capacity: int = 0
    """Of what it waited, how long it was entitled to no time, nor was given any."""
    donated: int = 0
    """Ticks that others used of its dedicated core since it was there last."""


class Runnable(Protocol):
    """A virtual processor as the dispatcher sees it."""

    def wakes_at(self, now: int) -> int:
        """The time base from which it can run; `NEVER`: only others of its partition wake it."""

    @property
    def woken_by(self) -> Wake:
        """What ended its last wait."""

    @property
    def donates(self) -> bool:
        """While it waits others may use its dedicated core: its operating system says so."""

    def run(self, start: int, until: int) -> Ran:
        """Run from one time base to another."""

    def dispatched(self, facts: Dispatched) -> None:
        """It has got a core."""

    def preempted(self, reason: Preemption, end: int) -> None:
        """It has lost its core."""
