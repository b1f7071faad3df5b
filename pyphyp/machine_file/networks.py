"""Ethernet as a machine file has it: partitions' adapters, and the ways to the outside."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Interface
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypervisor.network.boot_server import BootService
from hypervisor.network.shared_ethernet import Nat, Nobody, ServerPort, SharedEthernet
from hypervisor.vio.configuration import FIRST_FREE_SLOT, EthernetAdapter
from pyphyp.boot_files import GRUB_IMAGE
from pyphyp.outside.words import shared_ethernet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .lines import Path as KeyPath
    from .problems import Problems

    Values = dict[str, Any]
    Tables = Iterable[tuple[Values, KeyPath]]
    """What the keys of tables mean, with the tables' paths."""


def ethernet_adapters(tables: Tables, problems: Problems) -> tuple[EthernetAdapter, ...]:
    """A partition's, in the slots behind the disks'."""
    adapters = []
    for slot, (values, where) in enumerate(tables, start=FIRST_FREE_SLOT + 1):
        try:
            address = _address(values.pop("mac", ""))
            allowed = values.pop("allowed_macs", None)
            allowed = None if allowed is None else tuple(map(_address, allowed))
            adapters.append(EthernetAdapter(slot, address=address, allowed=allowed, **values))
        except ValueError as wrong:
            problems.add(where, str(wrong))
    return tuple(adapters)


def _address(text: str) -> bytes:
    try:
        return bytes.fromhex(text.replace(":", ""))
    except ValueError:
        raise ValueError(f"{text!r} is no address: 0a:00:00:00:00:01, for example, is") from None


def boot_services(tables: Tables, directory: Path, problems: Problems) -> tuple[BootService, ...]:
    """A machine's boot servers."""
    services: list[BootService] = []
    for values, where in tables:
        served = directory / values.pop("directory")
        file = values.pop("file", GRUB_IMAGE)
        if not served.is_dir():
            problems.add((*where, "directory"), f"there is no directory {served}")
        elif not (served / file).is_file():
            problems.add((*where, "file"), f"there is no file {served / file}")
        try:
            if "address" in values:
                values["address"] = IPv4Interface(values["address"])
            its = BootService(served.absolute(), file, **values)
        except ValueError as wrong:
            problems.add(where, str(wrong))
            continue
        if any((its.switch, its.vlan) == (other.switch, other.vlan) for other in services):
            problems.add(where, f"another VLAN or switch: VLAN {its.vlan} has a boot server")
        services.append(its)
    return tuple(services)


def lans(tables: Tables, directory: Path, problems: Problems) -> tuple[SharedEthernet, ...]:
    """A machine's networks outside."""
    its = []
    for values, where in tables:
        values["switch"], values["outside"] = values.pop("name"), values.get("outside", "")
        its.append((values, where))
    return shared_ethernets(its, directory, problems)


def server_ports(tables: Tables, problems: Problems) -> tuple[ServerPort, ...]:
    """A Virtual I/O Server's virtual Ethernet adapters."""
    ports = []
    for values, where in tables:
        try:
            ports.append(ServerPort(**values))
        except ValueError as wrong:
            problems.add(where, str(wrong))
    return tuple(ports)


def shared_ethernets(
    tables: Tables, directory: Path, problems: Problems
) -> tuple[SharedEthernet, ...]:
    """A machine's ways to the outside."""
    adapters = []
    for values, where in tables:
        options = [f"forward={forward}" for forward in values.pop("forward", ())]
        capture = values.pop("pcap", None)
        try:
            led = _led(values.pop("outside"), options)
            led = replace(led, **values)
        except ValueError as wrong:
            problems.add(where, str(wrong))
            led = SharedEthernet(Nat())
        file = led.capture if capture is None else Path(capture)
        adapters.append(replace(led, capture=None if file is None else directory / file))
    return tuple(adapters)


def _led(outside: str, options: list[str]) -> SharedEthernet:
    """Where a way leads; nowhere, without one."""
    if not outside and not options:
        return SharedEthernet(Nobody())
    return shared_ethernet(",".join((outside, *options)))
