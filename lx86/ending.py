"""Which instructions end a node of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .block import Why
from .host import HOST
from .instruction import STRINGS, TRANSFERS, Imm, Mem, Seg

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
LEAVING = frozenset({"int", "syscall", "int3", "ud2"}) | PRIVILEGED | TRANSFERS


_SPECIAL = (
    frozenset(CONDITIONAL) | frozenset({"jmp", "call", "ret", "cld", "std", "mov", "pop", "enter"})
    | {"rcl", "rcr", "cmpxchg8b"}
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
            return i.size == 2 or (isinstance(level, Imm) and bool(level.value & 31))
        case "rcl" | "rcr" | "cmpxchg8b":
            place = i.operands[0]
            return i.size == 8 or (i.name != "cmpxchg8b" and isinstance(place, Mem) and place.long)
        case _:
            return i.name in HOST


def leaving(i: Instruction, word: int) -> tuple[Why, Instruction, int | None]:
    """Why one of `LEAVING`, or for the host, goes back to it, and where the program is then.

    None: before the instruction.  `word`: bytes of one; a 64-bit program has no `int 0x80`.
    """
    match i.name:
        case "int" if i.operands[0] == Imm(0x80 - 0x100) and word == 4:
            return Why.SYSTEM_CALL, i, i.next
        case "syscall":
            return Why.SYSCALL, i, i.next
        case "int":
            return Why.HOST, i, None
        case "int3":
            return Why.BREAKPOINT, i, i.next
        case "ud2":
            return Why.ILLEGAL, i, None
        case name:
            return (Why.PRIVILEGED if name in PRIVILEGED else Why.HOST), i, None
