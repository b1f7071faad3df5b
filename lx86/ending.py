"""Which instructions end a node of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .host import HOST
from .instruction import STRINGS, TRANSFERS, Imm, Seg

if TYPE_CHECKING:
    from .instruction import Instruction

CONDITIONAL = ("jcc", "loop", "loope", "loopne", "jecxz")
PRIVILEGED = frozenset(
    [
        "hlt",
        "cli",
        "sti",
        "in",
        "out",
        "ins",
        "outs",
        "clts",
        "invd",
        "wbinvd",
        "wrmsr",
        "rdmsr",
    ]
)
LEAVING = frozenset({"int", "int3", "ud2"}) | PRIVILEGED | TRANSFERS


_SPECIAL = (
    frozenset(CONDITIONAL) | frozenset({"jmp", "call", "ret", "cld", "std", "mov", "pop", "enter"})
    | LEAVING | frozenset(HOST) | frozenset(STRINGS)
)  # fmt: skip
"""What may end a node."""


def plain(i: Instruction) -> bool:
    """Whether it certainly does not end a node."""
    name = i.name
    if name == "mov" or name == "pop":
        return not isinstance(i.operands[0], Seg)
    return name not in _SPECIAL


def for_host(i: Instruction, down: bool) -> bool:
    """Whether the host carries out an instruction (`host.py`)."""
    match i.name:
        case "cld":
            return down
        case "std":
            return not down
        case "mov" | "pop":
            return isinstance(i.operands[0], Seg)
        case "enter":
            level = i.operands[1]
            return i.size != 4 or (isinstance(level, Imm) and bool(level.value & 31))
        case _:
            return i.name in HOST
