"""Nodes of a region: stretches of instructions, and how they end."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .instruction import Instruction

Key = tuple[int, tuple[int, ...]]
"""An address, and the return addresses of the calls that were inlined on the way there."""


class End(Enum):
    """How a node ends."""

    GOTO = auto()  # at another node, or outside: successors[0]
    BRANCH = auto()  # conditionally: successors[0] if taken, else [1]
    CALL = auto()  # direct, to outside
    INLINED = auto()  # a call whose function is successors[0]
    FORESEEN = auto()  # an indirect call, of whose function successors[0] is the likeliest
    RETURNED = auto()  # from an inlined call, to successors[0]
    SWITCH = auto()  # a jump by a table, whose entries' code is `table`
    INDIRECT = auto()  # RET, JMP or CALL through a register or storage
    LEAVE = auto()  # to the host: the last instruction says why
    MISSING = auto()  # no instruction can be fetched or decoded there


@dataclass(slots=True)
class Node:
    key: Key
    instructions: list[Instruction] = field(default_factory=list)
    end: End = End.GOTO
    successors: list[Key] = field(default_factory=list)
    table: list[Key] = field(default_factory=list)
    number: int = 0
    """Of its table, within the region."""
    entry: bool = False
    """Code elsewhere may branch to it."""
    predecessors: int = 0
    live: list[int] = field(default_factory=list)
    """The wanted pieces before each instruction, and behind the last."""

    @property
    def eip(self) -> int:
        return self.key[0]

    def __str__(self) -> str:
        places = "".join(f" in {place:#x}" for place in reversed(self.key[1]) if place > 0)
        return f"{self.eip:#x}{places}{' (entry)' if self.entry else ''}"
