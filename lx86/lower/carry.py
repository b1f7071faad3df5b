"""ADC and SBB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..convention import ADJUST, FIRST, PARITY
from ..flags import N, P, S, X, Z
from ..instruction import Imm, Mem, Reg
from . import condition
from .arithmetic import finish, place, shifted

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

_ADDEO, _SUBFEO = 650, 648


def adc(x: Context, i: Instruction) -> None:
    _with_carry(x, i, subtract=False)


def sbb(x: Context, i: Instruction) -> None:
    _with_carry(x, i, subtract=True)


def _with_carry(x: Context, i: Instruction, *, subtract: bool) -> None:
    target, source = i.operands
    e, live, size = x.e, x.live, i.size
    at = place(x, target)
    a = x.read(target, at)
    if isinstance(target, Mem):
        assert at is not None
        x.store(a, at, target.size)  # so that what may fail fails before the carry is used up
    immediate = source.value if isinstance(source, Imm) else None
    shift = x.bits - 8 * size
    if shift:
        whole, a = a, shifted(x, a, shift)
        x.release(whole)
        if immediate is not None:
            b = x.constant(immediate << shift)
        else:
            whole = x.read(source)
            b = shifted(x, whole, shift)
            x.release(whole)
        if not subtract:  # the carry comes in above ones
            filled = x.temporary()
            if x.word == 4:
                e.li(filled, (1 << shift) - 1)
            else:
                e.addi(filled, 0, -1)
                e.rldicl(filled, filled, 0, 64 - shift)
            e.or_(filled, filled, b)
            b = filled
    else:
        b = x.constant(immediate) if immediate is not None else x.read(source)
    adjust = -1
    if live & N:
        adjust = x.temporary()
        e.xor(adjust, a, b)
    condition.carry_as(x, 2 if subtract else 1)
    out = FIRST + target.number if isinstance(target, Reg) and not shift else -1
    in_place = out >= 0 and isinstance(target, Reg) and x.s.values[target.number] == (out, 0)
    if in_place and isinstance(target, Reg):
        x.define(target.number)
    else:
        out = x.temporary()
    rest = live & ~(P | N)
    x.s.zero_in_cr1 = x.s.sign_in_cr0 = False
    narrow = x.temporary() if shift else -1
    operands = (out, b, a) if subtract else (out, a, b)
    if rest & ~(X | Z | S):
        e.x(_SUBFEO if subtract else _ADDEO, *operands, 1)
        _narrow_zero(x, narrow, out, shift)
        condition.overflow_and_carry(x, rest, subtract)
    else:
        e.x(136 if subtract else 138, *operands, int(bool(rest & (Z | S))))
        _narrow_zero(x, narrow, out, shift)
        x.s.sign_in_cr0 = bool(rest & S)
    x.s.carry = 0 if not live & X else 2 if subtract else 1
    if live & N:
        e.xor(ADJUST, adjust, out)
        if shift:
            x.shifted_right(ADJUST, ADJUST, shift)
    if shift:
        out = narrow
        x.s.widths[out] = 8 * size
    if live & P:
        e.mr(PARITY, out)
    finish(x, target, at, out)


def _narrow_zero(x: Context, narrow: int, out: int, shift: int) -> None:
    """What stands below a byte or halfword at the word's upper end does not count for ZF."""
    if narrow >= 0:
        x.shifted_right(narrow, out, shift)
        x.e.cmpwi(7, narrow, 0)
        x.e.crmove(condition.CR0_EQ, condition.CR7_EQ)
