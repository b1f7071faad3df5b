"""Firmware's state as records: the device tree as it is now, and what a client program holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from emu.state import U32, Length, Ticks, check, record

from .claims import CLAIM_LIMIT, Range
from .device_tree import Node
from .error_logs import ErrorLogsState
from .injection import FacilityState
from .instances import InstancesState
from .lamps import LampsState

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST = 16


@record
class NodeState:
    """A node; `parent` counts the nodes before it, -1 for the root's."""

    name: str
    unit: str
    phandle: U32
    parent: int
    properties: dict[str, bytes]


@record
class ClientState:
    """What firmware keeps for a client program."""

    claims: Annotated[tuple[Range, ...], Length(0, CLAIM_LIMIT)]
    instances: InstancesState
    property_bytes_left: int
    report_area: U32
    answered_at: int
    """The millisecond it was last told; -1: none yet."""


@record
class FirmwareState:
    tree: tuple[NodeState, ...]
    nvram: bytes
    error_logs: ErrorLogsState
    lamps: LampsState
    injection: FacilityState
    client: ClientState | None
    """None where no client interface is offered."""
    rtas: dict[str, Ticks]
    services: dict[str, Ticks]
    """How often each call was made."""


def tree_state(root: Node) -> tuple[NodeState, ...]:
    return tuple(_nodes(root))


def _nodes(root: Node) -> Iterator[NodeState]:
    order: dict[int, int] = {}
    for number, node in enumerate(root.walk()):
        order[id(node)] = number
        parent = -1 if node.parent is None else order[id(node.parent)]
        yield NodeState(node.name, node.unit, node.phandle, parent, dict(node.properties))


def rebuild_tree(state: tuple[NodeState, ...]) -> Node:
    """The tree; `StateError` if it is none, or not in its own order."""
    check(bool(state) and state[0].parent == -1, "a device tree without a root")
    nodes: list[Node] = []
    for number, its in enumerate(state):
        node = Node(its.name, its.unit, dict(its.properties), its.phandle)
        if number:
            check(0 <= its.parent < number, f"device tree node {number} below none before it")
            parent = nodes[its.parent]
            check(parent.child(node.full_name) is None, f"two nodes {node.full_name}")
            parent.add(node)
            check(node.path.count("/") <= _DEEPEST, f"device tree node {number} lies too deep")
        nodes.append(node)
    for here, there in zip(nodes[0].walk(), nodes, strict=True):
        check(here is there, "a device tree out of order")
    return nodes[0]
