"""Parts of registers whose upper rest nobody asks for, since MOVZX replaces it first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .instruction import Imm, Mem, Reg

if TYPE_CHECKING:
    from .context import Context

_PLAIN = frozenset(
    ["mov", "add", "sub", "and", "or", "xor", "inc", "dec", "cmp", "test", "neg", "not", "shl",
     "shr", "sar", "lea", "nop", "movzx", "movsx"]
)  # fmt: skip
"""They do what their operands say and, without storage, cannot fail."""


def is_extended_next(x: Context, part: Reg) -> bool:
    """Whether `part` of a register, behind this instruction, is zero-extended in place.

    What follows up to there asks for nothing of the register, and the code cannot be left there.
    """
    if part.high or not x.options.look_ahead:
        return False
    for i in x.ahead[x.position + 1 :]:
        if i.name not in _PLAIN:
            return False
        into = i.operands[0] if i.operands else None
        if i.name == "movzx" and i.operands[1] == part and isinstance(into, Reg):
            return into.number == part.number and into.size >= 4
        for operand in i.operands:
            if isinstance(operand, Mem):
                if i.name not in ("lea", "nop") or part.number in (operand.base, operand.index):
                    return False
            elif isinstance(operand, Reg):
                if operand.number == part.number:
                    return False
            elif not isinstance(operand, Imm):
                return False
    return False
