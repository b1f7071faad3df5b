"""Integer instructions that came after SSE2: POPCNT and MOVBE."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .. import flags
from ..convention import ADJUST, PARITY
from ..cpuid import More
from ..fpu.lowering import stored, to_index
from ..instruction import Mem, Reg
from ..options import NotTranslated
from . import condition

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

_POPCNTW, _POPCNTD = 378, 506
_LOADS = {2: 790, 4: 534, 8: 532}
_STORES = {2: 918, 4: 662, 8: 660}
"""lhbrx, lwbrx, ldbrx; sthbrx, stwbrx, stdbrx."""


def popcnt(x: Context, i: Instruction) -> None:
    if i.repeat != 0xF3 or not x.options.more & More.POPCNT:
        raise NotTranslated
    target, operand = i.operands
    assert isinstance(target, Reg)
    out = x.temporary()
    value = x.read(operand) if i.size == 4 else x.read_zero_extended(operand)
    count = _POPCNTW if i.size == 4 else _POPCNTD
    x.e.words.append(31 << 26 | value << 21 | out << 16 | count << 1)
    if x.word == 8 and i.size == 4:
        x.e.rldicl(out, out, 0, 32)
    x.s.widths[out] = 8 * min(i.size, 4)
    condition.forget(x)
    if x.live:
        for field in (0, 1):
            x.e.words.append(10 << 26 | field << 23 | out << 16)  # cmplwi
        rest_is_zero(x)
    x.write(target, out)


def rest_is_zero(x: Context) -> None:
    """ZF and CF are where CR0 and CR1 say; all other flags are 0."""
    e, live = x.e, x.live
    if live & flags.P:
        e.addi(PARITY, 0, 1)
    if live & flags.N:
        e.addi(ADJUST, 0, 0)
    for piece, bit in ((flags.S, condition.CR2_LT), (flags.O, condition.CR5_LT)):
        if live & piece:
            e.crxor(bit, bit, bit)
    if live & flags.X:
        condition.carry_as(x, 1)


def movbe(x: Context, i: Instruction) -> None:
    """A load (0F 38 F0) or a store of bytes in reverse; its operand is in storage."""
    operand = i.operands[0]
    assert isinstance(operand, Mem)
    at = x.address(replace(operand, size=i.size))
    base, index = to_index(x, at)
    if i.opcode == 0x0F38F0:
        out = x.temporary()
        x.may_fail()
        x.e.x(_LOADS[i.size], out, base, index)
        x.s.widths[out] = 8 * i.size
        x.write(Reg(i.reg, i.size), out)
        return
    source = x.use(i.reg)
    x.may_fail()
    x.e.x(_STORES[i.size], source, base, index)
    stored(x, at, i.size)
