"""Whether a managed system can be: every rule, and all that is wrong at once.

A problem names the place in the definition as a path of names and of numbers in lists, so that
whoever read the definition from a file can point at the line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.isa_level import IsaLevel
from hypervisor.abi import MAXIMUM_PROCESSORS, InterruptOffer, Mmu
from hypervisor.configuration import LONGEST_NAME, MOST_PARTITIONS

from .definition import DedicatedProcessors, SharedProcessors
from .editions import Feature
from .io_server_rules import io_server_problems
from .network_rules import network_problems
from .problem import Path, Problem
from .san_rules import san_problems
from .share import DEFAULT_POOL, HIGHEST_WEIGHT, MOST_POOLS
from .units import ProcUnits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .bounds import Bounds
    from .definition import (
        Capacity,
        ManagedSystem,
        PartitionDefinition,
        PartitionProfile,
    )

SMALLEST_LMB_MIB = 16
LONGEST_SERIAL = 31


def problems(system: ManagedSystem) -> list[Problem]:
    """All that is wrong with `system`, in the order of its parts."""
    return [
        *_machine(system),
        *_pools(system),
        *_partitions(system),
        *_system_profiles(system),
        *network_problems(system),
        *io_server_problems(system),
        *san_problems(system),
    ]


# -- the machine ---------------------------------------------------------------------------


def _machine(system: ManagedSystem) -> Iterator[Problem]:
    yield from _name(("name",), system.name)
    yield from _name(("serial",), system.serial, LONGEST_SERIAL)
    yield from _capacity(("cores",), system.cores, "processors")
    yield from _capacity(("memory_mib",), system.memory_mib, "MiB")
    lmb = system.lmb_mib
    if not _may_be_lmb(lmb):
        yield Problem(("lmb_mib",), str(lmb), f"a power of two from {SMALLEST_LMB_MIB} MiB on")
        return
    memory = system.memory_mib
    for kind, size in (("installed", memory.installed), ("activated", memory.activated)):
        if size % lmb:
            yield Problem(("memory_mib", kind), str(size), f"a multiple of the LMB, {lmb} MiB")


def _may_be_lmb(mib: int) -> bool:
    return mib >= SMALLEST_LMB_MIB and not mib & (mib - 1)


def _name(path: Path, name: str, longest: int = LONGEST_NAME) -> Iterator[Problem]:
    if not 1 <= len(name) <= longest or not name.isprintable():
        yield Problem(path, repr(name[:40]), f"1 to {longest} printable characters")


def _capacity(path: Path, capacity: Capacity, unit: str) -> Iterator[Problem]:
    if capacity.installed < 1:
        yield Problem((*path, "installed"), str(capacity.installed), f"at least 1 ({unit})")
    if not 1 <= capacity.activated <= max(1, capacity.installed):
        right = f"1 to the {capacity.installed} {unit} installed"
        yield Problem((*path, "activated"), str(capacity.activated), right)


# -- pools ---------------------------------------------------------------------------------


def _pools(system: ManagedSystem) -> Iterator[Problem]:
    if system.pools and Feature.SHARED_POOLS not in system.edition.features.has:
        why = f"the {system.edition.value} edition has pool 0 alone; standard has {MOST_POOLS}"
        yield Problem(("pools",), f"{len(system.pools)} defined", why)
    for n, pool in enumerate(system.pools):
        path: Path = ("pools", n)
        if not DEFAULT_POOL < pool.number < MOST_POOLS:
            why = f"1 to {MOST_POOLS - 1}; pool 0 is there of itself and has no limits"
            yield Problem((*path, "number"), str(pool.number), why)
        before = system.pools[:n]
        if pool.number in {other.number for other in before}:
            yield Problem((*path, "number"), str(pool.number), "another pool has it")
        yield from _name((*path, "name"), pool.name)
        if pool.name in {other.name for other in before}:
            yield Problem((*path, "name"), repr(pool.name), "another pool has it")
        if pool.maximum < 1:
            yield Problem((*path, "maximum"), str(pool.maximum), "more than 0.00 units")
        if not 0 <= pool.reserved <= max(pool.maximum, 0):
            right = f"0.00 to the pool's maximum, {pool.maximum}"
            yield Problem((*path, "reserved"), str(pool.reserved), right)
    reserved = ProcUnits(sum(pool.reserved for pool in system.pools))
    if reserved > (there := ProcUnits.processors(system.cores.installed)):
        why = f"they reserve {reserved} units together, but {there} are installed"
        yield Problem(("pools",), f"{len(system.pools)} defined", why)


# -- partitions ----------------------------------------------------------------------------


def _partitions(system: ManagedSystem) -> Iterator[Problem]:
    most = min(MOST_PARTITIONS, system.edition.features.most_partitions)
    if not 1 <= (count := len(system.partitions)) <= most:
        why = f"1 to {most} partitions in the {system.edition.value} edition"
        yield Problem(("partitions",), f"{count} defined", why)
    for n, partition in enumerate(system.partitions):
        path: Path = ("partitions", n)
        before = system.partitions[:n]
        yield from _name((*path, "name"), partition.name)
        if partition.name in {other.name for other in before}:
            yield Problem((*path, "name"), repr(partition.name), "another partition has it")
        if not 1 <= partition.number <= MOST_PARTITIONS:
            yield Problem((*path, "number"), str(partition.number), f"1 to {MOST_PARTITIONS}")
        if partition.number in {other.number for other in before}:
            yield Problem((*path, "number"), str(partition.number), "another partition has it")
        yield from _facilities(system, partition, path)
        yield from _profiles(system, partition, path)


def _facilities(
    system: ManagedSystem, partition: PartitionDefinition, path: Path
) -> Iterator[Problem]:
    level = partition.isa_level
    if level > system.generation.isa_level:
        why = f"newer than the system's processors, {system.generation.value}"
        yield Problem((*path, "isa_level"), level.name, why)
    if partition.mmu is Mmu.RADIX and level < IsaLevel.V3_0:
        yield Problem((*path, "mmu"), "radix", "hash or auto: radix trees begin with POWER9")
    if partition.interrupts is InterruptOffer.XIVE and level < IsaLevel.V3_0:
        yield Problem((*path, "interrupts"), "xive", "xics or auto: XIVE begins with POWER9")


def _profiles(
    system: ManagedSystem, partition: PartitionDefinition, path: Path
) -> Iterator[Problem]:
    names = [profile.name for profile in partition.profiles]
    if partition.default_profile not in names:
        right = f"one of the partition's profiles: {', '.join(names) or 'it has none'}"
        yield Problem((*path, "default_profile"), repr(partition.default_profile), right)
    for n, profile in enumerate(partition.profiles):
        its = (*path, "profiles", n)
        yield from _name((*its, "name"), profile.name)
        if profile.name in names[:n]:
            yield Problem((*its, "name"), repr(profile.name), "another profile has it")
        yield from _memory(system, profile, (*its, "memory_mib"))
        match profile.processors:
            case SharedProcessors() as shared:
                yield from _shared(system, shared, (*its, "processors"))
            case DedicatedProcessors() as dedicated:
                bounds = (*its, "processors", "processors")
                yield from _bounds(dedicated.processors, bounds)
                yield from _processor_counts(system, dedicated.processors, bounds)


def _memory(system: ManagedSystem, profile: PartitionProfile, path: Path) -> Iterator[Problem]:
    yield from _bounds(profile.memory_mib, path)
    lmb = system.lmb_mib
    for kind, size in profile.memory_mib.by_kind():
        if size < 1 or (_may_be_lmb(lmb) and size % lmb):
            yield Problem((*path, kind), str(size), f"a multiple of the LMB, {lmb} MiB")
    if profile.memory_mib.minimum > system.memory_mib.installed:
        right = f"up to the {system.memory_mib.installed} MiB installed"
        yield Problem((*path, "minimum"), str(profile.memory_mib.minimum), right)


def _shared(system: ManagedSystem, shared: SharedProcessors, path: Path) -> Iterator[Problem]:
    yield from _bounds(shared.units, (*path, "units"))
    yield from _bounds(shared.virtual, (*path, "virtual"))
    least = system.generation.least_units
    pairs = zip(shared.units.by_kind(), shared.virtual.by_kind(), strict=True)
    for (kind, units), (_, virtual) in pairs:
        where, value = (*path, "units", kind), str(units)
        if not 1 <= virtual <= MAXIMUM_PROCESSORS:
            right = f"1 to {MAXIMUM_PROCESSORS} virtual processors"
            yield Problem((*path, "virtual", kind), str(virtual), right)
        elif units < (lowest := ProcUnits(virtual * least)):
            why = f"at least {lowest}: {least} for each of {virtual} virtual processors"
            yield Problem(where, value, why)
        elif units > (highest := ProcUnits.processors(virtual)):
            why = f"at most {highest}: 1.00 for each of {virtual} virtual processors"
            yield Problem(where, value, why)
    if not 0 <= shared.weight <= HIGHEST_WEIGHT:
        yield Problem((*path, "weight"), str(shared.weight), f"0 to {HIGHEST_WEIGHT}")
    pool = system.pool(shared.pool)
    if pool is None and shared.pool != DEFAULT_POOL:
        numbers = ", ".join(
            str(number) for number in sorted({0, *(p.number for p in system.pools)})
        )
        yield Problem((*path, "pool"), str(shared.pool), f"one of the pools: {numbers}")
    if pool is not None and shared.units.minimum + pool.reserved > pool.maximum:
        why = f"pool {pool.number} has {pool.maximum}, and {pool.reserved} of it are reserved"
        yield Problem((*path, "units", "minimum"), str(shared.units.minimum), why)
    if shared.units.minimum > (there := ProcUnits.processors(system.cores.installed)):
        why = f"up to the {there} units installed"
        yield Problem((*path, "units", "minimum"), str(shared.units.minimum), why)


def _processor_counts(system: ManagedSystem, counts: Bounds[int], path: Path) -> Iterator[Problem]:
    for kind, count in counts.by_kind():
        if not 1 <= count <= MAXIMUM_PROCESSORS:
            yield Problem((*path, kind), str(count), f"1 to {MAXIMUM_PROCESSORS} processors")
    if counts.minimum > system.cores.installed:
        why = f"up to the {system.cores.installed} processors installed"
        yield Problem((*path, "minimum"), str(counts.minimum), why)


def _bounds(bounds: Bounds[int] | Bounds[ProcUnits], path: Path) -> Iterator[Problem]:
    if bounds.minimum > bounds.desired:
        right = f"up to what is desired, {bounds.desired}"
        yield Problem((*path, "minimum"), str(bounds.minimum), right)
    if bounds.maximum < bounds.desired:
        right = f"at least what is desired, {bounds.desired}"
        yield Problem((*path, "maximum"), str(bounds.maximum), right)


# -- system profiles -----------------------------------------------------------------------


def _system_profiles(system: ManagedSystem) -> Iterator[Problem]:
    for n, profile in enumerate(system.system_profiles):
        path: Path = ("system_profiles", n)
        yield from _name((*path, "name"), profile.name)
        if profile.name in {other.name for other in system.system_profiles[:n]}:
            yield Problem((*path, "name"), repr(profile.name), "another system profile has it")
        for name, chosen in profile.partitions:
            where = (*path, "partitions", name)
            if (partition := system.partition(name)) is None:
                names = ", ".join(partition.name for partition in system.partitions)
                yield Problem(where, repr(chosen), f"there is no partition {name!r}: {names}")
            elif partition.profile(chosen) is None:
                names = ", ".join(profile.name for profile in partition.profiles)
                yield Problem(where, repr(chosen), f"a profile of {name}: {names}")
