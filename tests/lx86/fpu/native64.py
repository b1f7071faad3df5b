"""As `native` and `cases`, for 64-bit code: REX prefixes, sixteen registers of each kind."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from lx86.architecture import X86_64
from lx86.cpu import SystemCall, Trap, Vector
from lx86.cpuid import DEFAULT, Model
from lx86.decoder import Truncated, Undefined, decode
from lx86.fpu.defined import is_defined
from lx86.opcodes import SIMD, SIMD_IMMEDIATE, SIMD_NO_MODRM
from lx86.storage import EXECUTE, READ, WRITE, Storage

from .. import small64
from . import cases, native
from .native import Case

if TYPE_CHECKING:
    from random import Random

    from lx86.cpu import FloatingState
    from lx86.instruction import Instruction

_CASE = struct.Struct("<16s16QQQ128s512s")
_USED = (0, 2, 3, 8, 9, 10, 12, 13, 14, 15)
"""General registers that are looked at: SYSCALL, with which code ends, replaces RCX and R11."""
_PLACE, _PLACES = 0x2000_0000, 1 << 20
_SIGNALS = {Vector.X87_ERROR: 8, Vector.SIMD_ERROR: 8, Vector.GENERAL_PROTECTION: 11}
_GENERAL_TARGETS = (0x2C, 0x2D, 0x50, 0xC5, 0xD7)
_GENERAL_SOURCES = (0x2A, 0x6E, 0x7E, 0xC4)


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


def _code(r: Random) -> bytes:
    opcode, modrm = r.choice(sorted(SIMD)), r.randrange(256)
    rex = r.choice((0x40, 0x44, 0x48, 0x45, 0x4D, 0x41, 0x4C))
    if modrm < 0xC0:
        modrm, rex = modrm & 0x38 | 6, rex & ~1  # [rsi]
    code = r.choice([b"", b"\x66", b"\xf2", b"\xf3"]) + bytes([rex, 0x0F, opcode])
    if opcode not in SIMD_NO_MODRM:
        code += bytes([modrm])
    if opcode in SIMD_IMMEDIATE:
        code += bytes([r.choice([r.getrandbits(8), r.randrange(20)])])
    return code


def _usable(i: Instruction) -> bool:
    opcode = i.opcode & 0xFF
    if not is_defined(i):
        return False
    if opcode == 0xAE:
        return i.modrm >= 0xC0 or i.modrm >> 3 & 7 not in (0, 1)
    floating = opcode in (0x2C, 0x2D) and i.prefix not in (0xF2, 0xF3)  # MMX's
    if opcode in _GENERAL_TARGETS and not floating and i.reg not in _USED:
        return False
    return not (opcode in _GENERAL_SOURCES and i.rm not in _USED and i.modrm >= 0xC0)


def made(r: Random, count: int) -> list[Case]:
    """Cases of MMX, SSE and SSE2."""
    found: list[Case] = []
    while len(found) < count:
        code = _code(r)
        try:
            i = decode(code, native.CODE, long=True)
        except (Undefined, Truncated):
            continue
        if i.length == len(code) and _usable(i):
            general = [r.choice((r.getrandbits(64), r.getrandbits(31))) for _ in range(16)]
            general[6] = general[7] = native.STORAGE
            floating = cases.state(r, denormals_are_zero=False)
            floating.xmm = [cases.vector(r) for _ in range(16)]
            eflags = 0x202 | r.getrandbits(16) & 0x8D5
            storage = cases.storage(r, i)
            found.append(Case(code, floating, general, eflags, storage))
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
