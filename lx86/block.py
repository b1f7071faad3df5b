"""A translated region as the code cache keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from .cpu import Vector

if TYPE_CHECKING:
    from .fpu.lowering import Assist
    from .instruction import Instruction
    from .region import Region
    from .state import Recovery


class Why(Enum):
    """Why translated code comes back to the host."""

    LINK = auto()  # a direct branch to code that was not translated yet
    INDIRECT = auto()  # a branch to the address in R3
    SYSTEM_CALL = auto()
    HOST = auto()  # an instruction for `HostInstructions`
    ILLEGAL = auto()  # what no program may execute, or nothing known
    PRIVILEGED = auto()
    BREAKPOINT = auto()
    FETCH = auto()  # no code there
    OFTEN = auto()  # a first region that was entered often


TRAPS = {
    Why.ILLEGAL: Vector.INVALID_OPCODE,
    Why.PRIVILEGED: Vector.GENERAL_PROTECTION,
    Why.BREAKPOINT: Vector.BREAKPOINT,
}


@dataclass(slots=True)
class Out:
    """One place where code leaves."""

    why: Why
    recovery: Recovery
    target: int = 0
    instruction: Instruction | None = None


@dataclass(slots=True)
class Block:
    """A translated region: words to lie at `address`, and what is to be known about them."""

    start: int
    address: int
    words: list[int]
    entries: dict[int, int]
    """Where code for an x86 address that others may branch to begins."""
    outs: dict[int, Out]
    recoveries: dict[int, Recovery]
    safe: dict[int, Recovery]
    assists: dict[int, Assist]
    pages: set[int]
    instructions: int
    flags_returned: bool = False
    marks: list[tuple[int, Instruction]] = field(default_factory=list)
    """By index of a word: the x86 instruction whose code begins there."""
    region: Region | None = None
    """What it was made of."""
    first: bool = False
    """It is to be translated again when it is entered often."""
