"""SHLD, SHRD."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..flags import C, X
from ..instruction import ECX, Imm
from . import condition
from .arithmetic import finish, place
from .shifts import most, set_flags, settle_before, skip_if_zero, unchanged

if TYPE_CHECKING:
    from ..addresses import Address
    from ..context import Context
    from ..instruction import Instruction


def double_shift(x: Context, i: Instruction) -> None:
    """SHLD, SHRD."""
    target, source, amount = i.operands
    e, bits = x.e, 8 * i.size
    constant = amount.value & most(i) if isinstance(amount, Imm) else None
    if constant == 0:
        unchanged(x, target)
        return
    at = place(x, target)
    a, b = x.read(target, at), x.read(source)
    if i.size == 8:
        _double_shift_doublewords(x, i, at, a, b, constant)
        return
    if constant is not None and not x.live and i.size == 4:
        out = x.temporary()
        if i.name == "shld":
            e.rlwinm(out, a, constant, 0, 31 - constant)
            e.rlwimi(out, b, constant, 32 - constant, 31)
        else:
            e.rlwinm(out, a, 32 - constant, constant, 31)
            e.rlwimi(out, b, 32 - constant, 0, constant - 1)
        x.s.widths[out] = 32
        condition.forget(x)
        finish(x, target, at, out)
        return
    wide, count, out = x.temporary(), x.temporary(), x.temporary()
    carry, over, scratch = x.temporary(), x.temporary(), x.temporary()
    if constant is None:
        e.rlwinm(count, x.use(ECX), 0, 27, 31)
        if x.live:
            settle_before(x)
    else:
        e.addi(count, 0, constant)
        condition.forget(x)
    left = i.name == "shld"
    _together(x, wide, a, b, bits, left)
    if left:
        e.sld(wide, wide, count)
        # Of 32 bits the first that leaves is lost at the top: it is A's own.
        e.rldicl(out, wide, 32, 32)
        if bits == 32:
            e.subfic(carry, count, 32)
            e.srw(carry, a, carry)
            e.rlwinm(carry, carry, 0, 31, 31)
        else:
            e.rldicl(carry, wide, 16, 63)
    else:
        e.srd(out, wide, count)
        e.addi(carry, count, -1)
        e.rlwinm(carry, carry, 0, 27, 31)
        e.srd(carry, wide, carry)
        e.rlwinm(carry, carry, 0, 31, 31)
    e.xor(over, out, a)
    e.rlwinm(over, over, 33 - bits & 31, 31, 31)
    if x.live:
        if constant is None:
            skip_if_zero(x, count, i.size, out, carry, over)
        else:
            live = x.live & ~X | (C if x.live & X else 0)
            set_flags(x, i.size, out, carry, over, live, scratch)
    finish(x, target, at, out)


def _double_shift_doublewords(
    x: Context, i: Instruction, at: Address | None, a: int, b: int, constant: int | None
) -> None:
    e, left = x.e, i.name == "shld"
    count, out, carry, over = (x.temporary() for _ in range(4))
    if constant is None:
        e.rlwinm(count, x.use(ECX), 0, 26, 31)
        if x.live:
            settle_before(x)
    else:
        e.addi(count, 0, constant)
        condition.forget(x)
    e.subfic(over, count, 64) if not x.s.carry else _difference(x, over, count)
    (e.srd if left else e.sld)(over, b, over)
    (e.sld if left else e.srd)(out, a, count)
    e.or_(out, out, over)
    if x.live:
        if left:
            e.rldcl(carry, a, count, 63)
        else:
            e.addi(carry, count, -1)
            e.srd(carry, a, carry)
            e.rlwinm(carry, carry, 0, 31, 31)
        e.xor(over, out, a)
        e.rldicl(over, over, 1, 63)
        if constant is None:
            skip_if_zero(x, count, 8, out, carry, over)
        else:
            live = x.live & ~X | (C if x.live & X else 0)
            set_flags(x, 8, out, carry, over, live, count)
    finish(x, i.operands[0], at, out)


def _difference(x: Context, out: int, count: int) -> None:
    """64 - count, without a change to CA."""
    x.e.neg(out, count)
    x.e.addi(out, out, 64)


def _together(x: Context, wide: int, a: int, b: int, bits: int, left: bool) -> None:
    """Both operands in one doubleword, as the shift sees them."""
    e = x.e
    if bits == 32:
        high, low = (a, b) if left else (b, a)
        e.rldicl(wide, low, 0, 32)
        e.rldimi(wide, high, 32, 0)
    else:  # a, b, a: counts above 16 turn
        e.rldicl(wide, a, 0, 48)
        e.rldimi(wide, b, 16, 32)
        e.rldimi(wide, a, 32, 16)
