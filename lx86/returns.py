"""Ways that meet at the end of an inlined function return each for itself.

What CALL stored is mostly known to be there still on each of them, and not where they have met.
"""

from __future__ import annotations

from .node import End, Key, Node

_LONGEST = 6
"""Instructions of such an end."""
_COPIES = 4


def split_returns(nodes: dict[Key, Node]) -> None:
    """Ends of inlined functions that several ways lead to become as many nodes.

    The copies' keys have a negative number behind the return addresses.
    """
    ways: dict[Key, list[tuple[Node, int]]] = {}
    for node in nodes.values():
        if node.end is End.SWITCH:
            continue
        for n, key in enumerate(node.successors):
            end = nodes.get(key)
            if end is None or end.end is not End.RETURNED or end.entry:
                continue
            if len(end.instructions) <= _LONGEST:
                ways.setdefault(key, []).append((node, n))
    for (eip, context), leading in ways.items():
        end = nodes[eip, context]
        for number, (node, n) in enumerate(leading[1 : 1 + _COPIES], 1):
            key = eip, (*context, -number)
            nodes[key] = Node(key, end.instructions, end.end, list(end.successors))
            node.successors[n] = key
