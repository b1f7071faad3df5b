"""PCMPESTRM, PCMPESTRI, PCMPISTRM and PCMPISTRI (SDM volume 2, 4.1), in two halves.

What the vectors say of each element becomes a bit in a general register; what becomes of those,
index, mask and flags, is the work of general registers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import flags
from ..convention import ADJUST, PARITY, ZERO
from ..instruction import EAX, ECX, EDX, Imm, Reg
from ..lower import condition
from . import patterns, vsx
from .known import GENERAL, XMM
from .lower_masks import gather
from .lowering import SCRATCH_VR, ZERO_VR, full, set_form, to_general
from .patterns import Pattern

if TYPE_CHECKING:
    from ..context import Context
    from ..emitter import Emitter
    from ..instruction import Instruction

_ZERO = ZERO_VR + 32
_T, _U, _FOUND, _SET, _SIGNS = (SCRATCH_VR + n for n in range(1, 6))
_EQUAL = {8: 6, 16: 70}
_SPLAT = {8: 524, 16: 588, 32: 652}
_GREATER = {8: 518, 16: 582}
_GREATER_SIGNED = {8: 774, 16: 838}
"""vcmpequ, vsplt, vcmpgtu and vcmpgts, by the width of elements."""
_WORDS, _SIGNED, _NEGATIVE, _VALID_ALONE, _LAST = 1, 2, 0x10, 0x20, 0x40
"""Bits of the immediate byte; the last one asks for a mask of elements where there is no index."""
_ANY_OF, _RANGES, _EACH, _ORDERED = range(4)


@dataclass(frozen=True, slots=True)
class _Strings:
    """Both operands, and general registers with a one for each element before the string's end."""

    order: int
    a: int
    b: int
    valid_a: int
    valid_b: int
    width: int

    @property
    def count(self) -> int:
        return 128 // self.width

    def place(self, lane: int) -> int:
        return lane ^ self.count // 2 - 1


def lower(x: Context, i: Instruction) -> bool:
    """False: it is none of these, or looks for one string in the other."""
    operand = i.operands[-1] if i.operands else None
    if not 0xF3A60 <= i.opcode <= 0xF3A63 or not isinstance(operand, Imm):
        return False
    order = operand.value & 0xFF
    if order >> 2 & 3 == _ORDERED:
        return False
    b, a = full(x, i), to_general(x, i.reg)
    width = 16 if order & _WORDS else 8
    patterns.load(x.e, _SIGNS, Pattern.SIGNS_16 if order & _WORDS else Pattern.SIGNS_8)
    if i.opcode < 0xF3A62:
        valid = [_counted(x, number, i.size == 8, 128 // width) for number in (EAX, EDX)]
    else:
        valid = [_until_zero(x, source, width) for source in (a, b)]
    s = _Strings(order, a, b, valid[0], valid[1], width)
    condition.forget(x)
    found = _compared(x, s)
    _tell(x, s, found)
    if not i.opcode & 1:
        _store_mask(x, s, found)
    else:
        _store_index(x, s, found)
    return True


def _v(e: Emitter, extended: int, t: int, a: int, b: int) -> None:
    """Of VSRs 32 to 63, by their numbers as such."""
    vsx.vector(e, extended, t - 32, a - 32, b - 32)


def _splat(e: Emitter, width: int, t: int, b: int, place: int) -> None:
    vsx.vector(e, _SPLAT[width], t - 32, place, b - 32)


def _counted(x: Context, number: int, long: bool, count: int) -> int:
    """By the length in a register, whose sign does not matter."""
    e, value = x.e, x.read(Reg(number, 8 if long else 4))
    bits, sign = x.temporary(), x.temporary()
    if long:
        e.sradi(sign, value, 63)
    else:
        e.srawi(sign, value, 31)
    e.xor(bits, value, sign)
    e.subf(bits, sign, bits)
    (e.cmpldi if long else e.cmplwi)(7, bits, count)
    every = sign
    e.addi(every, 0, -1)
    e.slw(bits, every, bits)
    e.nor(bits, bits, bits)
    e.isel(bits, bits, every, condition.CR7_LT)
    x.release(sign)
    return bits


def _until_zero(x: Context, source: int, width: int) -> int:
    e, bits, less = x.e, x.temporary(), x.temporary()
    _v(e, _EQUAL[width], _T, source, _ZERO)
    gather(e, bits, _T, _SIGNS, _T)
    e.addi(less, bits, -1)
    e.andc(bits, less, bits)
    x.release(less)
    return bits


# -- comparing -----------------------------------------------------------------------------


def _compared(x: Context, s: _Strings) -> int:
    """A general register with a bit for each element of the second string."""
    e, found, t = x.e, x.temporary(), x.temporary()
    how = s.order >> 2 & 3
    if how == _EACH:
        _v(e, _EQUAL[s.width], _T, s.a, s.b)
        gather(e, found, _T, _SIGNS, _T)
        e.and_(t, s.valid_a, s.valid_b)
        e.and_(found, found, t)
        e.nor(t, s.valid_a, s.valid_b)
        e.or_(found, found, t)
    else:
        if how == _ANY_OF:
            _any_of(e, s)
        else:
            _in_ranges(e, s, t)
        gather(e, found, _FOUND, _SIGNS, _FOUND)
        e.rlwinm(t, s.valid_a, 31 if how == _RANGES else 0, 31, 31)
        e.neg(t, t)
        e.and_(found, found, t)
        e.and_(found, found, s.valid_b)
    if s.order & _NEGATIVE:
        if s.order & _VALID_ALONE:
            e.xor(found, found, s.valid_b)
        else:
            e.nor(found, found, found)
    e.rlwinm(found, found, 0, 32 - s.count, 31)
    x.release(t)
    return found


def _fill(e: Emitter, s: _Strings, valid: int, unit: int) -> None:
    """Into `_SET` the first operand; what is not valid of it is as its first `unit` bits are."""
    _spread(e, s.width, _T, valid)
    _splat(e, unit, _U, s.a, 64 // unit - 1)
    vsx.select(e, _SET, _U, s.a, _T)


def _spread(e: Emitter, width: int, target: int, bits: int) -> None:
    """Elements of ones or zeros, by the bits of a general register; `_U` and `_FOUND` are used."""
    vsx.indexed(e, vsx.MTVSRD, _U, bits, 0)
    _splat(e, 8, target, _U, 7)
    if width == 8:
        _splat(e, 8, _U, _U, 6)
        vsx.permute_doublewords(e, target, target, _U, 0)
    patterns.load(e, _FOUND, Pattern.BITS_8 if width == 8 else Pattern.BITS_16)
    vsx.xx3(e, vsx.XXLAND, target, target, _FOUND)
    _v(e, _EQUAL[width], target, target, _FOUND)


def _any_of(e: Emitter, s: _Strings) -> None:
    _fill(e, s, s.valid_a, s.width)
    for lane in range(s.count):
        target = _T if lane else _FOUND
        _splat(e, s.width, target, _SET, s.place(lane))
        _v(e, _EQUAL[s.width], target, target, s.b)
        if lane:
            vsx.xx3(e, vsx.XXLOR, _FOUND, _FOUND, _T)


def _in_ranges(e: Emitter, s: _Strings, t: int) -> None:
    e.rlwinm(t, s.valid_a, 31, 1, 31)
    e.andi_(t, t, 0x5555)
    e.rlwinm(0, t, 1, 0, 30)
    e.or_(t, t, 0)
    _fill(e, s, t, 2 * s.width)
    greater = (_GREATER_SIGNED if s.order & _SIGNED else _GREATER)[s.width]
    for lane in range(0, s.count, 2):
        _splat(e, s.width, _T, _SET, s.place(lane))
        _splat(e, s.width, _U, _SET, s.place(lane + 1))
        _v(e, greater, _T, _T, s.b)
        _v(e, greater, _U, s.b, _U)
        if lane:
            vsx.xx3(e, vsx.XXLNOR, _T, _T, _U)
            vsx.xx3(e, vsx.XXLOR, _FOUND, _FOUND, _T)
        else:
            vsx.xx3(e, vsx.XXLNOR, _FOUND, _T, _U)


# -- what becomes of it --------------------------------------------------------------------


def _tell(x: Context, s: _Strings, found: int) -> None:
    """The flags that are wanted: CF if anything was found, ZF and SF where strings end."""
    e, live = x.e, x.live
    if live & flags.P:
        e.addi(PARITY, 0, 1)
    if live & flags.N:
        e.addi(ADJUST, 0, 0)
    if live & (flags.Z | flags.G | flags.A):
        _ends(x, condition.CR0_EQ, s.valid_b, s.count)
    if live & (flags.S | flags.SIGNED):
        _ends(x, condition.CR2_LT, s.valid_a, s.count)
    if live & (flags.C | flags.A | flags.X):
        e.cmplwi(7, found, 0)
        e.crmove(condition.CR1_LT, condition.CR7_GT)
    if live & flags.A:
        e.crnor(condition.CR1_GT, condition.CR1_LT, condition.CR0_EQ)
    if live & (flags.O | flags.SIGNED):
        _sign(x, 5, found, 1)
    if live & flags.SIGNED:
        e.crxor(0, condition.CR2_LT, condition.CR5_LT)
        e.crnor(1, condition.CR0_EQ, 0)
    if live & flags.X:
        condition.carry_as(x, 1)


def _ends(x: Context, bit: int, valid: int, count: int) -> None:
    """Whether the last element is not valid."""
    _sign(x, 7, valid, count)
    x.e.crnor(bit, condition.CR7_LT, condition.CR7_LT)


def _sign(x: Context, field: int, bits: int, number: int) -> None:
    """Of a field, LT: bit `number` of a general register, from the right, the first being 1."""
    t = x.temporary()
    x.e.rlwinm(t, bits, 32 - number, 0, 0)
    x.e.cmpwi(field, t, 0)
    x.release(t)


def _store_index(x: Context, s: _Strings, found: int) -> None:
    e, out = x.e, x.temporary()
    if s.order & _LAST:
        none = x.constant(s.count)
        e.cmplwi(7, found, 0)
        e.cntlzw(out, found)
        e.subfic(out, out, 31)
        e.isel(out, none, out, condition.CR7_EQ)
    else:
        (e.oris if s.count == 16 else e.ori)(out, found, 1 if s.count == 16 else 1 << 8)
        e.cnttzw(out, out)
    x.s.widths[out] = 8
    x.write(Reg(ECX, 4), out)


def _store_mask(x: Context, s: _Strings, found: int) -> None:
    """Into XMM0."""
    if s.order & _LAST:
        _spread(x.e, s.width, XMM, found)
    else:
        vsx.indexed(x.e, vsx.MTVSRDD, XMM, found, ZERO)
    set_form(x, 0, GENERAL)
