"""Moves, shuffles, inserts and masks of MMX, SSE and SSE2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lanes import join, split
from .packed_integer import shuffle, sign_mask

if TYPE_CHECKING:
    from .simd import Registers

_LOW = (1 << 64) - 1


def execute(r: Registers) -> bool:
    """False: there is no such instruction."""
    return any(part(r) for part in (_whole, _halves, _mmx, _shuffles, _masks))


def _store(r: Registers, value: int, length: int, *, aligned: bool = False) -> None:
    if aligned:
        r.aligned()
    r.op.store(value & (1 << 8 * length) - 1, length)


def _whole(r: Registers) -> bool:
    """MOVUPS, MOVAPS, MOVDQA, MOVDQU, MOVSS, MOVSD, and those that bypass the cache."""
    match r.opcode, r.prefix:
        case (0x10, 0xF3 | 0xF2):
            bits = 32 if r.prefix == 0xF3 else 64
            if r.in_storage:
                r.set_xmm(r.reg, r.source(bits))
            else:
                r.set_low(r.reg, r.source(bits), bits)
        case (0x11, 0xF3 | 0xF2):
            bits = 32 if r.prefix == 0xF3 else 64
            if r.in_storage:
                _store(r, r.xmm(r.reg), bits // 8)
            else:
                r.set_low(r.rm, r.xmm(r.reg), bits)
        case (0x10, _) | (0x6F, 0xF3):
            r.set_xmm(r.reg, r.op.load(16) if r.in_storage else r.xmm(r.rm))
        case (0x11, _) | (0x7F, 0xF3):
            if r.in_storage:
                _store(r, r.xmm(r.reg), 16)
            else:
                r.set_xmm(r.rm, r.xmm(r.reg))
        case (0x28, 0 | 0x66) | (0x6F, 0x66):
            r.set_xmm(r.reg, r.source())
        case (0x29, 0 | 0x66) | (0x7F, 0x66):
            if r.in_storage:
                _store(r, r.xmm(r.reg), 16, aligned=True)
            else:
                r.set_xmm(r.rm, r.xmm(r.reg))
        case (0x2B, 0 | 0x66) | (0xE7, 0x66) if r.in_storage:
            _store(r, r.xmm(r.reg), 16, aligned=True)
        case _:
            return False
    return True


def _halves(r: Registers) -> bool:
    """MOVLPS, MOVHPS, MOVHLPS, MOVLHPS, MOVQ, and UNPCKLPS to UNPCKHPD."""
    a = r.xmm(r.reg)
    match r.opcode, r.prefix:
        case (0x12, 0) if not r.in_storage:
            r.set_low(r.reg, r.xmm(r.rm) >> 64, 64)
        case (0x12, 0 | 0x66) if r.in_storage:
            r.set_low(r.reg, r.op.load(8), 64)
        case (0x13, 0 | 0x66) if r.in_storage:
            _store(r, a, 8)
        case (0x16, 0) if not r.in_storage:
            r.set_xmm(r.reg, a & _LOW | (r.xmm(r.rm) & _LOW) << 64)
        case (0x16, 0 | 0x66) if r.in_storage:
            r.set_xmm(r.reg, a & _LOW | r.op.load(8) << 64)
        case (0x17, 0 | 0x66) if r.in_storage:
            _store(r, a >> 64, 8)
        case (0x14 | 0x15, 0 | 0x66):
            width = 64 if r.prefix else 32
            count = 64 // width
            x, y = split(a, width, 2 * count), split(r.source(), width, 2 * count)
            first = count if r.opcode == 0x15 else 0
            part = range(first, first + count)
            r.set_xmm(r.reg, join((lane for n in part for lane in (x[n], y[n])), width))
        case (0x7E, 0xF3):
            r.set_xmm(r.reg, r.source(64))
        case (0xD6, 0x66):
            if r.in_storage:
                _store(r, a, 8)
            else:
                r.set_xmm(r.rm, a & _LOW)
        case _:
            return False
    return True


def _mmx(r: Registers) -> bool:
    """MOVD, MOVQ of MMX, and between MMX and SSE; PINSRW, PEXTRW."""
    op = r.op
    match r.opcode, r.prefix:
        case (0x6E, 0 | 0x66):
            width = 8 if r.long else 4
            whole = op.load(width) if r.in_storage else op.general[r.rm]
            value = whole & (1 << 8 * width) - 1
            if r.prefix:
                r.set_xmm(r.reg, value)
            else:
                r.enter_mmx()
                r.set_mm(r.reg, value)
        case (0x7E, 0 | 0x66):
            value = r.xmm(r.reg) if r.prefix else r.mm(r.reg)
            if r.in_storage:
                _store(r, value, 8 if r.long else 4)
            else:
                op.set_general(r.rm, value, 64 if r.long else 32)
            if not r.prefix:
                r.enter_mmx()
        case (0x6F, 0):
            value = r.mm_source()
            r.enter_mmx()
            r.set_mm(r.reg, value)
        case (0x7F, 0) | (0xE7, 0):
            value = r.mm(r.reg)
            if r.in_storage:
                _store(r, value, 8)
                r.enter_mmx()
            elif r.opcode == 0xE7:
                return False
            else:
                r.enter_mmx()
                r.set_mm(r.rm, value)
        case (0xD6, 0xF3) if not r.in_storage:
            r.enter_mmx()
            r.set_xmm(r.reg, r.mm(r.rm))
        case (0xD6, 0xF2) if not r.in_storage:
            r.enter_mmx()
            r.set_mm(r.reg, r.xmm(r.rm))
        case _:
            return False
    return True


def _shuffles(r: Registers) -> bool:
    """PSHUFW to PSHUFHW, SHUFPS, SHUFPD, PINSRW, PEXTRW."""
    match r.opcode, r.prefix:
        case (0x70, 0):
            source = r.mm_source()
            r.enter_mmx()
            r.set_mm(r.reg, shuffle(source, r.immediate, 16, 0, 64))
        case (0x70, _):
            width, first = {0x66: (32, 0), 0xF2: (16, 0), 0xF3: (16, 64)}[r.prefix]
            r.set_xmm(r.reg, shuffle(r.source(), r.immediate, width, first, 128))
        case (0xC6, 0):
            x, y, order = split(r.xmm(r.reg), 32, 4), split(r.source(), 32, 4), r.immediate
            lanes = (x[order & 3], x[order >> 2 & 3], y[order >> 4 & 3], y[order >> 6])
            r.set_xmm(r.reg, join(lanes, 32))
        case (0xC6, 0x66):
            x, y, order = split(r.xmm(r.reg), 64, 2), split(r.source(), 64, 2), r.immediate
            r.set_xmm(r.reg, join((x[order & 1], y[order >> 1 & 1]), 64))
        case (0xC4, 0 | 0x66):
            value = r.op.load(2) if r.in_storage else r.op.general[r.rm] & 0xFFFF
            place = 16 * (r.immediate & (7 if r.prefix else 3))
            if r.prefix:
                r.set_xmm(r.reg, r.xmm(r.reg) & ~(0xFFFF << place) | value << place)
            else:
                r.enter_mmx()
                r.set_mm(r.reg, r.mm(r.reg) & ~(0xFFFF << place) | value << place)
        case (0xC5, 0 | 0x66) if not r.in_storage:
            place = 16 * (r.immediate & (7 if r.prefix else 3))
            if not r.prefix:
                r.enter_mmx()
            value = r.xmm(r.rm) if r.prefix else r.mm(r.rm)
            r.op.set_general(r.reg, value >> place & 0xFFFF)
        case _:
            return False
    return True


def _masks(r: Registers) -> bool:
    """MOVMSKPS, MOVMSKPD, PMOVMSKB, MASKMOVQ, MASKMOVDQU."""
    if r.in_storage:
        return False
    match r.opcode, r.prefix:
        case (0x50, 0 | 0x66):
            r.op.set_general(r.reg, sign_mask(r.xmm(r.rm), 64 if r.prefix else 32, 128))
        case (0xD7, 0x66):
            r.op.set_general(r.reg, sign_mask(r.xmm(r.rm), 8, 128))
        case (0xD7, 0):
            r.enter_mmx()
            r.op.set_general(r.reg, sign_mask(r.mm(r.rm), 8, 64))
        case (0xF7, 0 | 0x66):
            _store_masked(r)
        case _:
            return False
    return True


def _store_masked(r: Registers) -> None:
    """The bytes whose mask byte is negative go to where EDI points (`op.address`)."""
    if r.prefix:
        value, mask, count = r.xmm(r.reg), r.xmm(r.rm), 16
    else:
        r.enter_mmx()
        value, mask, count = r.mm(r.reg), r.mm(r.rm), 8
    chosen = [n for n in range(count) if mask >> 8 * n + 7 & 1]
    for n in chosen:  # all of them, or none
        r.op.store(r.op.load(1, n), 1, n)
    for n in chosen:
        r.op.store(value >> 8 * n & 0xFF, 1, n)
