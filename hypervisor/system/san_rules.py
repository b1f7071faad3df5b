"""What of a system's storage network cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.configuration import LONGEST_NAME
from hypervisor.san.definition import (
    MOST_FABRICS,
    MOST_SERVER_PORTS,
    MOST_STORAGE,
    MOST_STORAGE_PORTS,
)

from .problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hypervisor.san.definition import FabricDefinition, StorageDefinition

    from .definition import ManagedSystem
    from .problem import Path


def san_problems(system: ManagedSystem) -> Iterator[Problem]:
    """All that is wrong with fabrics, storage, and adapters that name others."""
    fabrics, storage = system.san.fabrics, system.san.storage
    servers = {its.name: its for its in system.io_servers}
    others = {its.name for its in system.partitions} | set(servers)
    yield from _names("fabric", fabrics, MOST_FABRICS, set(servers))
    yield from _names("storage", storage, MOST_STORAGE, others)
    names = [its.name for its in fabrics]
    for n, fabric in enumerate(fabrics):
        zones = [zone.name for zone in fabric.zones]
        for k, zone in enumerate(zones):
            if zone in zones[:k]:
                yield Problem(("fabric", n, "zone", k, "name"), repr(zone), "another one has it")
    for n, its in enumerate(storage):
        if not 1 <= len(its.fabrics) <= MOST_STORAGE_PORTS:
            right = f"1 to {MOST_STORAGE_PORTS} fabrics"
            yield Problem(("storage", n, "fabrics"), str(len(its.fabrics)), right)
        for k, name in enumerate(its.fabrics):
            yield from _known(("storage", n, "fabrics", k), name, names)
    for n, server in enumerate(system.io_servers):
        if len(server.fabrics) > MOST_SERVER_PORTS:
            right = f"{MOST_SERVER_PORTS} at most"
            yield Problem(("io_servers", n, "fabrics"), str(len(server.fabrics)), right)
        for k, name in enumerate(server.fabrics):
            yield from _known(("io_servers", n, "fabrics", k), name, names)
    for n, partition in enumerate(system.partitions):
        for k, adapter in enumerate(partition.fibre_channel_adapters):
            path: Path = ("partitions", n, "fibre_channel_adapters", k)
            if not adapter.server:
                yield from _known(path, adapter.fabric, [*names, *servers])
                continue
            ports = [f"fcs{n}" for n in range(len(servers[adapter.server].fabrics))]
            if adapter.port and adapter.port not in ports:
                value = f"{adapter.server}/{adapter.port}"
                there = ", ".join(ports) or "none"
                yield Problem(path, repr(value), f"a port of its fabrics; there are: {there}")


def _known(path: Path, name: str, names: list[str]) -> Iterator[Problem]:
    if name not in names:
        there = ", ".join(names) or "none"
        yield Problem(path, repr(name), f"nothing there has that name; there are: {there}")


def _names(
    table: str,
    named: Sequence[FabricDefinition | StorageDefinition],
    most: int,
    taken: set[str],
) -> Iterator[Problem]:
    """`taken` are names that ports begin with, too."""
    if len(named) > most:
        yield Problem((table, most), repr(named[most].name), f"{most} at most")
    for n, its in enumerate(named):
        path: Path = (table, n, "name")
        if not 1 <= len(its.name) <= LONGEST_NAME or not its.name.isprintable():
            yield Problem(path, repr(its.name[:40]), f"1 to {LONGEST_NAME} printable characters")
        elif "/" in its.name:
            yield Problem(path, repr(its.name), "a name without /")
        elif its.name in taken:
            yield Problem(path, repr(its.name), "another one has it")
        taken.add(its.name)
