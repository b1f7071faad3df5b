"""Random cases of one instruction each: registers and storage full of what is hard."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from lx86.architecture import I386, Architecture
from lx86.cpu import FloatingState
from lx86.decoder import Truncated, Undefined, decode
from lx86.fpu.defined import is_defined as is_simd
from lx86.fpu.x87_codes import is_defined as is_x87
from lx86.opcodes import SIMD, SIMD_IMMEDIATE, SIMD_NO_MODRM

from . import native
from .native import Case

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from random import Random

    from lx86.instruction import Instruction

_ONE = 0x3FFF << 64 | 1 << 63
_SIMD = sorted(SIMD)


def extended(r: Random) -> int:
    """80 bits: numbers of like size mostly, then limits, NaNs, and what is no number."""
    sign = r.getrandbits(1) << 79
    kind = r.random()
    if kind < 0.3:
        return sign | r.randint(16383 - 70, 16383 + 70) << 64 | 1 << 63 | r.getrandbits(63)
    if kind < 0.5:
        return sign | r.randint(16383 - 5, 16383 + 40) << 64 | 1 << 63 | r.getrandbits(20) << 43
    if kind < 0.6:
        limits = [1, 2, 0x7FFE, 0x7FFD, 16383 - 1023, 16383 + 1023, 16383 - 127, 16383 + 127]
        return sign | r.choice(limits) << 64 | 1 << 63 | r.getrandbits(63)
    if kind < 0.7:
        return sign | r.choice([0, 0, 1, r.getrandbits(63), 1 << 62])
    if kind < 0.78:
        return sign | 0x7FFF << 64 | 1 << 63 | r.choice([0, 0, 1, 1 << 62, r.getrandbits(63)])
    if kind < 0.82:
        return sign | r.getrandbits(15) << 64 | r.getrandbits(63)
    return sign | _ONE if kind < 0.9 else sign | r.getrandbits(15) << 64 | 1 << 63


def _real(r: Random, exponent_bits: int, fraction_bits: int) -> int:
    bias = (1 << exponent_bits - 1) - 1
    sign = r.getrandbits(1) << exponent_bits + fraction_bits
    kind = r.random()
    if kind < 0.5:
        exponent, fraction = r.randint(bias - 30, bias + 30), r.getrandbits(fraction_bits)
    elif kind < 0.6:
        exponent = r.randint(bias - 5, bias + 34)
        fraction = r.getrandbits(8) << fraction_bits - 8
    elif kind < 0.7:
        exponent, fraction = r.choice([1, 2, 2 * bias, bias >> 1]), r.getrandbits(fraction_bits)
    elif kind < 0.8:
        exponent, fraction = 0, r.choice([0, 0, 1, r.getrandbits(fraction_bits)])
    elif kind < 0.9:
        exponent = 2 * bias + 1
        fraction = r.choice([0, 0, 1, 1 << fraction_bits - 1, r.getrandbits(fraction_bits)])
    else:
        return r.getrandbits(1 + exponent_bits + fraction_bits)
    return sign | exponent << fraction_bits | fraction


def vector(r: Random) -> int:
    """128 bits of singles, doubles, bytes or halfwords."""
    kind = r.randrange(4)
    if kind == 0:
        return sum(_real(r, 8, 23) << 32 * n for n in range(4))
    if kind == 1:
        return sum(_real(r, 11, 52) << 64 * n for n in range(2))
    width = 8 * (kind - 1)
    sign = 1 << width - 1
    return sum(
        r.choice([0, 1, sign - 1, sign, 2 * sign - 1, r.getrandbits(width)]) << width * n
        for n in range(128 // width)
    )


def words(r: Random, *, masked: bool = True, denormals_are_zero: bool = True) -> FloatingState:
    """A state of which control, status, tags and MXCSR are random."""
    s = FloatingState()
    s.control = 0x7F | r.choice([3, 3, 3, 2, 0]) << 8 | r.choice([0, 0, 1, 2, 3]) << 10
    s.status = r.getrandbits(3) << 11 | r.choice([0, r.getrandbits(16) & 0x477F])
    s.mxcsr = 0x1F80 | r.choice([0, 0, 1, 2, 3]) << 13 | r.choice([0, r.getrandbits(6)])
    s.mxcsr |= r.choice([0, 0, 0x8000, 0x40 if denormals_are_zero else 0])
    if not masked:
        s.control &= ~r.getrandbits(6)
        s.mxcsr &= ~(r.getrandbits(6) << 7)
    if s.status & ~s.control & 0x3F:
        s.status |= 0x8080
    empty = r.choice([0, 0, 0, r.getrandbits(8)])
    s.tags = sum((3 if empty >> n & 1 else 0) << 2 * n for n in range(8))
    return s


def state(r: Random, architecture: Architecture = I386, **how: bool) -> FloatingState:
    """`how` as for `words`."""
    s = words(r, **how)
    s.registers = [extended(r) for _ in range(8)]
    s.xmm = [vector(r) for _ in range(architecture.vectors)]
    return s


def _modrm(r: Random, long: bool) -> tuple[int, bytes]:
    """Of registers or of [esi]; and what goes before an opcode: of 64-bit code a REX prefix."""
    modrm = r.randrange(256)
    rex = r.choice((0x40, 0x44, 0x48, 0x45, 0x4D, 0x41, 0x4C)) if long else 0
    if modrm < 0xC0:
        modrm, rex = modrm & 0x38 | 6, rex & ~1  # [esi], or [rsi]
    return modrm, bytes([rex]) if long else b""


def _x87_code(r: Random, long: bool) -> bytes:
    modrm, rex = _modrm(r, long)
    return rex + bytes([r.randrange(0xD8, 0xE0), modrm])


def _simd_code(r: Random, long: bool) -> bytes:
    opcode = r.choice(_SIMD)
    modrm, rex = _modrm(r, long)
    code = r.choice([b"", b"\x66", b"\xf2", b"\xf3"]) + rex + bytes([0x0F, opcode])
    if opcode not in SIMD_NO_MODRM:
        code += bytes([modrm])
    if opcode in SIMD_IMMEDIATE:
        code += bytes([r.choice([r.getrandbits(8), r.randrange(20)])])
    return code


_GENERAL_TARGETS = (0x2C, 0x2D, 0x50, 0xC5, 0xD7)
_GENERAL_SOURCES = (0x2A, 0x6E, 0x7E, 0xC4)


def _usable(i: Instruction, used: Container[int]) -> bool:
    """With no general register but those `used`, and with no state of 108 bytes in storage."""
    opcode, what = i.opcode & 0xFF, i.modrm >> 3 & 7
    if i.name == "x87":
        whole = i.modrm < 0xC0 and (i.opcode, what) in ((0xDD, 4), (0xDD, 6))
        return is_x87(i.opcode, i.modrm, sse3=False) and not whole
    if not is_simd(i):
        return False
    if opcode == 0xAE:
        return i.modrm >= 0xC0 or what not in (0, 1)
    if opcode in _GENERAL_TARGETS and i.reg not in used:
        return i.prefix not in (0xF2, 0xF3) and opcode in (0x2C, 0x2D)  # MMX's
    return not (opcode in _GENERAL_SOURCES and i.rm not in used and i.modrm >= 0xC0)


def random_storage(r: Random) -> bytes:
    """128 bytes of numbers of all kinds."""
    parts = [
        r.choice(
            [
                extended(r).to_bytes(10, "little"),
                _real(r, 11, 52).to_bytes(8, "little"),
                _real(r, 8, 23).to_bytes(4, "little"),
                vector(r).to_bytes(16, "little"),
            ]
        )
        for _ in range(16)
    ]
    return b"".join(parts).ljust(128, b"\0")[:128]


def storage(r: Random, i: Instruction) -> bytes:
    data = random_storage(r)
    if i.name == "x87" and i.opcode == 0xDF and i.modrm < 0xC0 and i.modrm >> 3 & 7 == 4:
        digits = bytes(r.randrange(10) | r.randrange(10) << 4 for _ in range(9))
        return digits + bytes([r.choice([0, 0x80])]) + data[10:]
    if i.name == "simd" and i.opcode == 0x0FAE:
        return (r.getrandbits(16)).to_bytes(4, "little") + data[4:]
    return data


def instructions(
    r: Random, kind: str, architecture: Architecture = I386
) -> Iterator[tuple[Instruction, bytes]]:
    """Random ones and their code, for ever; `kind`: x87 or simd."""
    make, long = _x87_code if kind == "x87" else _simd_code, architecture.long
    while True:
        code = make(r, long)
        try:
            i = decode(code, native.CODE, long=long)
        except (Undefined, Truncated):
            continue
        if i.length == len(code) and _usable(i, native.USED[architecture]):
            yield i, code


def general(r: Random, architecture: Architecture) -> list[int]:
    """General registers as a `Case` has them."""
    if not architecture.long:
        return [r.getrandbits(32) for _ in range(4)]
    values = [r.choice((r.getrandbits(64), r.getrandbits(31))) for _ in range(16)]
    values[6] = values[7] = native.STORAGE
    return values


def cases(
    r: Random, kind: str, count: int, architecture: Architecture = I386, **how: bool
) -> list[Case]:
    """Of one instruction each; `kind` as for `instructions`, `how` as for `state`."""
    found: list[Case] = []
    for i, code in islice(instructions(r, kind, architecture), count):
        registers, eflags = general(r, architecture), 0x202 | r.getrandbits(16) & 0x8D5
        floating, data = state(r, architecture, **how), storage(r, i)
        found.append(Case(code, floating, registers, eflags, data, architecture=architecture))
    return found
