"""What a storage area network is like, for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .usage import FabricPortUsage, FabricUsage
from .usage_table import table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .storage_network import StorageNetwork

HEADINGS = ("FABRIC", "PORT", "WWPN", "ID", "STATE")


def fabrics_of(network: StorageNetwork | None) -> tuple[FabricUsage, ...]:
    """All fabrics; none of a machine that has no network."""
    if network is None:
        return ()
    return tuple(
        FabricUsage(
            fabric.name,
            tuple(
                FabricPortUsage(port.name, port.wwpn, port.port_id, port.online) for port in fabric
            ),
            dict(fabric.zones),
        )
        for fabric in network.san.fabrics.values()
    )


def fabric_tables(fabrics: Iterable[FabricUsage]) -> str:
    """A port a line, then a zone a line; nothing where there are none."""
    ports, zones = [], []
    for fabric in fabrics:
        for port in fabric.ports:
            name, state = port.wwpn.to_bytes(8, "big").hex(":"), "online" if port.online else "down"
            ports.append((fabric.name, port.name, name, f"{port.port_id:06x}", state))
        for zone, members in fabric.zones.items():
            zones.append((fabric.name, zone, ", ".join(members)))
    shown = [table(HEADINGS, ports, ())] if ports else []
    if zones:
        shown.append(table(("FABRIC", "ZONE", "MEMBERS"), zones, ()))
    return "\n\n".join(shown)
