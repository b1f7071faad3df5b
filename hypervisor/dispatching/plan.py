"""Whom a slice puts on which core: a function of what is known when it begins, and of nothing else.

First come those who must have their entitlement now (it is overdue, or would not fit what is left
of the window), then those who have a core and entitlement left, then whoever else has some,
longest waiting first.  What room is left on the cores goes to the uncapped: unused time of a pool
to its members by weight, up to what the pool is entitled to and has reserved; the rest to all by
weight, up to the pools' maxima.  All others are put where they may run if those before them wait.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from emu.values import frozen

from .lanes import Lane
from .records import NEVER, WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .members import Core, Member, Processor

    Claim = Callable[[Processor, int], tuple[int, int, int]]


_URGENT = 1
_MADE_UP_WINDOWS = 2


@frozen
class Slice:
    """From `begin` to `end`, in a window that ends at `window_ends`."""

    begin: int
    end: int
    window_ends: int

    @property
    def ticks(self) -> int:
        return self.end - self.begin


def awake(processors: Iterable[Processor], before: int) -> list[Processor]:
    """Those that can run before a time base, and whom these may wake."""
    found = [p for p in processors if p.wake < before]
    alone = all(len(p.member.processors) == 1 for p in found)
    if alone:
        return found
    members = {p.member for p in found if len(p.member.processors) > 1}
    there = set(found)
    found += [p for m in members for p in m.processors if p not in there]
    found.sort(key=lambda p: p.order)
    return found


class Plan:
    """The lanes of a slice; `cores` are those that work, `active` whom `awake` gave."""

    def __init__(
        self, slice_: Slice, cores: Sequence[Core], active: Sequence[Processor], *, pools: bool
    ) -> None:
        self.slice = slice_
        self.pools = pools
        self.lanes = [Lane(core) for core in cores]
        self._by_number = {lane.core.number: lane for lane in self.lanes}
        self._lane_of: dict[Processor, Lane] = {}
        shared = self._place_dedicated(active)
        self._open = [lane for lane in self.lanes if self._lends(lane)]
        if not self._open:
            return
        self._turns = 0
        self._by_room: list[tuple[int, int]] = []
        for lane in self._open:
            self._take_room(lane, -self._room(lane))
        self._place_entitled(shared)
        self._place_spare(shared)
        self._place_others(shared)
        self._fill_lent()

    # -- dedicated -------------------------------------------------------------------------

    def _place_dedicated(self, active: Sequence[Processor]) -> list[Processor]:
        """Owners go to their cores; gives the others."""
        shared = []
        for processor in active:
            if not processor.member.dedicated:
                shared.append(processor)
            elif (core := processor.core) is not None and not core.failed:
                self._put(processor, self._by_number[core.number])
        return shared

    def _lends(self, lane: Lane) -> bool:
        owner = lane.core.owner
        return lane.core.pooled if owner is None else owner.member.lends

    def _room(self, lane: Lane) -> int:
        """A lent core has room until its owner is due."""
        if lane.core.owner is not None and not lane.core.owner.donates:
            return 0
        begin = max(self.slice.begin, lane.core.clock)
        owners = min((p.start for p in lane.processors), default=NEVER)
        return max(min(owners, self.slice.end) - begin, 0)

    # -- entitlement -----------------------------------------------------------------------

    def _place_entitled(self, shared: Sequence[Processor]) -> None:
        waiting = [p for p in shared if p.credit > 0 and p.wake < self.slice.end]
        if len(waiting) > 1:
            waiting.sort(key=self._urgency)
        for processor in waiting:
            lane = self._roomiest(processor)
            if lane.room <= 0:
                break
            needed = min(processor.credit, self.slice.end - max(processor.wake, self.slice.begin))
            self._put(processor, lane)
            self._take_room(lane, needed)

    def _urgency(self, processor: Processor) -> tuple[int, int, int]:
        begin = self.slice.begin
        laxity = self.slice.window_ends - max(processor.wake, begin) - processor.credit
        if processor.wake > begin:
            return 4, processor.wake, processor.order
        if processor.overdue > 0:
            return 0, laxity, processor.order
        if laxity < self.slice.ticks:
            return _URGENT, laxity, processor.order
        if (core := processor.core) is not None and core.holder is processor:
            return 2, 0, processor.order
        return 3, processor.ended_at, processor.order

    # -- spare time ------------------------------------------------------------------------

    def _place_spare(self, shared: Sequence[Processor]) -> None:
        eligible = [p for p in shared if p.member.weight and p.wake < self.slice.end]
        if not eligible:
            return
        members = {p.member for p in eligible}
        self._admit(members)
        if len(members) > 1:
            self._forgive(members)
        if self.pools:
            self._give_out(eligible, _within_pool)
        self._give_out(eligible, _among_all)

    def _admit(self, members: set[Member]) -> None:
        """Who did not compete in the slice before does not make up for it now."""
        before = [m for m in members if m.competed]
        spare_time = min((m.spare_time for m in before), default=0)
        for member in members:
            if not member.competed:
                member.spare_time = max(member.spare_time, spare_time)
                of_pool = [m.own_spare_time for m in before if m.pool is member.pool]
                member.own_spare_time = max(member.own_spare_time, min(of_pool, default=0))
                member.competed = True

    def _forgive(self, members: set[Member]) -> None:
        """Who could not use its part (its pool was at its maximum, or it had not the processors)
        has no claim to make up for it: virtual times do not stay behind their mean for more than
        what all can use in a few windows."""
        slack = _MADE_UP_WINDOWS * WINDOW * len(self._open)
        mean = _mean((m.weight, m.spare_time) for m in members)
        for member in members:
            member.spare_time = max(member.spare_time, mean - member.virtual_time(slack))
        if not self.pools:
            return
        for pool in {member.pool for member in members}:
            of_pool = [member for member in members if member.pool is pool]
            mean = _mean((m.weight, m.own_spare_time) for m in of_pool)
            for m in of_pool:
                m.own_spare_time = max(m.own_spare_time, mean - m.virtual_time(slack))

    def _give_out(self, eligible: Sequence[Processor], claim: Claim) -> None:
        """The least claim first: whose virtual time, with what is planned already, is behind."""
        planned: dict[Member, int] = {}
        heap = [(claim(p, 0), p.order, p) for p in eligible]
        heapify(heap)
        while heap:
            claimed, order, processor = heappop(heap)
            member = processor.member
            now = claim(processor, planned.get(member, 0))
            if now > claimed:  # others of its partition came first
                heappush(heap, (now, order, processor))
                continue
            expected = self._allow(processor, own=claim is _within_pool)
            planned[member] = planned.get(member, 0) + member.virtual_time(expected)

    def _allow(self, processor: Processor, *, own: bool) -> int:
        """Let the processor use spare time where there is room; gives how much that will be.

        Where there is no room now it may use some nevertheless, should those before it wait.
        """
        pool = processor.member.pool
        spare = min(self.slice.ticks, pool.spare_left())
        if own:
            spare = min(spare, pool.own_left())
        if spare <= 0:
            return 0
        lane = self._lane_of.get(processor)
        if lane is None and (roomy := self._roomiest(processor)).room > 0:
            lane = self._put(processor, roomy)
        expected = 0 if lane is None else min(max(lane.room, 0), spare)
        if lane is not None and expected:
            self._take_room(lane, expected)
        self._turns += 1
        processor.spare_turn = self._turns
        # Others of a pool with limits run meanwhile: what is promised to one is no other's.
        if own:
            processor.own_spare = expected or spare
            pool.promised += processor.own_spare
        elif pool.maximum is None:
            processor.spare = spare
            pool.promised += expected
        else:
            processor.spare = expected or spare
            pool.promised += processor.spare
        return expected

    # -- lanes -----------------------------------------------------------------------------

    def _put(self, processor: Processor, lane: Lane) -> Lane:
        lane.processors.append(processor)
        self._lane_of[processor] = lane
        return lane

    def _take_room(self, lane: Lane, ticks: int) -> None:
        lane.room -= ticks
        heappush(self._by_room, (-lane.room, lane.core.number))

    def _home(self, processor: Processor) -> Lane | None:
        """Where it was last, if it may be there now."""
        home = None if processor.core is None else self._by_number.get(processor.core.number)
        return home if home is not None and self._lends(home) else None

    def _roomiest(self, processor: Processor) -> Lane:
        """The lane with most room; its own where nobody has been given any yet."""
        home = self._home(processor)
        if home is not None and home.room > 0 and home.room == self._room(home):
            return home
        while True:
            room, number = self._by_room[0]
            lane = self._by_number[number]
            if lane.room == -room:
                return lane
            heappop(self._by_room)  # outdated

    def _place_others(self, shared: Sequence[Processor]) -> None:
        """Those whom there is no room for, or who sleep: somewhere, should there be after all."""
        left = [p for p in shared if p not in self._lane_of]
        if not left:
            return
        heap = [(*self._standing_by(lane), lane.core.number) for lane in self._open]
        heapify(heap)
        for processor in left:
            if processor.wake >= self.slice.end and processor.member.weight:
                processor.spare_turn = self._turns + 1
                processor.spare = max(min(self.slice.ticks, processor.member.pool.spare_left()), 0)
                if processor.member.pool.maximum is not None:
                    processor.member.pool.promised += processor.spare
            if processor.credit <= 0 and processor.spare <= 0 and processor.own_spare <= 0:
                continue
            home = self._home(processor)
            if home is None or (*self._standing_by(home), 0) > heap[0]:
                home = self._by_number[heap[0][-1]]
            self._put(processor, home)
            heappush(heap, (*self._standing_by(home), home.core.number))
            while heap[0][:-1] != self._standing_by(self._by_number[heap[0][-1]]):
                heappop(heap)  # outdated

    def _standing_by(self, lane: Lane) -> tuple[int, int]:
        """How many will use what time is left there, and how many might."""
        shared = [p for p in lane.processors if not p.member.dedicated]
        return sum(p.steady and (p.spare > 0 or p.own_spare > 0) for p in shared), len(shared)

    def _fill_lent(self) -> None:
        """An owner may wait at any moment: somebody who could wait stands by on its core."""
        for lane in self._open:
            if lane.core.owner is None or any(not p.member.dedicated for p in lane.processors):
                continue
            crowded = max(self._open, key=lambda its: len(its.processors))
            last = crowded.processors[-1] if len(crowded.processors) > 1 else None
            if last is None or last.member.dedicated or self._must_run(last):
                return
            crowded.processors.remove(last)
            self._put(last, lane)

    def _must_run(self, processor: Processor) -> bool:
        return processor.credit > 0 and self._urgency(processor)[0] <= _URGENT


def _mean(weighted: Iterable[tuple[int, int]]) -> int:
    total = weights = 0
    for weight, time in weighted:
        total += weight * time
        weights += weight
    return total // weights


def _within_pool(processor: Processor, planned: int) -> tuple[int, int, int]:
    member = processor.member
    return -max(member.pool.own_left(), 0), member.own_spare_time + planned, processor.times.spare


def _among_all(processor: Processor, planned: int) -> tuple[int, int, int]:
    return 0, processor.member.spare_time + planned, processor.times.spare


def groups(lanes: Sequence[Lane]) -> list[list[Lane]]:
    """The lanes by what can be carried out side by side: no partition is in two groups."""
    if len(lanes) == 1:
        return [list(lanes)]
    group_of: dict[Member, list[Lane]] = {}
    result: list[list[Lane]] = []
    for lane in lanes:
        joined = {id(g): g for p in lane.processors if (g := group_of.get(p.member)) is not None}
        mine = [lane]
        for group in joined.values():
            mine = group + mine
            result = [g for g in result if g is not group]
        mine.sort(key=lambda its: its.core.number)
        result.append(mine)
        for each in mine:
            for processor in each.processors:
                group_of[processor.member] = mine
    return result
