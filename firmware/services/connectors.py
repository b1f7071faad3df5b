"""Configuring what came to a connector: its nodes, one name or property a call (LoPAR 13.5.3.5).

The caller's work area is all the state there is: the connector's index, and how many answers were
given.  Whoever changes it gets another answer about the partition's own adapter, no more.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from firmware.device_tree import cells, string
from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status, buffer
from hypervisor.vio.connectors import ConnectorError, Entity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firmware.device_tree import Node

rtas = RtasGroup()

WORK_AREA_BYTES = 4096
CANNOT_CONFIGURE = -9003
"""The connector has nothing that the caller may use."""
_ANSWER_AT = 32
"""Where in the work area names and values stand, behind five entries."""


class Next(IntEnum):
    """The status of a call: what stands in the work area."""

    COMPLETE = 0
    SIBLING = 1
    CHILD = 2
    PROPERTY = 3
    PARENT = 4


class Answer(NamedTuple):
    status: Next
    name: str = ""
    value: bytes = b""


def answers(node: Node, status: Next = Next.CHILD) -> Iterator[Answer]:
    """All answers about a node and what is below it, but for the last, that it is complete."""
    yield Answer(status, node.full_name)
    properties = {"name": string(node.name)} | node.properties
    properties["ibm,phandle"] = cells(node.phandle)
    for name, value in properties.items():
        yield Answer(Next.PROPERTY, name, value)
    for number, child in enumerate(node.children):
        yield from answers(child, Next.SIBLING if number else Next.CHILD)
    if node.children:
        yield Answer(Next.PARENT)


@rtas.define("ibm,configure-connector", papr="13.5.3.5", nargs=2, nrets=1)
def configure_connector(caller: RtasCaller, address: int, extent: int) -> None:
    """Tell the next thing about the nodes of what came to a connector."""
    if address % WORK_AREA_BYTES:
        raise RtasError(Status.PARAMETER_ERROR, f"work area at {address:#x}: a page is needed")
    buffer(caller.memory, address, WORK_AREA_BYTES)
    index, given = caller.memory.words(address, 2)
    connectors = caller.partition.virtual_io.connectors
    try:
        if connectors.sense(index) is not Entity.PRESENT:
            raise RtasError(CANNOT_CONFIGURE, f"the partition has nothing at {index:#x}")
    except ConnectorError as wrong:
        raise RtasError(Status.PARAMETER_ERROR, str(wrong)) from None
    slot = connectors.slot(index)
    node = None if connectors.isolated(slot.number) else caller.firmware.adapter_node(slot)
    told = [] if node is None else list(answers(node))
    if given >= len(told):
        return
    answer = told[given]
    name = string(answer.name).ljust(-(-len(answer.name) // 4) * 4 + 4, b"\0")
    entries = cells(
        index, given + 1, _ANSWER_AT, len(answer.value), _ANSWER_AT + len(name), 0, 0, 0
    )
    content = entries + name + answer.value
    if len(content) > WORK_AREA_BYTES:
        raise RtasError(Status.HARDWARE_ERROR, f"{answer.name} does not fit a work area")
    caller.memory.write(address, content)
    raise RtasError(answer.status, "there is more")
