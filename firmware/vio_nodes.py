"""The nodes of the virtual adapters: /vdevice and what is below (LoPAR 17.2.1, 17.3.1, 17.5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hypervisor.vio.adapter import AdapterKind
from hypervisor.vio.configuration import TerminalProtocol
from hypervisor.vio.lan import LanAdapter
from hypervisor.vio.lan_state import MOST_FILTERS
from hypervisor.vio.tce import WINDOW_BYTES
from hypervisor.vio.vty import ClientTerminal

from .block_devices import devices_of
from .device_tree import EMPTY, Node, cells, string
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
    AdapterKind.CLIENT_SCSI: _Names("v-scsi", "vscsi", "IBM,v-scsi"),
    AdapterKind.LAN: _Names("l-lan", "network", "IBM,l-lan"),
}
_WITH_DMA = frozenset({AdapterKind.CLIENT_SCSI, AdapterKind.LAN})


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
    for adapter in partition.virtual_io.bus:
        node.add(adapter_node(adapter, partition))
    return node


def adapter_node(adapter: VirtualAdapter, partition: Partition) -> Node:
    names, slot = _NAMES[adapter.kind], adapter.slot
    properties = {
        "device_type": string(names.device_type),
        "compatible": string(names.compatible),
        "reg": cells(slot.unit),
        "interrupts": cells(slot.interrupt, 0),
        "ibm,loc-code": string(location_code(adapter, partition)),
        "ibm,my-drc-index": cells(slot.drc_index),
    }
    if adapter.kind in _WITH_DMA:
        properties |= {
            "#address-cells": cells(2),
            "#size-cells": cells(0),
            "ibm,#dma-address-cells": cells(2),
            "ibm,#dma-size-cells": cells(2),
            "ibm,my-dma-window": cells(slot.liobn, 0, 0, 0, WINDOW_BYTES),
        }
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
    node = Node(names.node, f"{slot.unit:x}", properties)
    for device in devices_of(adapter):
        its = {"device_type": string("block"), "reg": device.lun}
        node.add(Node(device.name, device.unit_address, its))
    return node


def location_code(adapter: VirtualAdapter, partition: Partition) -> str:
    """Where the adapter sits: machine, partition (V) and virtual slot (C)."""
    configuration = partition.configuration
    system = system_location(configuration)
    return f"{system}-V{configuration.number}-C{adapter.slot.number}"
