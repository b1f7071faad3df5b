"""As `native` and `cases`, for 64-bit code: REX prefixes, sixteen registers of each kind."""

from __future__ import annotations

import struct
import subprocess
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from lx86.architecture import X86_64
from lx86.cpu import SystemCall, Trap, Vector
from lx86.cpuid import DEFAULT, Model
from lx86.storage import EXECUTE, READ, WRITE, Storage

from .. import small64
from . import cases, native
from .native import Case

if TYPE_CHECKING:
    from random import Random

    from lx86.cpu import FloatingState

_CASE = struct.Struct("<16s16QQQ128s512s")
_USED = (0, 2, 3, 8, 9, 10, 12, 13, 14, 15)
"""General registers that are looked at: SYSCALL, with which code ends, replaces RCX and R11."""
_PLACE, _PLACES = 0x2000_0000, 1 << 20
_SIGNALS = {Vector.X87_ERROR: 8, Vector.SIMD_ERROR: 8, Vector.GENERAL_PROTECTION: 11}


def build(directory: Path) -> Path:
    binary = directory / "native64"
    source = Path(__file__).with_name("native64.c")
    flags = ["-O1", "-static", "-fno-pie", "-no-pie", "-w"]
    subprocess.run([small64.COMPILER, *flags, "-o", binary, source], check=True)
    return binary


def _image(s: FloatingState) -> bytes:
    return native.fxsave_image(s)


def _state(image: bytes) -> FloatingState:
    s = native.from_fxsave(image)
    s.xmm = [int.from_bytes(image[160 + 16 * n :][:16], "little") for n in range(16)]
    return s


def run(binary: Path, tried: list[Case]) -> list[Case]:
    """What this host's processor makes of them."""
    data = b"".join(
        _CASE.pack(c.code + b"\xc3", *c.general, c.eflags, 0, c.storage, _image(c.floating))
        for c in tried
    )
    output = subprocess.run([binary], input=data, capture_output=True, check=True).stdout
    results = []
    for case, fields in zip(tried, _CASE.iter_unpack(output), strict=True):
        eflags, signal, storage, image = fields[17:]
        general = [fields[1 + n] for n in _USED]
        results.append(Case(case.code, _state(image), general, eflags, storage, signal))
    return results


def made(r: Random, kind: str, count: int) -> list[Case]:
    """Cases of one instruction each; `kind`: x87 or simd."""
    found: list[Case] = []
    for i, code in islice(cases.instructions(r, kind, _USED, long=True), count):
        general = [r.choice((r.getrandbits(64), r.getrandbits(31))) for _ in range(16)]
        general[6] = general[7] = native.STORAGE
        floating = cases.state(r, denormals_are_zero=False)
        floating.xmm = [cases.vector(r) for _ in range(16)]
        eflags = 0x202 | r.getrandbits(16) & 0x8D5
        found.append(Case(code, floating, general, eflags, cases.storage(r, i)))
    return found


class Translated:
    """Runs cases, each at an address of its own."""

    def __init__(self, model: Model = DEFAULT) -> None:
        self.storage = Storage()
        self.storage.map(native.STORAGE, 4096, READ | WRITE)
        self.storage.map(_PLACE, _PLACES, READ | EXECUTE)
        self.cpu = small64.translating(self.storage, model)
        self._next = _PLACE

    def close(self) -> None:
        self.cpu.close()
        self.storage.close()

    def run(self, case: Case) -> Case:
        at, self._next = self._next, self._next + 32
        self.storage.load(at, case.code + b"\x0f\x05\x9c\xf4")  # SYSCALL; PUSHF wants flags
        self.storage.load(native.STORAGE, case.storage)
        s, names = self.cpu.state, X86_64.registers
        for name, value in zip(names, case.general, strict=True):
            setattr(s, name, value)
        s.eip, s.eflags = at, case.eflags
        self.cpu.set_floating(case.floating)
        why = self.cpu.run(10_000)
        assert isinstance(why, SystemCall | Trap), why
        signal = _SIGNALS[why.vector] if isinstance(why, Trap) else 0
        return Case(
            case.code, self.cpu.floating(), [getattr(s, names[n]) for n in _USED], s.eflags,
            self.storage.read(native.STORAGE, 128), signal,
        )  # fmt: skip
