"""Random pieces of i386 code, whose undefined flags are followed along and never asked for."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .cases import AF, ALL, CF, DATA, OF, PF, SF, STACK, ZF, Case

if TYPE_CHECKING:
    from collections.abc import Callable

_FREE = (0, 1, 2, 6, 7)
_SPECIAL = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x80, 0x7F, 0x8000)
_CONDITIONS = (OF, CF, ZF, CF | ZF, SF, PF, SF | OF, ZF | SF | OF)


@dataclass
class Writer:
    """One case in the making."""

    rng: random.Random
    code: bytearray = field(default_factory=bytearray)
    undefined: int = 0

    # -- operands --------------------------------------------------------------------------

    def modrm(self, reg: int, size: int, *, memory: bool | None = None) -> bytes:
        """A register or storage operand; registers are such as may change."""
        r = self.rng
        if memory is None:
            memory = r.random() < 0.4
        if not memory:
            return bytes([0xC0 | reg << 3 | self.register(size)])
        way = r.randrange(4)
        offset = r.randrange(0, 120)
        if way == 0:
            return bytes([reg << 3 | 5]) + struct.pack("<I", DATA + offset)
        if way == 1:
            return bytes([0x40 | reg << 3 | 3, offset])
        if way == 2:
            return bytes([0x44 | reg << 3, r.randrange(4) << 6 | 5 << 3 | 3, offset])
        return bytes([0x84 | reg << 3, r.randrange(4) << 6 | 5 << 3 | 5]) + struct.pack(
            "<I", DATA + 16
        )  # fmt: skip

    def register(self, size: int) -> int:
        if size == 1:
            return self.rng.choice((0, 1, 2, 4, 5, 6))
        return self.rng.choice(_FREE)

    def immediate(self, size: int) -> bytes:
        r = self.rng
        value = r.choice((0, 1, 2, -1, 127, -128, 0x7FFFFFFF, -0x80000000, r.getrandbits(32)))
        return (value & (1 << 8 * size) - 1).to_bytes(size, "little")

    # -- instructions ----------------------------------------------------------------------

    def put(self, *parts: bytes | int, defines: int = 0, undefines: int = 0) -> None:
        for part in parts:
            self.code += bytes([part]) if isinstance(part, int) else part
        self.undefined = self.undefined & ~defines | undefines

    def sized(self) -> tuple[int, bytes, int]:
        """Operand size, prefix, and the opcode's lowest bit."""
        size = self.rng.choice((4, 4, 4, 2, 1))
        return size, b"\x66" if size == 2 else b"", int(size > 1)

    def reads(self, flags: int) -> bool:
        return not self.undefined & flags


def _alu(w: Writer) -> None:
    size, prefix, wide = w.sized()
    op = w.rng.randrange(8)
    if op in (2, 3) and not w.reads(CF):
        return
    undefines = AF if op in (1, 4, 6) else 0
    way = w.rng.randrange(4)
    if way == 0:
        body = bytes([op << 3 | wide]) + w.modrm(w.register(size), size)
    elif way == 1:
        body = bytes([op << 3 | 2 | wide]) + w.modrm(w.register(size), size)
    elif way == 2 and size > 1:
        body = bytes([0x83]) + w.modrm(op, size) + w.immediate(1)
    else:
        body = bytes([0x80 | wide]) + w.modrm(op, size) + w.immediate(size)
    w.put(prefix, body, defines=ALL, undefines=undefines)


def _test(w: Writer) -> None:
    size, prefix, wide = w.sized()
    if w.rng.random() < 0.5:
        w.put(prefix, 0x84 | wide, w.modrm(w.register(size), size), defines=ALL, undefines=AF)
    else:
        w.put(
            prefix, 0xF6 | wide, w.modrm(0, size), w.immediate(size), defines=ALL, undefines=AF
        )  # fmt: skip


def _unary(w: Writer) -> None:
    size, prefix, wide = w.sized()
    match w.rng.randrange(4):
        case 0:
            w.put(prefix, 0xFE | wide, w.modrm(0, size), defines=ALL & ~CF)
        case 1:
            w.put(prefix, 0xFE | wide, w.modrm(1, size), defines=ALL & ~CF)
        case 2:
            w.put(prefix, 0xF6 | wide, w.modrm(2, size))
        case _:
            w.put(prefix, 0xF6 | wide, w.modrm(3, size), defines=ALL)


def _shift(w: Writer) -> None:
    size, prefix, wide = w.sized()
    op = w.rng.randrange(8)
    if op in (2, 3) and not w.reads(CF):
        return
    rotates = op < 4
    way = w.rng.randrange(3)
    count = w.rng.randrange(34)
    if way == 0:
        body, count = bytes([0xD0 | wide]) + w.modrm(op, size), 1
    elif way == 1:
        body = bytes([0xC0 | wide]) + w.modrm(op, size) + bytes([count])
    else:
        body, count = bytes([0xD2 | wide]) + w.modrm(op, size), -1
    w.put(prefix, body)
    if count < 0:  # unknown: what was undefined may be so still
        w.undefined |= OF if rotates else OF | AF
        if size < 4 and op in (4, 5, 6):
            w.undefined |= CF
        return
    count &= 31
    if not count:
        return
    if rotates:
        w.undefined &= ~CF
        w.undefined = w.undefined & ~OF if count == 1 else w.undefined | OF
        return
    w.undefined = AF | (OF if count > 1 else 0)
    if count > 8 * size or (count == 8 * size and op != 5):
        w.undefined |= CF


def _double_shift(w: Writer) -> None:
    prefix = w.rng.choice((b"", b"", b"\x66"))
    size = 2 if prefix else 4
    op = w.rng.choice((0xA4, 0xAC))
    count = w.rng.randrange(1, 8 * size)
    body = bytes([0x0F, op]) + w.modrm(w.register(4), size) + bytes([count])
    w.put(prefix, body, defines=ALL, undefines=AF | (OF if count > 1 else 0))


def _double_shift_by_register(w: Writer) -> None:
    op = w.rng.choice((0xA5, 0xAD))
    w.put(0x0F, op, w.modrm(w.register(4), 4))
    w.undefined |= AF | OF


def _move(w: Writer) -> None:
    size, prefix, wide = w.sized()
    match w.rng.randrange(8):
        case 0:
            w.put(prefix, 0x88 | wide, w.modrm(w.register(size), size))
        case 1 | 2:
            w.put(prefix, 0x8A | wide, w.modrm(w.register(size), size))
        case 3:
            w.put(prefix, 0xC6 | wide, w.modrm(0, size), w.immediate(size))
        case 4:
            op = w.rng.choice((0xB6, 0xB7, 0xBE, 0xBF))
            source = 1 if op in (0xB6, 0xBE) else 2
            w.put(prefix if size == 2 else b"", 0x0F, op, w.modrm(w.register(4), source))
        case 5:
            w.put(0x8D, w.modrm(w.register(4), 4, memory=True))
        case 6:
            w.put(prefix, 0x86 | wide, w.modrm(w.register(size), size))
        case _:
            w.put(0xB8 | w.register(4), w.immediate(4))


def _stack(w: Writer) -> None:
    match w.rng.randrange(6):
        case 0 | 1:
            w.put(0x50 | w.register(4))
        case 2:
            w.put(0x58 | w.register(4))
        case 3:
            w.put(0xFF, w.modrm(6, 4, memory=True))
        case 4:
            w.put(0x8F, w.modrm(0, 4, memory=True))
        case _:
            w.put(0x6A, w.immediate(1))


def _condition(w: Writer) -> None:
    code = w.rng.randrange(16)
    if not w.reads(_CONDITIONS[code >> 1]):
        return
    match w.rng.randrange(3):
        case 0:
            w.put(0x0F, 0x90 | code, w.modrm(0, 1))
        case 1:
            prefix = w.rng.choice((b"", b"\x66"))
            w.put(prefix, 0x0F, 0x40 | code, w.modrm(w.register(4), 2 if prefix else 4))
        case _:
            skipped = Writer(w.rng)
            _move(skipped)
            w.put(0x70 | code, len(skipped.code), bytes(skipped.code))


def _multiply(w: Writer) -> None:
    size, prefix, wide = w.sized()
    undefines = SF | ZF | AF | PF
    match w.rng.randrange(4):
        case 0:
            w.put(prefix, 0xF6 | wide, w.modrm(4, size), defines=ALL, undefines=undefines)
        case 1:
            w.put(prefix, 0xF6 | wide, w.modrm(5, size), defines=ALL, undefines=undefines)
        case 2:
            prefix = b"" if size != 2 else prefix
            w.put(
                prefix, 0x0F, 0xAF, w.modrm(w.register(4), max(size, 2)),
                defines=ALL, undefines=undefines,
            )  # fmt: skip
        case _:
            w.put(
                0x69, w.modrm(w.register(4), 4), w.immediate(4), defines=ALL, undefines=undefines
            )  # fmt: skip


def _divide(w: Writer) -> None:
    """Of something that cannot overflow: the upper half is 0, the divisor not."""
    size, prefix, _wide = w.sized()
    if size == 1:
        w.put(b"\x80\xc9\x11\x25\x7f\x00\x00\x00")  # or cl, 17; and eax, 127
        w.put(0xF6, 0xC0 | w.rng.choice((6, 7)) << 3 | 1)
    else:
        w.put(b"\x83\xc9\x11\x31\xd2\xd1\xe8")  # or ecx, 17; xor edx, edx; shr eax, 1
        if size == 2:
            w.put(b"\x0f\xb7\xc0\xd1\xe8")
        w.put(prefix, 0xF7, 0xC0 | w.rng.choice((6, 7)) << 3 | 1)
    w.undefined = ALL


def _bits(w: Writer) -> None:
    prefix = w.rng.choice((b"", b"", b"\x66"))
    size = 2 if prefix else 4
    op = w.rng.randrange(4, 8)
    undefines = OF | SF | AF | PF
    match w.rng.randrange(4):
        case 0:
            w.put(prefix, 0x0F, 0xBA, w.modrm(op, size), w.immediate(1))
            w.undefined = w.undefined & ~CF | undefines
        case 1:
            w.put(prefix, 0x0F, 0xA3 | (op & 3) << 3, w.modrm(w.register(4), size, memory=False))
            w.undefined = w.undefined & ~CF | undefines
        case 2:
            w.put(prefix, 0x0F, w.rng.choice((0xBC, 0xBD)), w.modrm(w.register(4), size))
            w.undefined = ALL & ~ZF
        case _:
            w.put(0x0F, 0xC8 | w.register(4))


def _flags(w: Writer) -> None:
    match w.rng.randrange(5):
        case 0:
            w.put(w.rng.choice((0xF8, 0xF9)), defines=CF)
        case 1:
            if w.reads(CF):
                w.put(0xF5)
        case 2:
            w.put(0x9E, defines=ALL & ~OF)
        case 3:
            if w.reads(ALL & ~OF):
                w.put(0x9F)
        case _:
            w.put(w.rng.choice((b"\x98", b"\x99", b"\x66\x98", b"\x66\x99")))


def _exchange(w: Writer) -> None:
    size, prefix, wide = w.sized()
    op = w.rng.choice((0xB0, 0xC0))
    memory = w.rng.random() < 0.5
    lock = b"\xf0" if memory and w.rng.random() < 0.5 else b""
    body = w.modrm(w.register(size), size, memory=memory)
    w.put(lock, prefix, 0x0F, op | wide, body, defines=ALL)


def _decimal(w: Writer) -> None:
    match w.rng.randrange(6):
        case 0:
            if w.reads(CF | AF):
                w.put(w.rng.choice((0x27, 0x2F)), defines=ALL, undefines=OF)
        case 1:
            if w.reads(AF):
                w.put(w.rng.choice((0x37, 0x3F)), defines=ALL, undefines=OF | SF | ZF | PF)
        case 2:
            w.put(0xD4, w.rng.randrange(1, 40), defines=ALL, undefines=OF | AF | CF)
        case 3:
            w.put(0xD5, w.rng.randrange(40), defines=ALL, undefines=OF | AF | CF)
        case 4:
            if w.reads(CF):
                w.put(0xD6)
        case _:
            if not w.undefined:
                w.put(b"\x9c\x58")


def _string(w: Writer) -> None:
    down = w.rng.random() < 0.3
    place = DATA + w.rng.randrange(128, 300)
    w.put(0xBE, struct.pack("<I", DATA + w.rng.randrange(128, 300)))
    w.put(0xBF, struct.pack("<I", place))
    op = w.rng.choice((0xA4, 0xA5, 0xAA, 0xAB, 0xAC, 0xAD, 0xA6, 0xA7, 0xAE, 0xAF))
    prefix = w.rng.choice((b"", b"\x66")) if op & 1 else b""
    repeat = w.rng.choice((b"", b"\xf3", b"\xf2" if op in (0xA6, 0xA7, 0xAE, 0xAF) else b"\xf3"))
    count = w.rng.choice((0, 1, 2, 5, 25))
    if repeat:
        w.put(0xB9, struct.pack("<I", count))
    if down:
        w.put(0xFD)
    compares = op in (0xA6, 0xA7, 0xAE, 0xAF)
    w.put(prefix, repeat, op, defines=ALL if compares and (count or not repeat) else 0)
    if down:
        w.put(0xFC)


_KINDS: tuple[tuple[int, Callable[[Writer], None]], ...] = (
    (24, _alu), (6, _test), (8, _unary), (14, _shift), (3, _double_shift),
    (2, _double_shift_by_register), (16, _move), (8, _stack), (12, _condition), (5, _multiply),
    (2, _divide), (6, _bits), (5, _flags), (4, _exchange), (3, _decimal), (3, _string),
)  # fmt: skip


def values(rng: random.Random, count: int, bits: int, special: tuple[int, ...]) -> list[int]:
    """Of registers: of so many bits, or special ones."""
    return [
        rng.choice(special) if rng.random() < 0.57 else rng.getrandbits(bits) for _ in range(count)
    ]


def anything(w: Writer, *, stack: bool = True) -> None:
    """Some random instruction, or a few; `stack`: ESP may be another behind it."""
    kinds = [kind for _, kind in _KINDS]
    weights = [weight for weight, _ in _KINDS]
    while (kind := w.rng.choices(kinds, weights)[0]) is _stack and not stack:
        pass
    kind(w)


def begun(w: Writer) -> Case:
    """What was written, with registers to begin with."""
    rng = w.rng
    registers = values(rng, 8, 32, _SPECIAL)
    registers[3], registers[4], registers[5] = DATA + 8, STACK, rng.randrange(12)
    return Case(registers, rng.getrandbits(12) & ALL | 0x202, bytes(w.code), w.undefined)


def case(seed: int) -> Case:
    w = Writer(random.Random(seed))
    for _ in range(w.rng.choice((1, 1, 2, 3, 5, 9))):
        anything(w)
    return begun(w)
