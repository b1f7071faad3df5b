"""Virtual processors without guests, for tests of the dispatcher: any pattern of demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING

from hypervisor.dispatching.dispatcher import ProcessorDispatcher
from hypervisor.dispatching.records import NEVER, Dispatched, Left, Preemption, Ran, Wake

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hypervisor.system.definition import SharedProcessorPool
    from hypervisor.system.share import ProcessorShare

BUSY = ((NEVER, 0),)
"""Demand: pairs of ticks to run and ticks to wait then, over and over."""
IDLE = ((0, NEVER),)
Demand = tuple[tuple[int, int], ...]


@dataclass
class Synthetic:
    """A `Runnable` with a demand; `overshoot` is what its runs last longer than they may."""

    demand: Demand
    overshoot: int = 0
    donates: bool = True
    wake: int = 0
    left: int = 0
    runs: list[tuple[int, int]] = field(default_factory=list)
    cores: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._bursts: Iterator[tuple[int, int]] = cycle(self.demand)
        self.left, self._rest = next(self._bursts)
        if not self.left:
            self._wait(0)

    @property
    def woken_by(self) -> Wake:
        return Wake.DECREMENTER

    def wakes_at(self, now: int) -> int:
        return self.wake

    def run(self, start: int, until: int) -> Ran:
        assert self.wake <= start < until
        end = min(until + self.overshoot, start + self.left)
        self.runs.append((start, end))
        self.left -= end - start
        if self.left:
            return Ran(end, Left.PREEMPTED)
        self._wait(end)
        return Ran(end, Left.WAITS)

    def _wait(self, now: int) -> None:
        self.wake = min(now + self._rest, NEVER)
        self.left, self._rest = next(self._bursts)

    def dispatched(self, facts: Dispatched) -> None:
        self.cores.append(facts.core)

    def preempted(self, reason: Preemption, end: int) -> None:
        assert end == self.runs[-1][1]


def dispatch(
    cores: int,
    partitions: Sequence[tuple[ProcessorShare, Iterable[Synthetic]]],
    pools: Sequence[SharedProcessorPool] = (),
) -> ProcessorDispatcher:
    """A dispatcher of these partitions, numbered from 1."""
    dispatcher = ProcessorDispatcher(cores, pools)
    for number, (share, processors) in enumerate(partitions, start=1):
        dispatcher.add(number, share, list(processors))
    return dispatcher
