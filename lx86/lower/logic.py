"""AND, OR, XOR, TEST, NOT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..emitter import WORD, signed
from ..flags import SIGNED, S, Z
from ..instruction import Imm, Reg
from . import condition
from .arithmetic import finish, place, zero

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

_REGISTERS = {"and": 28, "or": 444, "xor": 316}


def mask(value: int) -> tuple[int, int] | None:
    """MB and ME of a mask of ones that RLWINM can make, or None."""
    value &= WORD
    if value in (0, WORD):
        return None
    inverted = bool(value & 1 and value >> 31)
    field = ~value & WORD if inverted else value
    low = (field & -field).bit_length() - 1
    if field >> low & ((field >> low) + 1):
        return None
    high = field.bit_length() - 1
    return ((32 - low) & 31, 31 - (high + 1)) if inverted else (31 - high, 31 - low)


def bitwise(x: Context, i: Instruction) -> None:
    target, source = i.operands
    if i.name == "xor" and target == source and isinstance(target, Reg) and target.size >= 4:
        zero(x, target)
        return
    at = place(x, target)
    a = x.read(target, at)
    compares = bool(
        x.live & (Z | SIGNED | S) and not x.live & ~(Z | SIGNED | S) and i.size == x.word
    )
    recorded = False
    e = x.e
    if isinstance(source, Imm):
        out, recorded = _immediate(x, i, a, source.value, compares)
    else:
        b = x.read(source)
        out = x.result(target)
        recorded = compares
        width = (min if i.name == "and" else max)(x.width(a), x.width(b))
        e.x(_REGISTERS[i.name], a, out, b, int(recorded))
        _note_width(x, i, out, width)
    if x.live:
        condition.logical(x, out, i.size, recorded)
    else:
        condition.forget(x)
    finish(x, target, at, out)


def _note_width(x: Context, i: Instruction, out: int, width: int) -> None:
    """x86-64: not to extend with zeros what is."""
    if i.size == 4 < x.word and width <= 32:
        x.s.widths[out] = 32


def _immediate(x: Context, i: Instruction, a: int, value: int, compares: bool) -> tuple[int, bool]:
    """The result, and whether CR0 is its own."""
    e, target, width = x.e, i.operands[0], x.width(a)
    value &= (1 << 8 * i.size) - 1
    if i.name == "and":
        run = _run(x, i, value)
        if run:
            out = x.result(target)
            e.rlwinm(out, a, 0, *run, int(compares))
            _note_width(x, i, out, 32)
            return out, compares
        if value < 0x10000:
            out = x.result(target)
            e.andi_(out, a, value)
            x.s.widths[out] = max(value.bit_length(), 1)
            return out, i.size >= 4
        if i.size == 8 and (zeros := _low_zeros(value)):
            out = x.result(target)
            e.rldicr(out, a, 0, 63 - zeros, int(compares))
            return out, compares
    elif value < 0x10000:
        out = x.result(target)
        (e.ori if i.name == "or" else e.xori)(out, a, value)
        _note_width(x, i, out, width)
        return out, False
    elif not value & 0xFFFF and value <= WORD:
        out = x.result(target)
        (e.oris if i.name == "or" else e.xoris)(out, a, value >> 16)
        _note_width(x, i, out, width)
        return out, False
    b = x.constant(signed(value) if i.size == 4 else value)
    out = x.result(target)
    e.x(_REGISTERS[i.name], a, out, b, int(compares))
    if i.name == "and":
        _note_width(x, i, out, width)
    return out, compares


def _run(x: Context, i: Instruction, value: int) -> tuple[int, int] | None:
    """As `mask`, if RLWINM makes it of this instruction's operands."""
    if i.size < 4 or value > WORD:
        return None
    run = mask(value)
    # In 64-bit mode a mask that goes around has ones above the word, too.
    return run if run and (x.word == 4 or run[0] <= run[1]) else None


def _low_zeros(value: int) -> int:
    """How many, if all above are ones in 64 bits; else 0."""
    ones = ~value & (1 << 64) - 1
    return 0 if ones & ones + 1 else ones.bit_length()


def test(x: Context, i: Instruction) -> None:
    live, e = x.live, x.e
    if not live:
        return
    a_operand, b_operand = i.operands
    at = place(x, a_operand)
    a = x.read(a_operand, at)
    if a_operand == b_operand:
        condition.logical(x, a, i.size)
        return
    only_zero = not live & ~Z
    if isinstance(b_operand, Imm):
        value = b_operand.value & (1 << 8 * i.size) - 1
        run = mask(value) if value <= WORD else None
        if run and run[0] > run[1] and x.word == 8:
            run = None
        out = x.temporary()
        narrow = i.size < 4 and not only_zero
        if value < 0x10000 and not run:
            e.andi_(out, a, value)
            recorded = not narrow
        elif run:
            e.rlwinm(out, a, 0, *run, 1)
            recorded = not narrow
        else:
            e.and_(out, a, x.constant(value), 1)
            recorded = not narrow
        if i.size == 4 < x.word and value >> 31 and not only_zero:
            recorded = False  # the sign is that of 32 bits
    else:
        b = x.read(b_operand)
        out = x.temporary()
        if i.size < 4 and only_zero:
            e.and_(out, a, b)
            e.rlwinm(out, out, 0, 32 - 8 * i.size, 31, 1)
            recorded = True
        else:
            recorded = i.size == x.word
            e.and_(out, a, b, int(recorded))
    condition.logical(x, out, i.size, recorded)


def not_(x: Context, i: Instruction) -> None:
    target = i.operands[0]
    at = place(x, target)
    a = x.read(target, at)
    out = x.result(target)
    x.e.nor(out, a, a)
    finish(x, target, at, out)
