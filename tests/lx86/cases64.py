"""What becomes of pieces of 64-bit code, as in `cases`: on the real processor, and translated."""

from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING

from lx86.architecture import X86_64
from lx86.translating_cpu import TranslatingCpu

from . import cases, small64
from .cases import ALL, DATA, SIZE, Answer, Runner
from .small import SOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAMES = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{n}" for n in range(8, 16)))


class Case(cases.Case):
    """PUSHF is PUSHFQ here."""

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


def runner(written: Sequence[Case], **options: object) -> Runner:
    """Runs cases translated."""
    chosen = small64.options(**options)
    return Runner(lambda storage: TranslatingCpu(storage, options=chosen), written, X86_64)


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
