"""What the dispatcher knows: cores, pools, partitions and their virtual processors.

All times are ticks of the machine's one time base.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .records import NEVER, WINDOW, Wake
from .schedule import Dispatch

if TYPE_CHECKING:
    from hypervisor.system.share import ProcessorShare

    from .lanes import Lane
    from .records import Preemption, Runnable

TICKS_A_UNIT = WINDOW // 100
"""Of a window, for each hundredth of a processor."""
_CARRIED_WINDOWS = 4
"""Entitlement that could not be given is owed for so many windows."""
_VIRTUAL_TIME = 1 << 16
"""Of a partition with weight 1, for each tick of spare time."""


@dataclass(slots=True)
class Times:
    """What became of a virtual processor's time, in ticks."""

    entitled: int = 0
    consumed: int = 0
    """Dispatched."""
    spare: int = 0
    """Of what it consumed, that beyond its entitlement."""
    waited: int = 0
    """Ready, and not dispatched."""
    ceded: int = 0
    donated: int = 0
    """Of a dedicated core's idle time, that which others used."""
    dispatches: int = 0
    dispersions: int = 0
    """Dispatches on another core than before."""

    def add(self, other: Times) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True, eq=False)
class Pool:
    """A shared processor pool; `maximum` and `guaranteed` in ticks a window."""

    number: int
    maximum: int | None = None
    reserved: int = 0
    used: int = 0
    """In this window."""
    total: int = 0
    """Since the machine was switched on."""
    entitled: int = 0
    outstanding: int = 0
    """Entitlement of this window that its members wait for."""
    promised: int = 0
    """Spare time of this slice."""

    def spare_left(self) -> int:
        """Spare time its members may use in this window, besides what is promised."""
        if self.maximum is None:
            return NEVER
        return self.maximum - self.used - self.outstanding - self.promised

    def own_left(self) -> int:
        """Unused time that is its members' before anybody else's."""
        return self.entitled + self.reserved - self.used - self.outstanding - self.promised


@dataclass(slots=True, eq=False)
class Core:
    """A physical processor: its time is accounted for from `begun` to `clock`."""

    number: int
    clock: int
    begun: int = 0
    used: int = 0
    lent: int = 0
    """Of what was used, by others than its owner."""
    owner: Processor | None = None
    kept_for: int | None = None
    """The partition, not activated now, that had it and lends it to nobody meanwhile."""
    holder: Processor | None = None
    """Who has it."""
    failed: bool = False
    since: int = 0
    """When the holder got it, and why."""
    reason: Wake = Wake.HYPERVISOR
    lane: Lane | None = None
    """Who may run there in this slice."""

    @property
    def idle(self) -> int:
        return self.clock - self.begun - self.used

    @property
    def pooled(self) -> bool:
        """The shared pools live on it."""
        return self.owner is None and self.kept_for is None and not self.failed

    def give(self, processor: Processor, start: int) -> None:
        """`processor` has it from now on."""
        woken = processor.wake >= processor.ended_at
        self.reason = processor.runnable.woken_by if woken else Wake.TIME_SLICE
        self.holder, self.since = processor, start

    def charge(self, processor: Processor, ticks: int) -> None:
        """It was used for so long."""
        self.used += ticks
        if self.owner is not None and self.owner.member is not processor.member:
            self.lent += ticks
            self.owner.times.donated += ticks

    def take_away(self, reason: Preemption) -> Dispatch | None:
        """Its holder, if there is one, loses it as of the end of its last run."""
        holder, self.holder = self.holder, None
        if holder is None:
            return None
        holder.runnable.preempted(reason, holder.ended_at)
        return Dispatch(
            self.number,
            holder.member.number,
            holder.number,
            self.since,
            holder.ended_at,
            self.reason,
            reason,
        )


@dataclass(slots=True, eq=False)
class Processor:
    """A virtual processor."""

    member: Member
    number: int
    order: int
    """Unique, and the same in each run."""
    runnable: Runnable
    times: Times = field(default_factory=Times)
    credit: int = 0
    """What is left of its entitlement; below 0, what it owes."""
    credit_since: int = 0
    """The window in which it got credit after it had none."""
    overdue: int = 0
    """Of that, what an earlier window did not give."""
    wake: int = 0
    ended_at: int = 0
    """When it was on a core last."""
    counted_until: int = 0
    """Its waiting and ceding is accounted for up to there."""
    waited: int = 0
    """In this window."""
    core: Core | None = None
    """Where it was last."""
    spare: int = 0
    """Ticks of spare time it may use in this slice, of what is everybody's."""
    own_spare: int = 0
    """Before that: of what is its pool's."""
    steady: bool = False
    """It has not waited since the slice before began: it is taken to go on like that."""
    donates: bool = False
    """Others may use its dedicated core while it waits."""
    donated: int = 0
    """Of `times.donated`, what it has been told."""
    spare_turn: int = 0
    """Who of a lane gets spare time first: the lowest."""

    @property
    def start(self) -> int:
        """The time base from which it can be dispatched."""
        return max(self.wake, self.ended_at)

    def without_capacity(self, now: int) -> int:
        """Since it could be dispatched, how long it had no claim to processor time."""
        waited = now - min(self.start, now)
        if self.member.dedicated:
            return 0
        if self.credit <= 0:
            return waited  # for unused time
        return min(max(self.credit_since - self.start, 0), waited)

    def look(self, now: int) -> None:
        """Ask when it can run."""
        self.wake = self.runnable.wakes_at(now) if self.member.there else NEVER
        if self.member.lends:
            self.donates = self.runnable.donates

    def count_until(self, now: int) -> None:
        """It is on no core: account for its time up to `now` as waited or ceded."""
        if now <= self.counted_until:
            return
        ready = min(max(self.wake, self.counted_until), now)
        self.times.ceded += ready - self.counted_until
        self.times.waited += now - ready
        self.waited += now - ready
        self.counted_until = now


@dataclass(slots=True, eq=False)
class Member:
    """A partition: its share, and where its spare time stands among the others'."""

    number: int
    share: ProcessorShare
    pool: Pool
    processors: list[Processor] = field(default_factory=list)
    dedicated: bool = False
    lends: bool = False
    """Its dedicated cores, while it is activated and they are idle."""
    keeps: bool = False
    """Its dedicated cores, while it is not activated."""
    weight: int = 0
    """Of its claim to spare time; 0: it has none."""
    there: bool = True
    spare_time: int = 0
    """Virtual time: what it used beyond its entitlement by its weight, among all."""
    own_spare_time: int = 0
    """The same among the members of its pool."""
    competed: bool = False
    """For spare time, in the slice before."""

    def __post_init__(self) -> None:
        self.have(self.share, self.pool)

    def have(self, share: ProcessorShare, pool: Pool) -> None:
        """This is its share from now on."""
        self.share, self.pool = share, pool
        self.dedicated = share.dedicated
        self.lends = share.dedicated and share.sharing.while_active
        self.keeps = share.dedicated and not share.sharing.while_inactive
        self.weight = 0 if share.dedicated or share.capped else share.weight

    def begin_window(self, scale: tuple[int, int], now: int) -> None:
        """Give out a window's entitlement; what waited in vain for the last one is owed.

        `scale` is more than one where cores have failed: all get as much less.
        """
        if self.share.dedicated:
            for processor in self.processors:
                processor.times.entitled += WINDOW
                processor.waited = 0
            return
        whole = self.share.entitled * TICKS_A_UNIT * scale[0] // scale[1]
        each, more = divmod(whole, len(self.processors))
        for processor in self.processors:
            budget = each + (processor.number < more)
            processor.times.entitled += budget
            owed = processor.credit
            if owed <= 0:
                processor.credit_since = now
            else:
                owed = min(owed, processor.waited, _CARRIED_WINDOWS * budget)
            processor.credit = budget + owed
            processor.overdue = max(owed, 0)
            processor.waited = 0

    def skip(self, windows: int) -> None:
        """So many windows pass in which nobody of it wants to run."""
        if self.share.dedicated:
            return
        each, more = divmod(self.share.entitled * TICKS_A_UNIT, len(self.processors))
        for processor in self.processors:
            budget = (each + (processor.number < more)) * windows
            processor.times.entitled += budget
            processor.credit = min(processor.credit + budget, 0)
            processor.overdue = 0

    def charge(self, processor: Processor, ticks: int) -> None:
        """`processor` has had a core for so long."""
        processor.times.consumed += ticks
        if self.dedicated:
            return
        self.pool.used += ticks
        self.pool.total += ticks
        of_credit = min(ticks, max(processor.credit, 0))
        processor.credit -= of_credit
        processor.overdue = max(processor.overdue - of_credit, 0)
        if not (beyond := ticks - of_credit):
            return
        if not self.weight:
            processor.credit -= beyond  # it owes them
            return
        processor.times.spare += beyond
        own = min(beyond, processor.own_spare)
        processor.own_spare -= own
        processor.spare -= beyond - own
        self.own_spare_time += own * _VIRTUAL_TIME // self.weight
        self.spare_time += (beyond - own) * _VIRTUAL_TIME // self.weight

    def virtual_time(self, ticks: int) -> int:
        """By how much so many ticks of spare time move it."""
        return ticks * _VIRTUAL_TIME // self.weight
