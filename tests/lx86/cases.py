"""Pieces of code, and what becomes of them: on the real processor, and translated.

EBX points to the data area, EBP is a small number, ESP is in the area's middle; code changes none
of them but ESP.  Flags that the manual leaves undefined are followed along, never asked for, and
not compared.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lx86.architecture import I386
from lx86.cpu import Trap, Vector
from lx86.storage import EXECUTE, READ, WRITE, Storage
from tests.lx86.spaces import storage_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lx86.architecture import Architecture
    from lx86.cpu import Cpu

CODE, RETURN, DATA, SIZE = 0x1000_0000, 0x1001_0000, 0x2000_0000, 1024
STACK = DATA + 512
_MANY = 0x1100_0000
CF, PF, AF, ZF, SF, DF, OF = 1, 4, 0x10, 0x40, 0x80, 0x400, 0x800
ALL = CF | PF | AF | ZF | SF | OF


@dataclass
class Case:
    registers: list[int]
    flags: int
    code: bytes
    undefined: int
    """Flags not to be compared."""

    def image(self, at: int = CODE) -> bytes:
        """The code with its end, which stores the flags, to lie at an address."""
        tail = b"\x9c\xe9"  # pushf; jmp RETURN
        length = len(self.code) + len(tail) + 4
        return self.code + tail + struct.pack("<i", RETURN - at - length)


@dataclass
class Answer:
    registers: tuple[int, ...]
    data: bytes


class Runner:
    """Runs cases on a `Cpu`."""

    def __init__(
        self,
        make: Callable[[Storage], Cpu],
        cases: Sequence[Case],
        architecture: Architecture = I386,
    ) -> None:
        self.storage = storage_for(architecture)
        self.cpu = make(self.storage)
        self._cases, self._names = cases, architecture.registers
        self.storage.map(CODE, 0x20000, READ | EXECUTE)
        self.storage.map(DATA, 0x10000, READ | WRITE)
        self.storage.load(RETURN, b"\x0f\x0b")
        code, self._places = bytearray(), []
        for c in cases:
            self._places.append(_MANY + len(code))
            code += c.image(_MANY + len(code))
        self.storage.map(_MANY, len(code) + 4095 & -4096, READ | EXECUTE)
        self.storage.load(_MANY, code)
        self._fresh = bytes((i * 37 + (i >> 5) * 11) & 0xFF for i in range(SIZE))

    def close(self) -> None:
        self.cpu.close()
        self.storage.close()

    def run(self, number: int, budget: int = 1 << 30) -> Answer | object:
        """The answer to a case, or the exit where it did not come to its end."""
        c, state = self._cases[number], self.cpu.state
        self.storage.load(DATA, self._fresh)
        for name, value in zip(self._names, c.registers, strict=True):
            setattr(state, name, value)
        state.eflags, state.eip = c.flags, self._places[number]
        return self.go_on(budget)

    def go_on(self, budget: int = 1 << 30) -> Answer | object:
        """With a case that was stopped."""
        why = self.cpu.run(budget)
        if why != Trap(Vector.INVALID_OPCODE) or self.cpu.state.eip != RETURN:
            return why
        registers = tuple(getattr(self.cpu.state, name) for name in self._names)
        return Answer(registers, self.storage.read(DATA, SIZE))
