"""A region becomes code: how nodes end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .block import Block, Out, Why
from .branches import by_slot, compare, take
from .convention import CONTEXT, EIP
from .emitter import Label
from .ending import leaving
from .flags import O
from .instruction import CS, ESP, Imm, Instruction, Mem
from .loop_constants import TABLE
from .lower import condition
from .node import End, Key, Node
from .registers import NoTemporary
from .state import Recovery, State
from .switches import index_of, proven
from .translation import Translation

if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import Context
    from .options import Options
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
    options = replace(options, most_lent=0, lazy_values=lazy, loop_constants=False)
    return translate(region, options, lowerings, down, stack_key, studied)


class _Translation(Translation):
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
            case End.SWITCH:
                self._switch(node)
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
        elif (
            taken in self.placed
            and not self.floating.may_trap(taken)
            and self.constants.there(x.s, taken)
        ):
            asked = O if bit == condition.CR5_LT else 0
            self._join(taken, behind, self._live_at(other, behind) | asked)
            e.bc(option, bit, self._label(taken, behind))
        else:
            e.bc(option, bit, self._aside(i, node, taken))
        return self._go(other, behind)

    def _aside(self, i: Instruction, node: Node, key: Key) -> Label:
        """Where a branch to `key` goes that has something to do on the way."""
        label, state = Label(), self.x.s.copy()
        self.floating.promise(key)
        self._later(label, lambda: self._stub(state, i, node, key))
        if key in self.labels and key not in self.waiting:
            self.waiting.append(key)
        return label

    def _switch(self, node: Node) -> None:
        """By a table of addresses of code, a word for each of the program's."""
        x, e, i, number = self.x, self.e, node.instructions[-1], node.number
        index = index_of(i, x.word)
        known = proven(node, self.region.nodes, x.word)
        width = 32 if x.s.low >> index & 1 else x.width(x.use(index))
        last = len(node.table) - 1
        if known is None or known.last > last or (known.size < x.word and width > 8 * known.size):
            (e.cmpldi if x.word == 8 else e.cmplwi)(7, x.use(index), last)
            label, state = Label(), x.s.copy()
            e.bc(12, condition.CR7_GT, label)
            self._later(label, lambda: self._off_the_table(state, node))
        if i.name == "call":
            self._push(i.next)
        ways = {key: self.floating.target(key) for key in node.successors}
        if not all(map(self._flows, ways.values())):
            self._gather(list(ways.values()), node.live[-1])
        x.held.clear()
        if x.s.low >> index & 1:
            at = x.sum("low shift", x.use_low(index), 3)
        else:
            at = x.sum("shift", x.use(index), 3 if x.word == 8 else 2)
        several = (
            sum(n.end is End.SWITCH and n.number == number for n in self.region.nodes.values()) > 1
        )
        if several and not all(map(self._ready, ways.values())):
            number = len(self.region.nodes) + len(self.tables)  # a table of its own
        table = x.pinned(TABLE + number)
        if not table:
            e.table_address(table := x.temporary(), CONTEXT, number)
        target = x.temporary()
        e.x(21 if x.word == 8 else 23, target, table, at)
        e.mtctr(target)
        e.bctr()
        labels = {key: self._way(i, node, way) for key, way in ways.items()}
        self.tables[number] = [labels[key] for key in node.table]

    def _has_copies(self, node: Node) -> bool:
        """Whether others go by the same table."""
        nodes = self.region.nodes.values()
        return sum(n.end is End.SWITCH and n.number == node.number for n in nodes) > 1

    def _gather(self, keys: list[Key], behind: int) -> None:
        """Have everything where most of these nodes look for it."""
        low, live = -1, 0
        for key in keys:
            low &= self.widths.low(key)
            live |= self._live_at(key, behind)
        self.x.clean_all(low)
        self.x.settle_all()
        condition.settle(self.x, live)

    def _ready(self, key: Key) -> bool:
        """Whether nothing is to be done on the way to a node that others lead to, too."""
        return not self._flows(key) and self._canonical(key) and self.floating.fits(key)

    def _way(self, i: Instruction, node: Node, key: Key) -> Label:
        """Where a branch to `key` goes, by which nothing can be done before it."""
        if self._flows(key):
            self.states[key] = self.x.s.copy()
            self.waiting.append(key)
            return self.labels[key]
        if self._ready(key):
            return self._label(key, node.live[-1])
        return self._aside(i, node, key)

    def _off_the_table(self, state: State, node: Node) -> None:
        self.x.s = state
        self.x.begin(node.instructions[-1], node.live[-2], node.live[-1])
        self._indirect(node)

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
