"""The device tree: nodes, the encodings of their properties, and the forms they are given out in.

A property is bytes, big-endian as IEEE 1275 has it; the functions at the top make them.  What a
node means is said elsewhere (`platform_tree`); how it is written down, only here: as a flattened
tree (Devicetree Specification 5, version 17) and as source text.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

EMPTY = b""
"""The value of a property whose presence says it all."""


def cells(*values: int) -> bytes:
    """32-bit cells (encode-int)."""
    return struct.pack(f">{len(values)}I", *values)


def cells64(*values: int) -> bytes:
    """Values of two cells each (encode-phys with #address-cells 2)."""
    return struct.pack(f">{len(values)}Q", *values)


def string(text: str) -> bytes:
    """A string with its terminating zero (encode-string)."""
    return text.encode() + b"\0"


def strings(*texts: str) -> bytes:
    """Strings one behind the other."""
    return b"".join(string(text) for text in texts)


@dataclass(slots=True, eq=False)
class Node:
    """One node; `unit` is its unit address as text, without the `@`.

    `phandle` names the node for references and for the client interface; `number_nodes` gives
    one to every node that has none.
    """

    name: str
    unit: str = ""
    properties: dict[str, bytes] = field(default_factory=dict)
    phandle: int = 0
    children: list[Node] = field(default_factory=list)
    parent: Node | None = None

    def add(self, child: Node) -> Node:
        """Hang `child` below this node; gives `child`."""
        if any(child.full_name == other.full_name for other in self.children):
            raise ValueError(f"{self.path} has a node {child.full_name} already")
        child.parent = self
        self.children.append(child)
        return child

    def remove(self) -> None:
        """Take this node, with all below it, off its parent."""
        assert self.parent is not None
        self.parent.children.remove(self)
        self.parent = None

    @property
    def full_name(self) -> str:
        return f"{self.name}@{self.unit}" if self.unit else self.name

    @property
    def path(self) -> str:
        names: list[str] = []
        node: Node | None = self
        while node is not None and node.parent is not None:
            names.append(node.full_name)
            node = node.parent
        return "/" + "/".join(reversed(names))

    def walk(self) -> Iterator[Node]:
        """This node and all below it, each before its children."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))

    def child(self, name: str) -> Node | None:
        """The child a path component names: `name@unit`, or `name` alone for the first such."""
        for node in self.children:
            if name in (node.full_name, node.name):
                return node
        return None

    def find(self, path: str) -> Node | None:
        """The node at `path`, counted from this node."""
        node: Node | None = self
        for name in path.split("/"):
            if name and node is not None:
                node = node.child(name)
        return node

    def at(self, path: str) -> Node:
        """As `find`, for a node that must be there; KeyError if it is not."""
        node = self.find(path)
        if node is None:
            raise KeyError(path)
        return node

    def by_phandle(self, phandle: int) -> Node | None:
        return next((node for node in self.walk() if phandle and node.phandle == phandle), None)

    def all_properties(self) -> dict[str, bytes]:
        """The properties, and the one that the handle makes."""
        if not self.phandle:
            return self.properties
        return self.properties | {"phandle": cells(self.phandle)}


def number_nodes(root: Node, first: int = 1) -> None:
    """Give handles from `first` on to the nodes that have none, in the order of the tree."""
    taken = {node.phandle for node in root.walk()}
    handle = first
    for node in root.walk():
        if not node.phandle:
            while handle in taken:
                handle += 1
            node.phandle = handle
            taken.add(handle)


# -- the flattened tree ----------------------------------------------------------------------

FDT_MAGIC = 0xD00DFEED
FDT_VERSION, FDT_LAST_COMPATIBLE = 17, 16
FDT_HEADER_BYTES = 40
_BEGIN_NODE, _END_NODE, _PROPERTY, _END = 1, 2, 3, 9


def flatten(
    root: Node, *, reservations: tuple[tuple[int, int], ...] = (), boot_processor: int = 0
) -> bytes:
    """The tree as a flattened device tree.

    `reservations` are (address, bytes) of storage the client program must leave alone;
    `boot_processor` is the `reg` of the processor that enters it.
    """
    names = _Strings()
    structure = _structure(root, names) + cells(_END)
    reserved = b"".join(struct.pack(">QQ", *r) for r in (*reservations, (0, 0)))
    at_structure = FDT_HEADER_BYTES + len(reserved)
    at_strings = at_structure + len(structure)
    total = _padded(at_strings + len(names.block))
    header = cells(
        FDT_MAGIC,
        total,
        at_structure,
        at_strings,
        FDT_HEADER_BYTES,
        FDT_VERSION,
        FDT_LAST_COMPATIBLE,
        boot_processor,
        len(names.block),
        len(structure),
    )
    return (header + reserved + structure + bytes(names.block)).ljust(total, b"\0")


def _padded(length: int, to: int = 8) -> int:
    return -(-length // to) * to


def _aligned(value: bytes) -> bytes:
    return value.ljust(_padded(len(value), 4), b"\0")


class _Strings:
    """The strings block: every property name once."""

    def __init__(self) -> None:
        self.block = bytearray()
        self._offsets: dict[str, int] = {}

    def offset(self, name: str) -> int:
        if name not in self._offsets:
            self._offsets[name] = len(self.block)
            self.block += string(name)
        return self._offsets[name]


def _structure(node: Node, names: _Strings) -> bytes:
    parts = [cells(_BEGIN_NODE), _aligned(string(node.full_name if node.parent else ""))]
    for name, value in node.all_properties().items():
        parts += cells(_PROPERTY, len(value), names.offset(name)), _aligned(value)
    parts += [_structure(child, names) for child in node.children]
    return b"".join([*parts, cells(_END_NODE)])


# -- source text -----------------------------------------------------------------------------


def source(root: Node) -> str:
    """The tree as device tree source; compiled, it gives the same properties."""
    lines = ["/dts-v1/;", ""]
    _write_source(root, lines, depth=0)
    return "\n".join(lines) + "\n"


def _write_source(node: Node, lines: list[str], depth: int) -> None:
    indent = "\t" * depth
    lines.append(f"{indent}{node.full_name if node.parent else '/'} {{")
    lines += [f"{indent}\t{_property(*item)}" for item in node.all_properties().items()]
    for child in node.children:
        lines.append("")
        _write_source(child, lines, depth + 1)
    lines.append(f"{indent}}};")


def _property(name: str, value: bytes) -> str:
    return f"{name} = {_value(value)};" if value else f"{name};"


def _value(value: bytes) -> str:
    """Strings where the bytes are nothing but text, else cells where they fit, else bytes."""
    if value[-1] == 0 and all(part and _is_text(part) for part in value[:-1].split(b"\0")):
        return ", ".join(f'"{_escaped(part)}"' for part in value[:-1].split(b"\0"))
    if len(value) % 4 == 0 and len(value) <= 64:
        return (
            "<"
            + " ".join(f"{cell:#x}" for cell in struct.unpack(f">{len(value) // 4}I", value))
            + ">"
        )
    return f"[{value.hex(' ')}]"


def _is_text(part: bytes) -> bool:
    return all(0x20 <= byte < 0x7F for byte in part)


def _escaped(part: bytes) -> str:
    return part.decode().replace("\\", "\\\\").replace('"', '\\"')
