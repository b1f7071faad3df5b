"""ADD, SUB, CMP, ADC, SBB, INC, DEC, NEG.

Each has three ways.  Where no flag is wanted, one instruction or none; where a compare or a record
form gives what is wanted, that; else a form that sets CR0, OV and CA, from which all follow.
Bytes and halfwords are shifted to the upper end of a word first where flags beyond Z are wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..convention import ADJUST, FIRST, PARITY, ZERO
from ..emitter import fits, signed
from ..flags import SIGNED, UNSIGNED, A, C, N, P, S, X, Z
from ..instruction import Imm, Mem, Reg
from . import condition

if TYPE_CHECKING:
    from ..addresses import Address
    from ..context import Context
    from ..instruction import Instruction, Operand

_ADDCO, _SUBFCO = 522, 520


def place(x: Context, target: Operand) -> Address | None:
    return x.address(target) if isinstance(target, Mem) else None


def finish(x: Context, target: Operand, at: Address | None, out: int) -> None:
    """Put a result where the instruction has it."""
    if isinstance(target, Mem):
        assert at is not None
        x.store(out, at, target.size)
    else:
        assert isinstance(target, Reg)
        x.write(target, out)


def add(x: Context, i: Instruction) -> None:
    target, source = i.operands
    _combine(x, target, source, place(x, target), subtract=False, live=x.live)


def sub(x: Context, i: Instruction) -> None:
    target, source = i.operands
    if isinstance(target, Reg) and target == source and target.size >= 4:
        zero(x, target)
        return
    _combine(x, target, source, place(x, target), subtract=True, live=x.live)


def zero(x: Context, target: Reg) -> None:
    """SUB or XOR of a register with itself."""
    x.set_value(target.number, (-1, 0))
    condition.logical(x, ZERO, x.word)


def inc(x: Context, i: Instruction) -> None:
    _step(x, i, subtract=False)


def dec(x: Context, i: Instruction) -> None:
    _step(x, i, subtract=True)


def _step(x: Context, i: Instruction, *, subtract: bool) -> None:
    """CF stays as it is, and A follows from it (SDM volume 2, INC)."""
    target = i.operands[0]
    kept = x.live & (C | X)
    live = x.live & ~(C | X | A)
    if x.live & A:
        live |= Z
    carry = x.s.carry
    _combine(x, target, Imm(1), place(x, target), subtract=subtract, live=live, keep=kept)
    x.s.carry = carry if kept & X else 0
    if x.live & A:
        x.e.crnor(condition.CR1_GT, condition.CR1_LT, condition.CR0_EQ)


def cmp(x: Context, i: Instruction) -> None:
    if x.live:
        target, source = i.operands
        subtraction_flags(x, target, source, place(x, target), i.size)


def neg(x: Context, i: Instruction) -> None:
    target = i.operands[0]
    at = place(x, target)
    a = x.read(target, at)
    out = x.temporary() if at or i.size < 4 or x.live else x.result(target)
    if x.live:
        _flags(x, ZERO, a, None, i.size, out, x.live, 0, subtract=True)
    else:
        x.e.neg(out, a)
    finish(x, target, at, out)


def _combine(
    x: Context,
    target: Operand,
    source: Operand,
    at: Address | None,
    *,
    subtract: bool,
    live: int,
    keep: int = 0,
) -> None:
    """target += source or target -= source; `keep`: C and X where they stay as they are."""
    e = x.e
    immediate = source.value if isinstance(source, Imm) else None
    size = target.size if isinstance(target, Reg | Mem) else 4
    lazy = size == x.word or (size == 4 and x.options.lazy_halves and x.options.lazy_values)
    if not live and immediate is not None and isinstance(target, Reg) and lazy:
        base, offset = x.value(target.number) if size == x.word else x.s.values[target.number]
        if not keep:
            condition.forget(x)
        offset += -immediate if subtract else immediate
        (x.set_value if size == x.word else x.set_low)(target.number, (base, offset))
        return
    a = x.read(target, at)
    if live:
        b = -1 if immediate is not None else x.read(source)
        whole = isinstance(target, Reg) and lazy
        out = -1
        if whole:
            assert isinstance(target, Reg)
            out = FIRST + target.number
            if not live & ~(Z | S | X) and x.s.values[target.number] == (out, 0) and b != out:
                x.define(target.number)
            else:
                out = x.temporary()
        else:
            out = x.temporary()
        _flags(x, a, b, immediate, size, out, live, keep, subtract=subtract)
        finish(x, target, at, out)
        return
    if not keep:
        condition.forget(x)
    delta = None if immediate is None else -immediate if subtract else immediate
    if delta is not None and fits(delta):
        out = x.result(target)
        e.addi(out, a, delta)
    else:
        b = x.read(source)
        out = x.result(target)
        if subtract:
            e.subf(out, b, a)
        else:
            e.add(out, a, b)
    finish(x, target, at, out)


def subtraction_flags(
    x: Context, target: Operand, source: Operand, at: Address | None, size: int
) -> None:
    """Those of target - source, of which nothing else is wanted."""
    live = x.live
    immediate = source.value if isinstance(source, Imm) else None
    if not live & ~(Z | SIGNED | UNSIGNED):
        condition.forget(x)
        a, b, immediate = _extended(x, target, source, at, size, live)
        condition.compare(x, a, b, immediate, live, size)
        return
    a = x.read(target, at)
    b = -1 if immediate is not None else x.read(source)
    _flags(x, a, b, immediate, size, x.temporary(), live, 0, subtract=True)


def _extended(
    x: Context, target: Operand, source: Operand, at: Address | None, size: int, live: int
) -> tuple[int, int, int | None]:
    """Both operands as words whose comparison is that of the bytes or halfwords."""
    immediate = source.value if isinstance(source, Imm) else None
    if size >= 4:
        return x.read(target, at), -1 if immediate is not None else x.read(source), immediate
    if live & SIGNED and live & UNSIGNED:
        shift = 32 - 8 * size
        a = _word_shifted(x, x.read(target, at), shift)
        if immediate is not None:
            return a, x.constant(signed(immediate << shift)), None
        return a, _word_shifted(x, x.read(source), shift), None
    if live & SIGNED:
        a = _sign(x, x.read(target, at), size)
        return a, -1 if immediate is not None else _sign(x, x.read(source), size), immediate
    a = x.read_zero_extended(target, at)
    if immediate is not None:
        return a, -1, immediate & (1 << 8 * size) - 1
    return a, x.read_zero_extended(source), None


def _sign(x: Context, register: int, size: int) -> int:
    out = x.temporary()
    (x.e.extsb if size == 1 else x.e.extsh)(out, register)
    return out


def _word_shifted(x: Context, register: int, shift: int) -> int:
    out = x.temporary()
    x.e.rlwinm(out, register, shift, 0, 31 - shift)
    return out


def shifted(x: Context, register: int, shift: int) -> int:
    """To the upper end of a word."""
    out = x.temporary()
    x.shifted_left(out, register, shift)
    return out


def _flags(
    x: Context,
    a: int,
    b: int,
    immediate: int | None,
    size: int,
    out: int,
    live: int,
    keep: int,
    *,
    subtract: bool,
) -> None:
    """out = a + b or a - b, and the pieces of `live`.  b is -1 where there is an immediate."""
    e = x.e
    if keep:
        x.s.zero_in_cr1 = x.s.sign_in_cr0 = False
    else:
        condition.forget(x)
    shift = x.bits - 8 * size
    adjust = -1
    if live & N:
        adjust = x.temporary()
        e.xor(adjust, a, b if b >= 0 else x.constant(immediate or 0))
    rest = live & ~(P | N)
    half = size == 4 < x.word  # comparisons of 32 bits do as they are
    sums = not subtract and not rest & ~(Z | S | C) and immediate is None and not keep
    against = immediate if subtract else -immediate if immediate is not None else None
    if half:
        shift = 0 if not rest & ~(Z | S) or sums or _comparable(rest, against, subtract) else shift
        half = not shift
    if shift:
        a = shifted(x, a, shift)
        if immediate is not None:
            immediate <<= shift
            against = immediate if subtract else -immediate
        else:
            b = shifted(x, b, shift)
    if rest & (SIGNED | UNSIGNED) and _comparable(rest, against, subtract):
        rest = condition.compare(x, a, b, against, rest, 4 if half else x.word)
        _plain(x, out, a, b, immediate, 0, subtract=subtract)
        if rest & S:
            x.compare_zero(2, out, 4 if half else x.word)
    elif not rest & ~(Z | S):
        record = int(not keep & X and not half)
        _plain(x, out, a, b, immediate, record, subtract=subtract)
        if not record:
            x.compare_zero(0, out, 4 if half else x.word)
        x.s.sign_in_cr0 = bool(rest & S)
    elif sums:
        records = bool(rest & (Z | S))
        _plain(x, out, a, b, None, int(records and not half), subtract=False)
        if records and half:
            e.cmpwi(0, out, 0)
        (e.cmplw if half or x.word == 4 else e.cmpld)(1, out, a)
        x.s.sign_in_cr0 = bool(rest & S)
    else:
        if b < 0:
            b = x.constant(immediate or 0)
        _everything(x, out, a, b, rest, keep, subtract=subtract)
    if shift:
        x.shifted_right(out, out, shift)
        x.s.widths[out] = 8 * size
    if live & P:
        e.mr(PARITY, out)
    if live & N:
        e.xor(ADJUST, adjust, out)


def _comparable(live: int, against: int | None, subtract: bool) -> bool:
    """Whether a comparison gives these pieces; `against`: with that constant, if it is one."""
    return not live & ~(Z | SIGNED | UNSIGNED | S) and (
        subtract or (against is not None and fits(against) and not live & UNSIGNED)
    )


def _plain(
    x: Context, out: int, a: int, b: int, immediate: int | None, record: int, *, subtract: bool
) -> None:
    e = x.e
    if immediate is not None:
        delta = -immediate if subtract else immediate
        if fits(delta):
            if record:
                e.addic(out, a, delta, 1)
            else:
                e.addi(out, a, delta)
            return
        b = x.constant(immediate)
    if subtract:
        e.subf(out, b, a, record)
    else:
        e.add(out, a, b, record)


def _everything(
    x: Context, out: int, a: int, b: int, live: int, keep: int, *, subtract: bool
) -> None:
    e = x.e
    if not live & ~(X | Z | S) and not keep:
        record = int(bool(live & (Z | S)))
        if subtract:
            e.subfc(out, b, a, record)
        else:
            e.addc(out, a, b, record)
        x.s.sign_in_cr0 = bool(live & S)
    elif keep:  # OV alone: the carry is another's
        e.x(552 if subtract else 778, *((out, b, a) if subtract else (out, a, b)), 1)
        condition.overflow_and_carry(x, live & ~UNSIGNED, subtract)
        return
    else:
        e.x(_SUBFCO if subtract else _ADDCO, *((out, b, a) if subtract else (out, a, b)), 1)
        condition.overflow_and_carry(x, live, subtract)
    if live & X:
        x.s.carry = 2 if subtract else 1


def xadd(x: Context, i: Instruction) -> None:
    target, source = i.operands
    assert isinstance(source, Reg)
    at = place(x, target)
    b, old = x.read(source), x.read(target, at)
    out = x.temporary()
    if x.live:
        _flags(x, old, b, None, i.size, out, x.live, 0, subtract=False)
    else:
        x.e.add(out, old, b)
        condition.forget(x)
    if at:
        finish(x, target, at, out)
        x.write(source, old)
    else:
        x.write(source, old)
        finish(x, target, at, out)


def flags_of_difference(x: Context, a: int, b: int, size: int, live: int) -> None:
    """The pieces of a - b."""
    _flags(x, a, b, None, size, x.temporary(), live, 0, subtract=True)
