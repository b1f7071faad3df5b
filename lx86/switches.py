"""Jumps by tables that nobody can write to: where they go is known.

A compiler makes a switch a comparison of an index with the table's last entry and a jump by a word
of the table.  Of such a jump, and of one whose index was masked, the targets belong to the region;
a table of POWER code's addresses takes the place of the slots.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from .flags import Z, live_before
from .instruction import FS, Imm, Mem, Reg
from .node import End
from .storage import PAGE
from .widths import FIRST_ALONE, READING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .foresight import Expression
    from .instruction import Instruction
    from .node import Key, Node

_ABOVE = 7
_MOST = 256
"""Entries of a table."""
_LONGEST, _COPIES = 8, 15
"""Instructions that are copied, and how often."""
_GOING_ON = (End.GOTO, End.RETURNED)


class Bound(NamedTuple):
    """The low `size` bytes of an index are at most `last`."""

    last: int
    size: int


def index_of(jump: Instruction, word: int) -> int:
    """The register that a jump by a table counts entries with, or -1."""
    m = jump.operands[0]
    plain = isinstance(m, Mem) and m.size == word == 1 << m.shift and m.segment < FS
    return m.index if plain and isinstance(m, Mem) and m.base < 0 and not m.short else -1


def bound(index: int, before: Iterable[Instruction]) -> Bound | None:
    """Of a register behind these instructions, which fall through where they branch."""
    known: dict[int, Bound] = {}
    compared: tuple[int, Bound] | None = None
    for i in before:
        if i.name == "jcc":
            if i.condition == _ABOVE and compared:
                known[compared[0]] = compared[1]
            continue
        if not live_before(i, Z) & Z:
            compared = None
        target, source = (i.operands[0], i.operands[-1]) if i.operands else (None, None)
        if i.name in READING:
            if i.name == "cmp" and isinstance(target, Reg) and isinstance(source, Imm):
                last = source.value & (1 << 8 * i.size) - 1
                compared = None if target.high else (target.number, Bound(last, i.size))
        elif i.name not in FIRST_ALONE:
            known, compared = {}, None
        elif isinstance(target, Reg):
            if compared and compared[0] == target.number:
                compared = None
            result = _result(i, target, known)
            known.pop(target.number, None)
            if result:
                known[target.number] = result
    return known.get(index)


def _result(i: Instruction, target: Reg, known: Mapping[int, Bound]) -> Bound | None:
    """What an instruction leaves of its target."""
    source = i.operands[-1]
    if i.name == "and" and isinstance(source, Imm) and source.value >= 0 and not target.high:
        return Bound(source.value, i.size)
    if i.name in ("mov", "movzx") and isinstance(source, Reg) and not source.high:
        before = known.get(source.number)
        moved = min(source.size, target.size)
        return before if before and not target.high and before.size <= moved else None
    return None


def targets(
    jump: Instruction, before: Iterable[Instruction], word: int, ask: Callable[[Expression], int]
) -> list[int]:
    """Where each entry leads; none: that is not known.  `ask`: a `Foresight`."""
    index = index_of(jump, word)
    found = bound(index, before) if index >= 0 else None
    if found is None or found.last >= _MOST:
        return []
    m = jump.operands[0]
    assert isinstance(m, Mem)
    there = []
    for n in range(found.last + 1):
        there.append(ask((-1, m.displacement + n * word, 0)))
        if not there[-1]:
            return []
    return there


def pages_of(jump: Instruction, entries: int, mask: int) -> range:
    """Numbers of the pages that a table lies on; `mask`: of an address."""
    m = jump.operands[0]
    assert isinstance(m, Mem)
    start = m.displacement & mask
    return range(start // PAGE, (start + entries * m.size - 1) // PAGE + 1)


def split_switches(nodes: dict[Key, Node]) -> None:
    """Ways that meet at a switch, as those of an interpreter do, go by it each for itself.

    The copies' keys have a negative number behind the return addresses.
    """
    for node in list(nodes.values()):
        if node.end is not End.SWITCH or node.instructions[-1].name == "call":
            continue
        head, tail = node, None
        before = [n for n in nodes.values() if node.key in n.successors]
        if len(before) == 1 and before[0].end is End.BRANCH and not node.entry:
            head, tail = before[0], node
        if len(head.instructions) + len(node.instructions) > _LONGEST or head.entry:
            continue
        ways = [n for n in nodes.values() if n.end in _GOING_ON and n.successors == [head.key]]
        for number, way in enumerate(ways[1 : 1 + _COPIES], 1):
            way.successors = [_copy(nodes, head, number)]
            if tail is not None:
                copied = nodes[way.successors[0]]
                copied.successors[copied.successors.index(node.key)] = _copy(nodes, node, number)


def _copy(nodes: dict[Key, Node], node: Node, number: int) -> Key:
    eip, context = node.key
    key = eip, (*context, -number)
    nodes[key] = replace(node, key=key, successors=list(node.successors))
    return key


def proven(node: Node, nodes: Mapping[Key, Node], word: int) -> Bound | None:
    """What is sure of the index at the jump that ends a node."""
    instructions = node.instructions[:-1]
    if node.predecessors == 1 and not node.entry:
        before = next(n for n in nodes.values() if node.key in n.successors)
        if before.end is End.BRANCH and before.successors == [before.successors[0], node.key]:
            instructions = [*before.instructions, *instructions]
    return bound(index_of(node.instructions[-1], word), instructions)
