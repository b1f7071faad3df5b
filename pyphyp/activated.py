"""What of a machine is activated, as `pyphyp activation` tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.state import Ticks, record
from hypervisor.system.editions import Feature

if TYPE_CHECKING:
    from .managed import ManagedMachine


@record
class Amount:
    """Of processors, or of MiB."""

    installed: int
    activated: int


@record
class Lasting:
    """What a code activated that is still so."""

    what: str
    ends: int | None
    """The second of machine time; None: it does not."""


@record
class Entered:
    """A code that was entered, at a second of machine time."""

    second: int
    code: str
    refused: str
    """Why; empty if it was accepted."""


@record
class Activated:
    """Capacity and edition at tick `now`."""

    machine: str
    serial: str
    now: Ticks
    edition: str
    most_partitions: int
    shared_pools: bool
    """Whether this edition has such; so too with the others."""
    memory_sharing: bool
    mobility: bool
    cores: Amount
    memory_mib: Amount
    lasting: tuple[Lasting, ...]
    entered: tuple[Entered, ...]
    """The newest ones last."""


def activated(machine: ManagedMachine) -> Activated:
    """What there is to tell now."""
    system, on_demand = machine.system, machine.activation.on_demand
    features = on_demand.edition.features
    has = features.has
    return Activated(
        machine=system.name,
        serial=system.serial,
        now=machine.now,
        edition=on_demand.edition.value,
        most_partitions=features.most_partitions,
        shared_pools=Feature.SHARED_POOLS in has,
        memory_sharing=Feature.MEMORY_SHARING in has,
        mobility=Feature.MOBILITY in has,
        cores=Amount(system.cores.installed, on_demand.cores),
        memory_mib=Amount(system.memory_mib.installed, on_demand.memory_mib),
        lasting=tuple(Lasting(str(its.grant), its.ends) for its in on_demand.running),
        entered=tuple(Entered(its.second, its.code, its.refused) for its in on_demand.log),
    )
