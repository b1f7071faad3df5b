"""What a partition's time follows."""

from __future__ import annotations

from enum import Enum


class Clock(Enum):
    """What the time base of an engine counts."""

    COUNTED = "counted"
    """Instructions: the same run twice takes the same time, to the tick."""
    HOST = "host"
    """The host's clock while the engine runs, scaled to the time base; no run repeats another."""


class ClockError(Exception):
    """What is asked for needs the other clock; the message says so."""


def not_counted(what: str) -> ClockError:
    """The error for asking an engine on the host's clock for something to be counted."""
    return ClockError(f"{what}: the host's clock counts no instructions; clock='counted' does")
