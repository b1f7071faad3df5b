"""Whether the Ethernet of a managed system can be: addresses, trunks, ways to the outside."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypervisor.configuration import address_of
from hypervisor.network.shared_ethernet import Nat, Tap
from hypervisor.network.switch import DEFAULT_VLAN

from .problem import Problem

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from hypervisor.network.shared_ethernet import SharedEthernet
    from hypervisor.network.switch import PortSettings

    from .definition import ManagedSystem
    from .problem import Path


def network_problems(system: ManagedSystem) -> Iterator[Problem]:
    yield from _addresses(system)
    yield from _trunks(system)
    yield from _outside(system)
    yield from _lans(system)


def _addresses(system: ManagedSystem) -> Iterator[Problem]:
    """No two adapters of a machine have one address."""
    there: dict[bytes, tuple[int, int]] = {}
    for n, partition in enumerate(system.partitions):
        for k, adapter in enumerate(partition.ethernet_adapters):
            address = address_of(system.serial, partition.number, adapter)
            if (first := there.setdefault(address, (n, k))) != (n, k):
                why = f"an adapter of {system.partitions[first[0]].name} has that address"
                path: Path = ("partitions", n, "ethernet_adapters", k, "mac")
                yield Problem(path, address.hex(":"), why)


def _trunks(system: ManagedSystem) -> Iterator[Problem]:
    """Of the trunks of a VLAN each has a priority of its own, or nobody knew which is the way."""
    there: set[tuple[str, int, int]] = set()
    for path, switch, settings in _ports(system):
        if not (priority := settings.trunk_priority):
            continue
        for vlan in sorted((settings.vlan, *settings.more_vlans)):
            place = switch, vlan, priority
            if place in there:
                why = f"another trunk of VLAN {vlan} in {switch} has it"
                yield Problem((*path, "trunk_priority"), f"trunk priority {priority}", why)
                break
            there.add(place)


def _ports(system: ManagedSystem) -> Iterator[tuple[Path, str, PortSettings]]:
    for n, way in enumerate(system.shared_ethernet):
        yield ("shared_ethernet", n), way.switch, way.settings
    for n, server in enumerate(system.io_servers):
        for k, port in enumerate(server.ethernet):
            yield ("io_servers", n, "ethernet", k), port.switch, port.settings
    for n, partition in enumerate(system.partitions):
        for k, adapter in enumerate(partition.ethernet_adapters):
            yield ("partitions", n, "ethernet_adapters", k), adapter.switch, adapter.settings


def _outside(system: ManagedSystem) -> Iterator[Problem]:
    """What the host has but once goes to one way."""
    there: set[Hashable] = set()
    ways = [("shared_ethernet", n, way) for n, way in enumerate(system.shared_ethernet)]
    ways += [("lan", n, way) for n, way in enumerate(system.lans)]
    for table, n, way in ways:
        for key, value, what in _claims(way):
            if what in there:
                yield Problem((table, n, key), value, "another way has that already")
            there.add(what)


def _lans(system: ManagedSystem) -> Iterator[Problem]:
    """Networks outside have names of their own, and no VLANs."""
    names = [lan.switch for lan in system.lans]
    for n, name in enumerate(names):
        if name in names[:n]:
            yield Problem(("lan", n, "name"), repr(name), "another one has it")
    for path, switch, settings in _ports(system):
        if switch not in names:
            continue
        if path[0] != "partitions":
            yield Problem((*path, "switch"), repr(switch), "a virtual switch; that is a lan")
        elif (settings.vlan, settings.more_vlans) != (DEFAULT_VLAN, frozenset()):
            why = "no VLANs: a lan carries all tags as they are"
            yield Problem((*path, "switch"), repr(switch), why)
    for n, service in enumerate(system.boot_servers):
        if service.switch in names:
            path = ("boot_servers", n, "switch")
            yield Problem(path, repr(service.switch), "a virtual switch; that is a lan")
    for n, server in enumerate(system.io_servers):
        for k, name in enumerate(server.lans):
            if name not in names:
                there = ", ".join(names) or "none"
                why = f"no lan has that name; there are: {there}"
                yield Problem(("io_servers", n, "lans", k), repr(name), why)


def _claims(way: SharedEthernet) -> Iterator[tuple[str, str, Hashable]]:
    match way.outside:
        case Nat(forwards):
            for forward in forwards:
                taken = replace(forward, guest=None, guest_port=1)
                yield "forward", f"port {forward.port}", taken
        case Tap(device):
            yield "outside", f"tap:{device}", ("tap", device)
    if way.capture is not None:
        yield "pcap", str(way.capture), ("pcap", way.capture)
