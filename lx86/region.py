"""Regions: what is translated together.

A region is the graph of nodes that direct branches reach from an entry.  A node is a stretch of
instructions in one context; the context is the return addresses of the calls that were inlined on
the way to it.  So a small function becomes part of those who call it, and its RET a branch.

At first sight a region may be small: most code is executed once or twice, and most ways of a region
never are.  Such a region goes on behind a conditional branch, not where that leads, and has no loop
but to its start, so that all that runs often enters it often.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from .code import FetchFault
from .decoder import Undefined
from .ending import CONDITIONAL, LEAVING, for_host, plain
from .flags import EVERY
from .foresight import blind, expression
from .functions import length
from .instruction import STRINGS, TRANSFERS
from .node import End, Key, Node
from .returns import split_returns
from .switches import pages_of, split_switches, targets
from .tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .code import Code
    from .foresight import Expression, Foresight
    from .instruction import Instruction
    from .options import Options

OUTSIDE = (-1,)
"""In place of a context: no node of the region."""
_DEEPEST = 4
_PARTING = frozenset({*CONDITIONAL, "jmp", "call", "ret"})
_INLINED_AT_MOST = 48
"""Instructions of a function."""


@dataclass(slots=True)
class Region:
    start: int
    nodes: dict[Key, Node]
    flags_returned: bool = False
    """Code behind a call wants flags that the called function leaves."""
    first: bool = False
    """There would be more, were this not the first sight of it."""
    small: bool = False
    """It was asked for at first sight."""
    down: bool = False
    pages: frozenset[int] = frozenset()
    """By number, those that were looked at for it."""
    longest: int = 0
    """So many instructions it might have had."""
    foreseen: dict[Expression, int] = field(default_factory=dict)
    """What was asked of the state it was made in, and the answers."""

    def __str__(self) -> str:
        lines = []
        for node in self.nodes.values():
            lines.append(f"{node}:")
            for i, live in zip(node.instructions, node.live[1:], strict=True):
                lines.append(f"    {i!s:40} {names(live)}".rstrip())
            places = " ".join(f"{eip:#x}" for eip, _ in node.successors)
            lines.append(f"    -> {node.end.name.lower()} {places}".rstrip())
        return "\n".join(lines)


def names(pieces: int) -> str:
    return "".join(name for n, name in enumerate("ZLGCASOPNX") if pieces >> n & 1)


class Alone:
    """In place of `Code`: one instruction, behind which every flag is wanted."""

    def __init__(self, instruction: Instruction) -> None:
        self._instruction = instruction
        instruction.effect = TABLES.effects.number(instruction)
        self.looked_at: set[int] = set()

    def fetch(self, address: int) -> Instruction:
        if address != self._instruction.address:
            raise FetchFault(address)
        return self._instruction

    def wanted(self, address: int, exact: bool) -> int:
        return EVERY


def build(
    code: Code | Alone, start: int, options: Options, *,
    down: bool = False, single: bool = False, first: bool = False, foresee: Foresight = blind,
) -> Region:  # fmt: skip
    """The region at an entry; `down`: as long as DF is set; `single`: of one instruction.

    `first`: at first sight.  `foresee` knows the state in which it is entered.
    """
    code.looked_at.clear()
    region = _Builder(code, start, options, down, single, first, foresee).region
    region.pages = frozenset(code.looked_at)
    return region


class _Builder:
    def __init__(
        self, code: Code | Alone, start: int, options: Options, down: bool, single: bool,
        first: bool, foresee: Foresight,
    ) -> None:  # fmt: skip
        self._code, self._options, self._down = code, options, down
        self._limit = 1 if single else options.first_region if first else options.longest_region
        self._first = first
        self._word = options.architecture.word
        self._seen: dict[Key, Instruction | None] = {}
        self._leaders: dict[Key, bool] = {(start, ()): True}  # whether an entry
        self._sizes: dict[int, int] = {}
        self._inlined: dict[Key, Key] = {}
        self._tables: dict[Key, list[Key]] = {}
        self._foresee = foresee
        self._came: dict[Key, Key] = {}
        """By a leader: that of the stretch that leads there first."""
        self.region = Region(start, {}, small=first, down=down, longest=self._limit)
        self._walk((start, ()))
        self._cut()
        if options.split_returns and not first:
            split_returns(self.region.nodes)
        if self._tables:
            split_switches(self.region.nodes)
        for node in self.region.nodes.values():
            for key in node.successors:
                if key in self.region.nodes:
                    self.region.nodes[key].predecessors += 1
        self._liveness()

    # -- which instructions ----------------------------------------------------------------

    def _walk(self, start: Key) -> None:
        todo = [start]
        while todo:
            eip, context = began = todo.pop(0)
            while (at := (eip, context)) not in self._seen:
                if len(self._seen) >= self._limit:
                    self.region.first = self._first
                    break
                try:
                    i = self._code.fetch(eip)
                except (FetchFault, Undefined):
                    self._seen[at] = None
                    break
                self._seen[at] = i
                if plain(i) or (following := self._following(i, context, began)) is None:
                    eip = i.next
                    continue
                for key, entry in following:
                    if self._back(i, key):
                        self.region.first = True
                        continue
                    self._leaders[key] = self._leaders.get(key, False) or entry
                    self._came.setdefault(key, began)
                    todo.append(key)
                break
            else:
                self._leaders.setdefault((eip, context), False)

    def _back(self, i: Instruction, key: Key) -> bool:
        """Whether a way leads backward, where a first region does not go."""
        return self._first and key[0] <= i.address and key[0] != self.region.start

    def _following(
        self, i: Instruction, context: tuple[int, ...], began: Key
    ) -> list[tuple[Key, bool]] | None:
        """Where it goes on, and whether that is an entry; None: just behind.

        `began`: where the stretch did that it is in.
        """
        name, target = i.name, i.target
        if name in CONDITIONAL:
            assert target is not None
            if self._first:
                self.region.first = True
                return [((i.next, context), False)]
            return [((i.next, context), False), ((target, context), False)]
        if name == "jmp":
            if target is None:
                return self._switch(i, context, context, began)
            return [((target, context), False)]
        if name == "call":
            if target is None:
                target = self._foreseen(i, began)
            if target and self._may_inline(target, context):
                self._inlined[i.address, context] = inner = target, (*context, i.next)
                return [(inner, False)]
            if not target and (ways := self._switch(i, context, (*context, i.next), began)):
                return ways
            return [((i.next, ()), True)]
        if name == "ret":
            if context and not i.operands and i.size == self._word:
                return [((context[-1], context[:-1]), False)]
            return []
        if name in ("int", "syscall"):
            return [((i.next, ()), True)]
        if name in LEAVING:
            return []
        if self._for_host(i):
            return [((i.next, ()), True)]
        return None

    def _foreseen(self, call: Instruction, began: Key) -> int:
        """Where an indirect call will probably go, or 0."""
        if self._first or self._foresee is blind or not self._options.foresee_calls:
            return 0
        way = [began]
        while (key := self._came.get(way[-1])) is not None and key not in way:
            way.append(key)
        asked = expression(call, chain.from_iterable(map(self._stretch, reversed(way))), self._word)
        if asked is None:
            return 0
        return self.region.foreseen.setdefault(asked, self._foresee(asked))

    def _switch(
        self, i: Instruction, context: tuple[int, ...], inner: tuple[int, ...], began: Key
    ) -> list[tuple[Key, bool]]:
        """Where the entries of a table lead that a jump goes by, or a call of small functions.

        `inner`: the context there.
        """
        if self._first or self._foresee is blind or not self._options.switch_tables:
            return []
        way = [began] if began not in self._came else [self._came[began], began]
        before = chain.from_iterable(self._stretch(key, i) for key in way)
        asked: dict[Expression, int] = {}

        def ask(expression: Expression) -> int:
            return asked.setdefault(expression, self._foresee(expression))

        there = targets(i, before, self._word, ask)
        self.region.foreseen.update(asked)
        if not there or (inner != context and not all(self._may_inline(t, context) for t in there)):
            return []
        self._code.looked_at.update(pages_of(i, len(there), self._options.architecture.mask))
        self._tables[i.address, context] = keys = [(eip, inner) for eip in there]
        return [(key, False) for key in keys]

    def _stretch(self, key: Key, end: Instruction | None = None) -> Iterator[Instruction]:
        """From a leader on, to where ways part, or to `end`."""
        eip, context = key
        while (i := self._seen.get((eip, context))) is not None and i is not end:
            yield i
            if not plain(i) and i.name in _PARTING:
                return
            eip = i.next

    def _for_host(self, i: Instruction) -> bool:
        if i.repeat and not self._options.flat and i.name in STRINGS:
            return True
        return for_host(i, self._down)

    def _may_inline(self, target: int, context: tuple[int, ...]) -> bool:
        if not self._options.inline_calls or len(context) >= _DEEPEST:
            return False
        if self._first:
            self.region.first = True
            return False
        size = self._sizes.get(target)
        if size is None:
            size = self._sizes[target] = length(self._code, target, _INLINED_AT_MOST)
        return size <= _INLINED_AT_MOST

    # -- nodes -----------------------------------------------------------------------------

    def _cut(self) -> None:
        for key, entry in self._leaders.items():
            if key not in self._seen:
                continue
            node = Node(key, entry=entry)
            at, context = key, key[1]
            while True:
                i = self._seen[at]
                if i is None:
                    node.end = End.MISSING if not node.instructions else End.GOTO
                    node.successors = [(at[0], ())] if node.instructions else []
                    break
                node.instructions.append(i)
                if not plain(i) and self._following_known(node, i, context):
                    break
                at = i.next, context
                if at not in self._seen or at in self._leaders:
                    node.successors = [self._inside(at, i)]
                    break
                if self._seen[at] is None:
                    node.successors = [(at[0], ())]
                    break
            self.region.nodes[key] = node

    def _inside(self, key: Key, i: Instruction) -> Key:
        """Where no node is the way leads outside, and there is no context there."""
        if isinstance(self._code, Alone) or self._back(i, key):
            return key[0], OUTSIDE
        return key if key in self._seen and key in self._leaders else (key[0], ())

    def _following_known(self, node: Node, i: Instruction, context: tuple[int, ...]) -> bool:
        """Whether the instruction ends the node; how, and where it goes on."""
        name, target = i.name, i.target
        if name in CONDITIONAL:
            assert target is not None
            node.end = End.BRANCH
            node.successors = [
                self._inside((target, context), i), self._inside((i.next, context), i)
            ]  # fmt: skip
        elif name == "jmp" and target is not None:
            node.successors = [self._inside((target, context), i)]
        elif name == "call" and (inner := self._inlined.get((i.address, context))) in self._seen:
            assert inner is not None
            node.end = End.FORESEEN if target is None else End.INLINED
            node.successors = [inner]
            if target is None:
                self._check_return(i.next)
        elif name == "call" and target is not None:
            node.end = End.CALL
            node.successors = [(target, OUTSIDE if self._back(i, (target, ())) else ())]
            self._check_return(i.next)
        elif name == "ret" and context and not i.operands and i.size == self._word:
            back = (context[-1], context[:-1])
            node.end = End.RETURNED if back in self._seen else End.INDIRECT
            node.successors = [back] if node.end is End.RETURNED else []
        elif table := self._tables.get((i.address, context)):
            node.end, node.number = End.SWITCH, list(self._tables).index((i.address, context))
            node.table = [self._inside(key, i) for key in table]
            node.successors = list(dict.fromkeys(node.table))
            if name == "call":
                self._check_return(i.next)
        elif name in ("jmp", "call", "ret"):
            node.end = End.INDIRECT
            if name == "call":
                self._check_return(i.next)
        elif name in LEAVING or self._for_host(i):
            node.end = End.LEAVE
        else:
            return False
        return True

    def _check_return(self, address: int) -> None:
        if self._code.wanted(address, False):
            self.region.flags_returned = True

    # -- which flags are wanted ------------------------------------------------------------

    def _liveness(self) -> None:
        nodes = self.region.nodes
        always = 0 if self._options.wanted_flags else EVERY
        effects = TABLES.effects.tables
        first: dict[Key, int] = dict.fromkeys(nodes, 0)
        behind: dict[Key, int] = {}
        changed = True
        while changed:
            changed = False
            for key in reversed(nodes):
                node = nodes[key]
                live = self._behind(node, first) | always
                if behind.get(key) == live:
                    continue
                behind[key] = live
                node.live = [live]
                for i in reversed(node.instructions):
                    live = effects[i.effect][live] | always
                    node.live.append(live)
                node.live.reverse()
                if live != first[key]:
                    first[key] = live
                    changed = True

    def _behind(self, node: Node, first: dict[Key, int]) -> int:
        exact = self._options.exact_flags
        beyond = EVERY if exact else 0
        if node.end is End.MISSING:
            return 0
        if node.end is End.INDIRECT:
            return beyond
        if node.end is End.LEAVE:
            i = node.instructions[-1]
            if i.name in TRANSFERS:
                return EVERY
            return (
                self._code.wanted(i.next, exact)
                if i.name not in LEAVING - {"int", "syscall"}
                else 0
            )
        live = 0
        for key in node.successors:
            inner = first.get(key)
            live |= self._code.wanted(key[0], exact) if inner is None else inner
        if node.end in (End.RETURNED, End.FORESEEN, End.SWITCH):
            live |= beyond
        return live
