"""Open packages: instances and their handles (IEEE 1275 3.2, 6.3.2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from emu.state import U64, Length, check, record
from emu.values import slotted

from .disk_label import Extent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .device_tree import Node

INSTANCE_LIMIT = 256
FIRST_HANDLE = 0x8000_0001
"""Far from the phandles, so that mistaking one for the other is noticed."""
LAST_HANDLE = 0xFFFF_FFF0
PATH_LIMIT = 1024
_NOTHING = Extent(0, 0)


@slotted
class Instance:
    """A node that was opened, with the arguments of its path."""

    handle: int
    node: Node
    arguments: str = ""
    extent: Extent = _NOTHING
    """Of a device with positions: the bytes that are read and written."""
    position: int = 0
    """Within these."""

    @property
    def path(self) -> str:
        return f"{self.node.path}:{self.arguments}" if self.arguments else self.node.path


@record
class InstanceState:
    """An instance; `node` counts the nodes in the order of `Node.walk`."""

    handle: Annotated[int, range(FIRST_HANDLE, LAST_HANDLE + 1)]
    node: int
    arguments: Annotated[str, Length(0, PATH_LIMIT)]
    start: U64
    length: U64
    position: U64


@record
class InstancesState:
    opened: Annotated[tuple[InstanceState, ...], Length(0, INSTANCE_LIMIT)]
    next_handle: Annotated[int, range(FIRST_HANDLE, LAST_HANDLE + 1)]


class Instances:
    """The instances a client program has open; handles are not used again soon."""

    def __init__(self) -> None:
        self._instances: dict[int, Instance] = {}
        self._next = FIRST_HANDLE

    def __iter__(self) -> Iterator[Instance]:
        return iter(self._instances.values())

    def open(self, node: Node, arguments: str = "", extent: Extent = _NOTHING) -> Instance | None:
        """A new instance of `node`, or None if too many are open."""
        if len(self._instances) >= INSTANCE_LIMIT:
            return None
        while self._next in self._instances:
            self._advance()
        instance = self._instances[self._next] = Instance(self._next, node, arguments, extent)
        self._advance()
        return instance

    def _advance(self) -> None:
        self._next = FIRST_HANDLE if self._next == LAST_HANDLE else self._next + 1

    def state(self, root: Node) -> InstancesState:
        """The instances of nodes of the tree at `root`."""
        order = {id(node): n for n, node in enumerate(root.walk())}
        opened = tuple(
            InstanceState(
                instance.handle,
                order[id(instance.node)],
                instance.arguments,
                *instance.extent,
                instance.position,
            )
            for instance in self._instances.values()
        )
        return InstancesState(opened, self._next)

    def restore(self, state: InstancesState, root: Node) -> None:
        nodes = list(root.walk())
        for its in state.opened:
            check(0 <= its.node < len(nodes), f"instance {its.handle:#x} of no node")
            check(its.position <= its.length, f"instance {its.handle:#x} behind its end")
        self._instances = {
            its.handle: Instance(
                its.handle,
                nodes[its.node],
                its.arguments,
                Extent(its.start, its.length),
                its.position,
            )
            for its in state.opened
        }
        self._next = state.next_handle

    def forget(self, node: Node) -> None:
        """A node, and what is below it, is no more: close its instances."""
        gone = set(map(id, node.walk()))
        kept = {handle: its for handle, its in self._instances.items() if id(its.node) not in gone}
        self._instances = kept

    def get(self, handle: int) -> Instance | None:
        return self._instances.get(handle)

    def close(self, handle: int) -> None:
        self._instances.pop(handle, None)


def resolve(root: Node, specifier: str) -> tuple[Node, str] | None:
    """The node a device specifier names, and its arguments (IEEE 1275 4.3.2).

    A specifier that does not start with `/` starts with an alias.
    """
    if not specifier.startswith("/"):
        head, slash, rest = specifier.partition("/")
        alias, colon, arguments = head.partition(":")
        target = root.at("/aliases").properties.get(alias)
        if target is None:
            return None
        specifier = target.rstrip(b"\0").decode("latin-1") + colon + arguments + slash + rest
    path, _, arguments = specifier.partition(":")
    node = root.find(path)
    return None if node is None else (node, arguments)
