"""A translated region as the code cache keeps it; its code may lie anywhere."""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .cpu import Vector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .convention import Places
    from .foresight import Expression
    from .fpu.lowering import Assist
    from .instruction import Instruction
    from .node import Node
    from .region import Region
    from .state import Recovery, Value


class Why(IntEnum):
    """Why translated code comes back to the host."""

    LINK = 1  # a direct branch to code that was not translated yet
    INDIRECT = 2  # a branch to the address in R3
    SYSTEM_CALL = 3
    HOST = 4  # an instruction for `HostInstructions`
    ILLEGAL = 5  # what no program may execute, or nothing known
    PRIVILEGED = 6
    BREAKPOINT = 7
    FETCH = 8  # no code there
    SYSCALL = 10
    OFTEN = 9  # a first region that was entered often


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
    """For HOST; None: the one at the EIP."""


class Mark(NamedTuple):
    """The word with which an x86 instruction's code begins, and where values were before it."""

    at: int
    instruction: Instruction
    values: tuple[Value, ...]


class Piece(NamedTuple):
    """From that word on code belongs to a node; `head`: which begins there."""

    at: int
    node: Node
    head: bool


class Details(Protocol):
    """What is to be known about words of a block, by their index."""

    @property
    def outs(self) -> Mapping[int, Out]: ...
    @property
    def recoveries(self) -> Mapping[int, Recovery]:
        """Of words that may be interrupted."""
        ...

    @property
    def safe(self) -> Mapping[int, Recovery]:
        """Of places where one can go on at any time."""
        ...

    @property
    def assists(self) -> Mapping[int, Assist]:
        """Where the host carries out an instruction of x87, MMX or SSE."""
        ...


@dataclass(frozen=True, slots=True)
class Translated:
    """`Details` as they were made."""

    outs: dict[int, Out]
    recoveries: dict[int, Recovery]
    safe: dict[int, Recovery]
    assists: dict[int, Assist]


@dataclass(slots=True, eq=False)
class Block:
    """A translated region: its code, and what is to be known about it."""

    start: int
    code: bytes
    """POWER instructions, little-endian."""
    entries: dict[int, int]
    """By x86 address that others may branch to: the index of the word where its code begins."""
    wanted: dict[int, int]
    """By such an address: the pieces of the flags that code asks for, if any."""
    links: dict[int, int]
    """By index of a word that leaves: the x86 address of the code it would be a branch to."""
    details: Details
    pages: frozenset[int]
    """Whoever changes one of these may change what the code has to be."""
    instructions: int
    base: int = 0
    constants: tuple[int, ...] = ()
    """What R27, and R24 and those behind it, hold (options.py)."""
    flags_returned: bool = False
    stack_key: int | None = None
    """What R1 was expected to be, if that was asked (fpu/known.py)."""
    address: int = 0
    """Where it lies, once it does."""
    alive: bool = False
    """Others may branch to it."""
    marks: list[Mark] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    region: Region | None = None
    """What it was made of."""
    foreseen: tuple[tuple[Expression, int], ...] = ()
    """What was asked of the state it was made in, and the answers (foresight.py)."""
    addresses: dict[int, int] = field(default_factory=dict)
    """By index of a word that an address is put into: the index of the word that lies there.

    It is an entry of a table, or the first of two instructions that add it to the context's.
    """
    first: bool = False
    """It is to be translated again when it is entered often."""
    held: tuple[tuple[int, bytes], ...] = ()
    """Pages that others may change unseen, and what they held when it was made."""

    @property
    def end(self) -> int:
        return self.address + len(self.code)

    def forget_making(self) -> None:
        """What only those who study it ask for: it is as much again."""
        self.marks, self.pieces, self.region = [], [], None

    def place_of(self, eip: int) -> int:
        """Where the code for an x86 address is."""
        return self.address + 4 * self.entries[eip]

    def placed(self, places: Places) -> bytes:
        """The code, as it is where the block lies."""
        if not self.addresses:
            return self.code
        words = words_of(self.code)
        for index, target in self.addresses.items():
            address = self.address + 4 * target
            if words[index]:
                distance = address - places.code + places.code_read - places.context
                words[index] |= distance + 0x8000 >> 16
                words[index + 1] |= distance & 0xFFFF
            else:
                words[index] = address & 0xFFFFFFFF
                if places.slot_size == 8:  # so an address takes two words
                    words[index + 1] = address >> 32
        return code_of(words)

    def index_of(self, address: int) -> int:
        return address - self.address >> 2


def words_of(code: bytes) -> list[int]:
    data = array("I", code)
    if sys.byteorder == "big":
        data.byteswap()
    return data.tolist()


def code_of(words: list[int]) -> bytes:
    data = array("I", words)
    if sys.byteorder == "big":
        data.byteswap()
    return data.tobytes()
