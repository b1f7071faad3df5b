"""BT and its kin, BSF, BSR, CMPXCHG, CMPXCHG8B, CLC, STC, CMC, LAHF, SAHF."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..convention import ADJUST, ONE, PARITY, ZERO
from ..cpuid import More
from ..flags import SIGNED, A, C, G, N, O, P, S, X, Z
from ..instruction import EAX, EBX, ECX, EDX, Imm, Mem, Reg
from ..options import NotTranslated
from . import condition, shifts
from .arithmetic import finish, flags_of_difference, place

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction


def bit_test(x: Context, i: Instruction) -> None:
    """BT, BTS, BTR, BTC.  A bit number in a register reaches beyond a storage operand."""
    target, number = i.operands
    e, bits = x.e, 8 * i.size
    at = None
    offset = -1
    if isinstance(number, Reg):
        offset = x.temporary()
        e.rlwinm(offset, x.use(number.number), 0, {16: 28, 32: 27, 64: 26}[bits], 31)
    if isinstance(target, Mem):
        at = x.address(target)
        if isinstance(number, Reg):
            at = _bit_string(x, target, number, bits)
    old = x.read(target, at)
    bit = x.temporary()
    if isinstance(number, Imm):
        position = number.value & (bits - 1)
        shifts.bit(x, bit, old, position)
    else:
        (e.srd if bits == 64 else e.srw)(bit, old, offset)
        e.rlwinm(bit, bit, 0, 31, 31)
    if i.name != "bt":
        mask, out = x.temporary(), x.temporary()
        if isinstance(number, Imm) and bits < 64:
            e.li(mask, 1 << (number.value & (bits - 1)))
        elif isinstance(number, Imm):
            e.addi(mask, 0, number.value & (bits - 1))
            e.sld(mask, ONE, mask)
        else:
            (e.sld if bits == 64 else e.slw)(mask, ONE, offset)
        {"bts": e.or_, "btr": e.andc, "btc": e.xor}[i.name](out, old, mask)
        finish(x, target, at, out)
    _set_carry(x, bit)


def _bit_string(x: Context, target: Mem, number: Reg, bits: int) -> tuple[int, int, int]:
    e = x.e
    at = x.effective(target)
    step = x.temporary()
    index = x.use(number.number)
    if bits == 16:
        e.extsh(step, index)
        index = step
    if x.word == 8:
        if bits == 32:
            e.extsw(step, index)
            index = step
        log2 = bits.bit_length() - 1
        e.sradi(step, index, log2)  # CF is about to be replaced
        e.rldicr(step, step, log2 - 3, 66 - log2)
    else:
        _string_step(x, step, index, bits)
    e.add(at, at, step)
    if target.segment > 3:
        origin, _ = x.segment_base(target.segment, -1, -1)
        e.add(at, at, origin)
    elif x.options.bases[target.segment]:
        x.e_add_constant(at, at, x.options.bases[target.segment])
    return at, -1, 0


def _string_step(x: Context, step: int, index: int, bits: int) -> None:
    e = x.e
    e.x(824, index, step, 5 if bits == 32 else 4) if not x.s.carry else _shift_right(
        x, step, index, bits
    )
    e.rlwinm(step, step, 2 if bits == 32 else 1, 0, 29 if bits == 32 else 30)


def _shift_right(x: Context, step: int, index: int, bits: int) -> None:
    """As SRAWI, without a change to CA."""
    x.e.extsw(step, index)
    x.e.rldicl(step, step, 59 if bits == 32 else 60, 0)


def _set_carry(x: Context, bit: int) -> None:
    """CF from the lowest bit of a register; nothing else changes but what follows from CF."""
    e, live = x.e, x.live
    if live & (C | A | X):
        condition.before_carry(x)
        e.cmplw(1, ZERO, bit)
        x.s.carry = 0
    if live & A:
        e.crnor(condition.CR1_GT, condition.CR1_LT, condition.CR0_EQ)


def carry(x: Context, i: Instruction) -> None:
    """CLC, STC, CMC."""
    live = x.live
    if not live & (C | A | X):
        return
    condition.before_carry(x)
    if i.name == "cmc":
        x.e.crnor(condition.CR1_LT, condition.CR1_LT, condition.CR1_LT)
        x.s.carry = 0
        if live & A:
            x.e.crnor(condition.CR1_GT, condition.CR1_LT, condition.CR0_EQ)
        return
    if not live & (C | A):
        scratch = x.temporary()
        x.e.addic(scratch, ONE if i.name == "stc" else ZERO, -1)
        x.s.carry = 1
        return
    _set_carry(x, ONE if i.name == "stc" else ZERO)


def scan(x: Context, i: Instruction) -> None:
    """BSF, BSR: with a source of zero the target stays as it is, as processors have it."""
    target, source = i.operands
    assert isinstance(target, Reg)
    e = x.e
    a = x.read(source)
    if i.size == 2:
        wide = x.temporary()
        e.rlwinm(wide, a, 0, 16, 31)
        a = wide
    old = x.use(target.number)
    found, out = x.temporary(), x.temporary()
    condition.forget(x)
    long = i.size == 8
    if i.name == "bsf":
        (e.cnttzd if long else e.cnttzw)(found, a)
    else:
        (e.cntlzd if long else e.cntlzw)(found, a)
        e.subfic(found, found, 63 if long else 31)
    x.compare_zero(0, a, i.size)
    width = x.width(old)
    e.isel(out, old, found, condition.CR0_EQ)
    if width <= 32:
        x.s.widths[out] = width
    x.write(target, out)
    live = x.live & ~Z
    if live:
        _undefined_flags(x, live)


def _undefined_flags(x: Context, live: int) -> None:
    """What the manual leaves undefined is 0."""
    e = x.e
    if live & (C | A | X):
        e.cmplw(1, ZERO, ZERO)
    if live & A:
        e.crnor(condition.CR1_GT, condition.CR1_LT, condition.CR0_EQ)
    if live & O:
        e.cmpwi(5, ZERO, 0)
    if live & S:
        e.cmpwi(2, ZERO, 0)
    if live & SIGNED:
        e.crxor(0, 0, 0)
        if live & G:
            e.crnor(1, 0, condition.CR0_EQ)
    if live & P:
        e.mr(PARITY, ONE)
    if live & N:
        e.mr(ADJUST, ZERO)


def cmpxchg(x: Context, i: Instruction) -> None:
    target, source = i.operands
    assert isinstance(source, Reg)
    e, size = x.e, i.size
    at = place(x, target)
    old, new = x.temporary(), x.temporary()
    loaded = x.read(target, at)
    e.mr(old, loaded)
    x.release(loaded)
    accumulator = x.use(EAX)
    if size < 4:
        left, right = x.temporary(), x.temporary()
        e.rlwinm(left, accumulator, 0, 32 - 8 * size, 31)
        e.rlwinm(right, old, 0, 32 - 8 * size, 31)
        e.cmpw(7, left, right)
        x.release(left, right)
    else:
        if size < x.word:
            e.rldicl(old, old, 0, 32)
        (e.cmpd if size == 8 else e.cmpw)(7, accumulator, old)
    value = x.read(source)
    left = old
    if size == 4 < x.word and isinstance(target, Reg):  # which keeps its upper half, then
        value = x.read_zero_extended(source)
        left = x.use(target.number)
    e.isel(new, value, left, condition.CR7_EQ)
    x.release(value)
    kept = x.temporary()
    e.isel(kept, accumulator, old, condition.CR7_EQ)
    if at:
        x.store(new, at, size)  # also the old value: one always writes
        x.release(new, *at[:2])
    if x.live:
        accumulator = x.use(EAX)
        flags_of_difference(x, accumulator, old, size, x.live)
    else:
        condition.forget(x)
    # Of 64 bits the upper 32 change only with the others.
    x.write(Reg(EAX, x.word if size == 4 else size), kept)
    if isinstance(target, Reg):
        x.write(replace(target, size=x.word) if size == 4 else target, new)


def cmpxchg8b(x: Context, i: Instruction) -> None:
    """Of 64-bit mode with REX.W: CMPXCHG16B."""
    size = 8 if i.size == 8 else 4
    if size == 8 and not x.options.more & More.CX16:
        raise NotTranslated
    target = i.operands[0]
    assert isinstance(target, Mem)
    e = x.e
    base = x.temporary()
    plain = x.address(target)
    if plain[1] >= 0:
        e.add(base, plain[0], plain[1])
    else:
        e.addi(base, plain[0], plain[2])
    low, high = x.temporary(), x.temporary()
    if x.locked:
        x.load(low, (base, -1, 0), 8)
        e.rldicl(high, low, 32, 32)
        e.rldicl(low, low, 0, 32)
    else:
        x.load(low, (base, -1, 0), size)
        x.load(high, (base, -1, size), size)
    condition.settle(x, x.before & ~X | (C if x.before & X and not x.s.carry else x.before & X))
    scratch = x.temporary()
    equal = x.temporary()
    e.xor(scratch, low, x.use(EAX))
    e.xor(equal, high, x.use(EDX))
    e.or_(scratch, scratch, equal)
    if size == 8:
        e.words.append(11 << 26 | 7 << 23 | 1 << 21 | scratch << 16)  # cmpdi
    else:
        e.cmpwi(7, scratch, 0)
    e.isel(scratch, x.use(EBX), low, condition.CR7_EQ)
    e.isel(equal, x.use(ECX), high, condition.CR7_EQ)
    if x.locked:
        e.rldimi(scratch, equal, 32, 0)
        x.store(scratch, (base, -1, 0), 8)
        e.xor(scratch, low, x.use(EAX))  # CR7 was needed
        e.xor(equal, high, x.use(EDX))
        e.or_(scratch, scratch, equal)
        e.cmpwi(7, scratch, 0)
    else:  # if there will be a fault, then before anything is changed
        x.store(low, (base, -1, 0), size)
        x.store(equal, (base, -1, size), size)
        x.store(scratch, (base, -1, 0), size)
    e.isel(scratch, x.use(EAX), low, condition.CR7_EQ)
    e.isel(equal, x.use(EDX), high, condition.CR7_EQ)
    e.mr(x.define(EAX), scratch)
    e.mr(x.define(EDX), equal)
    if x.live & (Z | G | A):
        e.crmove(condition.CR0_EQ, condition.CR7_EQ)
        if x.live & G:
            e.crnor(1, 0, condition.CR0_EQ)
        if x.live & A:
            e.crnor(condition.CR1_GT, condition.CR1_LT, condition.CR0_EQ)


def sahf(x: Context, i: Instruction) -> None:
    """SF, ZF, AF, PF, CF from AH."""
    e, live = x.e, x.live
    a = x.use(EAX)
    scratch = x.temporary()
    condition.forget(x)
    if live & (C | A | X):
        e.rlwinm(scratch, a, 24, 31, 31)
        e.cmplw(1, ZERO, scratch)
    if live & (Z | G | A):
        e.rlwinm(scratch, a, 18, 31, 31)
        e.xori(scratch, scratch, 1)
        e.cmpwi(0, scratch, 0)
    if live & (S | SIGNED):
        e.rlwinm(scratch, a, 16, 0, 0)
        e.cmpwi(2, scratch, 0)
    if live & SIGNED:
        e.crxor(0, 8, condition.CR5_LT)
        if live & G:
            e.crnor(1, 0, condition.CR0_EQ)
    if live & A:
        e.crnor(condition.CR1_GT, condition.CR1_LT, condition.CR0_EQ)
    if live & P:  # a byte with that parity
        e.rlwinm(PARITY, a, 22, 31, 31)
        e.xori(PARITY, PARITY, 1)
    if live & N:
        e.rlwinm(ADJUST, a, 24, 27, 27)


def lahf(x: Context, i: Instruction) -> None:
    e = x.e
    image, part = x.temporary(), x.temporary()
    e.addi(image, 0, 2)
    one = x.temporary()
    for condition_code, value in ((2, 1), (8, 0x80), (4, 0x40), (10, 4)):
        bit, _ = condition.test(x, condition_code)
        e.addi(one, 0, value)
        e.isel(part, one, ZERO, bit)
        e.or_(image, image, part)
    e.rlwinm(part, ADJUST, 0, 27, 27)
    e.or_(image, image, part)
    x.write(Reg(EAX, 1, True), image)
