"""The device tree of a partition: what LoPAR appendix B and C want a client program to find.

Everything here is read from the partition: its configuration, its processors, the strings of its
hcall table, the calls of its RTAS table, its adapters.  Nothing is announced that is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from emu.memory import MIB
from hypervisor.capacity_calls import PARAMETERS_LEVEL
from hypervisor.vio.connectors import HOST_BRIDGE

from .device_tree import EMPTY, Node, cells, cells64, number_nodes, string, strings
from .error_log import EventClass
from .error_logs import SOURCES
from .injection import Injection
from .interrupt_nodes import interrupt_controller, set_interrupt_mode
from .lamps import Lamp
from .processor_nodes import processor_node
from .services.indicators import EPOW_SENSOR
from .services.product_data import product_data
from .vio_nodes import connector_properties, virtual_devices
from .vital_product_data import MODEL, PLANT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypervisor.partition import Partition

    from .cas import Offer
    from .compatibility import CompatibilityMode
    from .rtas import RtasTable

RMA_BYTES = 1024 * MIB
"""The first memory node is the real mode area, of this size if there is so much storage; the others
have that of a logical memory block."""
NODE_ASSOCIATIVITY = (0, 0, 0, 0)
FIRST_HANDLE = 0x1000

RTAS_BYTES = 4096
RTAS_ERROR_LOG_BYTES = 2048
RTAS_EVENT_SCANS_A_MINUTE = 1


def build(partition: Partition, rtas: RtasTable, offer: Offer, nvram_bytes: int) -> Node:
    """The whole tree, but for what a boot adds to /chosen."""
    root = _root(partition)
    root.add(Node("aliases"))
    root.add(_chosen(offer))
    root.add(_options())
    root.add(_openprom())
    root.add(_processors(partition, offer.modes[0]))
    configuration = partition.configuration
    for node in memory_nodes(configuration.memory_bytes, configuration.lmb_bytes):
        root.add(node)
    root.add(interrupt_controller())
    set_interrupt_mode(root, partition.interrupts.mode, len(partition.processors))
    root.add(_rtas(partition, rtas))
    root.add(_event_sources())
    root.add(_nvram(nvram_bytes))
    root.add(virtual_devices(partition))
    root.add(_platform_facilities())
    number_nodes(root, FIRST_HANDLE)
    _name_console(root)
    return root


def _root(partition: Partition) -> Node:
    configuration = partition.configuration
    return Node(
        "",
        properties={
            "#address-cells": cells(2),
            "#size-cells": cells(2),
            "device_type": string("chrp"),
            "model": string(f"IBM,{MODEL}"),
            "compatible": string("IBM,pseries"),
            "system-id": string(f"IBM,{PLANT}{configuration.serial}"),
            "ibm,partition-no": cells(configuration.number),
            "ibm,partition-name": string(configuration.name),
            "ibm,partition-uuid": string(str(UUID(configuration.uuid))),
            "ibm,partition-performance-parameters-level": cells(PARAMETERS_LEVEL),
            "clock-frequency": cells(100_000_000),
        }
        | connector_properties("PHB", {HOST_BRIDGE: "PHB 1"}),
    )


def _chosen(offer: Offer) -> Node:
    return Node(
        "chosen",
        properties={
            "bootargs": string(""),
            "ibm,arch-vec-5-platform-support": offer.platform_support(),
        },
    )


def _options() -> Node:
    return Node(
        "options", properties={"real-mode?": string("true"), "little-endian?": string("false")}
    )


def _openprom() -> Node:
    return Node(
        "openprom",
        properties={"device_type": string("BootROM"), "relative-addressing": EMPTY},
    )


def _processors(partition: Partition, mode: CompatibilityMode) -> Node:
    node = Node("cpus", properties={"#address-cells": cells(1), "#size-cells": cells(0)})
    for processor in partition.processors:
        its = node.add(processor_node(processor.number, mode))
        if partition.page_table is not None:
            its.properties["ibm,pft-size"] = cells(0, partition.page_table.shift)
    return node


def memory_nodes(size: int, lmb: int) -> Iterable[Node]:
    """The nodes of `size` bytes of storage: the real mode area, then one for every LMB of `lmb`.

    Linux takes the size of the second node for that of a memory block, and a memory block must
    be a power of two; so what is no whole LMB goes to the real mode area.
    """
    rma = size
    if size >= RMA_BYTES + lmb:
        rma = RMA_BYTES + (size - RMA_BYTES) % lmb
    yield memory_node(0, rma)
    for base in range(rma, size, lmb):
        yield memory_node(base, lmb)


def memory_node(base: int, size: int) -> Node:
    return Node(
        "memory",
        f"{base:x}",
        {
            "device_type": string("memory"),
            "reg": cells64(base, size),
            "ibm,associativity": cells(len(NODE_ASSOCIATIVITY), *NODE_ASSOCIATIVITY),
        },
    )


def _rtas(partition: Partition, rtas: RtasTable) -> Node:
    capacity = partition.capacity.capacity
    most = cells64(capacity.memory_mib.maximum * MIB, partition.configuration.lmb_bytes)
    properties = {call.name: cells(token) for token, call in rtas.tokens()}
    return Node(
        "rtas",
        properties=properties
        | {
            "rtas-version": cells(1),
            "rtas-size": cells(RTAS_BYTES),
            "rtas-event-scan-rate": cells(RTAS_EVENT_SCANS_A_MINUTE),
            "rtas-error-log-max": cells(RTAS_ERROR_LOG_BYTES),
            "rtas-sensors": cells(EPOW_SENSOR, 0),
            "ibm,get-indicator-indices-types": cells(*Lamp),
            "ibm,get-sensor-indices-types": cells(*Lamp),
            "ibm,vpd-size": cells(len(product_data(partition.configuration))),
            "ibm,errinjct-tokens": b"".join(
                string(kind.token_name) + cells(kind) for kind in Injection
            ),
            "ibm,extended-os-term": EMPTY,
            "ibm,hypertas-functions": strings(*partition.hcalls.function_sets()),
            "ibm,lrdr-capacity": most + cells(capacity.virtual.maximum),
            "ibm,associativity-reference-points": cells(4, 4),
            "ibm,max-associativity-domains": cells(4, 1, 1, 1, 1),
        },
    )


_EVENT_NODES = {
    EventClass.INTERNAL_ERRORS: "internal-errors",
    EventClass.EPOW: "epow-events",
    EventClass.HOT_PLUG: "hot-plug-events",
}


def _event_sources() -> Node:
    """The interrupts by which events are announced."""
    ranges = b"".join(cells(number, 1) for number in sorted(SOURCES.values()))
    node = Node(
        "event-sources",
        properties={
            "interrupt-controller": EMPTY,
            "#address-cells": cells(0),
            "#interrupt-cells": cells(2),
            "interrupt-ranges": ranges,
        },
    )
    for event_class, name in _EVENT_NODES.items():
        node.add(Node(name, properties={"interrupts": cells(SOURCES[event_class], 0)}))
    return node


def _nvram(size: int) -> Node:
    return Node(
        "nvram",
        properties={
            "device_type": string("nvram"),
            "compatible": string("IBM,nvram"),
            "#bytes": cells(size),
        },
    )


def _platform_facilities() -> Node:
    """That H_RANDOM gives good random numbers: with it Linux needs not gather any by waiting."""
    node = Node(
        "ibm,platform-facilities",
        properties={"device_type": string("ibm,platform-facilities")},
    )
    node.add(Node("ibm,random-v1", properties={"compatible": string("ibm,random")}))
    return node


def _name_console(root: Node) -> None:
    """Say in /chosen and /aliases which terminal is the console: the first."""
    if (console := root.find("/vdevice/vty")) is None:
        return
    path = string(console.path)
    chosen = root.at("/chosen").properties
    chosen["linux,stdout-path"] = chosen["stdout-path"] = path
    root.at("/aliases").properties["hvterm"] = path
