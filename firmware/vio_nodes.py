"""The nodes of the virtual adapters: /vdevice and what is below (LoPAR 17.2.1, 17.3.1, 17.5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hypervisor.vio.adapter import AdapterKind, Slot
from hypervisor.vio.configuration import TerminalProtocol
from hypervisor.vio.lan import LanAdapter
from hypervisor.vio.lan_state import MOST_FILTERS
from hypervisor.vio.sub_crq import ChannelAdapter
from hypervisor.vio.tce import WINDOW_BYTES
from hypervisor.vio.vty import ClientTerminal

from .block_devices import devices_of
from .device_tree import EMPTY, Node, cells, string, strings
from .network_devices import MOST_FRAME
from .vital_product_data import system_location

if TYPE_CHECKING:
    from hypervisor.partition import Partition
    from hypervisor.vio.adapter import VirtualAdapter


class _Names(NamedTuple):
    node: str
    device_type: str
    compatible: str


_NAMES = {
    AdapterKind.CLIENT_TERMINAL: _Names("vty", "serial", "hvterm1"),
    AdapterKind.SERVER_TERMINAL: _Names("vty-server", "serial-server", "hvterm2"),
    AdapterKind.CLIENT_SCSI: _Names("v-scsi", "vscsi", "IBM,v-scsi"),
    AdapterKind.SCSI_SERVER: _Names("v-scsi-host", "v-scsi-host", "IBM,v-scsi-host"),
    AdapterKind.CLIENT_FC: _Names("vfc-client", "fcp", "IBM,vfc-client"),
    AdapterKind.LAN: _Names("l-lan", "network", "IBM,l-lan"),
}
_NO_POWER_DOMAIN = 0xFFFF_FFFF
"""Nothing is switched on or off when an adapter comes or goes."""
_WITH_DMA = frozenset(
    {
        AdapterKind.CLIENT_SCSI,
        AdapterKind.SCSI_SERVER,
        AdapterKind.CLIENT_FC,
        AdapterKind.LAN,
    }
)
_SERVERS = frozenset({AdapterKind.SCSI_SERVER, AdapterKind.SERVER_TERMINAL})
_WINDOW = (0, 0, 0, WINDOW_BYTES)
"""Where a DMA window begins and its size, two cells each."""


def virtual_devices(partition: Partition) -> Node:
    node = Node(
        "vdevice",
        properties={
            "device_type": string("vdevice"),
            "compatible": string("IBM,vdevice"),
            "#address-cells": cells(1),
            "#size-cells": cells(0),
            "interrupt-controller": EMPTY,
            "#interrupt-cells": cells(2),
        },
    )
    node.properties |= _connectors(partition)
    for adapter in partition.virtual_io.bus:
        node.add(adapter_node(adapter, partition))
    return node


def _connectors(partition: Partition) -> dict[str, bytes]:
    """The virtual slots, empty ones too, into which adapters can come (LoPAR 17.2.1)."""
    slots = [Slot(number) for number in partition.virtual_io.connectors.slots()]
    named = {slot.drc_index: location_code(slot, partition) for slot in slots}
    return connector_properties("SLOT", named)


def connector_properties(kind: str, names: dict[int, str]) -> dict[str, bytes]:
    """What a node has whose children come and go by the connectors `names`, by index."""
    count = cells(len(names))
    return {
        "ibm,drc-indexes": count + cells(*names),
        "ibm,drc-names": count + strings(*names.values()),
        "ibm,drc-types": count + strings(*[kind] * len(names)),
        "ibm,drc-power-domains": count + cells(*[_NO_POWER_DOMAIN] * len(names)),
    }


def adapter_node(adapter: VirtualAdapter, partition: Partition) -> Node:
    names, slot = _NAMES[adapter.kind], adapter.slot
    properties = {
        "device_type": string(names.device_type),
        "compatible": string(names.compatible),
        "reg": cells(slot.unit),
        "interrupts": cells(slot.interrupt, 0),
        "ibm,loc-code": string(location_code(slot, partition)),
        "ibm,my-drc-index": cells(slot.drc_index),
    }
    if adapter.kind in _WITH_DMA:
        properties |= {
            "#address-cells": cells(2),
            "#size-cells": cells(0),
            "ibm,#dma-address-cells": cells(2),
            "ibm,#dma-size-cells": cells(2),
            "ibm,my-dma-window": cells(slot.liobn, *_WINDOW),
        }
    if adapter.kind is AdapterKind.SCSI_SERVER:
        properties["ibm,my-dma-window"] += cells(slot.remote_liobn, *_WINDOW)
    if adapter.kind in _SERVERS:
        properties["ibm,vserver"] = EMPTY
    if isinstance(adapter, ClientTerminal) and adapter.protocol is TerminalProtocol.HVSI:
        properties["compatible"] = string("hvterm-protocol")
    if isinstance(adapter, LanAdapter):
        properties |= {
            "local-mac-address": adapter.burned_in,
            "mac-address": adapter.burned_in,
            "max-frame-size": cells(MOST_FRAME),
            "address-bits": cells(48),
            "ibm,mac-address-filters": cells(MOST_FILTERS),
            "ibm,illan-options": EMPTY,
        }
    if isinstance(adapter, ChannelAdapter):
        pair = [wwpn.to_bytes(8, "big") for wwpn in adapter.port_names]
        properties |= {"ibm,port-wwn-list": b"".join(pair), "#address-cells": cells(4)}
    node = Node(names.node, f"{slot.unit:x}", properties)
    for device in devices_of(adapter):
        its = {"device_type": string("block"), "reg": device.lun}
        node.add(Node(device.name, device.unit_address, its))
    return node


def location_code(slot: Slot, partition: Partition) -> str:
    """Where an adapter sits: machine, partition (V) and virtual slot (C)."""
    configuration = partition.configuration
    system = system_location(configuration)
    return f"{system}-V{configuration.number}-C{slot.number}"
