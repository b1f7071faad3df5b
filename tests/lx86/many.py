"""Random pieces of code, each run with several states: on the real processor, and translated.

Both run the same program (`programs/pieces.c`), which goes through all of them by itself, so that
most of the time is the translator's.
"""

from __future__ import annotations

import functools
import struct
import subprocess
from bisect import bisect_right
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from lx86.cpu import Preempted, SystemCall
from lx86.storage import Page, Storage
from lx86.translating_cpu import TranslatingCpu

from . import small
from .cases import ALL, DATA, OF, SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lx86.options import Options

    from .cases import Case

_CODE = 0x1100_1000
_ANSWER = 32 + SIZE
_NAMES = ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi")


class _Call(IntEnum):
    EXIT, READ, WRITE, MMAP, MPROTECT = 1, 3, 4, 90, 125


@functools.cache
def program() -> Path:
    return small.build("pieces")


@dataclass(frozen=True, slots=True)
class Batch:
    """Pieces of code as `pieces.c` takes them."""

    runs: int
    image: bytes
    places: tuple[int, ...]

    @classmethod
    def of(cls, pieces: Sequence[Case], runs: int) -> Batch:
        records, code, places = bytearray(), bytearray(), []
        for n, piece in enumerate(pieces):
            places.append(_CODE + len(code))
            records += struct.pack(
                "<11I", *piece.registers, piece.flags, (n + 1) * 0x9E37_79B1 & 0xFFFF_FFFF | 1,
                places[-1],
            )  # fmt: skip
            code += piece.code + _end(piece.undefined)
        head = struct.pack("<3I", len(pieces), runs, len(code))
        return cls(runs, head + records + code, tuple(places))


def _end(undefined: int) -> bytes:
    """Instructions that push the defined flags, as LAHF and SETO have them, and leave."""
    told = (ALL & ~undefined & 0xFF) << 8 | (not undefined & OF)
    return (
        b"\xa3" + struct.pack("<I", DATA + 0x8000)  # mov [...], eax
        + b"\x9f\x0f\x90\xc0\x25" + struct.pack("<I", told)  # lahf; seto al; and eax, told
        + b"\x50\xa1" + struct.pack("<I", DATA + 0x8000)  # push eax; mov eax, [...]
        + b"\xff\x25" + struct.pack("<I", _CODE - 0x1000)  # jmp [...]
    )  # fmt: skip


def on_the_processor(batch: Batch) -> bytes:
    """All answers, one behind the other."""
    return subprocess.run(
        [program()], input=batch.image, stdout=subprocess.PIPE, check=False
    ).stdout


def translated(batch: Batch, options: Options | None = None) -> tuple[bytes, str]:
    """The same, and why that ended before its end: the number of a piece, and an exit."""
    storage, answers, at = Storage(), bytearray(), 0
    cpu = TranslatingCpu(storage, options=options)
    s = cpu.state
    try:
        s.eip, s.esp = small.load(storage, program())
        while True:
            why = cpu.run(1 << 40)
            if why == Preempted():
                continue
            if why != SystemCall():
                return bytes(answers), f"piece {bisect_right(batch.places, s.eip) - 1}: {why}"
            match s.eax:
                case _Call.EXIT:
                    return bytes(answers), ""
                case _Call.READ:
                    part = batch.image[at : at + s.edx]
                    storage.write(s.ecx, part)
                    at, s.eax = at + len(part), len(part)
                case _Call.WRITE:
                    answers += storage.view(s.ecx, s.edx, Page.READ)
                    s.eax = s.edx
                case _Call.MMAP:
                    start, length, kind = struct.unpack("<3I", storage.read(s.ebx, 12))
                    storage.map(start, length, Page(kind))
                    s.eax = start
                case _Call.MPROTECT:
                    storage.protect(s.ebx, s.ecx, Page(s.edx))
                    s.eax = 0
                case number:
                    return bytes(answers), f"system call {number}"
    finally:
        cpu.close()
        storage.close()


def differences(
    pieces: Sequence[Case], runs: int, options: Options | None = None
) -> list[tuple[int, str]]:
    """Numbers of pieces that translation makes something else of than the processor, and what."""
    batch = Batch.of(pieces, runs)
    expected = on_the_processor(batch)
    assert len(expected) == len(pieces) * runs * _ANSWER, "this host's processor came to no end"
    found, why = translated(batch, options)
    if found == expected and not why:
        return []
    wrong = []
    for n in range(len(pieces)):
        for k in range(runs):
            place = (n * runs + k) * _ANSWER
            a, b = found[place : place + _ANSWER], expected[place : place + _ANSWER]
            if len(a) == _ANSWER and a != b:
                wrong.append((n, f"run {k}: {_difference(a, b)}"))
                break
    if why:
        number = int(why.split()[1].rstrip(":")) if why.startswith("piece") else 0
        wrong.append((max(number, 0), why))
    return wrong


def _difference(found: bytes, expected: bytes) -> str:
    ours, right = struct.unpack_from("<8I", found), struct.unpack_from("<8I", expected)
    parts = [
        f"{name} {a:#x} not {b:#x}"
        for name, a, b in zip(_NAMES, ours, right, strict=True)
        if a != b
    ]
    where = [n for n in range(SIZE) if found[32 + n] != expected[32 + n]]
    flags = right[4] - DATA
    if where and set(where) <= set(range(flags, flags + 4)):
        a, b = (int.from_bytes(d[32 + flags :][:4], "little") for d in (found, expected))
        parts.append(f"flags {a:#x} not {b:#x}")
    elif where:
        parts.append(f"storage at {where[:8]}")
    return ", ".join(parts)
