"""SHL, SHR, SAR, and what rotates and double shifts have in common with them.

A count of zero leaves all flags as they are (SDM volume 2).  Where a count in CL could be zero and
flags are wanted, they are brought to their usual places and their computation is branched around.
OF for counts other than 1 is undefined; it is what processors make of it, that of the last step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..convention import ADJUST, PARITY, ZERO
from ..emitter import Label
from ..flags import SIGNED, UNSIGNED, A, C, G, N, O, P, S, X, Z
from ..instruction import ECX, Imm, Reg
from . import condition
from .arithmetic import finish, place

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction, Operand


def most(i: Instruction) -> int:
    """The largest count, as a mask."""
    return 63 if i.size == 8 else 31


def bit(x: Context, out: int, a: int, number: int) -> None:
    """Bit `number` of `a`, from the lowest, alone."""
    if number < 32:
        x.e.rlwinm(out, a, 32 - number & 31, 31, 31)
    else:
        x.e.rldicl(out, a, 64 - number, 63)


def unchanged(x: Context, target: Operand) -> None:
    """Where the count is zero; 32 bits of 64 are zero-extended all the same."""
    if isinstance(target, Reg) and target.size == 4:
        x.write(target, x.read(target))


def shift(x: Context, i: Instruction) -> None:
    """SHL, SHR, SAR."""
    target, amount = i.operands
    if isinstance(amount, Imm):
        count = amount.value & most(i)
        if count:
            _by_constant(x, i, target, count)
        else:
            unchanged(x, target)
        return
    at = place(x, target)
    a = _extended(x, i, x.read(target, at))
    count = x.temporary()
    e, long = x.e, i.size == 8
    e.rlwinm(count, x.use_low(ECX), 0, 26 if long else 27, 31)
    right = (e.srd if long else e.srw) if i.name == "shr" else (e.srad if long else e.sraw)
    if not x.live:
        out = x.result(target)
        (right if i.name != "shl" else e.sld if long else e.slw)(out, a, count)
        if i.name != "sar" and i.size == 4:
            x.s.widths[out] = 32
        if i.name == "sar":
            x.s.carry = 0
        finish(x, target, at, out)
        return
    out = x.temporary()
    settle_before(x)
    wide, carry, over = x.temporary(), x.temporary(), x.temporary()
    if i.name == "shl" and long:
        e.sld(out, a, count)
        e.rldcl(carry, a, count, 63)
    elif i.name == "shl":
        e.rldicl(wide, a, 0, 32)
        e.sld(wide, wide, count)
        e.rldicl(out, wide, 0, 32)
        e.rldicl(carry, wide, 64 - 8 * i.size, 63)
    else:
        right(out, a, count)
        e.addi(carry, count, -1)
        right(carry, a, carry)
        if i.name == "shr":
            bit(x, over, carry, 8 * i.size - 1)
        e.rlwinm(carry, carry, 0, 31, 31)
    if i.name == "shl":
        bit(x, over, out, 8 * i.size - 1)
        e.xor(over, over, carry)
    elif i.name == "sar":
        over = ZERO
    skip_if_zero(x, count, i.size, out, carry, over)
    finish(x, target, at, out)


def _extended(x: Context, i: Instruction, a: int) -> int:
    """Bytes and halfwords as words; SHL does not mind what stands above."""
    if i.size >= 4:
        return a
    out = x.temporary()
    if i.name == "sar":
        (x.e.extsb if i.size == 1 else x.e.extsh)(out, a)
    else:
        x.e.rlwinm(out, a, 0, 32 - 8 * i.size, 31)
    return out


def settle_before(x: Context) -> None:
    condition.settle(x, x.before & ~X | (C if x.before & X and x.s.carry == 0 else 0))


def skip_if_zero(
    x: Context, count: int, size: int, out: int, carry: int, over: int, rotate: bool = False
) -> None:
    """The flags of a shift by a register; `carry` and `over` hold CF and OF in their lowest bit.

    `count` is no longer needed afterwards.
    """
    scratch = count
    end = Label()
    x.e.cmpwi(7, count, 0)
    x.e.bc(12, condition.CR7_EQ, end)
    live = x.live | (C if x.live & X else 0)
    set_flags(x, size, out, carry, over, live & ~X, scratch, rotate)
    x.e.place(end)
    x.s.carry = 0


def set_flags(
    x: Context, size: int, out: int, carry: int, over: int, live: int, scratch: int,
    rotate: bool = False,
) -> None:  # fmt: skip
    """All pieces of `live` to their usual places."""
    e = x.e
    if live & UNSIGNED:
        e.cmplw(1, ZERO, carry)
    if live & (O | SIGNED):
        e.neg(scratch, over)
        e.cmpwi(5, scratch, 0)
    if not rotate:
        value = out
        if size < 4:
            (e.extsb if size == 1 else e.extsh)(scratch, out)
            value = scratch
        if live & (Z | A | SIGNED):
            x.compare_zero(0, value, size)
        if live & (S | SIGNED):
            x.compare_zero(2, value, size)
        if live & P:
            e.mr(PARITY, out)
        if live & N:
            e.addi(ADJUST, 0, 0)
    if live & SIGNED:
        e.crxor(0, 8, condition.CR5_LT)
        if live & G:
            e.crnor(1, 0, condition.CR0_EQ)
    if live & A:
        e.crnor(condition.CR1_GT, condition.CR1_LT, condition.CR0_EQ)


def _by_constant(x: Context, i: Instruction, target: Operand, count: int) -> None:
    at = place(x, target)
    a = _extended(x, i, x.read(target, at))
    live, e, bits = x.live, x.e, 8 * i.size
    condition.forget(x)
    carry = over = -1
    if live & (C | A | X | O | SIGNED):
        carry = x.temporary()
        if i.name == "shl":  # the bit that leaves last
            if count <= bits:
                bit(x, carry, a, bits - count)
            else:
                carry = ZERO
        elif i.name == "shr" and count > bits:
            carry = ZERO
        else:
            bit(x, carry, a, min(count, max(bits, 32)) - 1)
        if live & (O | SIGNED) and i.name == "shr" and count == 1:
            over = x.temporary()
            bit(x, over, a, bits - 1)
    simple = not live & ~(Z | S | C | X) and i.size >= 4
    compares = simple and bool(live & (Z | S))
    half = i.size == 4 < x.word
    # In 64-bit mode the sign of 32 bits is not that of a record form.
    record = int(compares and not (half and live & S and i.name != "sar"))
    if isinstance(target, Reg) and i.size >= 4 and not live & (O | SIGNED):
        out = x.result(target)
    else:
        out = x.temporary()
    if i.size == 8:
        if i.name == "sar":
            e.sradi(out, a, count, record)
        else:
            (x.shifted_left if i.name == "shl" else x.shifted_right)(out, a, count, record)
    elif i.name == "shl":
        e.rlwinm(out, a, count, 0, 31 - count, record)
    elif i.name == "sar":
        e.srawi(out, a, count, record)
    else:
        e.rlwinm(out, a, 32 - count, count, 31, record)
    if half and i.name != "sar":
        x.s.widths[out] = 32
    if compares and not record:
        e.cmpwi(0, out, 0)
    if simple:
        if live & C:
            e.cmplw(1, ZERO, carry)
        x.s.sign_in_cr0 = bool(compares and live & S)
        if live & X:
            scratch = x.temporary()
            e.addic(scratch, carry, -1)
            x.s.carry = 1
    elif live:
        scratch = x.temporary()
        if over < 0 and live & (O | SIGNED):
            over = ZERO
            if i.name == "shl":
                over = x.temporary()
                bit(x, over, out, bits - 1)
                e.xor(over, over, carry)
        set_flags(x, i.size, out, carry, over, live & ~X | (C if live & X else 0), scratch)
    finish(x, target, at, out)
