"""A region becomes code: nodes in an order that lets them fall into each other, and their ends.

Where two nodes meet and one of them can be reached another way, every x86 register is in its own
POWER register and every wanted flag in its place.  Along a way that nothing else joins, what is
known is carried on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from . import often
from .block import Block, Mark, Out, Piece, Translated, Why, code_of
from .branches import by_slot, compare, take
from .context import Context
from .convention import EIP
from .emitter import Emitter, Label
from .ending import leaving
from .flags import C, X
from .fpu.joins import Joins
from .instruction import CS, ESP, Imm, Instruction, Mem
from .lower import condition
from .node import End, Key, Node
from .options import NotTranslated, Options
from .registers import NoTemporary
from .state import Recovery, State, homes
from .widths import Widths

if TYPE_CHECKING:
    from collections.abc import Callable

    from .region import Region

    _Otherwise = Callable[[State, Node, int], None]


def translate(
    region: Region, options: Options,
    lowerings: dict[str, Callable[[Context, Instruction], None]],
    down: bool = False, stack_key: int = 0, studied: bool = True,
) -> Block:  # fmt: skip
    """Code for a region; `down`: as long as the direction flag is set.

    `stack_key` is what the x87's state will be (fpu/known.py); `studied`: the block has its marks.
    """
    try:
        return _Translation(region, options, lowerings, down, stack_key, studied).block
    except NoTemporary:
        if not options.most_lent and not options.lazy_values:
            raise
    lazy = options.lazy_values and options.most_lent > 0
    options = replace(options, most_lent=0, lazy_values=lazy)
    return translate(region, options, lowerings, down, stack_key, studied)


class _Translation:
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
                self._trace(key)
        while self.stubs:
            label, self.node, emit = self.stubs.pop(0)
            self.pieces.append(Piece(len(self.e.words), self.node, False))
            self.e.place(label)
            emit()
        x, nodes = self.x, self.region.nodes
        entries = [(n, self.labels[key].at) for key, n in nodes.items() if n.entry]
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
            first=self.region.first,
        )  # fmt: skip

    # -- nodes -----------------------------------------------------------------------------

    def _trace(self, key: Key | None) -> None:
        while key is not None:
            self.node = node = self.region.nodes[key]
            self.placed.add(key)
            self.pieces.append(Piece(began := len(self.e.words), node, True))
            self.e.place(self.labels[key])
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
            self.e.mcrxrx(5)
            if x.s.carry == 2:
                self.e.crnor(4, 22, 22)
            else:
                self.e.crmove(4, 22)
            x.s.carry = 0
        x.clean_all(self.widths.low(key))
        x.settle_all()
        condition.settle(x, live if node is not None and not node.entry else live & ~X)
        self.floating.join(key)

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

    # -- ends ------------------------------------------------------------------------------

    def _end(self, node: Node) -> Key | None:
        behind = node.live[-1]
        self.x.held.clear()
        match node.end:
            case End.GOTO:
                return self._go(node.successors[0], behind)
            case End.BRANCH:
                return self._branch(node)
            case End.CALL | End.INLINED:
                i = node.instructions[-1]
                self._push(i.next)
                return self._go(node.successors[0], behind)
            case End.FORESEEN:
                return self._foreseen(node)
            case End.RETURNED:
                return self._return(node)
            case End.INDIRECT:
                self._indirect(node)
            case End.LEAVE:
                self._leave(*leaving(node.instructions[-1], self.x.word))
            case End.MISSING:
                self._out(Out(Why.FETCH, self._here(node.eip, node.live[0]), node.eip))
        return None

    def _push(self, value: int) -> None:
        x = self.x
        word = x.word
        at = x.address(Mem(word, ESP, -1, 0, -word, 2))
        value = value - x.options.bases[CS] & x.options.architecture.mask
        x.store(x.constant(value), at, word)
        x.note_word(at, (-1, x.signed(value)))
        base, offset = x.value(ESP)
        x.set_value(ESP, (base, offset - word))

    def _branch(self, node: Node) -> Key | None:
        i, behind = node.instructions[-1], node.live[-1]
        taken, other = map(self.floating.target, node.successors)
        x, e = self.x, self.e
        if i.name != "jcc":
            bit, holds = condition.counted(x, i)
        else:
            bit, holds = condition.test(x, i.condition)
        if self._prefers_other(i, taken, other):
            taken, other, holds = other, taken, not holds
        option = 12 if holds else 4
        if self._flows(taken):
            e.bc(option, bit, self.labels[taken])
            self.states[taken] = x.s.copy()
            self.waiting.append(taken)
        elif self._canonical(taken) and self.floating.fits(taken):
            e.bc(option, bit, self._label(taken, behind))
        elif taken in self.placed and not self.floating.may_trap(taken):
            self._join(taken, behind, self._live_at(other, behind))
            e.bc(option, bit, self._label(taken, behind))
        else:
            label = Label()
            e.bc(option, bit, label)
            self.floating.promise(taken)
            state = x.s.copy()
            self._later(label, lambda: self._stub(state, i, node, taken))
            if taken in self.labels and taken not in self.waiting:
                self.waiting.append(taken)
        return self._go(other, behind)

    def _prefers_other(self, i: Instruction, taken: Key, other: Key) -> bool:
        """Whether to branch where the instruction falls through, and to go on where it branches.

        Of two placed nodes a loop's head is the likelier, else what the compiler put next.
        """
        if taken in self.placed and other in self.placed:
            return taken[0] > i.address
        if taken not in self.labels or taken in self.placed:
            return False
        return other not in self.labels or other in self.placed

    def _stub(self, state: State, i: Instruction, node: Node, key: Key) -> None:
        self.x.s = state
        self.x.begin(i, node.live[-2], node.live[-1])
        self._join(key, node.live[-1])
        self._jump(key, node.live[-1])

    def _return(self, node: Node) -> Key | None:
        """From an inlined call: mostly what CALL stored is known to be there still."""
        x = self.x
        expected = node.successors[0][0]
        at = x.address(Mem(x.word, ESP, -1, 0, 0, 2))
        known = x.known_word(at)
        base, offset = x.value(ESP)
        if known != (-1, x.signed(expected)):
            self._check(node, x.load_word(at), expected, self._stray)
            x.note_word(at, (-1, x.signed(expected)))
        x.set_value(ESP, (base, offset + x.word))
        return self._go(node.successors[0], node.live[-1])

    def _check(self, node: Node, found: int, expected: int, otherwise: _Otherwise) -> None:
        """Go on only if a register holds the address that is expected."""
        compare(self.x, found, expected)
        label, state = Label(), self.x.s.copy()
        self.e.bc(4, condition.CR7_EQ, label)
        self._later(label, lambda: otherwise(state, node, found))

    def _stray(self, state: State, node: Node, found: int) -> None:
        self.x.s = state
        self.x.begin(node.instructions[-1], node.live[-2], node.live[-1])
        self.x.hold(found)
        base, offset = self.x.value(ESP)
        self._through(found, node.live[-1], (base, offset + self.x.word))

    def _foreseen(self, node: Node) -> Key | None:
        """An indirect call: on to the function that is expected, if it is that."""
        x, i, key = self.x, node.instructions[-1], node.successors[0]
        self._check(node, x.read(i.operands[0]), key[0], self._elsewhere)
        self._push(i.next)
        return self._go(key, node.live[-1])

    def _elsewhere(self, state: State, node: Node, found: int) -> None:
        x, i = self.x, node.instructions[-1]
        x.s, x.i, x.before, x.live = state, i, node.live[-2], node.live[-1]
        x.held = {found, EIP}
        if found != EIP:
            x.vacate(EIP)
            self.e.mr(EIP, found)
        self._push(i.next)
        self._through(EIP, node.live[-1], x.value(ESP))

    def _indirect(self, node: Node) -> None:
        i = node.instructions[-1]
        x = self.x
        take(x, Mem(x.word, ESP, -1, 0, 0, 2) if i.name == "ret" else i.operands[0])
        if i.name == "ret":
            extra = i.operands[0].value if i.operands and isinstance(i.operands[0], Imm) else 0
            base, offset = x.value(ESP)
            x.set_value(ESP, (base, offset + x.word + extra))
        elif i.name == "call":
            self._push(i.next)
        self._through(EIP, node.live[-1], x.value(ESP))

    def _through(self, register: int, live: int, stack: tuple[int, int]) -> None:
        """By the slot of the address in a register."""
        x, e = self.x, self.e
        if register != EIP:
            x.vacate(EIP)
            x.hold(EIP)
            e.mr(EIP, register)
        x.set_value(ESP, stack)
        self._join((0, (0,)), live)
        if x.down or not x.options.slots:
            self._out(Out(Why.INDIRECT, Recovery(0, self.homes, live, False, False, 0)))
            return
        by_slot(e, long=x.word == 8)
