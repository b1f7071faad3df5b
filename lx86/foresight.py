"""Where an indirect call will probably go: by what registers and stack hold at translation.

A function that is given another one to call (a comparison to sort by, say) is mostly given the same
one.  At a call by a register or by a word of the stack, this follows what that is, backward to the
region's entry: an `Expression`.  What it stands for at the time of translation is the target that
the code checks for, and behind the check goes on with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .instruction import ESP, Imm, Mem, Reg
from .widths import FIRST_ALONE, READING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .instruction import Instruction, Operand

Expression = tuple[int, ...]
"""A register at the entry (-1: 0), and what is added; with a third number what is stored there."""
Foresight = Callable[[Expression], int]
"""The address of code for an expression, or 0."""


def blind(_: Expression) -> int:
    """A `Foresight` that never knows."""
    return 0


class _Values:
    """What the registers hold, as expressions."""

    def __init__(self, word: int) -> None:
        self._word = word
        self._known: dict[int, Expression | None] = {}

    def of(self, operand: Operand) -> Expression | None:
        if isinstance(operand, Imm):
            return -1, operand.value
        if isinstance(operand, Reg) and operand.size == self._word:
            return self._known.get(operand.number, (operand.number, 0))
        if isinstance(operand, Mem) and operand.size == self._word:
            at = self._address(operand)
            return (*at, 0) if at and at[0] == ESP else None
        return None

    def _address(self, m: Mem) -> Expression | None:
        if m.index >= 0 or m.base < 0 or m.short:
            return None
        return _plus(self._known.get(m.base, (m.base, 0)), m.displacement)

    def step(self, i: Instruction) -> None:
        """Over an instruction."""
        name, operands = i.name, i.operands
        target = operands[0] if operands else None
        if name in ("push", "call"):
            self._move(-self._word)
        elif name == "ret":
            self._move(self._word)
        elif name in READING:
            return
        elif name not in FIRST_ALONE:
            self._known = dict.fromkeys(range(16))
        elif isinstance(target, Reg):
            value = self._result(i, target)
            if name == "pop":
                self._move(self._word)
            self._known[target.number] = value

    def _result(self, i: Instruction, target: Reg) -> Expression | None:
        if target.size != self._word:
            return None
        source = i.operands[-1]
        match i.name:
            case "mov":
                return self.of(source)
            case "pop":
                at = self._known.get(ESP, (ESP, 0))
                return (*at, 0) if at and len(at) == 2 and at[0] == ESP else None
            case "lea" if isinstance(source, Mem):
                return self._address(source)
            case "add" | "sub" if isinstance(source, Imm):
                return _plus(self.of(target), source.value if i.name == "add" else -source.value)
            case _:
                return None

    def _move(self, amount: int) -> None:
        self._known[ESP] = _plus(self._known.get(ESP, (ESP, 0)), amount)


def _plus(value: Expression | None, amount: int) -> Expression | None:
    return (value[0], value[1] + amount) if value and len(value) == 2 else None


def expression(call: Instruction, before: Iterable[Instruction], word: int) -> Expression | None:
    """What a call by a register or storage goes to; `before`: the way from the entry."""
    values = _Values(word)
    for i in before:
        if i is call:
            break
        values.step(i)
    return values.of(call.operands[0])
