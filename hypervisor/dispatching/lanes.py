"""What happens on the cores within a slice, tick by tick.

A lane is a core with the virtual processors that may run there, in order.  Of those that are
ready the core's owner goes first, then the first with entitlement left, then the first with spare
time.  A run lasts until its processor waits, its time is used up, or one wakes that goes before it.

Lanes that have virtual processors of one partition are a group: these run "at the same time", a
short stretch after another, since one engine carries them out.  Different groups know nothing of
each other, so the order in which they are carried out changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .records import NEVER, WINDOW, Dispatched, Left, Preemption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .members import Core, Processor
    from .records import Ran
    from .schedule import Dispatch

STRETCH = 102_400
"""Ticks by which one of a group's cores runs ahead of the others: 0.2 ms."""
TURN = WINDOW // 10
"""Of dedicated processors that have one core left between them."""
_OWNER, _ENTITLED, _OWN_SPARE, _SPARE, _NOT = range(5)


@dataclass(slots=True, eq=False)
class Lane:
    """A core in one slice."""

    core: Core
    processors: list[Processor] = field(default_factory=list)
    room: int = 0
    """Ticks of the slice that nobody is meant to have yet."""
    records: list[Dispatch] = field(default_factory=list)

    def next(self, until: int) -> tuple[int, Processor] | None:
        """Who runs next, and from when on; None: nobody before `until`."""
        clock, owner = self.core.clock, self.core.owner
        kept = owner is not None and not owner.donates
        best, key = None, (until, _OWNER, 0)
        for processor in self.processors:
            if kept and not processor.member.dedicated:
                continue
            start = processor.wake
            if start < clock:
                start = clock
            if start < processor.ended_at:
                start = processor.ended_at
            if start > key[0] or (rank := _rank(processor)) == _NOT:
                continue
            turn = processor.spare_turn if rank >= _OWN_SPARE else 0
            if rank == _OWNER and len(self.processors) > 1:
                turn = processor.ended_at  # where cores failed, owners take turns on what is left
            if (found := (start, rank, turn)) < key:
                best, key = processor, found
        return None if best is None else (key[0], best)

    def run(self, start: int, processor: Processor, until: int) -> Ran:
        """Run `processor` from `start` on, `until` then at most."""
        core = self.core
        core.lane = self
        self.pass_idle(start)
        if core.holder is not processor:
            self._dispatch(processor, start)
        ran = processor.runnable.run(start, self._limit(processor, start, until))
        processor.member.charge(processor, ran.end - start)
        core.charge(processor, ran.end - start)
        core.clock = processor.ended_at = processor.counted_until = ran.end
        processor.look(ran.end)
        processor.steady &= ran.left is not Left.WAITS
        if ran.left is not Left.PREEMPTED:
            self._left(processor, ran.left)
        return ran

    def work_pending(self, caller: Processor, now: int) -> bool:
        """Whether somebody else would have the core at time base `now`, if `caller` waited then.

        What an owner says of itself counts as of now; what another one says, as of its last run.
        """
        owner, kept = self.core.owner, False
        if owner is not None:
            donates = owner.runnable.donates if owner is caller else owner.donates
            kept = not (owner.member.lends and donates)
        for processor in self.processors:
            if processor is caller or (kept and not processor.member.dedicated):
                continue
            if processor.member is caller.member:  # the run may have woken it
                processor.look(now)
            if processor.start <= now and _rank(processor) != _NOT:
                return True
        return False

    def pass_idle(self, until: int) -> None:
        """Nobody runs here before `until`."""
        if until > self.core.clock:
            self.close(Preemption.TIME_SLICE)
            self.core.clock = until

    def close(self, reason: Preemption) -> None:
        """Whoever has the core loses it, now that its run is over."""
        if (record := self.core.take_away(reason)) is not None:
            self.records.append(record)

    def _limit(self, processor: Processor, start: int, until: int) -> int:
        rank = _rank(processor)
        if rank == _ENTITLED:
            until = min(until, start + processor.credit)
        elif rank == _OWN_SPARE:
            until = min(until, start + processor.own_spare)
        elif rank == _SPARE:
            until = min(until, start + processor.spare)
        for other in self.processors:
            if other is processor or (ready := other.start) >= until:
                continue
            if ready > start and _rank(other) < rank:
                until = ready
            elif rank == _OWNER and other.member.dedicated:
                until = min(until, max(start, ready) + TURN)
        return until

    def _dispatch(self, processor: Processor, start: int) -> None:
        self.close(Preemption.TIME_SLICE)
        processor.count_until(start)
        core, before = self.core, processor.core
        times = processor.times
        times.dispatches += 1
        dispersed = before is not None and before is not core
        times.dispersions += dispersed
        processor.core = core
        core.give(processor, start)
        processor.runnable.dispatched(
            Dispatched(
                core.number,
                start,
                core.reason,
                start - min(processor.start, start),
                dispersed,
                processor.without_capacity(start),
                times.donated - processor.donated,
            )
        )
        processor.donated = times.donated

    def _left(self, processor: Processor, left: Left) -> None:
        self.close(Preemption.CONFER if left is Left.GAVE_WAY else Preemption.CEDE)
        if left is Left.GAVE_WAY:
            self.processors.remove(processor)
            self.processors.append(processor)


def run_group(lanes: Sequence[Lane], until: int) -> None:
    """Carry out what happens in a group's lanes up to time base `until`."""
    if len(lanes) == 1:
        _run_lane(lanes[0], until)
        return
    while (first := _first(lanes, until)) is not None:
        stretch = min(first[0] + STRETCH, until)
        while (found := _first(lanes, stretch)) is not None:
            start, index, processor = found
            ran = lanes[index].run(start, processor, stretch)
            if len(processor.member.processors) > 1:
                _look_at_siblings(processor, ran)
        for lane in lanes:
            lane.pass_idle(stretch)
    for lane in lanes:
        lane.pass_idle(until)


def _run_lane(lane: Lane, until: int) -> None:
    while (found := lane.next(until)) is not None:
        start, processor = found
        ran = lane.run(start, processor, until)
        if len(processor.member.processors) > 1:
            _look_at_siblings(processor, ran)
    lane.pass_idle(until)


def _first(lanes: Sequence[Lane], until: int) -> tuple[int, int, Processor] | None:
    """Where somebody runs next: when, in which of the lanes, who."""
    first = None
    for index, lane in enumerate(lanes):
        if (found := lane.next(until)) is not None and (first is None or found[0] < first[0]):
            first = found[0], index, found[1]
    return first


def _look_at_siblings(processor: Processor, ran: Ran) -> None:
    """The run may have woken others of the partition; what it gave away goes to one of them."""
    siblings = processor.member.processors
    for sibling in siblings:
        sibling.look(ran.end)
    if ran.left is Left.GAVE_WAY and ran.to is not None:
        heir = siblings[ran.to]
        if heir.wake != NEVER and processor.credit > 0:
            heir.credit += processor.credit
            processor.credit = 0


def _rank(processor: Processor) -> int:
    """Who goes first; `_NOT`: it may not run now."""
    if processor.member.dedicated:
        return _OWNER
    if processor.credit > 0:
        return _ENTITLED
    if processor.own_spare > 0:
        return _OWN_SPARE
    return _SPARE if processor.spare > 0 else _NOT
