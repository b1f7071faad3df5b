"""A partition's virtual processor under the dispatcher.

Whatever goes wrong inside a run, our own errors included, ends that partition alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.partition import Progress
from hypervisor.processor import Standing

from .records import NEVER, Dispatched, Left, Preemption, Ran, Wake

if TYPE_CHECKING:
    from hypervisor.processor import VirtualProcessor

_LEFT = {
    Progress.RAN: Left.PREEMPTED,
    Progress.IDLE: Left.WAITS,
    Progress.STOPPED: Left.ENDED,
    Progress.ENDED: Left.ENDED,
}


_POSTPONED = Standing.POSTPONED  # an enumeration looks its members up slowly


class DispatchedProcessor:
    """A `Runnable` over a partition's processor."""

    def __init__(self, processor: VirtualProcessor) -> None:
        self.processor = processor
        self._partition = processor.partition
        self.failure: Exception | None = None

    def wakes_at(self, now: int) -> int:
        if self._partition.outcome is not None:
            return NEVER
        wake = self.processor.wakes_at(now)
        if self.processor.number == 0 and (due := self._partition.watchdogs.due) < wake:
            return due
        return wake

    @property
    def awaits_interrupt(self) -> bool:
        """What comes from outside wakes it."""
        return self.processor.awaits_interrupt

    @property
    def woken_by(self) -> Wake:
        return self.processor.wake

    @property
    def donates(self) -> bool:
        return self.processor.areas.donates(self._partition.memory)

    def run(self, start: int, until: int) -> Ran:
        partition = self._partition
        try:
            progress = partition.run_processor(self.processor, start, until)
        except Exception as error:
            self._fail(error)
            progress = Progress.ENDED
        end = max(partition.time_base, start)
        left, to = _LEFT[progress], None
        if progress is Progress.RAN and end < until:
            left = Left.GAVE_WAY
            preferred = partition.dispatcher.take_preferred()
            to = None if preferred is None else preferred.number
        return Ran(end, left, to)

    def dispatched(self, facts: Dispatched) -> None:
        try:
            self.processor.dispatched(facts)
        except Exception as error:
            self._fail(error)

    def preempted(self, reason: Preemption, end: int) -> None:
        try:
            self.processor.preempted(reason, end)
        except Exception as error:
            self._fail(error)

    @property
    def postponed(self) -> bool:
        """It made an hcall that is answered between two slices."""
        return self.processor.standing is _POSTPONED

    def answer(self, now: int) -> None:
        """Its hcall that was postponed, if one was, is answered between two slices."""
        if self.postponed:
            try:
                self.processor.answer(now)
            except Exception as error:
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.failure = error
        self._partition.checkstop(f"an error of the machine's own: {error!r}")
