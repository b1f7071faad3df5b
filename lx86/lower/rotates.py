"""ROL, ROR, RCL, RCR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..flags import SIGNED, A, C, O, X
from ..instruction import ECX, Imm
from . import condition
from .arithmetic import finish, place
from .shifts import bit, most, set_flags, settle_before, skip_if_zero, unchanged

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction


def rotate(x: Context, i: Instruction) -> None:
    """ROL, ROR: CF and OF alone change."""
    target, amount = i.operands
    e, size = x.e, i.size
    at = place(x, target)
    constant = amount.value & most(i) if isinstance(amount, Imm) else None
    if constant == 0:
        unchanged(x, target)
        return
    a = x.read(target, at)
    if size < 4:  # a word of copies rotates as they do
        copies = x.temporary()
        e.rlwinm(copies, a, 0, 32 - 8 * size, 31)
        if size == 1:
            e.rlwimi(copies, copies, 8, 16, 23)
        e.rlwimi(copies, copies, 16, 0, 15)
        x.release(a)
        a = copies
    wanted = x.live & (C | A | X | O | SIGNED)
    if constant is not None:
        out = x.result(target)
        turn = constant if i.name == "rol" else -constant
        if size == 8:
            e.rldicl(out, a, turn & 63, 0)
        else:
            e.rlwinm(out, a, turn & 31, 0, 31)
            x.s.widths[out] = 32
        if wanted:
            _rotate_flags(x, i, out, -1)
        finish(x, target, at, out)
        return
    count = x.use_low(ECX)
    turn = count
    if i.name == "ror":
        turn = x.temporary()
        e.neg(turn, count)
    out = x.temporary() if wanted else x.result(target)
    if size == 8:
        e.rldcl(out, a, turn, 0)
    else:
        e.rlwnm(out, a, turn, 0, 31)
        x.s.widths[out] = 32
    if turn != count:
        x.release(turn)
    if wanted:
        masked = x.temporary()
        e.rlwinm(masked, count, 0, 26 if size == 8 else 27, 31)
        settle_before(x)
        _rotate_flags(x, i, out, masked)
    finish(x, target, at, out)


def _rotate_flags(x: Context, i: Instruction, out: int, count: int) -> None:
    e, bits = x.e, 8 * i.size
    carry, over, scratch = x.temporary(), x.temporary(), x.temporary()
    if i.name in ("rol", "rcl"):
        bit(x, carry, out, 0)
        bit(x, over, out, bits - 1)
    else:
        bit(x, carry, out, bits - 1)
        bit(x, over, out, bits - 2)
    e.xor(over, over, carry)
    _carry_flags(x, i, out, carry, over, scratch, count)


def _carry_flags(
    x: Context, i: Instruction, out: int, carry: int, over: int, scratch: int, count: int
) -> None:
    live = x.live & (C | A | X | O | SIGNED)
    if count >= 0:
        skip_if_zero(x, count, i.size, out, carry, over, rotate=True)
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
            unchanged(x, target)
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
    bit(x, over, out, bits - 1)
    if i.name == "rcl":
        e.xor(over, over, carry)
    else:
        bit(x, scratch, out, bits - 2)
        e.xor(over, over, scratch)
    if constant is None and x.live:
        _carry_flags(x, i, out, carry, over, scratch, count)
    elif x.live & (C | A | X | O | SIGNED):
        _carry_flags(x, i, out, carry, over, scratch, -1)
    x.s.carry = 0
    finish(x, target, at, out)
