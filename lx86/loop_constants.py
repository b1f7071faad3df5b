"""Constants that a loop keeps asking for stay in temporaries throughout it.

Where code is in no loop a constant is made where it is wanted, in one instruction to five.  Within
one, those that cost most are made by whoever enters the loop, and temporaries that nobody else is
given there hold them: immediates, addresses of tables, what CALL stores.  A constant also saves
instructions to those near it, which an ADDI or a displacement reaches from it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from .constants import is_high, length_of_constant
from .convention import CONTEXT
from .emitter import fits, signed
from .instruction import CS, FS, Imm, Mem, Reg
from .lower.logic import mask
from .node import End

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .instruction import Instruction
    from .node import Key, Node
    from .options import Options
    from .region import Region
    from .registers import Registers
    from .state import State

REGISTERS = (28, 23, 22, 9)
REGISTERS_64 = (2, 9, 8)
"""Temporaries that may be given to them."""
_HIGH = 3
"""Instructions that make the upper part of such an address."""
_PER_LEVEL, _DEEPEST = 8, 4
"""How much oftener an inner loop is executed than the one around it, as a guess."""
TABLE = 1 << 64
"""To this the number of a table is added, whose address is the constant."""
_NOTHING: dict[int, int] = {}
_COMBINING = frozenset({"add", "sub", "imul", "and", "or", "xor", "test", "cmp"})


class _Use(NamedTuple):
    """An instruction asks for a constant."""

    value: int
    held: int
    """POWER instructions it saves if a register holds it,"""
    near: int
    """or one near it."""


class LoopConstants:
    """For one region: which temporaries hold what, by node."""

    def __init__(self, region: Region, options: Options) -> None:
        self._at: dict[Key, dict[int, int]] = {}
        if not options.loop_constants or not options.reuse_sums or region.small:
            return
        depths = _depths(region.nodes)
        registers = REGISTERS_64 if options.architecture.long else REGISTERS
        for loop in _loops(region.nodes):
            uses: Counter[_Use] = Counter()
            for key in loop:
                times = _PER_LEVEL ** min(depths[key], _DEEPEST)
                for use in _uses(region.nodes[key], options):
                    uses[use] += times
            held = dict(zip(registers, _best(uses, len(registers)), strict=False))
            self._at.update(dict.fromkeys(loop, held))

    def at(self, key: Key) -> Mapping[int, int]:
        """By temporary, what it holds throughout a node."""
        return self._at.get(key, _NOTHING)

    def begin(self, state: State, key: Key) -> None:
        """What is known where a node begins that several ways, or none of here, lead to."""
        state.lasting = self.at(key)
        for register, value in state.lasting.items():
            if 0 <= value < TABLE:
                state.widths[register] = value.bit_length()

    def go_on(self, state: State, key: Key) -> None:
        """Into a node that nothing else leads to."""
        wanted, left = self.at(key), state.lasting
        if wanted is not left:
            state.lasting = {n: value for n, value in left.items() if wanted.get(n) == value}
            for register, value in left.items():
                if register not in state.lasting:
                    state.sums["const", -1, value] = register

    def there(self, state: State, key: Key) -> bool:
        """Whether all are where a node looks for them."""
        return all(state.lasting.get(n) == value for n, value in self.at(key).items())

    def bring(self, x: Registers, key: Key) -> None:
        """Have them there; every x86 register is in its own POWER register."""
        wanted, before = self.at(key), x.s.lasting
        if wanted is before:
            return
        x.s.lasting = {n: value for n, value in wanted.items() if before.get(n) == value}
        for register, value in wanted.items():
            if register not in x.s.lasting:
                x.s.forget(register)
                if value >= TABLE:
                    x.e.table_address(register, CONTEXT, value - TABLE)
                else:
                    x.load_constant(register, value)
                x.s.lasting = {**x.s.lasting, register: value}


# -- which -------------------------------------------------------------------------------------


def _best(uses: Mapping[_Use, int], count: int) -> list[int]:
    """Up to `count` constants that save most, one after another."""
    found: list[int] = []
    saved = dict.fromkeys(uses, 0)
    while len(found) < count:
        most, best = 0, 0
        for value in dict.fromkeys(use.value for use in uses):
            more = sum(
                times * max(_saved(use, value) - saved[use], 0) for use, times in uses.items()
            )
            if more > most:
                most, best = more, value
        if not most:
            break
        found.append(best)
        saved = {use: max(before, _saved(use, best)) for use, before in saved.items()}
    return found


def _saved(use: _Use, value: int) -> int:
    if use.value == value:
        return use.held
    return use.near if fits(use.value - value) else 0


def _uses(node: Node, options: Options) -> Iterator[_Use]:
    for i in node.instructions:
        for operand in i.operands:
            if isinstance(operand, Mem) and not operand.short and operand.segment < FS:
                yield from _address(operand, options)
            elif isinstance(operand, Imm) and not operand.target:
                yield from _immediate(i, operand.value, options)
    if node.end in (End.CALL, End.INLINED, End.FORESEEN):
        behind = node.instructions[-1].next - options.bases[CS] & options.architecture.mask
        yield from _made(_word(behind, options), options)
    if node.end is End.SWITCH:
        yield _Use(TABLE + node.number, 2, 0)
    if node.end is End.FORESEEN:
        yield _Use(_word(node.successors[0][0], options), 1, 0)


def _word(value: int, options: Options) -> int:
    return value if options.architecture.long else signed(value)


def _cost(value: int, options: Options) -> int:
    """Instructions that make it in a register."""
    if value in (0, 1) or value in options.constants:
        return 0
    long = options.architecture.long
    length = length_of_constant(value, long=long)
    return 1 if length > 1 and not long and fits(value - options.base) else length


def _made(value: int, options: Options) -> Iterator[_Use]:
    """It is wanted in any register."""
    cost = _cost(value, options)
    if cost:
        yield _Use(value, cost, cost - 1)


def _address(m: Mem, options: Options) -> Iterator[_Use]:
    value = m.displacement
    if fits(value):
        return
    if m.base >= 0 or m.index >= 0:
        if value not in options.constants:
            yield _Use(value, 1, 0)
    elif options.architecture.long or not fits(value - options.base):
        saved = _HIGH if is_high(value) else 1
        yield _Use(value, saved, saved)


def _immediate(i: Instruction, value: int, options: Options) -> Iterator[_Use]:
    target = i.operands[0]
    value = _word(value, options)
    if i.name == "mov" and isinstance(target, Reg):
        if target.size >= 4:
            if target.size == 4:
                value = _word(value & 0xFFFFFFFF, options)
            cost = _cost(value, options) - 1
            if cost > 0:
                yield _Use(value, cost, cost)
    elif i.name in ("mov", "push"):
        yield from _made(value, options)
    elif i.name in _COMBINING and i.size >= 4 and not fits(value):
        short = value & (1 << 8 * i.size) - 1
        if i.name in ("and", "test") and (mask(short) or short < 0x10000):
            return
        if i.name in ("or", "xor") and (short < 0x10000 or not short & 0xFFFF):
            return
        if i.name in ("add", "sub"):
            value = -value if i.name == "sub" else value
            yield _Use(value, 1, 0)
        elif i.name == "cmp":
            yield _Use(value, 1, 0)
        else:
            yield from _made(value, options)


# -- loops -------------------------------------------------------------------------------------


def _loops(nodes: Mapping[Key, Node]) -> Iterator[list[Key]]:
    """The outermost ones: sets of nodes of which each leads to each (Tarjan's algorithm)."""
    number: dict[Key, int] = {}
    low: dict[Key, int] = {}
    stack: list[Key] = []
    inside: set[Key] = set()
    for root in nodes:
        if root in number:
            continue
        way: list[tuple[Key, Iterator[Key]]] = []
        _enter(root, number, low, stack, inside)
        way.append((root, iter(nodes[root].successors)))
        while way:
            key, left = way[-1]
            for following in left:
                if following not in nodes:
                    continue
                if following not in number:
                    _enter(following, number, low, stack, inside)
                    way.append((following, iter(nodes[following].successors)))
                    break
                if following in inside:
                    low[key] = min(low[key], number[following])
            else:
                way.pop()
                if way:
                    low[way[-1][0]] = min(low[way[-1][0]], low[key])
                if low[key] == number[key]:
                    at = stack.index(key)
                    loop = stack[at:]
                    del stack[at:]
                    inside.difference_update(loop)
                    if len(loop) > 1 or key in nodes[key].successors:
                        yield loop


def _enter(
    key: Key, number: dict[Key, int], low: dict[Key, int], stack: list[Key], inside: set[Key]
) -> None:
    number[key] = low[key] = len(number)
    stack.append(key)
    inside.add(key)


def _depths(nodes: Mapping[Key, Node]) -> Counter[Key]:
    """In how many loops each node is: what is left of a loop without its first node may be one."""
    depths: Counter[Key] = Counter()
    todo = [nodes]
    while todo:
        for loop in _loops(todo.pop()):
            depths.update(loop)
            inner = {key: nodes[key] for key in nodes if key in set(loop[1:])}
            if inner:
                todo.append(inner)
    return depths
