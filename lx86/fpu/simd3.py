"""What instructions with three-byte opcodes do (three_bytes.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..three_bytes import FORMS, MOVBE
from . import aes, packed_later, sse4_1, sse4_2
from .simd import Registers

if TYPE_CHECKING:
    from .operation import Operation

_BLENDS = {0xF3810: 8, 0xF3814: 32, 0xF3815: 64}


def execute(op: Operation) -> None:
    """`op` is one that `three_bytes.is_defined`."""
    r = Registers(op)
    opcode = op.instruction.opcode
    form = FORMS[opcode]
    if opcode in MOVBE:
        _crc32(r)
    elif 0xF3A60 <= opcode <= 0xF3A63:
        sse4_2.execute(r)
    elif opcode in packed_later.BINARY or opcode == 0xF3A0F:
        _packed(r, opcode, form.size)
    elif opcode in _BLENDS:
        a, b, mask = r.xmm(r.reg), r.source(), r.xmm(0)
        r.set_xmm(r.reg, packed_later.blend_by_signs(a, b, mask, _BLENDS[opcode]))
    elif opcode == 0xF3817:  # PTEST
        a, b = r.xmm(r.reg), r.source()
        op.set_compared((0 if a & b else 0x40) | (0 if b & ~a else 1))
    elif not (aes.execute(r) or sse4_1.execute(r)):
        op.undefined()


def _packed(r: Registers, opcode: int, size: int) -> None:
    def result(a: int, b: int, total: int) -> int:
        if opcode == 0xF3A0F:
            return packed_later.align(a, b, r.immediate, total)
        return packed_later.BINARY[opcode](a, b, total)

    if r.prefix:
        r.set_xmm(r.reg, result(r.xmm(r.reg), r.source(8 * size), 128))
        return
    source = r.mm_source()
    r.enter_mmx()
    r.set_mm(r.reg, result(r.mm(r.reg), source, 64))


def _crc32(r: Registers) -> None:
    i = r.op.instruction
    size = 1 if i.opcode == MOVBE[0] else i.size
    if r.in_storage:
        value = r.op.load(size)
    elif size == 1 and not i.rex and r.rm > 3:
        value = r.op.general[r.rm & 3] >> 8
    else:
        value = r.op.general[r.rm]
    data = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    r.op.set_general(r.reg, sse4_2.crc32(r.op.general[r.reg] & 0xFFFF_FFFF, data), 64)
