"""What becomes of pieces of 64-bit code, as in `cases`: on the real processor, and translated."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lx86.cpu import Trap, Vector
from lx86.storage import EXECUTE, READ, WRITE, Storage
from lx86.translating_cpu import TranslatingCpu

from . import small64
from .cases import ALL, CODE, DATA, RETURN, SIZE, Answer
from .small import SOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MANY = 0x1100_0000
NAMES = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{n}" for n in range(8, 16)))


@dataclass
class Case:
    registers: list[int]
    flags: int
    code: bytes
    undefined: int

    def image(self, at: int = CODE) -> bytes:
        """The code with its end, which stores the flags, to lie at an address."""
        tail = b"\x9c\xe9"  # pushfq; jmp RETURN
        length = len(self.code) + len(tail) + 4
        return self.code + tail + struct.pack("<i", RETURN - at - length)

    def record(self) -> bytes:
        image = self.image()
        return struct.pack("<18Q", *self.registers, self.flags, len(image)) + image


def oracle(directory: Path) -> Path:
    """The program that runs cases on this host's own processor."""
    out = directory / "oracle64"
    flags = ["-O1", "-static", "-fno-pie", "-no-pie", "-fno-stack-protector", "-w"]
    source = SOURCES / "oracle64.c"
    subprocess.run([small64.COMPILER, *flags, str(source), "-o", str(out)], check=True)
    return out


def on_the_processor(program: Path, written: Sequence[Case]) -> list[Answer]:
    images = b"".join(c.record() for c in written)
    out = subprocess.run([program], input=images, stdout=subprocess.PIPE, check=False).stdout
    step = 128 + SIZE
    return [
        Answer(struct.unpack_from("<16Q", out, at), out[at + 128 : at + step])
        for at in range(0, len(out) - step + 1, step)
    ]


class Runner:
    """Runs cases translated."""

    def __init__(self, written: Sequence[Case], **options: object) -> None:
        self.storage = Storage()
        self.cpu = TranslatingCpu(self.storage, options=small64.options(**options))
        self._cases = written
        self.storage.map(CODE, 0x20000, READ | EXECUTE)
        self.storage.map(DATA, 0x10000, READ | WRITE)
        self.storage.load(RETURN, b"\x0f\x0b")
        code, self._places = bytearray(), []
        for c in written:
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
        c, state = self._cases[number], self.cpu.state
        names = self.cpu.architecture.registers
        self.storage.load(DATA, self._fresh)
        for name, value in zip(names, c.registers, strict=True):
            setattr(state, name, value)
        state.eflags, state.eip = c.flags, self._places[number]
        why = self.cpu.run(1 << 30)
        if why != Trap(Vector.INVALID_OPCODE) or state.eip != RETURN:
            return why
        return Answer(
            tuple(getattr(self.cpu.state, name) for name in names), self.storage.read(DATA, SIZE)
        )


def difference(c: Case, expected: Answer, found: Answer | object) -> str:
    """What is not as expected; empty: nothing."""
    if not isinstance(found, Answer):
        return f"ended with {found}"
    parts = [
        f"{name} {a:#x} not {b:#x}"
        for name, a, b in zip(NAMES, found.registers, expected.registers, strict=True)
        if a != b
    ]
    at = expected.registers[4] - DATA
    a, b = bytearray(found.data), bytearray(expected.data)
    if 0 <= at <= SIZE - 8 and not parts:
        flags_a, flags_b = (int.from_bytes(d[at : at + 8], "little") for d in (a, b))
        differ = (flags_a ^ flags_b) & ALL & ~c.undefined
        if differ:
            parts.append(f"flags {flags_a:#x} not {flags_b:#x}: {differ:#x}")
        a[at : at + 8] = b[at : at + 8] = bytes(8)
    if a != b:
        parts.append(f"storage at {[n for n in range(SIZE) if a[n] != b[n]][:8]}")
    return ", ".join(parts)
