"""The node of the interrupt controller: XICS or XIVE, as client and platform agree."""

from __future__ import annotations

from hypervisor.abi import InterruptMode
from hypervisor.xive import FIRST_IPI, IPIS, LEAST_FAVOURED, PRIORITIES, QUEUE_SIZES
from hypervisor.xive_pages import OS_PAGE, PAGE, USER_PAGE

from .device_tree import EMPTY, Node, cells, cells64, string

_RESERVED_PRIORITIES = "ibm,plat-res-int-priorities"


def interrupt_controller() -> Node:
    """The node, as yet without a kind."""
    return Node("interrupt-controller")


def set_interrupt_mode(root: Node, mode: InterruptMode, servers: int) -> None:
    """Let the tree describe the controller in use."""
    node = root.at("/interrupt-controller")
    root.properties.pop(_RESERVED_PRIORITIES, None)
    if mode is InterruptMode.XIVE:
        node.unit, node.properties = f"{USER_PAGE:x}", _xive()
        # What is no priority: those behind the last one, up to the one that masks.
        reserved = cells(PRIORITIES, LEAST_FAVOURED - PRIORITIES)
        root.properties[_RESERVED_PRIORITIES] = reserved
    else:
        node.unit, node.properties = "", _xics(servers)


def _xics(servers: int) -> dict[str, bytes]:
    return {
        "device_type": string("PowerPC-External-Interrupt-Presentation"),
        "compatible": string("IBM,ppc-xicp"),
        "interrupt-controller": EMPTY,
        "#address-cells": cells(0),
        "#interrupt-cells": cells(2),
        "ibm,interrupt-server-ranges": cells(0, servers),
    }


def _xive() -> dict[str, bytes]:
    return {
        "device_type": string("power-ivpe"),
        "compatible": string("ibm,power-ivpe"),
        "interrupt-controller": EMPTY,
        "#address-cells": cells(0),
        "#interrupt-cells": cells(2),
        "reg": cells64(USER_PAGE, PAGE, OS_PAGE, PAGE),
        "ibm,xive-eq-sizes": cells(*QUEUE_SIZES),
        "ibm,xive-lisn-ranges": cells(FIRST_IPI, IPIS),
    }
