"""When a machine has nothing to do but to wait: a batch run's end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .usage import MachineUsage

_OCCUPIED = 50
"""A fiftieth of a processor is what an idle kernel's own timers take at most."""
_SECONDS = 2


class Idle:
    """Asked once in a second of the machine's time: whether all partitions have waited in two."""

    def __init__(self) -> None:
        self._seconds = 0

    def __call__(self, usage: MachineUsage) -> bool:
        times = [partition.last_second for partition in usage.partitions]
        busy = any(its.consumed * _OCCUPIED > its.elapsed for its in times)
        self._seconds = 0 if busy else self._seconds + 1
        return self._seconds > _SECONDS
