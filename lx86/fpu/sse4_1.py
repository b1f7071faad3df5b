"""SSE4.1 with an immediate byte: rounding, dot products, blends, inserts and extracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import packed_later
from .lanes import join, split
from .number import DOUBLE, SINGLE, Rounding
from .packed_float import ADD, MULTIPLY

if TYPE_CHECKING:
    from .number import Format
    from .simd import Registers

_BLENDS = {0xF3A0C: 32, 0xF3A0D: 64, 0xF3A0E: 16}
_EXTRACTS = {0xF3A14: 8, 0xF3A15: 16, 0xF3A16: 32, 0xF3A17: 32}
_INSERTS = {0xF3A20: 8, 0xF3A22: 32}


def execute(r: Registers) -> bool:
    """False: it is none of these."""
    opcode, order = r.op.instruction.opcode, r.immediate
    match opcode:
        case 0xF3A08 | 0xF3A09 | 0xF3A0A | 0xF3A0B:
            _round(r, SINGLE if opcode in (0xF3A08, 0xF3A0A) else DOUBLE, scalar=opcode >= 0xF3A0A)
        case 0xF3A0C | 0xF3A0D | 0xF3A0E:
            r.set_xmm(r.reg, packed_later.blend(r.xmm(r.reg), r.source(), order, _BLENDS[opcode]))
        case 0xF3A14 | 0xF3A15 | 0xF3A16 | 0xF3A17:
            _extract(r, opcode)
        case 0xF3A20 | 0xF3A22:
            width = 64 if r.long and opcode == 0xF3A22 else _INSERTS[opcode]
            value = r.op.load(width // 8) if r.in_storage else r.op.general[r.rm]
            _insert(r, value, order, width)
        case 0xF3A21:
            value = r.op.load(4) if r.in_storage else split(r.xmm(r.rm), 32, 4)[order >> 6]
            _insert(r, value, order >> 4 & 3, 32)
            lanes = split(r.xmm(r.reg), 32, 4)
            r.set_xmm(r.reg, join((0 if order >> n & 1 else x for n, x in enumerate(lanes)), 32))
        case 0xF3A40:
            _dot(r, SINGLE, 32)
        case 0xF3A41:
            _dot(r, DOUBLE, 64)
        case 0xF3A42:
            r.set_xmm(r.reg, packed_later.differences(r.xmm(r.reg), r.source(), order))
        case _:
            return False
    return True


def _insert(r: Registers, value: int, at: int, width: int) -> None:
    lanes = split(r.xmm(r.reg), width, 128 // width)
    lanes[at % len(lanes)] = value
    r.set_xmm(r.reg, join(lanes, width))


def _extract(r: Registers, opcode: int) -> None:
    width = 64 if r.long and opcode == 0xF3A16 else _EXTRACTS[opcode]
    lanes = split(r.xmm(r.reg), width, 128 // width)
    value = lanes[r.immediate % len(lanes)]
    if r.in_storage:
        r.op.store(value, width // 8)
    else:
        r.op.set_general(r.rm, value, max(width, 32))


def _round(r: Registers, form: Format, *, scalar: bool) -> None:
    """ROUNDPS, ROUNDPD, ROUNDSS, ROUNDSD: to an integer, as the immediate byte or MXCSR says."""
    width = 32 if form is SINGLE else 64
    order, lanes = r.immediate, r.lanes()
    rounding = lanes.rounding if order & 4 else Rounding(order & 3)
    source = split(r.source(width if scalar else 128), width, 1 if scalar else 128 // width)
    values = [lanes.to_integral(v, form, rounding, quiet=bool(order & 8)) for v in source]
    r.finish(lanes)
    if scalar:
        r.set_low(r.reg, values[0], width)
    else:
        r.set_xmm(r.reg, join(values, width))


def _dot(r: Registers, form: Format, width: int) -> None:
    """DPPS, DPPD: products that the upper half of the byte names, their sum where the lower does.

    Singles are added by pairs; each step's exceptions are told before the next.
    """
    count, order = 128 // width, r.immediate
    x, y = split(r.xmm(r.reg), width, count), split(r.source(), width, count)
    lanes = r.lanes()
    parts = [
        lanes.arithmetic(MULTIPLY, x[n], y[n], form) if order >> 4 + n & 1 else 0
        for n in range(count)
    ]
    r.finish(lanes)
    while len(parts) > 1:
        lanes = r.lanes()
        parts = [
            lanes.arithmetic(ADD, parts[n], parts[n + 1], form) for n in range(0, len(parts), 2)
        ]
        r.finish(lanes)
    r.set_xmm(r.reg, join((parts[0] if order >> n & 1 else 0 for n in range(count)), width))
