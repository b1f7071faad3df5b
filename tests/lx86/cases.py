"""Random pieces of i386 code, and what becomes of them: on the real processor, and translated.

EBX points to the data area, EBP is a small number, ESP is in the area's middle; code changes none
of them but ESP.  Flags that the manual leaves undefined are followed along, never asked for, and
not compared.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lx86.cpu import SystemCall
from lx86.storage import EXECUTE, READ, WRITE, Storage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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

    def __init__(self, make: Callable[[Storage], Cpu], cases: Sequence[Case]) -> None:
        self.storage = Storage()
        self.cpu = make(self.storage)
        self._cases = cases
        self.storage.map(CODE, 0x20000, READ | EXECUTE)
        self.storage.map(DATA, 0x10000, READ | WRITE)
        self.storage.load(RETURN, b"\xcd\x80\x0f\x0b")
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

    def run(self, number: int) -> Answer | object:
        """The answer to a case, or the exit where it did not come to its end."""
        c = self._cases[number]
        self.storage.load(DATA, self._fresh)
        state = self.cpu.state
        (
            state.eax, state.ecx, state.edx, state.ebx,
            state.esp, state.ebp, state.esi, state.edi,
        ) = c.registers  # fmt: skip
        state.eflags, state.eip = c.flags, self._places[number]
        why = self.cpu.run(1 << 30)
        if why != SystemCall():
            return why
        s = self.cpu.state
        registers = (s.eax, s.ecx, s.edx, s.ebx, s.esp, s.ebp, s.esi, s.edi)
        return Answer(registers, self.storage.read(DATA, SIZE))
