"""x87, MMX and SSE registers where ways of a region part and join."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..region import OUTSIDE
from ..three_bytes import THREE_BYTES
from . import forms
from .known import ANY, CANONICAL, KEY, NOTHING, TOLD, Known, Stack
from .lower_mmx import materialize
from .lowering import Assist, convert
from .x87_condition import overwritten, set_c1

if TYPE_CHECKING:
    from ..context import Context
    from ..node import Key, Node
    from ..region import Region
    from ..state import Recovery

_NOT_EQUAL = 24


class Joins:
    """For one region: what code that is reached by several ways expects."""

    def __init__(self, region: Region, x: Context) -> None:
        self._nodes, self._x = region.nodes, x
        self._forms = _look_ahead(region)
        self._stacks: dict[Key, Stack | None] = {}
        self._forgotten: dict[Key, bool] = {}

    def at(self, node: Node) -> Known:
        """What is known where a node begins that several ways, or none of here, lead to."""
        if node.entry:
            return NOTHING
        return Known(self._forms[node.key], self._stacks.setdefault(node.key, None))

    def promise(self, key: Key) -> None:
        """A branch there is yet to come, from here: that is what its code may count on."""
        node = self._nodes.get(key)
        if node is not None and not node.entry and key not in self._stacks:
            self._stacks[key] = self._first()

    def target(self, key: Key) -> Key:
        """`key`, or a way outside if the code there takes the stack for another."""
        node, stack = self._nodes.get(key), self._x.s.floating.stack
        if node is None or node.entry or key not in self._stacks:
            return key
        expected = self._stacks[key]
        if expected is None or stack is None:
            return (key[0], OUTSIDE) if expected is not None and expected.mmx else key
        same = (stack.mmx and expected.mmx) or (
            stack.mmx == expected.mmx and stack.key == expected.key
        )
        return key if same else (key[0], OUTSIDE)

    def fits(self, key: Key) -> bool:
        """Whether a branch there needs nothing done before."""
        node = self._nodes.get(key)
        known = self._x.s.floating
        if node is None or node.entry:
            return known.forms == CANONICAL and _in_register(known.stack)
        if known.stack is not None and self._may_forget(known.stack, key):
            known = replace(known, stack=replace(known.stack, c1=TOLD, rounded=0))
        if key not in self._stacks:
            if known != Known(self._forms[key], self._first()):
                return False
            self.promise(key)
        return known == Known(self._forms[key], self._stacks[key])

    def join(self, key: Key) -> None:
        """Have everything as the code there expects it."""
        x, node = self._x, self._nodes.get(key)
        if node is None or node.entry:
            self.leave()
            return
        convert(x, self._forms[key])
        self.promise(key)
        stack, expected = x.s.floating.stack, self._stacks[key]
        if stack is None or expected is None or not self._may_forget(stack, key):
            self._to(expected, node)
        else:
            set_c1(x, TOLD)
            self._to(expected, node)
            set_c1(x, stack.c1, stack.rounded)  # where it is not `key` after all

    def _may_forget(self, stack: Stack, key: Key) -> bool:
        """Whether code there asks for no C1, so that it need not be told."""
        pending = stack.c1 != TOLD and stack.places == tuple(range(8))
        return pending and self._overwritten(key)

    def _overwritten(self, key: Key) -> bool:
        if key not in self._forgotten:
            self._forgotten[key] = overwritten(self._nodes, key)
        return self._forgotten[key]

    def may_trap(self, key: Key) -> bool:
        """Whether `join` there checks the stack: that is no work to do before a branch is taken."""
        node = self._nodes.get(key)
        inside = node is not None and not node.entry
        return inside and self._x.s.floating.stack is None and self._stacks.get(key) is not None

    def leave(self) -> None:
        """Everything as where nothing is known."""
        convert(self._x, CANONICAL)
        materialize(self._x)
        self._x.s.floating = NOTHING

    def _first(self) -> Stack | None:
        stack = self._x.s.floating.stack
        if stack is None:
            return None
        return replace(stack, places=tuple(range(8)), c1=TOLD, rounded=0)

    def _to(self, expected: Stack | None, node: Node) -> None:
        x = self._x
        stack = x.s.floating.stack
        if expected is None:
            materialize(x)
        elif stack is None:
            index = len(x.e.words)
            after = replace(x.s.floating, stack=expected)
            x.assists[index] = Assist(
                None, self._recovery(node), x.s.floating, after, index, check=True
            )
            x.e.twi(_NOT_EQUAL, KEY, expected.key)
            if expected.register != expected.key:
                x.e.addi(KEY, 0, expected.register)
        elif expected.mmx:
            missing = expected.written & ~stack.written
            if missing:
                x.e.ori(KEY, KEY, missing)
        else:
            assert stack.key == expected.key, "`target` leads elsewhere"
            held = stack.register
            materialize_places(x)
            if held != expected.register:
                x.e.addi(KEY, 0, expected.register)
        x.s.floating = replace(x.s.floating, stack=expected)

    def _recovery(self, node: Node) -> Recovery:
        return self._x.recovery(eip=node.eip, live=node.live[0])


def _in_register(stack: Stack | None) -> bool:
    if stack is None or stack.mmx:
        return True
    settled = stack.c1 == TOLD and stack.places == tuple(range(8))
    return settled and stack.register == stack.key


def materialize_places(x: Context) -> None:
    """The x87's registers into their own places; R1 stays what it is."""
    stack = x.s.floating.stack
    assert stack is not None
    x.s.floating = replace(x.s.floating, stack=replace(stack, in_register=None))
    materialize(x)


def _look_ahead(region: Region) -> dict[Key, tuple[int, ...]]:
    """The forms of XMM registers where each node begins."""
    nodes = region.nodes
    found: dict[Key, tuple[int, ...]] = {
        key: CANONICAL if node.entry else (ANY,) * len(CANONICAL) for key, node in nodes.items()
    }
    todo = list(nodes)
    simd = {
        key: instructions
        for key, node in nodes.items()
        if (instructions := [i for i in node.instructions if i.name in ("simd", THREE_BYTES)])
    }
    if not simd and all(node.entry or node.predecessors for node in nodes.values()):
        return dict.fromkeys(nodes, CANONICAL)  # entries lead everywhere, and are so
    while todo:
        key = todo.pop()
        at = found[key]
        for i in simd.get(key, ()):
            at = forms.behind(i, at)
        for following in nodes[key].successors:
            if following in nodes and not nodes[following].entry:
                joined = forms.meet(found[following], at)
                if joined != found[following]:
                    found[following] = joined
                    todo.append(following)
    return found
