"""Random pieces of code, each run with several states: on the real processor, and translated.

Both run the same program (`programs/pieces.c`), which goes through all of them by itself, so that
most of the time is the translator's.
"""

from __future__ import annotations

import struct
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lx86.architecture import I386
from lx86.cpu import Preempted, SystemCall
from lx86.options import Options
from lx86.storage import Page, Storage
from lx86.translating_cpu import TranslatingCpu
from tests.lx86.spaces import storage_for

from . import small, small64
from .cases import ALL, OF, SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lx86.architecture import Architecture
    from lx86.cpu import X86State

    from .cases import Case

_CODE = 0x1100_1000
_END = b"\xff\x25" + struct.pack("<I", _CODE - 8)
_END_64 = b"\xff\x24\x25" + struct.pack("<I", _CODE - 8)
"""jmp [...]"""
_CALLS = {
    False: {1: "exit", 3: "read", 4: "write", 90: "mmap", 125: "mprotect"},
    True: {60: "exit", 0: "read", 1: "write", 9: "mmap", 10: "mprotect"},
}
_OPERANDS = {False: ("ebx", "ecx", "edx"), True: ("edi", "esi", "edx")}


def program(architecture: Architecture = I386) -> Path:
    return (small64 if architecture.long else small).build("pieces")


@dataclass(frozen=True, slots=True)
class Batch:
    """Pieces of code as `pieces.c` takes them."""

    architecture: Architecture
    runs: int
    image: bytes

    @classmethod
    def of(
        cls, pieces: Sequence[Case], runs: int, architecture: Architecture = I386,
        numbers: Sequence[int] | None = None,
    ) -> Batch:  # fmt: skip
        """`numbers`: of each, what its further states come from; else its place here."""
        long = architecture.long
        record = struct.Struct("<16Q4I" if long else "<8I4I")
        records, code = bytearray(), bytearray()
        for n, piece in zip(numbers or range(len(pieces)), pieces, strict=True):
            records += record.pack(
                *piece.registers, piece.flags, _told(piece.undefined),
                (n + 1) * 0x9E37_79B1 & 0xFFFF_FFFF | 1, _CODE + len(code),
            )  # fmt: skip
            code += piece.code + (_END_64 if long else _END)
        head = struct.pack("<4I", len(pieces), runs, len(code), 0)
        return cls(architecture, runs, head + records + code)

    @property
    def answer(self) -> int:
        """Bytes of one."""
        return (len(self.architecture.registers) + 1) * self.architecture.word + SIZE


def _told(undefined: int) -> int:
    """Defined flags as LAHF and SETO AL have them in AX."""
    return (ALL & ~undefined & 0xFF) << 8 | (not undefined & OF)


def on_the_processor(batch: Batch) -> bytes:
    """All answers, one behind the other."""
    return subprocess.run(
        [program(batch.architecture)], input=batch.image, stdout=subprocess.PIPE, check=False
    ).stdout


class _Kernel:
    """What the program calls."""

    def __init__(self, storage: Storage, batch: Batch) -> None:
        long = batch.architecture.long
        self._storage, self._input, self._long = storage, batch.image, long
        self._calls, self._operands, self._at = _CALLS[long], _OPERANDS[long], 0
        self.output = bytearray()

    def call(self, s: X86State) -> str:
        """Its name, when it is done."""
        a, b, c = (getattr(s, name) for name in self._operands)
        match name := self._calls.get(s.eax, "another call"):
            case "read":
                part = self._input[self._at : self._at + c]
                self._storage.write(b, part)
                self._at, s.eax = self._at + len(part), len(part)
            case "write":
                self.output += self._storage.view(b, c, Page.READ)
                s.eax = c
            case "mmap":
                if not self._long:
                    a, b, c = struct.unpack("<3I", self._storage.read(a, 12))
                self._storage.map(a, b, Page(c))
                s.eax = a
            case "mprotect":
                self._storage.protect(a, b, Page(c))
                s.eax = 0
        return name


def translated(batch: Batch, options: Options | None = None) -> tuple[bytes, str]:
    """The same, and why that ended before its end."""
    options = replace(options or Options(), architecture=batch.architecture)
    storage = storage_for(batch.architecture)
    kernel, cpu = _Kernel(storage, batch), TranslatingCpu(storage, options=options)
    s = cpu.state
    try:
        s.eip, s.esp = small.load(storage, program(batch.architecture))
        while True:
            why = cpu.run(1 << 40)
            if why == Preempted():
                continue
            if why != SystemCall():
                return bytes(kernel.output), str(why)
            name = kernel.call(s)
            if name not in ("read", "write", "mmap", "mprotect"):
                return bytes(kernel.output), "" if name == "exit" else name
    finally:
        cpu.close()
        storage.close()


def differences(
    pieces: Sequence[Case], runs: int, options: Options | None = None,
    numbers: Sequence[int] | None = None,
) -> tuple[list[tuple[int, str]], str]:  # fmt: skip
    """Places of pieces that translation makes something else of than the processor, and what.

    And why it ended before its end, if it did: answers are missing then.  `numbers` as for
    `Batch.of`; the architecture is that of the options.
    """
    architecture = options.architecture if options else I386
    batch = Batch.of(pieces, runs, architecture, numbers)
    expected = on_the_processor(batch)
    size = batch.answer
    assert len(expected) == len(pieces) * runs * size, "this host's processor came to no end"
    found, why = translated(batch, options)
    wrong: list[tuple[int, str]] = []
    if found == expected:
        return wrong, why
    for n in range(len(pieces)):
        for k in range(runs):
            place = (n * runs + k) * size
            a, b = found[place : place + size], expected[place : place + size]
            if len(a) == size and a != b:
                wrong.append((n, f"run {k}: {_difference(a, b, architecture)}"))
                break
    return wrong, why


def _difference(found: bytes, expected: bytes, architecture: Architecture) -> str:
    names = (*architecture.registers, "flags")
    layout = struct.Struct(f"<{len(names)}{'Q' if architecture.long else 'I'}")
    ours, right = layout.unpack_from(found), layout.unpack_from(expected)
    parts = [
        f"{name} {a:#x} not {b:#x}" for name, a, b in zip(names, ours, right, strict=True) if a != b
    ]
    start = layout.size
    where = [n for n in range(SIZE) if found[start + n] != expected[start + n]]
    if where:
        parts.append(f"storage at {where[:8]}")
    return ", ".join(parts)
