"""Commands about Fibre Channel: lsnports and vfcmap; and what lsdev and lsmap show of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.vfc.npiv import ClientFacts

from .fibre_channel import MOST_CLIENTS, MOST_TARGETS, FcServerAdapter
from .records import ViosError
from .shell import OPTIONAL, Call, CommandGroup, Listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .engine import Vios

commands = CommandGroup()

_PORT, _PROTOCOL = "PCIe3 2-Port 16Gb FC Adapter (df1000e21410f103)", "FC SCSI I/O Controller"
_FIELDS = ("name", "physloc", "fabric", "tports", "aports", "swwpns", "awwpns")
_NO_PORTS = 62
"""E_NO_NPIV_PORTS, as a status."""


class NoPortsError(ViosError):
    """The server has no ports that could do NPIV."""

    status = _NO_PORTS


@commands.define(
    "lsnports",
    "Lists ports of Fibre Channel adapters that can do NPIV.",
    "lsnports [-field FieldName...] [-fmt Delimiter]",
    field=None,
    fmt=1,
)
def lsnports(call: Call) -> Iterable[str]:
    fibre = call.vios.fibre_channel
    if not fibre.ports:
        raise NoPortsError(f"E_NO_NPIV_PORTS({_NO_PORTS})")
    rows = []
    for port in fibre.ports:
        carried = fibre.carried(port)
        free = MOST_CLIENTS - sum(1 + its.port.second.online for its in carried)
        names = MOST_TARGETS - sum(len(its.logins) for its in carried)
        numbers = (int(port.has_fabric), MOST_CLIENTS, free, MOST_TARGETS, names)
        rows.append((port.name, port.location, *map(str, numbers)))
    if (chosen := Listing(_FIELDS, list(rows)).chosen(call)) is not None:
        yield from chosen
        return
    for name, where, *counts in (_FIELDS, *rows):
        fabric, total, available, targets, free_targets = counts
        line = f"{name:<16} {where:<30} {fabric:>6} {total:>6} {available:>6}"
        yield f"{line} {targets:>6} {free_targets:>7}"


@commands.define(
    "vfcmap",
    "Maps a virtual Fibre Channel adapter to a physical port, or to none.",
    "vfcmap -vadapter VirtualServerAdapter -fcp [FCPName]",
    vadapter=1,
    fcp=OPTIONAL,
)
def vfcmap(call: Call) -> Iterable[str]:
    fibre = call.vios.fibre_channel
    adapter = fibre.adapter(call.needed("vadapter"))
    name = call.value("fcp") if call.has("fcp") else call.needed("fcp")
    fibre.map(adapter, fibre.port(name) if name else None)
    yield f"{adapter.name} changed"


# -- lsdev -------------------------------------------------------------------------------------


def devices(vios: Vios) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Ports, their protocol devices and server adapters, as `lsdev` lists devices."""
    fibre = vios.fibre_channel
    for port in fibre.ports:
        yield port.name, "Available", _PORT, port.location, "adapter", ""
    for port in fibre.ports:
        name = port.name.replace("fcs", "fscsi")
        yield name, "Available", f"{_PROTOCOL} Protocol Device", port.location, "driver", ""
    for adapter in fibre.adapters:
        yield (
            adapter.name,
            "Available",
            "Virtual FC Server Adapter",
            adapter.location,
            "adapter",
            "v",
        )


def attributes(vios: Vios, name: str) -> list[tuple[str, str, str, bool]]:
    """Name, value, what it is and whether a command changes it."""
    fibre = vios.fibre_channel
    for adapter in fibre.adapters:
        if adapter.name == name:
            port = fibre.mapped(adapter)
            what = "" if port is None else port.name
            return [("map_port", what, "Physical FC Port", False)]
    for physical in fibre.ports:
        if physical.name == name:
            return [("max_npivs", str(MOST_CLIENTS), "NPIV Number of supported ports", False)]
        if physical.name.replace("fcs", "fscsi") == name:
            attached = "switch" if physical.has_fabric else "none"
            number = f"{physical.port.port_id:#x}"
            return [
                ("attach", attached, "How this adapter is CONNECTED", False),
                ("scsi_id", number, "Adapter SCSI ID", False),
            ]
    return []


def vital_product_data(vios: Vios, name: str) -> list[str]:
    """The lines that `lsdev -vpd` has of a port besides its name."""
    for its in vios.fibre_channel.ports:
        if its.name == name:
            shown = (
                ("Network Address", f"{its.port.wwpn:016X}"),
                ("Device Specific.(Z8)", f"{its.port.wwnn:016X}"),
                ("Hardware Location Code", its.location),
            )
            return ["", *(f"        {what:.<28}{value}" for what, value in shown)]
    return []


# -- lsmap -npiv -------------------------------------------------------------------------------

_MAP_FIELDS = (
    "name",
    "physloc",
    "clntid",
    "clntname",
    "clntos",
    "status",
    "fc",
    "fcphysloc",
    "ports",
    "flags",
    "vfcclient",
    "vfcclientdrc",
)


def npiv_map(call: Call) -> Iterator[str]:
    """Each server adapter, the port it is mapped to, and what its client says of itself."""
    fibre = call.vios.fibre_channel
    adapters = list(fibre.adapters)
    if not call.has("all"):
        wanted = call.value("vadapter") or call.needed("plc")
        adapters = [its for its in adapters if wanted in (its.name, its.location)]
        if not adapters:
            raise ViosError(f'Device "{wanted}" is not a virtual Fibre Channel server adapter.')
    rows = [_facts(call.vios, its) for its in adapters]
    if (chosen := Listing(_MAP_FIELDS, list(rows)).chosen(call)) is not None:
        yield from chosen
        return
    for n, row in enumerate(rows):
        if n:
            yield ""
        name, where, number, client, system, status, fc, place, ports, flags, device, drc = row
        yield f"{'Name':<13} {'Physloc':<34} {'ClntID':>6} {'ClntName':<14} ClntOS"
        yield f"{'-' * 13} {'-' * 34} {'-' * 6} {'-' * 14} {'-' * 7}"
        yield f"{name:<13} {where:<34} {number:>6} {client:<14} {system}".rstrip()
        yield ""
        yield f"Status:{status}"
        yield f"{f'FC name:{fc}':<31} FC loc code:{place}"
        yield f"Ports logged in:{ports}"
        yield f"Flags:{flags}"
        yield f"{f'VFC client name:{device}':<31} VFC client DRC:{drc}"


def _facts(vios: Vios, adapter: FcServerAdapter) -> tuple[str, ...]:
    fibre = vios.fibre_channel
    port, login = fibre.mapped(adapter), fibre.login(adapter)
    fc, place = ("", "") if port is None else (port.name, port.location)
    if login is None:
        client, status, ports = ClientFacts(), "NOT_LOGGED_IN", "0"
        flags = "1<NOT_MAPPED,NOT_CONNECTED>" if port is None else "4<NOT_LOGGED>"
    else:
        client, status, ports = login.npiv.client, "LOGGED_IN", str(1 + len(login.logins))
        flags = "a<LOGGED_IN,STRIP_MERGE>"
    server = (adapter.name, adapter.location, str(adapter.client.number))
    its = (client.partition, client.system, status, fc, place, ports, flags)
    return (*server, *its, client.device, client.location)
