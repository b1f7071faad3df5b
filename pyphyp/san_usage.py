"""What a storage area network is like, for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.san.fabric import ClientPort, VirtualPort
from hypervisor.san.names import wwn_text
from hypervisor.scsi.elements import Kind

from .usage import ElementUsage, FabricPortUsage, FabricUsage, LibraryUsage
from .usage_table import table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypervisor.san.fabric import Fabric, FabricPort

    from .storage_network import StorageNetwork

HEADINGS = ("FABRIC", "PORT", "WWPN", "ID", "STATE", "SEES")
LIBRARY_HEADINGS = ("LIBRARY", "ELEMENT", "KIND", "CARTRIDGE", "FROM")
_KINDS = {Kind.STORAGE: "slot", Kind.PORT: "import/export", Kind.DRIVE: "drive"}


def fabrics_of(network: StorageNetwork | None) -> tuple[FabricUsage, ...]:
    """All fabrics; none of a machine that has no network."""
    if network is None:
        return ()
    return tuple(
        FabricUsage(
            fabric.name,
            tuple(_port(its, fabric) for port in fabric for its in _with_second(port)),
            dict(fabric.zones),
        )
        for fabric in network.san.fabrics.values()
    )


def _with_second(port: FabricPort) -> tuple[FabricPort, ...]:
    """A port, and the second name of its pair where that is logged in nowhere."""
    if isinstance(port, ClientPort) and port.second.fabric is None:
        return port, port.second
    return (port,)


def _port(port: FabricPort, fabric: Fabric) -> FabricPortUsage:
    sees = fabric.targets(port) if isinstance(port, VirtualPort) else []
    names = tuple(its.name for its in sees)
    logged_in = port.fabric is not None
    return FabricPortUsage(port.name, port.wwpn, port.port_id, port.online, logged_in, names)


def libraries_of(network: StorageNetwork | None) -> tuple[LibraryUsage, ...]:
    """All tape libraries; the transport element, which never holds anything, is left out."""
    if network is None:
        return ()
    return tuple(
        LibraryUsage(
            name,
            tuple(
                ElementUsage(
                    its.address,
                    _KINDS[its.kind],
                    its.cartridge.barcode if its.cartridge else "",
                    its.source,
                )
                for its in library.changer.elements
                if its.kind is not Kind.TRANSPORT
            ),
            library.changer.locked,
        )
        for name, library in network.libraries.items()
    )


def library_table(libraries: Iterable[LibraryUsage]) -> str:
    """A cartridge, a drive or a port a line; nothing where there are no libraries."""
    rows = [
        (
            its.name,
            str(element.address),
            element.kind,
            element.barcode or "-",
            str(element.source or "-"),
        )
        for its in libraries
        for element in its.elements
        if element.barcode or element.kind != _KINDS[Kind.STORAGE]
    ]
    return table(LIBRARY_HEADINGS, rows, ()) if rows else ""


def fabric_tables(fabrics: Iterable[FabricUsage]) -> str:
    """A port a line, then a zone a line; nothing where there are none."""
    ports, zones = [], []
    for fabric in fabrics:
        for port in fabric.ports:
            name, where = wwn_text(port.wwpn), f"{port.port_id:06x}" if port.logged_in else "-"
            state = ("online" if port.online else "down") if port.logged_in else "inactive"
            sees = ", ".join(port.sees)
            ports.append((fabric.name, port.name, name, where, state, sees))
        for zone, members in fabric.zones.items():
            zones.append((fabric.name, zone, ", ".join(members)))
    shown = [table(HEADINGS, ports, ())] if ports else []
    if zones:
        shown.append(table(("FABRIC", "ZONE", "MEMBERS"), zones, ()))
    return "\n\n".join(shown)
