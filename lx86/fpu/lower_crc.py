"""CRC32: a number is multiplied, without carries, by the polynomial's inverse and the polynomial.

Let D be the CRC xor n bits of data, and P the polynomial, reflected and with its leading one.  Then
Q = D / P modulo x^n makes the lowest n bits of D + Q * P zero, and what is left is the new CRC.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..convention import ZERO
from ..instruction import Mem, Reg
from ..three_bytes import MOVBE
from . import patterns, vsx
from .lowering import SCRATCH_VR
from .patterns import Pattern

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

_PRODUCTS = 1224
"""vpmsumd."""
_T = SCRATCH_VR + 1
_FACTORS = {1: Pattern.CRC_8, 2: Pattern.CRC_16, 4: Pattern.CRC_32, 8: Pattern.CRC_64}


def crc32(x: Context, i: Instruction) -> None:
    e, size, old = x.e, 1 if i.opcode == MOVBE[0] else i.size, Reg(i.reg, 4)
    data = x.read(_source(i, size))
    crc = x.read_zero_extended(old) if size == 8 else x.read(old)
    out = x.temporary()
    e.xor(out, crc, data)
    vsx.indexed(e, vsx.MTVSRDD, SCRATCH_VR, out, ZERO)
    for factor in (_FACTORS[size], Pattern.POLYNOMIAL):
        patterns.load(e, _T, factor)
        vsx.vector(e, _PRODUCTS, SCRATCH_VR - 32, SCRATCH_VR - 32, _T - 32)
    if size < 4:
        rest = x.temporary()
        e.rlwinm(rest, crc, 32 - 8 * size, 8 * size, 31)
    vsx.indexed(e, vsx.MFVSRD, SCRATCH_VR, out, 0)
    if size < 4:
        e.xor(out, out, rest)
    x.s.widths[out] = 32
    x.write(old, out)


def _source(i: Instruction, size: int) -> Mem | Reg:
    if i.modrm < 0xC0:
        operand = i.operands[0]
        assert isinstance(operand, Mem)
        return replace(operand, size=size)
    if size == 1 and not i.rex and i.rm > 3:
        return Reg(i.rm & 3, 1, high=True)
    return Reg(i.rm, size)
