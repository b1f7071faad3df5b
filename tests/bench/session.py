"""How a session measures: how often, by which clock, and who hears of its progress."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_T = TypeVar("_T")
_OF_PROCESS = 2
"""CPUCLOCK_SCHED of Linux: the clock of a process by its number is `~number << 3 | 2`."""


@dataclass(frozen=True, slots=True)
class Session:
    runs: int
    """Those that count; one of each command to warm up comes before."""
    processor_time: bool
    """Seconds are those that the process had a processor of the host, not those that passed."""
    qemu: bool
    """Whether QEMU is there to be compared with."""
    tell: Callable[[str], None]

    def now(self, process: int = 0) -> float:
        """Seconds by the session's clock, for a process or for this one (0)."""
        if self.processor_time:
            return time.clock_gettime(~process << 3 | _OF_PROCESS)
        return time.perf_counter()

    def in_turn(self, works: Sequence[tuple[str, Callable[[], _T]]]) -> list[list[_T]]:
        """What so many runs of each of the named `works` give, in turn, after one to warm up.

        So a change in the machine's speed meets all of them alike.
        """
        given: list[list[_T]] = [[] for _ in works]
        for number in range(self.runs + 1):
            for (name, work), its in zip(works, given, strict=True):
                self.tell(f"{name}: {f'run {number} of {self.runs}' if number else 'warming up'}")
                value = work()
                if number:
                    its.append(value)
        return given

    def seconds(self, name: str, work: Callable[[], object]) -> list[float]:
        """Those that `work` takes in this process, as often as the session says."""

        def timed() -> float:
            begin = self.now()
            work()
            return self.now() - begin

        return self.in_turn([(name, timed)])[0]
