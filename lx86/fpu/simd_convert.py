"""Conversions between singles, doubles and integers (SDM volume 1, 11.4.1.6 and figure 11-8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lanes import join, split
from .number import DOUBLE, SINGLE

if TYPE_CHECKING:
    from .simd import Registers

_LOW = (1 << 32) - 1


def execute(r: Registers) -> bool:
    """False: it is no conversion."""
    match r.opcode, r.prefix:
        case (0x2A, 0 | 0x66):
            _from_mmx(r)
        case (0x2A, _):
            form = SINGLE if r.prefix == 0xF3 else DOUBLE
            width = 64 if r.long else 32
            value = r.op.load(width // 8) if r.in_storage else r.op.general[r.rm]
            lanes = r.lanes()
            bits = lanes.from_integer(value & (1 << width) - 1, form, width)
            r.finish(lanes)
            r.set_low(r.reg, bits, 32 if form is SINGLE else 64)
        case (0x2C | 0x2D, 0 | 0x66):
            _to_mmx(r)
        case (0x2C | 0x2D, _):
            form = SINGLE if r.prefix == 0xF3 else DOUBLE
            source = r.source(32 if form is SINGLE else 64)
            lanes = r.lanes()
            width = 64 if r.long else 32
            value = lanes.to_integer(source, form, truncate=r.opcode == 0x2C, width=width)
            r.finish(lanes)
            r.op.set_general(r.reg, value, width)
        case (0x5A, _):
            _between(r)
        case (0x5B, 0):
            lanes = r.lanes()
            values = [lanes.from_integer(v, SINGLE) for v in split(r.source(), 32, 4)]
            r.finish(lanes)
            r.set_xmm(r.reg, join(values, 32))
        case (0x5B, 0x66 | 0xF3):
            lanes, truncate = r.lanes(), r.prefix == 0xF3
            values = [
                lanes.to_integer(v, SINGLE, truncate=truncate) for v in split(r.source(), 32, 4)
            ]
            r.finish(lanes)
            r.set_xmm(r.reg, join(values, 32))
        case (0xE6, 0xF3):
            lanes = r.lanes()
            values = [lanes.from_integer(v, DOUBLE) for v in split(r.source(64), 32, 2)]
            r.set_xmm(r.reg, join(values, 64))
        case (0xE6, 0x66 | 0xF2):
            lanes, truncate = r.lanes(), r.prefix == 0x66
            values = [
                lanes.to_integer(v, DOUBLE, truncate=truncate) for v in split(r.source(), 64, 2)
            ]
            r.finish(lanes)
            r.set_xmm(r.reg, join(values, 32))
        case _:
            return False
    return True


def _from_mmx(r: Registers) -> None:
    """CVTPI2PS, CVTPI2PD: two integers; from storage they leave the x87 alone."""
    double, source = bool(r.prefix), r.mm_source()
    lanes = r.lanes()
    form = DOUBLE if double else SINGLE
    values = [lanes.from_integer(v, form) for v in split(source, 32, 2)]
    if not r.in_storage:
        r.enter_mmx()
    r.finish(lanes)
    if double:
        r.set_xmm(r.reg, join(values, 64))
    else:
        r.set_low(r.reg, join(values, 32), 64)


def _to_mmx(r: Registers) -> None:
    form, truncate = (DOUBLE, SINGLE)[not r.prefix], r.opcode == 0x2C
    width = 64 if r.prefix else 32
    source = r.source(2 * width)
    lanes = r.lanes()
    values = [lanes.to_integer(v, form, truncate=truncate) for v in split(source, width, 2)]
    r.enter_mmx()
    r.finish(lanes)
    r.set_mm(r.reg, join(values, 32))


def _between(r: Registers) -> None:
    lanes = r.lanes()
    match r.prefix:
        case 0:
            values = [lanes.convert(v, SINGLE, DOUBLE) for v in split(r.source(64), 32, 2)]
            r.finish(lanes)
            r.set_xmm(r.reg, join(values, 64))
        case 0x66:
            values = [lanes.convert(v, DOUBLE, SINGLE) for v in split(r.source(), 64, 2)]
            r.finish(lanes)
            r.set_xmm(r.reg, join(values, 32))
        case 0xF3:
            value = lanes.convert(r.source(32), SINGLE, DOUBLE)
            r.finish(lanes)
            r.set_low(r.reg, value, 64)
        case _:
            value = lanes.convert(r.source(64), DOUBLE, SINGLE)
            r.finish(lanes)
            r.set_low(r.reg, value, 32)
