"""MUL, IMUL, DIV, IDIV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..convention import ONE
from ..emitter import fits
from ..flags import C, X
from ..instruction import EAX, EDX, Imm, Reg
from . import condition
from .shifts import set_flags

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction


def _extended(x: Context, register: int, size: int, sign: bool) -> int:
    """An operand as a doubleword."""
    out = x.temporary()
    e = x.e
    if size == 4:
        if sign:
            e.extsw(out, register)
        else:
            e.rldicl(out, register, 0, 32)
    elif sign:
        (e.extsb if size == 1 else e.extsh)(out, register)
    else:
        e.rlwinm(out, register, 0, 32 - 8 * size, 31)
    return out


def multiply(x: Context, i: Instruction) -> None:
    """MUL and IMUL with one operand: twice as long a result in EDX:EAX, DX:AX or AX."""
    source = i.operands[0]
    sign = i.name == "imul"
    e = x.e
    b = x.read(source)
    a = x.use(EAX) if i.size == 8 else x.use_low(EAX)
    if i.size == 8:
        _multiply_doublewords(x, a, b, sign)
        return
    if i.size == 4 == x.word and not x.live:
        high = x.temporary()
        (e.mulhw if sign else e.mulhwu)(high, a, b)
        e.mullw(x.define(EAX), a, b)
        x.write(Reg(EDX, 4), high)
        condition.forget(x)
        return
    left, right = _extended(x, a, i.size, sign), _extended(x, b, i.size, sign)
    product = x.temporary()
    e.mulld(product, left, right)
    x.release(left, right)
    if x.live:
        _flags(x, i, product, sign)
    else:
        condition.forget(x)
    if i.size == 1:
        x.write(Reg(EAX, 2), product)
    elif i.size == 2:
        high = x.temporary()
        e.rlwinm(high, product, 16, 16, 31)
        x.write(Reg(EAX, 2), product)
        x.write(Reg(EDX, 2), high)
    else:
        high = x.temporary()
        e.rldicl(high, product, 32, 32)
        x.s.widths[high] = 32
        if x.word == 4:
            e.mr(x.define(EAX), product)
        else:
            x.write(Reg(EAX, 4), product)
        x.write(Reg(EDX, 4), high)


def _multiply_doublewords(x: Context, a: int, b: int, sign: bool) -> None:
    e = x.e
    low, high = x.temporary(), x.temporary()
    (e.mulhd if sign else e.mulhdu)(high, a, b)
    e.mulld(low, a, b)
    if x.live:
        _doubleword_flags(x, low, high, sign)
    else:
        condition.forget(x)
    x.write(Reg(EAX, 8), low)
    x.write(Reg(EDX, 8), high)


def _doubleword_flags(x: Context, low: int, high: int, sign: bool) -> None:
    e = x.e
    lost, carry, scratch = high, x.temporary(), x.temporary()
    if sign:
        lost = scratch
        e.rldicl(lost, low, 1, 63)
        e.add(lost, lost, high)  # of a sign that goes on, 0
    e.cmpdi(7, lost, 0)
    e.isel(carry, 0, ONE, condition.CR7_EQ)
    live = x.live
    condition.forget(x)
    set_flags(x, 8, low, carry, carry, live & ~X | (C if live & X else 0), scratch)


def _flags(x: Context, i: Instruction, product: int, sign: bool) -> None:
    """CF = OF = whether the upper half says anything; the others as processors have them."""
    e, size = x.e, i.size
    lost, scratch, carry = x.temporary(), x.temporary(), x.temporary()
    if not sign:
        e.rldicl(lost, product, 0, 64 - 8 * size)
    elif size == 4:
        e.extsw(lost, product)
    else:
        (e.extsb if size == 1 else e.extsh)(lost, product)
    e.xor(lost, lost, product)
    e.cmpdi(7, lost, 0)
    e.isel(carry, 0, ONE, condition.CR7_EQ)
    live = x.live
    condition.forget(x)
    set_flags(x, size, product, carry, carry, live & ~X | (C if live & X else 0), scratch)


def imul(x: Context, i: Instruction) -> None:
    if len(i.operands) == 1:
        multiply(x, i)
        return
    e = x.e
    target, source = i.operands[:2]
    assert isinstance(target, Reg)
    factor = i.operands[2] if len(i.operands) == 3 else None
    a = x.read(source)
    if isinstance(factor, Imm) and fits(factor.value) and not x.live:
        out = x.result(target)
        e.mulli(out, a, factor.value)
        condition.forget(x)
        x.write(target, out)
        return
    b = x.constant(factor.value) if isinstance(factor, Imm) else x.read(target)
    if x.live and i.size == 8:
        low, high = x.temporary(), x.temporary()
        e.mulhd(high, a, b)
        e.mulld(low, a, b)
        _doubleword_flags(x, low, high, True)
        x.write(target, low)
        return
    if x.live:
        left, right = _extended(x, a, i.size, True), _extended(x, b, i.size, True)
        out = x.temporary()
        e.mulld(out, left, right)
        x.release(left, right)
        _flags(x, i, out, True)
        x.write(target, out)
        return
    out = x.result(target)
    (e.mulld if i.size == 8 else e.mullw)(out, a, b)
    condition.forget(x)
    x.write(target, out)


def divide(x: Context, i: Instruction) -> None:
    """DIV and IDIV: a divisor of zero, or a quotient that is too large, is a divide error."""
    source = i.operands[0]
    sign, size, e = i.name == "idiv", i.size, x.e
    if size == 8:
        _divide_doublewords(x, x.read(source), sign)
        return
    divisor = _extended(x, x.read(source), size, sign)
    dividend, quotient, rest = x.temporary(), x.temporary(), x.temporary()
    if size == 1:
        low = x.use_low(EAX)
        (e.extsh(dividend, low) if sign else e.rlwinm(dividend, low, 0, 16, 31))
    elif size == 2:
        low, high = x.use_low(EAX), x.use_low(EDX)
        e.rlwinm(dividend, low, 0, 16, 31)
        e.rlwimi(dividend, high, 16, 0, 15)
        if sign:
            e.extsw(dividend, dividend)
        else:
            e.rldicl(dividend, dividend, 0, 32)
    else:
        low, high = x.use_low(EAX), x.use_low(EDX)
        e.rldicl(dividend, low, 0, 32)
        e.rldimi(dividend, high, 32, 0)
    x.may_fail()
    if not sign and size == 4:
        e.tw(5, high, divisor)  # also where it is zero
    else:
        e.twi(4, divisor, 0)
    (e.divd if sign else e.divdu)(quotient, dividend, divisor)
    if sign or size < 4:
        _check_quotient(x, quotient, size, sign)
    e.mulld(rest, quotient, divisor)
    e.subf(rest, rest, dividend)
    if size == 1:
        e.rlwimi(quotient, rest, 8, 16, 23)
        x.write(Reg(EAX, 2), quotient)
    elif size == 2:
        x.write(Reg(EAX, 2), quotient)
        x.write(Reg(EDX, 2), rest)
    else:
        if x.word == 4:
            e.mr(x.define(EAX), quotient)
        else:
            x.write(Reg(EAX, 4), quotient)
        x.write(Reg(EDX, 4), rest)


def _divide_doublewords(x: Context, divisor: int, sign: bool) -> None:
    """A dividend of 64 bits, as compilers have it; others trap, and the host divides."""
    e = x.e
    low, high = x.use(EAX), x.use(EDX)
    quotient, rest = x.temporary(), x.temporary()
    recovery = x.recovery()
    if sign:
        e.rldicl(rest, low, 1, 63)
        e.neg(rest, rest)
        x.may_fail(recovery)
        e.td(24, high, rest)
        x.may_fail(recovery)
        e.tdi(4, divisor, -1)  # of the smallest number there is no quotient
    else:
        x.may_fail(recovery)
        e.tdi(24, high, 0)
    x.may_fail(recovery)
    e.tdi(4, divisor, 0)
    (e.divd if sign else e.divdu)(quotient, low, divisor)
    e.mulld(rest, quotient, divisor)
    e.subf(rest, rest, low)
    x.write(Reg(EAX, 8), quotient)
    x.write(Reg(EDX, 8), rest)


def _check_quotient(x: Context, quotient: int, size: int, sign: bool) -> None:
    e = x.e
    cut = x.temporary()
    if sign and size == 4:
        e.extsw(cut, quotient)
    elif sign:
        (e.extsb if size == 1 else e.extsh)(cut, quotient)
    else:
        e.rldicl(cut, quotient, 0, 64 - 8 * size)
    x.may_fail()
    e.x(68, 24, cut, quotient)  # td: not equal
