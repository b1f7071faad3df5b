"""A region becomes code: nodes in an order that lets them fall into each other, and their joins.

Where two nodes meet and one of them can be reached another way, every x86 register is in its own
POWER register and every wanted flag in its place.  Along a way that nothing else joins, what is
known is carried on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import often
from .block import Block, Mark, Out, Piece, Translated, Why, code_of
from .context import Context
from .emitter import Emitter, Label
from .flags import C, X
from .fpu.joins import Joins
from .loop_constants import LoopConstants
from .lower import condition
from .node import End, Key, Node
from .options import NotTranslated, Options
from .state import Recovery, State, homes
from .widths import Widths

if TYPE_CHECKING:
    from collections.abc import Callable

    from .instruction import Instruction
    from .region import Region

    _Otherwise = Callable[[State, Node, int], None]


class Translation:
    """All but how nodes end."""

    def __init__(
        self, region: Region, options: Options,
        lowerings: dict[str, Callable[[Context, Instruction], None]], down: bool, stack_key: int,
        studied: bool,
    ) -> None:  # fmt: skip
        self.region, self.lowerings, self.studied = region, lowerings, studied
        self.e = Emitter()
        self.x = Context(self.e, options, down=down, stack_key=stack_key)
        self.homes = homes(options.architecture)
        self.floating = Joins(region, self.x)
        self.widths = Widths(region, options)
        self.constants = LoopConstants(region, options)
        self.entries = dict[Key, int]()
        self.tables = dict[int, list[Label]]()
        self.labels: dict[Key, Label] = {key: Label() for key in region.nodes}
        self.states, self.placed = dict[Key, State](), set[Key]()
        self.waiting: list[Key] = [key for key, node in region.nodes.items() if node.entry]
        self.outs: dict[int, Out] = {}
        self.stubs: list[tuple[Label, Node, Callable[[], None]]] = []
        self.outside: dict[int, Label] = {}
        self.marks, self.pieces = list[Mark](), list[Piece]()
        self.block = self._run()

    def _run(self) -> Block:
        while self.waiting:
            key = self.waiting.pop(0)
            if key not in self.placed:
                self._prepare(key)
                self._trace(key)
        while self.stubs:
            label, self.node, emit = self.stubs.pop(0)
            self.pieces.append(Piece(len(self.e.words), self.node, False))
            self.e.place(label)
            emit()
        for number, table in self.tables.items():
            self.e.table_entries(number, table, self.x.word // 4)
        x, nodes = self.x, self.region.nodes
        entries = [(nodes[key], at) for key, at in self.entries.items()]
        return Block(
            self.region.start, code_of(self.e.finish()),
            {node.eip: index for node, index in entries},
            {node.eip: node.live[0] for node, _ in entries if node.live[0]},
            {index: out.target for index, out in self.outs.items() if out.why is Why.LINK},
            Translated(self.outs, x.recoveries, x.safe, x.assists),
            self.region.pages,
            sum(len(node.instructions) for node in nodes.values()),
            x.options.base,
            x.options.constants,
            self.region.flags_returned,
            x.stack_key if x.stack_asked else None,
            marks=self.marks,
            pieces=self.pieces,
            region=self.region,
            foreseen=tuple(self.region.foreseen.items()),
            addresses={index: label.at for index, label in self.e.addresses},
            first=self.region.first,
        )  # fmt: skip

    # -- nodes -----------------------------------------------------------------------------

    def _trace(self, key: Key | None) -> None:
        while key is not None:
            self.node = node = self.region.nodes[key]
            self.placed.add(key)
            self.pieces.append(Piece(began := len(self.e.words), node, True))
            self.e.place(self.labels[key])
            if node.entry and key not in self.entries:
                self._enter_aside(key)
            self.x.s = self._state_at(node)
            self.x.safe[len(self.e.words)] = self._here(node.eip, node.live[0])
            if self.region.first and key == (self.region.start, ()):
                self._count(node)
            if self.x.options.marked and node.instructions and node.instructions[0].repeat:
                self.e.nop()
            self.x.ahead, last = node.instructions, len(node.instructions) - 1
            for n, i in enumerate(node.instructions):
                self.x.begin(i, node.live[n], node.live[n + 1])
                self.x.position = n
                if self.studied:
                    self.marks.append(Mark(len(self.e.words), i, tuple(self.x.s.values)))
                if n == last and node.end is not End.GOTO:
                    break
                if i.name != "jmp":
                    self._lower(i)
            key = self._end(node)
            if self.x.options.marked and len(self.e.words) == began:
                self.e.nop()

    def _prepare(self, key: Key) -> None:
        """Before a node: what those who come from outside have to do first."""
        node = self.region.nodes[key]
        if node.entry:
            self.entries[key] = len(self.e.words)
            if self.constants.at(key):
                self.pieces.append(Piece(len(self.e.words), node, False))
                self._come_in(node)

    def _enter_aside(self, key: Key) -> None:
        """They come in elsewhere, since others fall into the node."""
        if not self.constants.at(key):
            self.entries[key] = self.labels[key].at
            return

        def enter() -> None:
            self.entries[key] = len(self.e.words)
            self._come_in(self.region.nodes[key])
            self.e.b(self.labels[key])

        self.entries[key] = -1
        self._later(Label(), enter)

    def _come_in(self, node: Node) -> None:
        self.x.s = State(list(self.homes))
        self.constants.bring(self.x, node.key)

    def _count(self, node: Node) -> None:
        out = Out(Why.OFTEN, self._here(node.eip, node.live[0]), node.eip)
        self._later(often.count(self.e, node.eip), lambda: self._out(out))

    def _later(self, label: Label, emit: Callable[[], None]) -> None:
        """Behind all nodes."""
        self.stubs.append((label, self.node, emit))

    def _out(self, out: Out) -> None:
        """The next word is a call to the host."""
        self.outs[len(self.e.words)] = out
        self.e.hypervisor_call()

    def _state_at(self, node: Node) -> State:
        state = self.states.pop(node.key, None)
        if state is None:
            carry = int(not node.entry and node.live[0] & X != 0)
            state = State(list(self.homes), carry=carry, floating=self.floating.at(node))
            self.widths.begin(state, node.key)
            self.constants.begin(state, node.key)
        else:
            self.constants.go_on(state, node.key)
        return state

    def _here(self, eip: int, live: int) -> Recovery:
        return self.x.recovery(eip=eip, live=live)

    def _lower(self, i: Instruction) -> None:
        lowering = self.lowerings.get(i.name)
        if lowering is None:
            self._leave(Why.ILLEGAL, i)
            return
        try:
            lowering(self.x, i)
        except NotTranslated:
            self._leave(Why.ILLEGAL, i)

    def _leave(self, why: Why, i: Instruction, eip: int | None = None) -> None:
        """Back to the host; the program is before `i`, or at `eip`."""
        if why in (Why.HOST, Why.SYSTEM_CALL, Why.SYSCALL):
            self.floating.leave()
        self._out(Out(why, self.x.recovery(eip=eip), instruction=i))

    # -- joins -----------------------------------------------------------------------------

    def _live_at(self, key: Key, behind: int) -> int:
        node = self.region.nodes.get(key)
        return node.live[0] if node else behind & ~X | (C if behind & X else 0)

    def _join(self, key: Key, behind: int, also: int = 0) -> None:
        """Have everything where the node `key`, or code outside, looks for it.

        `also`: more pieces of the flags that are wanted afterwards.
        """
        node = self.region.nodes.get(key)
        live = self._live_at(key, behind) | also
        x = self.x
        if (node is None or node.entry) and live & (X | C) and x.s.carry:
            condition.carry_to_cr(x, live)
        x.clean_all(self.widths.low(key))
        x.settle_all()
        condition.settle(x, live if node is not None and not node.entry else live & ~X)
        self.floating.join(key)
        self.constants.bring(x, key)

    def _flows(self, key: Key) -> bool:
        """Whether what is known can be carried into a node: nothing else leads there."""
        node = self.region.nodes.get(key)
        joined = node is None or node.entry or node.predecessors != 1
        return not joined and key not in self.placed

    def _canonical(self, key: Key) -> bool:
        """Whether everything is where a joined node looks for it."""
        s, node = self.x.s, self.region.nodes.get(key)
        carry = 1 if node is not None and not node.entry and node.live[0] & X else 0
        settled = tuple(s.values) == self.homes and s.carry == carry
        settled = settled and self.constants.there(s, key)
        return settled and not (s.zero_in_cr1 or s.sign_in_cr0 or s.low & ~self.widths.low(key))

    def _label(self, key: Key, behind: int) -> Label:
        """Where a joined branch to `key` goes."""
        if key in self.labels:
            if key not in self.placed and key not in self.waiting:
                self.waiting.append(key)
            return self.labels[key]
        if key[0] not in self.outside:
            label = self.outside[key[0]] = Label()
            self._later(label, lambda: self._link(key[0], behind))
        return self.outside[key[0]]

    def _link(self, target: int, behind: int) -> None:
        """A word that is a branch to code outside, once that is translated."""
        self._out(Out(Why.LINK, Recovery(target, self.homes, behind, False, False, 0), target))

    def _go(self, key: Key, behind: int) -> Key | None:
        """On to a node, by falling into it if possible."""
        key = self.floating.target(key)
        if self._flows(key):
            self.states[key] = self.x.s
            return key
        self._join(key, behind)
        if key in self.labels and key not in self.placed:
            return key
        self._jump(key, behind)
        return None

    def _jump(self, key: Key, behind: int) -> None:
        if key in self.labels:
            self.e.b(self._label(key, behind))
        else:
            self._link(key[0], behind)

    def _end(self, node: Node) -> Key | None:
        """Code for how a node ends; gives the one to go on with."""
        raise NotImplementedError
