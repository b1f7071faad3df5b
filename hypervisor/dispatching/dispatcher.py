"""The dispatcher of a machine: windows of 10 ms over its physical processors.

A window is cut in slices.  When one begins, everything is known and a plan is made; then the
lanes' groups are carried out, on as many host threads as there are.  What comes from outside, or
from other partitions, comes between slices.  So the same machine takes the same course, whatever
the host does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.engine import TIME_BASE_HZ
from hypervisor.system.share import DEFAULT_POOL

from .lanes import Lane, run_group
from .members import TICKS_A_UNIT, Core, Member, Pool, Processor
from .plan import Plan, Slice, awake, groups
from .records import NEVER, WINDOW, Preemption
from .schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hypervisor.system.definition import SharedProcessorPool
    from hypervisor.system.share import ProcessorShare

    from .records import Runnable

    RunGroups = Callable[[list[Callable[[], None]]], object]

SLICES = 5
"""Of a window, where more want to run than there are cores."""


def one_after_the_other(tasks: list[Callable[[], None]]) -> None:
    for task in tasks:
        task()


class CapacityError(Exception):
    """There are not enough cores for a partition."""


class ProcessorDispatcher:
    """Gives `cores` physical processors to the virtual processors of partitions.

    `carry_out` runs tasks that do not depend on each other, on several threads perhaps, and comes
    back when all are done.
    """

    def __init__(
        self,
        cores: int,
        pools: Iterable[SharedProcessorPool] = (),
        carry_out: RunGroups = one_after_the_other,
    ) -> None:
        self.now = 0
        """The time base: a point of the grid of windows or, within one, of slices."""
        self.cores = [Core(number, 0) for number in range(cores)]
        self.members: dict[int, Member] = {}
        self.processors: list[Processor] = []
        """Of all partitions."""
        self.pools = {DEFAULT_POOL: Pool(DEFAULT_POOL)}
        for pool in pools:
            self.set_pool(pool.number, pool.maximum, pool.reserved)
        self.schedule = Schedule()
        self.between_slices: list[Callable[[], None]] = []
        """Called after each slice: partitions may be added and removed then."""
        self.talking_until = 0
        """Up to then slices are short, as partitions exchange something."""
        self.carry_out = carry_out
        self._orders = 0
        self._window_ends = 0

    # -- partitions ------------------------------------------------------------------------

    def add(self, number: int, share: ProcessorShare, runnables: Sequence[Runnable]) -> Member:
        """Dispatch a partition's virtual processors from now on."""
        if number in self.members:
            raise ValueError(f"partition {number} is dispatched already")
        pool = self.pools[DEFAULT_POOL if share.dedicated else share.pool]
        member = Member(number, share, pool)
        for n, runnable in enumerate(runnables):
            processor = Processor(member, n, self._orders, runnable, counted_until=self.now)
            self._orders += 1
            member.processors.append(processor)
        if share.dedicated:
            self._give_cores(member)
        elif all(core.failed or core.owner is not None for core in self.cores):
            raise CapacityError(f"no core is left for the shared partition {number}")
        for core in self.cores:
            if core.kept_for == number:
                core.kept_for = None
        self.members[number] = member
        self.processors += member.processors
        self._share_changed()
        if self._window_ends > self.now:  # in the midst of a window: its part of one
            member.begin_window((self._window_ends - self.now, WINDOW), self.now)
        return member

    def change(self, number: int, share: ProcessorShare) -> None:
        """Give a partition another share, from the next window on."""
        member = self.members[number]
        if share.dedicated or member.dedicated:
            raise ValueError("a partition stays dedicated or shared while it is activated")
        member.have(share, self.pools[share.pool])
        self._share_changed()

    def set_pool(self, number: int, maximum: int, reserved: int) -> None:
        """Give a pool, which may be a new one, limits in hundredths of a processor."""
        pool = self.pools.setdefault(number, Pool(number))
        pool.maximum, pool.reserved = maximum * TICKS_A_UNIT, reserved * TICKS_A_UNIT
        self._settle_cores()

    def replace(self, number: int, runnables: Sequence[Runnable]) -> None:
        """The partition was built anew: these are its virtual processors now."""
        member = self.members[number]
        for processor, runnable in zip(member.processors, runnables, strict=True):
            processor.runnable = runnable
        member.there = True

    def remove(self, number: int) -> None:
        """A partition is dispatched no more.

        Cores of its own are everybody's, unless it is one that lends none while it is not
        activated: then they stay idle until it is, or until somebody else has a claim to them.
        """
        member = self.members.pop(number)
        self.processors = [p for p in self.processors if p.member is not member]
        member.there = False
        for core in self.cores:
            if core.owner is not None and core.owner.member is member:
                core.owner = None
                core.kept_for = number if member.keeps else None
            if core.holder is not None and core.holder.member is member:
                core.holder = None
        self._share_changed()

    def _give_cores(self, member: Member) -> None:
        """Those that were kept for it, then the last ones, then those kept for others."""
        free = [core for core in self.cores if core.owner is None and not core.failed]
        if len(free) - self._shared < len(member.processors):
            there = f"{len(free) - self._shared} free"
            why = f"partition {member.number} needs {len(member.processors)} cores, {there}"
            raise CapacityError(why)
        free.sort(key=lambda core: (_claim(core, member.number), -core.number))
        for processor, core in zip(member.processors, free, strict=False):
            core.owner, processor.core, core.kept_for = processor, core, None

    def _share_changed(self) -> None:
        for pool in self.pools.values():
            pool.entitled = sum(
                member.share.entitled * TICKS_A_UNIT
                for member in self.members.values()
                if not member.dedicated and member.pool is pool
            )
        self._settle_cores()

    @property
    def _shared(self) -> bool:
        """There are shared partitions, which need a core that nobody owns."""
        return any(not member.dedicated for member in self.members.values())

    def _settle_cores(self) -> None:
        """Cores that are kept for partitions go to the shared pools where these need them.

        What the pools do not need goes to dedicated processors that have had to share a core.
        """
        needed = sum(pool.entitled + pool.reserved for pool in self.pools.values())
        room = sum(core.pooled for core in self.cores) * WINDOW
        for core in self.cores:
            if core.kept_for is not None and room < needed:
                core.kept_for = None
                room += WINDOW
        crowded = [
            processor
            for processor in self.processors
            if processor.member.dedicated
            and processor.core is not None
            and processor.core.owner is not processor
        ]
        for processor in crowded:
            if room - WINDOW < needed:
                return
            core = next(core for core in reversed(self.cores) if core.pooled)
            core.owner, processor.core = processor, core
            room -= WINDOW

    # -- cores -----------------------------------------------------------------------------

    def add_core(self) -> Core:
        """Another physical processor is activated."""
        core = Core(len(self.cores), self.now, begun=self.now)
        self.cores.append(core)
        self._settle_cores()
        return core

    def fail_core(self, number: int) -> None:
        """Core `number` works no more: what it had to do moves to others.

        A dedicated one is replaced from the shared pools while these keep one; after that its
        owner's processors share the cores they have left.  CapacityError where somebody would be
        left without any: then nothing has changed.
        """
        core = self.cores[number]
        if core.failed:
            return
        heir = self._heir(core)
        self._take_away(core, Preemption.HYPERVISOR)
        core.failed, core.kept_for = True, None
        owner, core.owner = core.owner, None
        if owner is not None and heir is not None and heir.owner is None:
            heir.owner, heir.kept_for = owner, None
        for processor in self.processors:
            if processor.core is core:
                processor.core = heir if processor.member.dedicated else None
        self._settle_cores()

    def _heir(self, failing: Core) -> Core | None:
        """The core on which the owner of a failing one goes on; None: nobody owns it."""
        others = [core for core in self.cores if not core.failed and core is not failing]
        if not others:
            raise CapacityError("the last core cannot fail and leave a machine behind")
        unowned = [core for core in others if core.owner is None]
        unowned.sort(key=lambda core: (core.pooled, -core.number))
        spare = len(unowned) - self._shared
        if failing.owner is None:
            if spare < 0:
                raise CapacityError("the shared partitions have no other core")
            return None
        if spare > 0:
            return unowned[0]
        member = failing.owner.member
        cores = [processor.core for processor in member.processors]
        left = [core for core in cores if core is not None and core is not failing]
        if not left:
            raise CapacityError(f"partition {member.number} has no core left")
        return min(left, key=left.count)

    # -- time ------------------------------------------------------------------------------

    def next_wake(self) -> int:
        """The time base from which anybody can run.

        Where all wait for what comes from outside alone, somebody looks again in a second.
        """
        wake = NEVER
        for processor in self.processors:
            processor.look(self.now)
            wake = min(wake, processor.wake)
        return wake if wake < NEVER else self.now + TIME_BASE_HZ

    def work_pending(self, number: int, processor: int, now: int) -> bool:
        """Whether another one would have the core on which a virtual processor of partition
        `number` runs, if that one waited at time base `now`.  Callable within the run.
        """
        its = self.members[number].processors[processor]
        assert its.core is not None
        assert its.core.lane is not None
        return its.core.lane.work_pending(its, now)

    def run_window(self) -> None:
        """Run all up to the end of the window."""
        if self.now >= self._window_ends:
            self._begin_window()
        while self.now < self._window_ends:
            self._run_slice()
        for processor in self.processors:
            processor.count_until(self.now)

    def skip(self, windows: int) -> None:
        """Let whole windows pass in which nobody wants to run."""
        for core in self.cores:
            self._take_away(core, Preemption.TIME_SLICE)
        self.now += windows * WINDOW
        for core in self.cores:
            core.clock = max(core.clock, self.now)
        for member in self.members.values():
            for processor in member.processors:
                if member.dedicated:
                    processor.times.entitled += windows * WINDOW
                processor.count_until(self.now)
            if not member.dedicated:
                member.skip(windows)

    def _begin_window(self) -> None:
        self._window_ends = self.now + WINDOW
        working = sum(core.pooled for core in self.cores)
        entitled = sum(pool.entitled for pool in self.pools.values())
        scale = (working * WINDOW, entitled) if entitled > working * WINDOW else (1, 1)
        for member in self.members.values():
            member.begin_window(scale, self.now)
        for pool in self.pools.values():
            pool.used = 0 if pool.maximum is None else max(pool.used - pool.maximum, 0)

    def _run_slice(self) -> None:
        processors = self.processors
        now = self.now
        for processor in processors:
            processor.look(now)
        slice_ = self._slice(processors)
        active = awake(processors, slice_.end)
        self._count_demand(processors)
        cores = [core for core in self.cores if not core.failed]
        plan = Plan(slice_, cores, active, pools=len(self.pools) > 1)
        self._end_dispatches(plan.lanes)
        for processor in processors:
            processor.steady = processor.wake <= now
        self.carry_out([_task(group, slice_.end) for group in groups(plan.lanes)])
        self.now = slice_.end
        for lane in plan.lanes:
            self.schedule.add(lane.records)
        for after in self.between_slices:
            after()

    def _slice(self, processors: Sequence[Processor]) -> Slice:
        """Where everybody can have a core, the rest of the window is one slice.

        So it is with one core that at most one would have more of than its entitlement: nobody can
        move to another one meanwhile, and who runs when follows from that.  Unless partitions talk
        to each other: what one sends reaches the other behind the slice.
        """
        end = self._window_ends
        wants = [p for p in processors if p.wake < end and not p.member.dedicated]
        working = [core for core in self.cores if not core.failed]
        open_ = sum(core.pooled for core in working)
        shared_out = len(wants) > open_ and (
            len(working) > 1 or len(self.pools) > 1 or sum(p.member.weight > 0 for p in wants) > 1
        )
        if shared_out or self.now < self.talking_until:
            end = min(end, self.now + WINDOW // SLICES)
        return Slice(self.now, end, self._window_ends)

    def _count_demand(self, processors: Iterable[Processor]) -> None:
        for pool in self.pools.values():
            pool.outstanding = pool.promised = 0
        awake: set[Member] = set()
        for processor in processors:
            processor.spare = processor.own_spare = 0
            if processor.wake > self.now:
                continue
            member = processor.member
            awake.add(member)
            if processor.credit > 0 and not member.dedicated:
                member.pool.outstanding += processor.credit
        for member in self.members.values():
            member.competed = member.competed and member in awake

    def _end_dispatches(self, lanes: Iterable[Lane]) -> None:
        """Who is not on its core's lane any more is no longer dispatched."""
        for lane in lanes:
            if lane.core.holder is not None and lane.core.holder not in lane.processors:
                self._take_away(lane.core, Preemption.TIME_SLICE)

    def _take_away(self, core: Core, reason: Preemption) -> None:
        if (record := core.take_away(reason)) is not None:
            self.schedule.add([record])


def _claim(core: Core, number: int) -> int:
    """What partition `number` takes of unowned cores: its own first, those kept for others last."""
    if core.kept_for is None:
        return 1
    return 0 if core.kept_for == number else 2


def _task(group: list[Lane], until: int) -> Callable[[], None]:
    return lambda: run_group(group, until)
