"""What the virtual switches carried, for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .usage import PortUsage, SwitchUsage
from .usage_table import NOTHING, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypervisor.network.switch import Port

    from .network import Network

HEADINGS = (
    *("SWITCH", "PORT", "ADDRESS", "VLANS", "TRUNK", "SENT", "BYTES"),
    *("RECEIVED", "BYTES ", "DROPPED", "LOST"),
)
_TO_THE_RIGHT = ("SENT", "BYTES", "RECEIVED", "BYTES ", "DROPPED", "LOST")


def switches_of(network: Network) -> tuple[SwitchUsage, ...]:
    """All switches, with their ports in the order they were plugged in."""
    return tuple(SwitchUsage(its.name, tuple(map(_port, its))) for its in network)


def _port(port: Port) -> PortUsage:
    settings, counts = port.settings, port.counts
    return PortUsage(
        port.name,
        port.station.address,
        settings.vlan,
        tuple(sorted(settings.more_vlans)),
        settings.trunk_priority,
        port.active_trunk,
        counts.sent,
        counts.sent_bytes,
        counts.received,
        counts.received_bytes,
        counts.dropped,
        counts.lost,
    )


def ports_table(switches: Iterable[SwitchUsage]) -> str:
    """A port a line; nothing where there are none."""
    rows = [_row(switch.name, port) for switch in switches for port in switch.ports]
    return table(HEADINGS, rows, _TO_THE_RIGHT) if rows else ""


def _row(switch: str, port: PortUsage) -> tuple[str, ...]:
    trunk = f"{port.trunk_priority}{', active' if port.active else ''}"
    return (
        switch,
        port.name,
        NOTHING if port.address is None else port.address.hex(":"),
        ", ".join(map(str, (port.vlan, *port.more_vlans))),
        trunk if port.trunk_priority else NOTHING,
        str(port.sent),
        str(port.sent_bytes),
        str(port.received),
        str(port.received_bytes),
        str(port.dropped),
        str(port.lost),
    )
