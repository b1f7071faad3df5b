"""A managed partition's share of the processors, as its guest learns and changes it.

What a guest reads stands as it was when the slice began, and what it changes is changed when the
slice is over: then partitions that run on different threads of the host do not race for capacity.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from hypervisor.capacity import (
    Capacity,
    CoreTimes,
    PartitionTimes,
    PoolCapacity,
    PoolTimes,
    ProcessorTimes,
)
from hypervisor.dispatching.members import Times
from hypervisor.dispatching.records import WINDOW
from hypervisor.hcall import Postponed
from hypervisor.system.bounds import Bounds
from hypervisor.system.definition import (
    SharedProcessors,
)
from hypervisor.system.share import SharedShare
from hypervisor.system.units import NONE, ProcUnits

if TYPE_CHECKING:
    from hypervisor.dispatching.dispatcher import ProcessorDispatcher
    from hypervisor.system.allocation import Allocation, PartitionResources


class SharedTimes:
    """What became of the time of the processors that partitions share, up to the last slice."""

    def __init__(self, dispatcher: ProcessorDispatcher) -> None:
        self._dispatcher = dispatcher
        self._clocks: dict[int, tuple[int, int]] = {}
        self._elapsed = 0
        self._used: dict[int, int] = {}
        self._core_used = [core.used for core in dispatcher.cores]
        self._now = 0

    def settle(self) -> None:
        """A slice is over.  Time that a dedicated core lent was the pools', too."""
        for core in self._dispatcher.cores:
            clock, lent = self._clocks.get(core.number, (core.begun, 0))
            self._elapsed += core.clock - clock if core.pooled else core.lent - lent
            self._clocks[core.number] = core.clock, core.lent
        self._core_used = [core.used for core in self._dispatcher.cores]
        self._used = {number: pool.total for number, pool in self._dispatcher.pools.items()}
        self._now = self._dispatcher.now

    def of_pool(self, number: int | None) -> PoolTimes:
        """Of pool `number`; None: of a partition that is in none."""
        used = sum(self._used.values())
        shared = ProcessorTimes(max(self._elapsed, used), used)
        if number is None:
            own = ProcessorTimes(0, 0)
        elif (maximum := self._dispatcher.pools[number].maximum) is None:
            own = ProcessorTimes(shared.elapsed, self._used.get(number, 0))
        else:
            elapsed = self._now // WINDOW * maximum
            its = self._used.get(number, 0)
            own = ProcessorTimes(max(elapsed, its), its)
        return PoolTimes(shared.idle, own, shared)

    def of_partition(self, number: int, consumed: int) -> PartitionTimes:
        """`consumed` counts the run, too, in which this is asked."""
        member, times = self._dispatcher.members[number], Times()
        for processor in member.processors:
            times.add(processor.times)
        credit = max(processor.credit for processor in member.processors)
        beyond = max(consumed - times.consumed - max(credit, 0), 0) if member.weight else 0
        return PartitionTimes(times.entitled, times.spare + beyond, times.donated)

    @property
    def cores(self) -> tuple[CoreTimes, ...]:
        """Each tick that a processor is used it carries out an instruction."""
        return tuple(CoreTimes(used, self._now, used) for used in self._core_used)

    @property
    def shared_processors(self) -> int:
        return sum(core.pooled for core in self._dispatcher.cores)

    @property
    def active_processors(self) -> int:
        return sum(not core.failed for core in self._dispatcher.cores)


class Shares(Protocol):
    """The managed machine, as far as shares of its processors go."""

    @property
    def allocation(self) -> Allocation: ...
    @property
    def shared_times(self) -> SharedTimes: ...
    @property
    def dispatcher(self) -> ProcessorDispatcher: ...
    def change_share(self, name: str, share: SharedShare) -> None: ...


class ManagedCapacity:
    """The `CapacityManager` of partition `name`."""

    def __init__(self, machine: Shares, name: str) -> None:
        self._machine, self._name = machine, name
        self.between_slices = False
        """Whether what is asked can be done now."""

    @property
    def _resources(self) -> PartitionResources:
        resources = self._machine.allocation.resources(self._name)
        assert resources is not None, f"{self._name} runs and has no resources"
        return resources

    @property
    def capacity(self) -> Capacity:
        resources = self._resources
        system, times = self._machine.allocation.system, self._machine.shared_times
        share, processors = resources.share, resources.profile.processors
        if isinstance(processors, SharedProcessors):
            units, virtual = processors.units, processors.virtual
        else:
            virtual = processors.processors
            units = Bounds(*(ProcUnits.processors(count) for _, count in virtual.by_kind()))
        return Capacity(
            share=share,
            units=units,
            virtual=virtual,
            memory_mib=resources.profile.memory_mib,
            weight=self._highest_weight(resources),
            least_units=system.generation.least_units,
            unallocated=NONE if share.dedicated else self._unallocated(share.pool),
            pool=self._pool(resources),
            shared_processors=times.shared_processors,
            active_processors=times.active_processors,
            potential_processors=system.cores.installed,
        )

    def _highest_weight(self, resources: PartitionResources) -> int:
        share, processors = resources.share, resources.profile.processors
        if share.dedicated or share.capped or not isinstance(processors, SharedProcessors):
            return 0
        return max(share.weight, 0 if processors.capped else processors.weight)

    def _unallocated(self, pool: int) -> ProcUnits:
        return max(self._machine.allocation.free_in_pool(pool), NONE)

    def _pool(self, resources: PartitionResources) -> PoolCapacity:
        allocation, share = self._machine.allocation, resources.share
        if share.dedicated:
            return PoolCapacity(0, NONE, NONE)
        cores = self._machine.shared_times.shared_processors
        entitled = allocation.entitled(share.pool)
        pool = allocation.system.pool(share.pool)
        if pool is None:
            return PoolCapacity(cores, ProcUnits.processors(cores), entitled)
        maximum = min(pool.maximum, ProcUnits.processors(cores))
        whole = -(-maximum // ProcUnits.processors(1))
        return PoolCapacity(whole, maximum, ProcUnits(entitled + pool.reserved))

    def pool_times(self) -> PoolTimes | None:
        resources = self._resources
        if not resources.definition.performance_collection:
            return None
        share = resources.share
        return self._machine.shared_times.of_pool(None if share.dedicated else share.pool)

    def partition_times(self, consumed: int) -> PartitionTimes:
        return self._machine.shared_times.of_partition(self._resources.number, consumed)

    def core_times(self) -> tuple[CoreTimes, ...] | None:
        if not self._resources.definition.performance_collection:
            return None
        return self._machine.shared_times.cores

    def work_pending(self, processor: int, now: int) -> bool:
        return self._machine.dispatcher.work_pending(self._resources.number, processor, now)

    def change(self, entitled: ProcUnits, weight: int) -> None:
        share = self._resources.share
        if not isinstance(share, SharedShare):
            return
        wanted = replace(share, entitled=entitled)
        if not share.capped:
            wanted = replace(wanted, weight=weight)
        if wanted == share:
            return
        if not self.between_slices:
            raise Postponed
        self._machine.change_share(self._name, wanted)
