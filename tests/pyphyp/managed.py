"""Managed machines for tests: small partitions of guest code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.assembler import assemble
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
from hypervisor.system.share import DedicatedShare, SharedShare, SharingMode
from hypervisor.system.units import ProcUnits
from pyphyp.flat import from_program
from pyphyp.managed import ManagedMachine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hypervisor.system.share import ProcessorShare
    from pyphyp.starts import Start

COUNT = 0x800
"""Where `SPINNER` counts."""
SPINNER = from_program(
    assemble(f"""
        .org    0x1000
_start: li      r3,0
1:      addi    r3,r3,1
        std     r3,{COUNT}(0)
        b       1b
""")
)
CEDER = from_program(
    assemble(f"""
        .org    0x900           # the decrementer's interrupt vector
        load64  r20,5120000     # the next one is due in 10 ms
        mtdec   r20
        rfid
        .org    0x1000
_start: li      r14,0
        li      r3,1
        mtdec   r3
1:      li      r3,0xE0         # H_CEDE
        sc      1
        addi    r14,r14,1
        std     r14,{COUNT}(0)
        b       1b
""")
)


def shared(
    units: int, *, virtual: int = 1, weight: int | None = None, pool: int = 0
) -> SharedShare:
    """`units` hundredths; uncapped with a weight, else capped."""
    capped = weight is None
    return SharedShare(ProcUnits(units), virtual, capped, weight or 0, pool)


def dedicated(count: int, mode: SharingMode = SharingMode.KEEP_IDLE) -> DedicatedShare:
    return DedicatedShare(count, mode)


def system(
    cores: int, shares: Sequence[ProcessorShare], pools: Sequence[SharedProcessorPool] = ()
) -> ManagedSystem:
    """Partitions lpar1, lpar2, ... of 16 MiB with these shares."""
    capacity = Capacity(1 << 20, 1 << 20)
    partitions = tuple(_partition(n, share) for n, share in enumerate(shares, start=1))
    return ManagedSystem(
        "machine",
        "PYP0001",
        ProcessorGeneration.POWER9,
        Capacity(cores, cores),
        capacity,
        16,
        Edition.ENTERPRISE,
        tuple(pools),
        partitions,
    )


def _partition(number: int, share: ProcessorShare) -> PartitionDefinition:
    processors: SharedProcessors | DedicatedProcessors
    if isinstance(share, DedicatedShare):
        count = Bounds.exactly(share.virtual_processors)
        processors = DedicatedProcessors(count, share.sharing)
    else:
        processors = SharedProcessors(
            Bounds(ProcUnits(5), share.entitled, ProcUnits(share.virtual_processors * 100)),
            Bounds.exactly(share.virtual_processors),
            share.capped,
            share.weight,
            share.pool,
        )
    profile = PartitionProfile("normal", Bounds.exactly(16), processors)
    return PartitionDefinition(
        f"lpar{number}", number, ToyKernel("hello"), (profile,), profile.name
    )


def machine(
    cores: int,
    shares: Sequence[ProcessorShare],
    starts: Start | Mapping[str, Start],
    *,
    pools: Sequence[SharedProcessorPool] = (),
    threads: int = 1,
) -> ManagedMachine:
    """Switched on, with all partitions activated; one start is everybody's."""
    its = system(cores, shares, pools)
    if not isinstance(starts, dict):
        starts = {partition.name: starts for partition in its.partitions}
    made = ManagedMachine(its, epoch=0, host_threads=threads, starts=starts)
    made.power_on()
    return made


def consumed(machine: ManagedMachine) -> list[int]:
    """Ticks that each running partition had, by number."""
    members = sorted(machine.dispatcher.members.values(), key=lambda member: member.number)
    return [sum(p.times.consumed for p in member.processors) for member in members]
