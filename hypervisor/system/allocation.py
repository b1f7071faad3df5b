"""Giving out a system's capacity: what a partition gets when it is activated.

A profile is given what it desires if that is free, else less, down to its minimum, else nothing:
the refusal tells the numbers.  Free is what is activated and neither given to a partition nor
reserved for a pool.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emu.values import frozen

from .definition import SharedProcessorPool, SharedProcessors
from .editions import Feature
from .errors import ManagementError
from .share import DEFAULT_POOL, MOST_POOLS, DedicatedShare, SharedShare
from .units import NONE, ProcUnits

if TYPE_CHECKING:
    from .definition import (
        DedicatedProcessors,
        ManagedSystem,
        PartitionDefinition,
        PartitionProfile,
        SystemProfile,
    )
    from .share import ProcessorShare


@frozen
class PartitionResources:
    """What an activated partition has now, and the profile it has it by."""

    definition: PartitionDefinition
    profile: PartitionProfile
    memory_mib: int
    share: ProcessorShare

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def number(self) -> int:
        return self.definition.number


class Allocation:
    """What of a system is given out.

    `activated_cores`, `activated_mib` and `edition` are what is activated now; `system` has the
    pools as they are now.
    """

    def __init__(self, system: ManagedSystem) -> None:
        self.system = system
        self.activated_cores = system.cores.activated
        self.activated_mib = system.memory_mib.activated
        self.edition = system.edition
        self._given: dict[str, PartitionResources] = {}

    # -- what there is ---------------------------------------------------------------------

    @property
    def given(self) -> tuple[PartitionResources, ...]:
        """What the activated partitions have, by partition number."""
        return tuple(sorted(self._given.values(), key=lambda its: its.number))

    @property
    def dedicated_cores(self) -> int:
        """Processors that belong to single partitions."""
        return sum(its.share.virtual_processors for its in self.given if its.share.dedicated)

    @property
    def shared_cores(self) -> int:
        """Processors of the physical shared pool, which all shared pools live on."""
        return max(self.activated_cores - self.dedicated_cores, 0)

    def entitled(self, pool: int | None = None) -> ProcUnits:
        """What shared partitions are entitled to, in one pool or in all."""
        shares = (its.share for its in self.given if not its.share.dedicated)
        return ProcUnits(sum(s.entitled for s in shares if pool in (None, s.pool)))

    @property
    def free_units(self) -> ProcUnits:
        """Below 0 after more was deactivated than was free."""
        reserved = sum(pool.reserved for pool in self.system.pools)
        whole = ProcUnits.processors(self.activated_cores - self.dedicated_cores)
        return ProcUnits(whole - self.entitled() - reserved)

    def free_in_pool(self, number: int) -> ProcUnits:
        """What pool `number` can still entitle partitions to."""
        pool = self.system.pool(number)
        if number == DEFAULT_POOL or pool is None:
            return self.free_units
        room = pool.maximum - pool.reserved - self.entitled(number)
        return ProcUnits(min(self.free_units, room))

    @property
    def free_mib(self) -> int:
        return self.activated_mib - sum(its.memory_mib for its in self.given)

    # -- giving and taking -----------------------------------------------------------------

    def activate(self, name: str, profile_name: str | None = None) -> PartitionResources:
        """Give partition `name` what its profile (the default one) wants and what is free.

        ManagementError where not even the minimum is, or the edition does not let it.
        """
        definition, profile = self._wanted(name, profile_name)
        self._check_edition(name, profile)
        share = self._processors(name, profile)
        memory = self._memory(name, profile)
        self._given[name] = PartitionResources(definition, profile, memory, share)
        return self._given[name]

    def system_profile(self, name: str) -> SystemProfile:
        """The one of that name; ManagementError where there is none."""
        for profile in self.system.system_profiles:
            if profile.name == name:
                return profile
        names = ", ".join(p.name for p in self.system.system_profiles)
        raise ManagementError(
            f"there is no system profile {name!r}", f"there are: {names or 'none'}"
        )

    def release(self, name: str) -> None:
        """Partition `name` has ended: what it had is free; nothing happens if it had nothing."""
        self._given.pop(name, None)

    def resources(self, name: str) -> PartitionResources | None:
        """What partition `name` has, if it is activated."""
        return self._given.get(name)

    def change(self, name: str, share: SharedShare) -> PartitionResources:
        """Give the activated, shared partition `name` another share within its profile's bounds.

        ManagementError where it may not or cannot have that.
        """
        had = self._given.get(name)
        if had is None:
            raise ManagementError(f"partition {name} is not activated", "activate it first")
        bounds = had.profile.processors
        if had.share.dedicated or not isinstance(bounds, SharedProcessors):
            why = f"partition {name} has processors of its own"
            raise ManagementError(why, "change a shared one")
        del self._given[name]
        try:
            self._check_change(had, bounds, share)
        except ManagementError:
            self._given[name] = had
            raise
        self._given[name] = replace(had, share=share)
        return self._given[name]

    def _check_change(
        self, had: PartitionResources, bounds: SharedProcessors, share: SharedShare
    ) -> None:
        name = had.name
        least, virtual = self.system.generation.least_units, share.virtual_processors
        lowest = max(bounds.units.minimum, ProcUnits(least * virtual))
        highest = min(bounds.units.maximum, ProcUnits.processors(virtual))
        if not bounds.virtual.minimum <= virtual <= bounds.virtual.maximum:
            why = f"{virtual} virtual processors for {name}"
            right = f"{bounds.virtual.minimum} to {bounds.virtual.maximum} by its profile"
            raise ManagementError(why, right)
        if not lowest <= share.entitled <= highest:
            why = f"{share.entitled} processing units for {name}"
            raise ManagementError(why, f"{lowest} to {highest}, with {virtual} virtual processors")
        moved = not had.share.dedicated and share.pool != had.share.pool
        if moved:
            self._check_pool(share.pool)
        free = self.free_in_pool(share.pool)
        if share.entitled > free and (moved or share.entitled > had.share.entitled):
            why = f"{share.entitled} processing units of pool {share.pool} for {name}"
            raise ManagementError(why, f"{max(free, NONE)} can be had")

    def _check_pool(self, number: int) -> None:
        """Raises unless partitions may be in pool `number`."""
        if number == DEFAULT_POOL:
            return
        self.edition.demand(Feature.SHARED_POOLS)
        if self.system.pool(number) is None:
            there = sorted({DEFAULT_POOL, *(pool.number for pool in self.system.pools)})
            right = f"there are {', '.join(map(str, there))}"
            raise ManagementError(f"there is no pool {number}", right)

    def change_pool(
        self, number: int, maximum: ProcUnits | None = None, reserved: ProcUnits | None = None
    ) -> SharedProcessorPool:
        """Give pool `number` other limits, or make it: then with a maximum.

        ManagementError where it cannot have them.
        """
        self.edition.demand(Feature.SHARED_POOLS)
        if not DEFAULT_POOL < number < MOST_POOLS:
            raise ManagementError(f"pool {number} has no limits", f"1 to {MOST_POOLS - 1} may")
        had = self.system.pool(number)
        if had is None:
            if maximum is None:
                why = f"there is no pool {number}"
                raise ManagementError(why, "with a maximum it is made")
            had = SharedProcessorPool(number, SharedProcessorPool.usual_name(number), NONE)
        wanted = replace(
            had,
            maximum=had.maximum if maximum is None else maximum,
            reserved=had.reserved if reserved is None else reserved,
        )
        self._check_limits(had, wanted)
        others = (pool for pool in self.system.pools if pool.number != number)
        pools = tuple(sorted((*others, wanted), key=lambda pool: pool.number))
        self.system = replace(self.system, pools=pools)
        return wanted

    def _check_limits(self, had: SharedProcessorPool, wanted: SharedProcessorPool) -> None:
        number, entitled = wanted.number, self.entitled(wanted.number)
        least = ProcUnits(max(entitled + wanted.reserved, 1))
        if wanted.maximum < least:
            why = f"{wanted.maximum} units at most for pool {number}"
            right = f"at least {least}: {entitled} are entitled, {wanted.reserved} reserved"
            raise ManagementError(why, right)
        free = ProcUnits(max(self.free_units, NONE) + had.reserved)
        if wanted.reserved > max(free, had.reserved):
            raise ManagementError(
                f"{wanted.reserved} units reserved for pool {number}", f"{free} can be had"
            )

    def _check_edition(self, name: str, profile: PartitionProfile) -> None:
        most = self.edition.features.most_partitions
        if len(self._given) >= most:
            why = f"partition {name} would be number {most + 1} of those activated"
            right = f"the {self.edition.value} edition has {most}; enter the key of a higher one"
            raise ManagementError(why, right)
        if isinstance(profile.processors, SharedProcessors):
            self._check_pool(profile.processors.pool)

    def _wanted(
        self, name: str, profile_name: str | None
    ) -> tuple[PartitionDefinition, PartitionProfile]:
        if (definition := self.system.partition(name)) is None:
            names = ", ".join(partition.name for partition in self.system.partitions)
            raise ManagementError(f"there is no partition {name!r}", f"there are {names}")
        if name in self._given:
            raise ManagementError(f"partition {name} is activated already", "shut it down first")
        if (profile := definition.profile(profile_name)) is None:
            names = ", ".join(profile.name for profile in definition.profiles)
            why = f"partition {name} has no profile {profile_name!r}"
            raise ManagementError(why, f"it has {names}")
        return definition, profile

    def _processors(self, name: str, profile: PartitionProfile) -> ProcessorShare:
        if isinstance(profile.processors, SharedProcessors):
            return self._shared(name, profile.processors)
        return self._dedicated(name, profile.processors)

    def _shared(self, name: str, wanted: SharedProcessors) -> SharedShare:
        free = self.free_in_pool(wanted.pool)
        units = min(wanted.units.desired, free)
        virtual = min(wanted.virtual.desired, units // self.system.generation.least_units)
        if units < wanted.units.minimum or virtual < wanted.virtual.minimum:
            raise ManagementError(
                f"partition {name} needs {wanted.units.minimum} processing units at least",
                f"{max(free, NONE)} are free in pool {wanted.pool}: "
                "lower the minimum, or shut down or shrink another partition",
            )
        return SharedShare(units, virtual, wanted.capped, wanted.weight, wanted.pool)

    def _dedicated(self, name: str, wanted: DedicatedProcessors) -> DedicatedShare:
        free = max(self.free_units // ProcUnits.processors(1), 0)
        count = min(wanted.processors.desired, free)
        if count < wanted.processors.minimum:
            raise ManagementError(
                f"partition {name} needs {wanted.processors.minimum} processors at least",
                f"{free} whole ones are free: "
                "lower the minimum, or shut down or shrink another partition",
            )
        return DedicatedShare(count, wanted.sharing)

    def _memory(self, name: str, profile: PartitionProfile) -> int:
        wanted, lmb = profile.memory_mib, self.system.lmb_mib
        free = max(self.free_mib, 0)
        size = min(wanted.desired, free - free % lmb)
        if size < wanted.minimum:
            raise ManagementError(
                f"partition {name} needs {wanted.minimum} MiB of memory at least",
                f"{free} are free: lower the minimum, or shut down another partition",
            )
        return size
