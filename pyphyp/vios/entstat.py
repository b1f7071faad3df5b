"""`entstat`: what Ethernet adapters carried, and how Shared Ethernet Adapters share the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.network.failover import DISCOVERY_VLAN, HaMode, HaState, Kind

from .ethernet import EthernetDevice, EthernetKind
from .records import ViosError
from .shell import Call, CommandGroup, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hypervisor.network.bridge import Bridge, Side
    from hypervisor.network.switch import PortCounts

    from .engine import Vios
    from .ethernet import SharedAdapter

commands = CommandGroup()

_LINE = "-" * 62


@commands.define(
    "entstat",
    "Shows what an Ethernet adapter sent and received.",
    "entstat [-all] DeviceName",
    words=1,
    all=0,
)
def entstat(call: Call) -> Iterable[str]:
    ethernet = call.vios.ethernet
    if not call.words:
        raise UsageError("A device is required.")
    if (device := ethernet.device(call.words[0])) is None:
        raise ViosError(f'Device "{call.words[0][:80]}" is not an Ethernet adapter.')
    if device.way is not None:
        raise ViosError(f'"{device.name}" comes from the machine file; it keeps no statistics.')
    if device.kind is not EthernetKind.SHARED:
        yield from _adapter(call.vios, device, in_detail=call.has("all"))
        return
    its = ethernet.shared(device.name)
    if (bridge := ethernet.bridges.get(its.name)) is None:
        raise ViosError(f'Device "{its.name}" is not available.')
    yield from _general(call.vios, device, bridge.physical.counts)
    if call.has("all"):
        yield from _shared(call.vios, its, bridge)
        names = [("Real", its.physical), *(("Virtual", name) for name in its.trunks)]
        names += [("Control", its.control)] if its.control else []
        for kind, name in names:
            if (part := ethernet.device(name)) is not None:
                yield _LINE
                yield f"{kind} Adapter: {name}"
                yield ""
                yield from _adapter(call.vios, part, in_detail=True)


def _general(vios: Vios, device: EthernetDevice, counts: PortCounts) -> Iterator[str]:
    address = device.address
    if device.kind is EthernetKind.SHARED:
        physical = vios.ethernet.device(vios.ethernet.shared(device.name).physical)
        address = b"" if physical is None else physical.address
    yield f"ETHERNET STATISTICS ({device.name}) :"
    yield f"Device Type: {device.kind.value}"
    yield f"Hardware Address: {address.hex(':')}"
    yield ""
    yield f"{'Transmit Statistics:':<46}Receive Statistics:"
    yield f"{'-' * 20:<46}{'-' * 19}"
    yield f"{f'Packets: {counts.sent}':<46}Packets: {counts.received}"
    yield f"{f'Bytes: {counts.sent_bytes}':<46}Bytes: {counts.received_bytes}"
    yield f"{f'Packets Dropped: {counts.dropped}':<46}Packets Dropped: {counts.lost}"
    yield ""


def _adapter(vios: Vios, device: EthernetDevice, *, in_detail: bool) -> Iterator[str]:
    port = vios.ethernet.ports[device.name]
    yield from _general(vios, device, port.counts)
    if not in_detail:
        return
    if device.plugged is None:
        up = vios.ethernet.has_link(device.name)
        yield "Physical Ethernet Adapter Specific Statistics:"
        yield f"Physical Port Link Status: {'Up' if up else 'Down'}"
        yield f"Network: {device.lan}"
        return
    yield "Virtual I/O Ethernet Adapter (l-lan) Specific Statistics:"
    yield f"Trunk Adapter: {bool(device.plugged.trunk_priority)}"
    if device.plugged.trunk_priority:
        active = any(port.is_way_of(vlan) for vlan in port.vlans)
        yield f"  Priority: {device.plugged.trunk_priority}  Active: {active}"
    yield f"Port VLAN ID: {device.plugged.vlan:>5}"
    tags = " ".join(map(str, sorted(device.plugged.more_vlans)))
    yield f"VLAN Tag IDs: {tags or 'None'}"
    yield f"Switch ID: {device.plugged.switch}"


def _shared(vios: Vios, its: SharedAdapter, bridge: Bridge) -> Iterator[str]:
    yield _LINE
    yield f"Statistics for adapters in the Shared Ethernet Adapter {its.name}"
    yield _LINE
    yield f"Number of adapters: {1 + len(its.trunks)}"
    yield "SEA Flags: 00000000"
    yield "VLAN IDs :"
    for name, port in zip(its.trunks, bridge.trunks, strict=True):
        yield f"    {name}: {' '.join(map(str, port.vlans))}"
    yield from _side("Real Side", bridge.real_side, bridge.virtual_side)
    yield from _side("Virtual Side", bridge.virtual_side, bridge.real_side)
    if its.ha_mode is not HaMode.DISABLED:
        yield from _availability(vios, its, bridge)


def _side(name: str, side: Side, other: Side) -> Iterator[str]:
    yield f"{name} Statistics:"
    yield f"    Packets received: {side.received}"
    yield f"    Packets bridged: {side.bridged}"
    yield "    Packets consumed: 0"
    yield "    Packets fragmented: 0"
    yield f"    Packets transmitted: {other.bridged}"
    yield f"    Packets dropped: {side.dropped}"


def _availability(vios: Vios, its: SharedAdapter, bridge: Bridge) -> Iterator[str]:
    failover = bridge.failover
    assert failover is not None
    control = vios.ethernet.device(its.control) if its.control else None
    vlan = DISCOVERY_VLAN
    if control is not None and control.plugged is not None:
        vlan = control.plugged.vlan
    yield "High Availability Statistics:"
    yield f"    Control Channel PVID: {vlan}"
    yield f"    Control Packets in: {failover.counts.received}"
    yield f"    Control Packets out: {failover.counts.sent}"
    yield "Type of Packets Received:"
    for kind in Kind:
        yield f"    {kind.value} Packets: {failover.heard[kind]}"
    yield f"    State: {failover.state.value}"
    carried = [port for port in bridge.trunks if failover.carries(port.vlans)]
    share = "Partial" if 0 < len(carried) < len(bridge.trunks) else "All" if carried else "None"
    yield f"    Bridge Mode: {share}"
    if failover.state in (HaState.PRIMARY_SH, HaState.BACKUP_SH):
        vlans = sorted(vlan for port in carried for vlan in port.vlans)
        yield f"    VID shared: {' '.join(map(str, vlans))}"
    yield f"    Number of Times Server became Backup: {failover.counts.became_backup}"
    yield f"    Number of Times Server became Primary: {failover.counts.became_primary}"
    yield f"    High Availability Mode: {its.ha_mode.value.capitalize()}"
    yield f"    Priority: {failover.rank.priority}"
