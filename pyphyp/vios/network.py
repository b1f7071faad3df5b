"""Shared Ethernet Adapters as `lsmap -net` and `lsdev` show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ethernet import NOTHING_MEANT, EthernetKind
from .records import ViosError
from .shell import Call, Listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .engine import Vios

_FIELDS = ("svea", "physloc", "sea", "backing", "bdphysloc", "status")


def adapters(vios: Vios) -> Iterator[tuple[str, str, str, str, str, str]]:
    """All of them, as `lsdev` lists devices."""
    status = {its.name: "Defined" for its in vios.ethernet.made}
    status.update(dict.fromkeys(vios.ethernet.bridges, "Available"))
    for its in vios.ethernet.devices:
        kind = "sea" if its.kind is EthernetKind.SHARED else "adapter"
        virtual = "" if its.kind is EthernetKind.PHYSICAL else "v"
        state = status.get(its.name, "Available")
        yield its.name, state, its.kind.value, its.location, kind, virtual


def network_map(call: Call) -> Iterator[str]:
    """`lsmap -net`: every trunk adapter, with what bridges it."""
    ethernet = call.vios.ethernet
    bridged = {trunk.name: (physical, sea) for trunk, physical, sea in ethernet.bridged()}
    trunks = [
        its
        for its in ethernet.devices
        if its.name in bridged or (its.plugged is not None and its.plugged.trunk_priority)
    ]
    if not call.has("all"):
        name = call.value("vadapter") or call.needed("plc")
        trunks = [its for its in trunks if name in (its.name, its.location)]
        if not trunks:
            raise ViosError(f'Device "{name}" is not a server virtual Ethernet adapter.')
    rows = []
    for its in trunks:
        if its.name in bridged:
            physical, sea = bridged[its.name]
            made = next((one for one in ethernet.made if one.name == sea.name), None)
            status = "Available" if made is None or ethernet.is_available(made) else "Defined"
            what = (sea.name, physical.name, physical.location, status)
        else:
            what = ("", "", "", "")
        rows.append((its.name, its.location, *what))
    listing = Listing(_FIELDS, list(rows))
    if (chosen := listing.chosen(call)) is not None:
        yield from chosen
        return
    for number, (trunk, where, shared, backing, place, status) in enumerate(rows):
        if number:
            yield ""
        yield f"{'SVEA':<6} Physloc"
        yield f"{'-' * 6} {'-' * 44}"
        yield f"{trunk:<6} {where}"
        yield ""
        if not shared:
            yield f"{'SEA':<21} NO SHARED ETHERNET ADAPTER FOUND"
            continue
        yield f"{'SEA':<21} {shared}"
        yield f"{'Backing device':<21} {backing}"
        yield f"{'Status':<21} {status}"
        yield f"{'Physloc':<21} {place}"


def attributes(vios: Vios, name: str) -> list[tuple[str, str, str, bool]]:
    """Name, value, what it is and whether a command changes it, of one made by command."""
    its = next((one for one in vios.ethernet.made if one.name == name), None)
    if its is None:
        return []
    return [
        (
            "ctl_chan",
            its.control or NOTHING_MEANT,
            "Control Channel adapter for SEA failover",
            True,
        ),
        ("ha_mode", its.ha_mode.value, "High Availability Mode", True),
        ("pvid", str(its.default_vlan), "PVID to use for the SEA device", True),
        ("pvid_adapter", its.default, "Default virtual adapter", True),
        ("real_adapter", its.physical, "Physical adapter of the SEA", True),
        ("virt_adapters", ",".join(its.trunks), "Virtual adapters of the SEA", True),
    ]
