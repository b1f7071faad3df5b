"""Processor capacity: what a partition has of the processors, and what it may know and change.

`Capacity` is what stands at one moment; whoever gives out processors (the managed machine) says
it, and takes the partition's requests for another share.  A partition that runs alone has one
physical processor: `OneProcessor`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from emu.memory import MIB
from emu.values import frozen

from .system.bounds import Bounds
from .system.share import DedicatedShare, SharedShare, SharingMode
from .system.units import NONE, ProcUnits

if TYPE_CHECKING:
    from .partition import Partition
    from .system.share import ProcessorShare

USUAL_LEAST_UNITS = ProcUnits(5)


@frozen
class PoolCapacity:
    """The shared processor pool a partition belongs to."""

    processors: int
    """Physical ones its members can use at a time."""
    maximum: ProcUnits
    entitled: ProcUnits
    """What its members are entitled to, with what is reserved for them."""


@frozen
class Capacity:
    """A partition's share of the processors, its bounds, and what is around it."""

    share: ProcessorShare
    units: Bounds[ProcUnits]
    virtual: Bounds[int]
    memory_mib: Bounds[int]
    weight: int
    """The desired one: H_SET_PPP sets no higher."""
    least_units: ProcUnits
    """What each virtual processor needs."""
    unallocated: ProcUnits
    """What could be added to the entitlement now."""
    pool: PoolCapacity
    shared_processors: int
    """Physical ones that shared pools live on."""
    active_processors: int
    """Physical ones of the platform."""
    potential_processors: int
    """Physical ones that can be active on the platform."""

    @property
    def current_weight(self) -> int:
        """Of its claim to unused time; a capped partition has none."""
        share = self.share
        return 0 if share.dedicated or share.capped else share.weight

    def constrained(self, entitled: int, weight: int) -> tuple[ProcUnits, int]:
        """What can be given of the entitlement and the weight that are asked for."""
        share = self.share
        if share.dedicated:
            return share.entitled, 0
        virtual = share.virtual_processors
        lowest = max(self.units.minimum, ProcUnits(self.least_units * virtual))
        highest = min(
            self.units.maximum,
            ProcUnits.processors(virtual),
            ProcUnits(share.entitled + max(self.unallocated, NONE)),
        )
        units = ProcUnits(max(min(entitled, highest), lowest))
        return units, 0 if share.capped else min(weight, self.weight)


@frozen
class ProcessorTimes:
    """Time-base ticks of some physical processors, summed over them."""

    elapsed: int
    used: int
    """A virtual processor was dispatched."""

    @property
    def idle(self) -> int:
        return self.elapsed - self.used


@frozen
class PoolTimes:
    """What became of the time of the processors that partitions share."""

    idle: int
    """No virtual processor could be dispatched."""
    own: ProcessorTimes
    """Of the partition's pool."""
    shared: ProcessorTimes
    """Of all shared pools."""


@frozen
class PartitionTimes:
    """What became of a partition's processor time, in ticks since it was activated."""

    entitled: int
    spare: int
    """Of what it consumed, that beyond its entitlement."""
    donated: int
    """Of its own processors' idle time, that which others used."""


@frozen
class CoreTimes:
    """What a physical processor did, in ticks since the machine was switched on."""

    used: int
    """Virtual processors were dispatched on it."""
    now: int
    """The time base then."""
    instructions: int


class CapacityManager(Protocol):
    """Who gives a partition its share of the processors."""

    @property
    def capacity(self) -> Capacity:
        """What it has now."""

    def pool_times(self) -> PoolTimes | None:
        """None: the partition may not know."""

    def partition_times(self, consumed: int) -> PartitionTimes:
        """Its virtual processors have been dispatched for so many ticks by now."""

    def core_times(self) -> tuple[CoreTimes, ...] | None:
        """Of all physical processors, by number; None: the partition may not know."""

    def work_pending(self, processor: int, now: int) -> bool:
        """Whether another one would have the physical processor on which its virtual processor
        runs, if that one waited at time base `now`."""

    def change(self, entitled: ProcUnits, weight: int) -> None:
        """Give it what `Capacity.constrained` says; raises `Postponed` until that can be done."""


class OneProcessor:
    """A partition that runs alone has one physical processor.

    With one virtual processor that is a dedicated one: nothing ever takes it away.  With more they
    take turns on it, which is what a shared partition's do: so each knows when another one waits
    for the processor, and spins no longer for what that one has to do.  All of them together are
    entitled to the whole processor, and to no more.
    """

    def __init__(self, partition: Partition) -> None:
        self._partition = partition

    @property
    def capacity(self) -> Capacity:
        configuration = self._partition.configuration
        count = configuration.virtual_processors
        one = ProcUnits.processors(1)
        dedicated = count == 1
        return Capacity(
            share=DedicatedShare(1, SharingMode.KEEP_IDLE)
            if dedicated
            else SharedShare(one, count),
            units=Bounds.exactly(one),
            virtual=Bounds.exactly(count),
            memory_mib=Bounds.exactly(configuration.memory_bytes // MIB),
            weight=0,
            least_units=min(USUAL_LEAST_UNITS, ProcUnits(one // count)),
            unallocated=NONE,
            pool=PoolCapacity(0, NONE, NONE) if dedicated else PoolCapacity(1, one, one),
            shared_processors=0 if dedicated else 1,
            active_processors=1,
            potential_processors=1,
        )

    def pool_times(self) -> PoolTimes:
        elapsed = self._partition.time_base
        if self.capacity.share.dedicated:
            nothing = ProcessorTimes(0, 0)
            return PoolTimes(0, nothing, nothing)
        used = sum(p.registers.spr("purr") for p in self._partition.processors)
        times = ProcessorTimes(elapsed, min(used, elapsed))
        return PoolTimes(times.idle, times, times)

    def partition_times(self, consumed: int) -> PartitionTimes:
        return PartitionTimes(self._partition.time_base, 0, 0)

    def core_times(self) -> tuple[CoreTimes, ...]:
        partition = self._partition
        used = sum(processor.registers.spr("purr") for processor in partition.processors)
        instructions = partition.engine.counts().instructions
        return (CoreTimes(used, partition.time_base, instructions),)

    def work_pending(self, processor: int, now: int) -> bool:
        others = [p for p in self._partition.processors if p.number != processor]
        return any([other.wake_if_interrupted() for other in others])

    def change(self, entitled: ProcUnits, weight: int) -> None:
        """There is nothing to change."""
