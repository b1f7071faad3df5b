"""What of a system's Virtual I/O Servers cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.configuration import LONGEST_NAME, MOST_PARTITIONS
from hypervisor.vio.configuration import PairedAdapter, PairedRole

from .problem import Path, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .definition import ManagedSystem

SMALLEST_ROOTVG_MIB = 1 << 10


def io_server_problems(system: ManagedSystem) -> Iterator[Problem]:
    """All that is wrong with the servers, and with partitions that name others."""
    names, numbers, places = set[str](), set[int](), set[str]()
    for n, server in enumerate(system.io_servers):
        path: Path = ("io_servers", n)
        if not 1 <= len(server.name) <= LONGEST_NAME or not server.name.isprintable():
            right = f"1 to {LONGEST_NAME} printable characters"
            yield Problem((*path, "name"), repr(server.name[:40]), right)
        if server.name in names or system.partition(server.name) is not None:
            yield Problem((*path, "name"), repr(server.name), "another one has it")
        taken = numbers.union(partition.number for partition in system.partitions)
        if not 1 <= server.number <= MOST_PARTITIONS:
            yield Problem((*path, "number"), str(server.number), f"1 to {MOST_PARTITIONS}")
        if server.number in taken:
            yield Problem((*path, "number"), str(server.number), "another partition has it")
        if str(server.directory) in places:
            yield Problem((*path, "directory"), str(server.directory), "another server has it")
        if server.rootvg_mib < SMALLEST_ROOTVG_MIB:
            yield Problem((*path, "rootvg_mib"), str(server.rootvg_mib), "1G at least")
        names.add(server.name)
        numbers.add(server.number)
        places.add(str(server.directory))
    for n, partition in enumerate(system.partitions):
        for adapter in partition.scsi_adapters:
            if adapter.server and adapter.server not in names:
                there = ", ".join(sorted(names)) or "none"
                why = f"no Virtual I/O Server has that name; there are: {there}"
                yield Problem(("partitions", n, "scsi_adapters"), repr(adapter.server), why)
    yield from _pairs(system)
    yield from _terminal_servers(system)


def _pairs(system: ManagedSystem) -> Iterator[Problem]:
    """Each of two adapters names the other one, and a slot has one adapter."""
    for n, partition in enumerate(system.partitions):
        path: Path = ("partitions", n, "paired_adapters")
        for adapter in partition.paired_adapters:
            role = PairedRole.CLIENT if adapter.role is PairedRole.SERVER else PairedRole.SERVER
            wanted = PairedAdapter(adapter.partner_slot, role, partition.name, adapter.slot)
            partner = system.partition(adapter.partner)
            if partner is None or partner is partition or wanted not in partner.paired_adapters:
                why = f"a {role.value} adapter in another partition that names this one"
                yield Problem(path, f"{adapter.partner} slot {adapter.partner_slot}", why)
        slots = [its.slot for its in partition.adapters]
        for slot in sorted({slot for slot in slots if slots.count(slot) > 1}):
            yield Problem(path, f"slot {slot}", "a virtual slot has one adapter")


def _terminal_servers(system: ManagedSystem) -> Iterator[Problem]:
    """Each is for a console of another partition."""
    for n, partition in enumerate(system.partitions):
        for server in partition.terminal_servers:
            client = system.partition(server.client)
            slots = [] if client is None else [its.slot for its in client.consoles]
            if client is partition or server.client_slot not in slots:
                path: Path = ("partitions", n, "terminal_servers")
                value = f"{server.client} slot {server.client_slot}"
                yield Problem(path, value, "a console of another partition")
