"""Why a processor came back from running: what it cannot do itself, as frozen facts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hypercall:
    """`sc 1`: the call and its arguments stand in the registers; run again to go on behind it."""


@dataclass(frozen=True, slots=True)
class Preempted:
    """The budget is used up, or a stop was asked for."""


@dataclass(frozen=True, slots=True)
class Paused:
    """The guest waits busily (priority hints in a loop): others might run instead."""


@dataclass(frozen=True, slots=True)
class Checkstop:
    """The engine cannot go on; the processor's state is as it was then."""

    reason: str


Exit = Hypercall | Preempted | Paused | Checkstop
