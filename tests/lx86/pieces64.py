"""Random pieces of 64-bit code, as `pieces` has them for i386.

RBX and R12 point into the data area, RBP and R13 are small
numbers, and code changes none of them.  Undefined flags are followed along and not compared.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .cases import AF, ALL, CF, DATA, OF, PF, SF, STACK, ZF, Case
from .pieces import values

if TYPE_CHECKING:
    from collections.abc import Callable

_FREE = (0, 1, 2, 6, 7, 8, 9, 10, 11, 14, 15)
_SPECIAL = (
    0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x80, 0x7F, 0x8000, (1 << 63) - 1, 1 << 63,
    (1 << 64) - 1, 0xFFFFFFFF_00000000, 0xFFFFFFFF_80000000,
)  # fmt: skip
_CONDITIONS = (OF, CF, ZF, CF | ZF, SF, PF, SF | OF, ZF | SF | OF)


@dataclass
class Writer:
    """One case in the making."""

    rng: random.Random
    code: bytearray = field(default_factory=bytearray)
    undefined: int = 0

    def size(self, *sizes: int) -> int:
        return self.rng.choice(sizes or (8, 8, 4, 4, 4, 2, 1))

    def register(self) -> int:
        return self.rng.choice(_FREE)

    def immediate(self, size: int) -> bytes:
        r = self.rng
        value = r.choice((0, 1, 2, -1, 127, -128, 0x7FFFFFFF, -0x80000000, r.getrandbits(32)))
        return (value & (1 << 8 * size) - 1).to_bytes(size, "little")

    def put(
        self, opcode: bytes | int, size: int, reg: int | None, rm: int | None = None, *,
        memory: bool | None = None, after: bytes = b"", before: bytes = b"", wide: bool = True,
        other: int = 0, defines: int = 0, undefines: int = 0,
    ) -> None:  # fmt: skip
        """An instruction with ModRM; `reg` None: any register.  `other`: the other operand's size.

        `wide`: operands of eight bytes need REX.W.
        """
        r = self.rng
        opcode = bytes([opcode]) if isinstance(opcode, int) else opcode
        bytes_ = 1 in (size, other)
        old = bytes_ and r.random() < 0.3  # AH and its like
        group = reg is not None
        choices = (0, 1, 2, 4, 5, 6) if old else _FREE
        reg = reg if reg is not None else r.choice(choices if size == 1 else (0, 1, 2, 6, 7)) \
            if old else r.choice(_FREE)  # fmt: skip
        rex = 8 if size == 8 and wide else 0
        forced = False
        if old:
            rex = 0
            before = b"\x66" + before if size == 2 else before
        elif size == 2:
            before = b"\x66" + before
        if not group and reg >= 4 and size == 1 and not old:
            forced = True
        if memory is None:
            memory = r.random() < 0.4
        if rm is not None or not memory:
            if rm is None:
                rm = r.choice(choices if (other or size) == 1 else (0, 1, 2, 6, 7)) if old \
                    else r.choice(_FREE)  # fmt: skip
            if rm >= 4 and (other or size) == 1 and not old:
                forced = True
            rex |= rm >> 3
            tail = bytes([0xC0 | (reg & 7) << 3 | rm & 7])
        else:
            tail, extra = self._storage(reg & 7, old)
            rex |= extra
        if not group:
            rex |= (reg >> 3) << 2
        if old and size == 8:
            return
        prefix = bytes([0x40 | rex]) if rex or forced or (not old and r.random() < 0.1) else b""
        self.code += before + prefix + opcode + tail + after
        self.undefined = self.undefined & ~defines | undefines

    def _storage(self, reg: int, old: bool) -> tuple[bytes, int]:
        """ModRM and what follows it, and bits of REX."""
        r = self.rng
        offset, scale = r.randrange(0, 120), r.randrange(4) << 6
        match r.randrange(3 if old else 7):
            case 0:
                return bytes([reg << 3 | 4, 0x25]) + struct.pack("<I", DATA + offset), 0
            case 1:
                return bytes([0x40 | reg << 3 | 3, offset]), 0
            case 2:
                return bytes([0x44 | reg << 3, scale | 5 << 3 | 3, offset]), 0
            case 3:
                return bytes([0x84 | reg << 3, scale | 5 << 3 | 5]) + struct.pack(
                    "<I", DATA + 16
                ), 0  # fmt: skip
            case 4:
                return bytes([0x44 | reg << 3, 0x24, offset]), 1
            case 5:
                return bytes([0x84 | reg << 3, scale | 5 << 3 | 4]) + struct.pack("<i", offset), 3
            case _:
                return bytes([0x85 | reg << 3]) + struct.pack("<I", DATA + offset), 1

    def raw(self, code: bytes, defines: int = 0) -> None:
        self.code += code
        self.undefined &= ~defines

    def reads(self, flags: int) -> bool:
        return not self.undefined & flags


def _alu(w: Writer) -> None:
    size, op = w.size(), w.rng.randrange(8)
    wide = int(size > 1)
    if op in (2, 3) and not w.reads(CF):
        return
    undefines = AF if op in (1, 4, 6) else 0
    match w.rng.randrange(4):
        case 0 | 1 as way:
            w.put(op << 3 | 2 * way | wide, size, None, defines=ALL, undefines=undefines)
        case 2 if size > 1:
            w.put(0x83, size, op, after=w.immediate(1), defines=ALL, undefines=undefines)
        case _:
            after = w.immediate(min(size, 4))
            w.put(0x80 | wide, size, op, after=after, defines=ALL, undefines=undefines)


def _test(w: Writer) -> None:
    size = w.size()
    wide = int(size > 1)
    if w.rng.random() < 0.5:
        w.put(0x84 | wide, size, None, defines=ALL, undefines=AF)
    else:
        after = w.immediate(min(size, 4))
        w.put(0xF6 | wide, size, 0, after=after, defines=ALL, undefines=AF)


def _unary(w: Writer) -> None:
    size = w.size()
    wide = int(size > 1)
    match w.rng.randrange(4):
        case 0 | 1 as op:
            w.put(0xFE | wide, size, op, defines=ALL & ~CF)
        case 2:
            w.put(0xF6 | wide, size, 2)
        case _:
            w.put(0xF6 | wide, size, 3, defines=ALL)


def _shift(w: Writer) -> None:
    size, op = w.size(), w.rng.randrange(8)
    wide = int(size > 1)
    if op in (2, 3) and not w.reads(CF):
        return
    rotates, length = op < 4, len(w.code)
    count = w.rng.randrange(66 if size == 8 else 34)
    match w.rng.randrange(3):
        case 0:
            w.put(0xD0 | wide, size, op)
            count = 1
        case 1:
            w.put(0xC0 | wide, size, op, after=bytes([count]))
        case _:
            w.put(0xD2 | wide, size, op)
            count = -1
    if len(w.code) == length:
        return
    if count < 0:
        w.undefined |= OF if rotates else OF | AF
        if size < 4 and op in (4, 5, 6):
            w.undefined |= CF
        return
    count &= 63 if size == 8 else 31
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
    size = w.size(8, 8, 4, 2)
    op = w.rng.choice((0xA4, 0xAC))
    count = w.rng.randrange(1, 8 * size)
    undefines = AF | (OF if count > 1 else 0)
    if size > 2 and w.rng.random() < 0.4:
        w.put(bytes([0x0F, op + 1]), size, None)
        w.undefined |= AF | OF
    else:
        w.put(
            bytes([0x0F, op]), size, None, after=bytes([count]), defines=ALL, undefines=undefines
        )  # fmt: skip


def _move(w: Writer) -> None:
    size = w.size()
    wide = int(size > 1)
    match w.rng.randrange(9):
        case 0:
            w.put(0x88 | wide, size, None)
        case 1 | 2:
            w.put(0x8A | wide, size, None)
        case 3:
            w.put(0xC6 | wide, size, 0, after=w.immediate(min(size, 4)))
        case 4 | 5:
            op, size = w.rng.choice((0xB6, 0xB7, 0xBE, 0xBF)), max(size, 2)
            w.put(bytes([0x0F, op]), size, None, other=2 - (op in (0xB6, 0xBE)))
        case 6:
            w.put(0x8D, max(size, 4), None, memory=True)
        case 7:
            w.put(0x86 | wide, size, None)
        case _ if w.rng.random() < 0.5:
            w.put(0x63, w.size(8, 4), None)
        case _:
            n, long = w.register(), w.rng.random() < 0.5
            w.raw(bytes([0x40 | 8 * long | n >> 3, 0xB8 | n & 7]) + w.immediate(4) * (1 + long))


def _stack(w: Writer) -> None:
    n = w.register()
    rex = b"\x41" if n > 7 else b""
    match w.rng.randrange(6):
        case 0 | 1:
            w.raw(rex + bytes([0x50 | n & 7]))
        case 2:
            w.raw(rex + bytes([0x58 | n & 7]))
        case 3:
            w.put(0xFF, 8, 6, memory=True, wide=False)
        case 4:
            w.put(0x8F, 8, 0, memory=True, wide=False)
        case _:
            w.raw(b"\x68" + w.immediate(4) if w.rng.random() < 0.5 else b"\x6a" + w.immediate(1))


def _condition(w: Writer) -> None:
    code = w.rng.randrange(16)
    if not w.reads(_CONDITIONS[code >> 1]):
        return
    match w.rng.randrange(3):
        case 0:
            w.put(bytes([0x0F, 0x90 | code]), 1, 0)
        case 1:
            w.put(bytes([0x0F, 0x40 | code]), w.size(8, 4, 4, 2), None)
        case _:
            skipped = Writer(w.rng)
            _move(skipped)
            w.raw(bytes([0x70 | code, len(skipped.code)]) + skipped.code)


def _multiply(w: Writer) -> None:
    size, undefines = w.size(), SF | ZF | AF | PF
    wide = int(size > 1)
    match w.rng.randrange(4):
        case 0 | 1 as op:
            w.put(0xF6 | wide, size, 4 + op, defines=ALL, undefines=undefines)
        case 2:
            w.put(b"\x0f\xaf", max(size, 2), None, defines=ALL, undefines=undefines)
        case _:
            size = max(size, 2)
            after = w.immediate(min(size, 4))
            w.put(0x69, size, None, after=after, defines=ALL, undefines=undefines)


def _divide(w: Writer) -> None:
    """Of something that cannot overflow."""
    size, op = w.size(8, 8, 4, 2), w.rng.choice((6, 7))
    w.raw(b"\x48\x83\xc9\x11\x31\xd2\x48\xd1\xe8")  # or rcx, 17; xor edx, edx; shr rax, 1
    if size == 4:
        w.raw(b"\xd1\xe8")
    elif size == 2:
        w.raw(b"\x0f\xb7\xc0\xd1\xe8")
    elif w.rng.random() < 0.5:
        w.raw(b"\x48\xf7\xd8\x48\x99")  # neg rax; cqo
        op = 7
    elif w.rng.random() < 0.3:
        w.raw(b"\x48\x0f\xba\xe9\x3f\xba\x05\x00\x00\x00")  # bts rcx, 63; mov edx, 5
        op = 6
    w.put(0xF7, size, op, 1)
    w.undefined = ALL


def _bits(w: Writer) -> None:
    size, op = w.size(8, 8, 4, 2), w.rng.randrange(4, 8)
    undefines = OF | SF | AF | PF
    match w.rng.randrange(4):
        case 0:
            w.put(b"\x0f\xba", size, op, after=w.immediate(1))
            w.undefined = w.undefined & ~CF | undefines
        case 1:
            w.put(bytes([0x0F, 0xA3 | (op & 3) << 3]), size, None, memory=False)
            w.undefined = w.undefined & ~CF | undefines
        case 2:  # of what is not zero
            n = w.register()
            w.put(b"\x83", size, 1, n, after=b"\x40", defines=ALL)
            w.put(bytes([0x0F, w.rng.choice((0xBC, 0xBD))]), size, None, n)
            w.undefined = ALL & ~ZF
        case _:
            n = w.register()
            w.raw(bytes([0x40 | w.rng.choice((0, 8)) | n >> 3, 0x0F, 0xC8 | n & 7]))


def _flags(w: Writer) -> None:
    match w.rng.randrange(5):
        case 0:
            w.raw(w.rng.choice((b"\xf8", b"\xf9")), defines=CF)
        case 1:
            if w.reads(CF):
                w.raw(b"\xf5")
        case 2:
            w.raw(b"\x9e", defines=ALL & ~OF)
        case 3:
            if w.reads(ALL & ~OF):
                w.raw(b"\x9f")
        case _:
            w.raw(w.rng.choice((b"", b"\x66", b"\x48")) + w.rng.choice((b"\x98", b"\x99")))


def _exchange(w: Writer) -> None:
    size, op = w.size(), w.rng.choice((0xB0, 0xC0))
    memory = w.rng.random() < 0.5
    lock = b"\xf0" if memory and w.rng.random() < 0.5 else b""
    if op == 0xB0 and size > 2 and w.rng.random() < 0.15:
        if w.rng.random() < 0.5:  # aligned
            w.raw(lock + b"\x48\x0f\xc7\x0c\x25" + struct.pack("<I", DATA + 32), defines=ZF)
        else:
            w.put(b"\x0f\xc7", 4, 1, memory=True, before=lock, defines=ZF)
        return
    wide = int(size > 1)
    w.put(bytes([0x0F, op | wide]), size, None, memory=memory, before=lock, defines=ALL)


def _string(w: Writer) -> None:
    down = w.rng.random() < 0.3
    w.raw(b"\xbe" + struct.pack("<I", DATA + w.rng.randrange(128, 300)))
    w.raw(b"\xbf" + struct.pack("<I", DATA + w.rng.randrange(128, 300)))
    op = w.rng.choice((0xA4, 0xA5, 0xAA, 0xAB, 0xAC, 0xAD, 0xA6, 0xA7, 0xAE, 0xAF))
    compares = op in (0xA6, 0xA7, 0xAE, 0xAF)
    prefix = w.rng.choice((b"", b"\x66", b"\x48")) if op & 1 else b""
    repeat = w.rng.choice((b"", b"\xf3", b"\xf2" if compares else b"\xf3"))
    count = w.rng.choice((0, 1, 2, 5, 15))
    if repeat:
        w.raw(b"\xb9" + struct.pack("<I", count))
    if down:
        w.raw(b"\xfd")
    code = repeat + prefix + bytes([op])
    w.raw(code, defines=ALL if compares and (count or not repeat) else 0)
    if down:
        w.raw(b"\xfc")


_KINDS: tuple[tuple[int, Callable[[Writer], None]], ...] = (
    (24, _alu), (6, _test), (8, _unary), (14, _shift), (4, _double_shift), (18, _move),
    (8, _stack), (12, _condition), (5, _multiply), (2, _divide), (6, _bits), (5, _flags),
    (4, _exchange), (3, _string),
)  # fmt: skip


def anything(w: Writer, *, stack: bool = True) -> None:
    """As in `pieces`."""
    kinds, weights = [kind for _, kind in _KINDS], [weight for weight, _ in _KINDS]
    while (kind := w.rng.choices(kinds, weights)[0]) is _stack and not stack:
        pass
    kind(w)


def begun(w: Writer) -> Case:
    rng = w.rng
    registers = values(rng, 16, 64, _SPECIAL)
    registers[3], registers[4], registers[5] = DATA + 8, STACK, rng.randrange(12)
    registers[12], registers[13] = DATA + 24, rng.randrange(12)
    return Case(registers, rng.getrandbits(12) & ALL | 0x202, bytes(w.code), w.undefined)


def case(seed: int) -> Case:
    w = Writer(random.Random(f"64 {seed}"))
    for _ in range(w.rng.choice((1, 1, 2, 3, 5, 9))):
        anything(w)
    return begun(w)
