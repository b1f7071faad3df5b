"""SHL, SHR, SAR, ROL, ROR, RCL, RCR, SHLD, SHRD.

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


def shift(x: Context, i: Instruction) -> None:
    """SHL, SHR, SAR."""
    target, amount = i.operands
    if isinstance(amount, Imm):
        count = amount.value & 31
        if count:
            _by_constant(x, i, target, count)
        return
    at = place(x, target)
    a = _extended(x, i, x.read(target, at))
    count = x.temporary()
    e = x.e
    e.rlwinm(count, x.use(ECX), 0, 27, 31)
    if not x.live:
        out = x.result(target)
        {"shl": e.slw, "shr": e.srw, "sar": e.sraw}[i.name](out, a, count)
        if i.name == "sar":
            x.s.carry = 0
        finish(x, target, at, out)
        return
    out = x.temporary()
    _settle_before(x)
    wide, carry, over = x.temporary(), x.temporary(), x.temporary()
    if i.name == "shl":
        e.rldicl(wide, a, 0, 32)
        e.sld(wide, wide, count)
        e.rldicl(out, wide, 0, 32)
        e.rldicl(carry, wide, 64 - 8 * i.size, 63)
    else:
        (e.srw if i.name == "shr" else e.sraw)(out, a, count)
        e.addi(carry, count, -1)
        (e.srw if i.name == "shr" else e.sraw)(carry, a, carry)
        if i.name == "shr":
            e.rlwinm(over, carry, 33 - 8 * i.size & 31, 31, 31)
        e.rlwinm(carry, carry, 0, 31, 31)
    if i.name == "shl":
        e.rlwinm(over, out, 33 - 8 * i.size & 31, 31, 31)
        e.xor(over, over, carry)
    elif i.name == "sar":
        over = ZERO
    _skip_if_zero(x, count, i.size, out, carry, over)
    finish(x, target, at, out)


def _extended(x: Context, i: Instruction, a: int) -> int:
    """Bytes and halfwords as words; SHL does not mind what stands above."""
    if i.size == 4:
        return a
    out = x.temporary()
    if i.name == "sar":
        (x.e.extsb if i.size == 1 else x.e.extsh)(out, a)
    else:
        x.e.rlwinm(out, a, 0, 32 - 8 * i.size, 31)
    return out


def _settle_before(x: Context) -> None:
    condition.settle(x, x.before & ~X | (C if x.before & X and x.s.carry == 0 else 0))


def _skip_if_zero(
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
            e.cmpwi(0, value, 0)
        if live & (S | SIGNED):
            e.cmpwi(2, value, 0)
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
                e.rlwinm(carry, a, 32 - (bits - count) & 31, 31, 31)
            else:
                carry = ZERO
        elif i.name == "shr" and count > bits:
            carry = ZERO
        else:
            e.rlwinm(carry, a, 33 - min(count, 32) & 31, 31, 31)
        if live & (O | SIGNED) and i.name == "shr" and count == 1:
            over = x.temporary()
            e.rlwinm(over, a, 33 - bits & 31, 31, 31)
    simple = not live & ~(Z | S | C | X) and i.size == 4
    record = int(simple and bool(live & (Z | S)))
    if isinstance(target, Reg) and i.size == 4 and not live & (O | SIGNED):
        out = x.define(target.number)
    else:
        out = x.temporary()
    if i.name == "shl":
        e.rlwinm(out, a, count, 0, 31 - count, record)
    elif i.name == "sar":
        e.srawi(out, a, count, record)
    else:
        e.rlwinm(out, a, 32 - count, count, 31, record)
    if simple:
        if live & C:
            e.cmplw(1, ZERO, carry)
        x.s.sign_in_cr0 = bool(record and live & S)
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
                e.rlwinm(over, out, 33 - bits & 31, 31, 31)
                e.xor(over, over, carry)
        set_flags(x, i.size, out, carry, over, live & ~X | (C if live & X else 0), scratch)
    finish(x, target, at, out)


def rotate(x: Context, i: Instruction) -> None:
    """ROL, ROR: CF and OF alone change."""
    target, amount = i.operands
    e, size = x.e, i.size
    at = place(x, target)
    constant = amount.value & 31 if isinstance(amount, Imm) else None
    if constant == 0:
        return
    a = x.read(target, at)
    if size < 4:  # a word of copies rotates as they do
        copies = x.temporary()
        e.rlwinm(copies, a, 0, 32 - 8 * size, 31)
        if size == 1:
            e.rlwimi(copies, copies, 8, 16, 23)
        e.rlwimi(copies, copies, 16, 0, 15)
        a = copies
    wanted = x.live & (C | A | X | O | SIGNED)
    if constant is not None:
        out = x.result(target)
        turn = constant if i.name == "rol" else 32 - constant
        e.rlwinm(out, a, turn & 31, 0, 31)
        if wanted:
            _rotate_flags(x, i, out, -1)
        finish(x, target, at, out)
        return
    count = x.use(ECX)
    turn = count
    if i.name == "ror":
        turn = x.temporary()
        e.neg(turn, count)
    out = x.temporary() if wanted else x.result(target)
    e.rlwnm(out, a, turn, 0, 31)
    if wanted:
        masked = x.temporary()
        e.rlwinm(masked, count, 0, 27, 31)
        _settle_before(x)
        _rotate_flags(x, i, out, masked)
    finish(x, target, at, out)


def _rotate_flags(x: Context, i: Instruction, out: int, count: int) -> None:
    e, bits = x.e, 8 * i.size
    carry, over, scratch = x.temporary(), x.temporary(), x.temporary()
    top = 33 - bits & 31
    if i.name in ("rol", "rcl"):
        e.rlwinm(carry, out, 0, 31, 31)
        e.rlwinm(over, out, top, 31, 31)
        e.xor(over, over, carry)
    else:
        e.rlwinm(carry, out, top, 31, 31)
        e.rlwinm(over, out, top + 1 & 31, 31, 31)
        e.xor(over, over, carry)
    _carry_flags(x, i, out, carry, over, scratch, count)


def _carry_flags(
    x: Context, i: Instruction, out: int, carry: int, over: int, scratch: int, count: int
) -> None:
    live = x.live & (C | A | X | O | SIGNED)
    if count >= 0:
        _skip_if_zero(x, count, i.size, out, carry, over, rotate=True)
        return
    if live & (SIGNED | A):
        condition.settle(x, x.before & ~X)
    condition.before_carry(x)
    set_flags(x, i.size, out, carry, over, live & ~X | (C if live & X else 0), scratch, rotate=True)
    x.s.carry = 0


def rotate_through_carry(x: Context, i: Instruction) -> None:
    """RCL, RCR: the bits of the operand and CF above them turn together."""
    target, amount = i.operands
    e, bits = x.e, 8 * i.size
    at = place(x, target)
    constant = amount.value & 31 if isinstance(amount, Imm) else None
    if constant is not None:
        constant %= bits + 1
        if not constant:
            return
    a = x.read(target, at)
    condition.settle(x, x.before & ~X)
    ring, count, high, out = (x.temporary() for _ in range(4))
    e.mfcr(ring)
    e.rlwinm(ring, ring, 5, 31, 31)
    e.rldicl(out, a, 0, 64 - bits)
    e.rldimi(out, ring, bits, 63 - bits)
    e.mr(ring, out)
    if constant is None:
        e.rlwinm(count, x.use(ECX), 0, 27, 31)
        if bits < 32:
            e.addi(high, 0, bits + 1)
            e.divwu(out, count, high)
            e.mullw(out, out, high)
            e.subf(count, out, count)
    else:
        e.addi(count, 0, constant)
    e.subfic(high, count, bits + 1)
    left, right = (count, high) if i.name == "rcl" else (high, count)
    e.sld(out, ring, left)
    e.srd(ring, ring, right)
    e.or_(out, out, ring)
    carry, over, scratch = x.temporary(), x.temporary(), x.temporary()
    e.rldicl(carry, out, 64 - bits, 63)
    e.rldicl(out, out, 0, 64 - bits)
    top = 33 - bits & 31
    e.rlwinm(over, out, top, 31, 31)
    if i.name == "rcl":
        e.xor(over, over, carry)
    else:
        e.rlwinm(scratch, out, top + 1 & 31, 31, 31)
        e.xor(over, over, scratch)
    if constant is None and x.live:
        _carry_flags(x, i, out, carry, over, scratch, count)
    elif x.live & (C | A | X | O | SIGNED):
        _carry_flags(x, i, out, carry, over, scratch, -1)
    x.s.carry = 0
    finish(x, target, at, out)


def double_shift(x: Context, i: Instruction) -> None:
    """SHLD, SHRD."""
    target, source, amount = i.operands
    e, bits = x.e, 8 * i.size
    constant = amount.value & 31 if isinstance(amount, Imm) else None
    if constant == 0:
        return
    at = place(x, target)
    a, b = x.read(target, at), x.read(source)
    if constant is not None and not x.live and i.size == 4:
        out = x.temporary()
        if i.name == "shld":
            e.rlwinm(out, a, constant, 0, 31 - constant)
            e.rlwimi(out, b, constant, 32 - constant, 31)
        else:
            e.rlwinm(out, a, 32 - constant, constant, 31)
            e.rlwimi(out, b, 32 - constant, 0, constant - 1)
        condition.forget(x)
        finish(x, target, at, out)
        return
    wide, count, out = x.temporary(), x.temporary(), x.temporary()
    carry, over, scratch = x.temporary(), x.temporary(), x.temporary()
    if constant is None:
        e.rlwinm(count, x.use(ECX), 0, 27, 31)
        if x.live:
            _settle_before(x)
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
            _skip_if_zero(x, count, i.size, out, carry, over)
        else:
            live = x.live & ~X | (C if x.live & X else 0)
            set_flags(x, i.size, out, carry, over, live, scratch)
    finish(x, target, at, out)


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
