"""Managed systems for tests."""

from __future__ import annotations

from hypervisor.system.bounds import Bounds
from hypervisor.system.definition import (
    Capacity,
    DedicatedProcessors,
    ManagedSystem,
    PartitionDefinition,
    PartitionProfile,
    ProcessorGeneration,
    SharedProcessorPool,
    SharedProcessors,
    ToyKernel,
)
from hypervisor.system.editions import Edition
from hypervisor.system.units import ProcUnits

LMB_MIB = 64
CORES = Capacity(installed=4, activated=2)
MEMORY_MIB = Capacity(installed=4096, activated=2048)


def shared(
    units: tuple[int, int, int] = (10, 50, 100), virtual: tuple[int, int, int] = (1, 1, 2)
) -> SharedProcessors:
    """A claim to hundredths of processors: minimum, desired, maximum."""
    return SharedProcessors(Bounds(*map(ProcUnits, units)), Bounds(*virtual))


def profile(
    processors: SharedProcessors | DedicatedProcessors,
    memory: tuple[int, int, int] = (64, 128, 256),
    name: str = "normal",
) -> PartitionProfile:
    return PartitionProfile(name, Bounds(*memory), processors)


def partition(number: int, *profiles: PartitionProfile) -> PartitionDefinition:
    """Partition `number`, called lpar and its number."""
    its = profiles or (profile(shared()),)
    return PartitionDefinition(f"lpar{number}", number, ToyKernel("hello"), its, its[0].name)


def system(
    *partitions: PartitionDefinition,
    cores: Capacity = CORES,
    memory_mib: Capacity = MEMORY_MIB,
    pools: tuple[SharedProcessorPool, ...] = (),
    generation: ProcessorGeneration = ProcessorGeneration.POWER9,
    edition: Edition = Edition.ENTERPRISE,
) -> ManagedSystem:
    return ManagedSystem(
        name="system1",
        serial="1234567",
        generation=generation,
        cores=cores,
        memory_mib=memory_mib,
        lmb_mib=LMB_MIB,
        edition=edition,
        pools=pools,
        partitions=partitions or (partition(1),),
    )
