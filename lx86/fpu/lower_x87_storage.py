"""The x87's loads and stores, and its arithmetic with operands in storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import vsx
from .known import INTEGER, OUTCOME, REAL, ZERO_C1
from .lowering import guarded, memory, refuse_crossing, stored, to_index, transfer
from .number import Rounding
from .x87_codes import COMPARE, COMPARE_POP
from .x87_condition import set_c1
from .x87_operations import V0, arithmetic, compared, set_rounding
from .x87_static import ROUNDING, pop, push, register_of, room, stack_of

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction


_EQUAL, _NOT_EQUAL = 4, 24
"""TO of a trap."""
_TD = 68


def lower_storage(x: Context, i: Instruction) -> bool:
    opcode, what = i.opcode, i.modrm >> 3 & 7
    stack = stack_of(x)
    if not opcode & 1:
        if not stack.valid(0):
            return False
        operand = _operand(x, i)
        if what in (COMPARE, COMPARE_POP):
            compared(x, i, operand, ordered=True, pops=what == COMPARE_POP)
        else:
            arithmetic(x, i, what, 0, operand, by_storage=True)
        return True
    match opcode, what:
        case (0xD9 | 0xDD, 0) | (0xDB, 0) | (0xDF, 0 | 5):
            if stack.valid(7):
                return False
            _load(x, i)
        case (0xD9 | 0xDD, 2 | 3) if stack.valid(0):
            _store(x, i, pops=what == 3)
        case (0xDB | 0xDF, 2 | 3) | (0xDF, 7) if stack.valid(0):
            size = 4 if opcode == 0xDB else 8 if what == 7 else 2
            _store_integer(x, i, ROUNDING[stack.rounding], size, pops=what != 2)
        case (0xDB | 0xDD | 0xDF, 1) if stack.valid(0):  # FISTTP
            size = {0xDB: 4, 0xDD: 8, 0xDF: 2}[opcode]
            _store_integer(x, i, ROUNDING[Rounding.ZERO], size, pops=True)
        case (0xDB, 5) if not stack.valid(7):
            _load_extended(x, i)
        case (0xDB, 7) if stack.valid(0):
            _store_extended(x, i)
        case _:
            return False
    return True


def _fetch(x: Context, i: Instruction, target: int) -> tuple[int, int]:
    """Load the operand; how it becomes a quad: the kind of conversion, and from which register."""
    opcode, what = i.opcode, i.modrm >> 3 & 7
    if opcode in (0xD8, 0xD9):
        transfer(x, i, "load single", target + 32)
        return vsx.XSCVDPQP, target
    if opcode in (0xDC, 0xDD):
        transfer(x, i, "load double", target + 32)
        return vsx.XSCVDPQP, target
    at = x.address(memory(i))
    if opcode in (0xDA, 0xDB):
        ra, rb = to_index(x, at)
        x.may_fail()
        vsx.indexed(x.e, vsx.LXSIWAX, target + 32, ra, rb)
    elif opcode == 0xDF and what == 5:
        transfer(x, i, "load double", target + 32)
    else:
        value = x.temporary()
        x.load(value, at, 2)
        x.e.extsh(value, value)
        vsx.indexed(x.e, vsx.MTVSRWA, target + 32, value, 0)
    return vsx.XSCVSDQP, target


def _operand(x: Context, i: Instruction) -> int:
    kind, source = _fetch(x, i, V0)
    with guarded(x, i):
        vsx.quad_convert(x.e, kind, V0, source)
    # A trap there carries out the whole instruction: its end is set by the caller's guard.
    return V0


def _load(x: Context, i: Instruction) -> None:
    target = room(x)
    kind, source = _fetch(x, i, V0)
    with guarded(x, i):
        vsx.quad_convert(x.e, kind, target, source)
        push(x)


def _store(x: Context, i: Instruction, *, pops: bool) -> None:
    source = register_of(x, 0)
    rounding = stack_of(x).rounding
    single = i.opcode == 0xD9
    with guarded(x, i):
        if rounding:
            set_rounding(x, rounding)
        vsx.quad_convert(x.e, vsx.XSCVQPDP, OUTCOME - 32, source, int(single))
        if single:
            vsx.xx2(x.e, vsx.XSRSP, OUTCOME, OUTCOME)
        if rounding:
            set_rounding(x, Rounding.NEAREST)
        transfer(x, i, "store single" if single else "store double", OUTCOME)
        set_c1(x, REAL, source + 32)
        if pops:
            pop(x)


def _store_integer(x: Context, i: Instruction, rounding: int, size: int, *, pops: bool) -> None:
    """Of so many bytes; `rounding`: as FPSCR has it."""
    source, e = register_of(x, 0), x.e
    with guarded(x, i):
        vsx.quad_round(e, V0, source, rounding, integer=True)
        vsx.quad_convert(e, vsx.XSCVQPSDZ if size == 8 else vsx.XSCVQPSWZ, V0, V0)
        if size == 2:
            short, whole = x.temporary(), x.temporary()
            vsx.indexed(e, vsx.MFVSRWZ, V0 + 32, whole, 0)
            e.extsh(short, whole)
            e.tw(_NOT_EQUAL, short, whole)
        # if it was not invalid:
        vsx.quad_round(e, OUTCOME - 32, source, rounding, integer=True, tell=1)
        if size == 8:
            transfer(x, i, "store double", V0 + 32)
        else:
            at = x.address(memory(i))
            if size == 2:
                x.store(whole, at, 2)
            else:
                ra, rb = to_index(x, at)
                x.may_fail()
                vsx.indexed(e, vsx.STXSIWX, V0 + 32, ra, rb)
                stored(x, at, 4)
        set_c1(x, INTEGER, source + 32)
        if pops:
            pop(x)


def _load_extended(x: Context, i: Instruction) -> None:
    """Fraction and exponent in place; what does not stand so traps (`quads.quad_of`).

    That is, but for infinities, what has another number of zeros before its first bit than none,
    or 64 if the exponent is zero, too.
    """
    target, e = room(x), x.e
    base = _base(x, i)
    low, high, part = x.temporary(), x.temporary(), x.temporary()
    x.may_fail()
    e.x(21, low, 0, base)  # ldx
    x.may_fail()
    e.d(40, high, base, 8)  # lhz
    with guarded(x, i):
        e.rlwinm(part, high, 0, 17, 31)
        e.twi(_EQUAL, part, 0x7FFF)
        e.cntlzd(part, part)
        e.rlwinm(part, part, 0, 25, 25)
        e.cntlzd(base, low)
        e.x(_TD, _NOT_EQUAL, base, part)
        e.rldicl(part, low, 49, 16)
        e.rldimi(part, high, 48, 0)
        e.words.append(30 << 26 | low << 21 | low << 16 | _rldicr(49, 14))
        vsx.indexed(e, vsx.MTVSRDD, target + 32, part, low)
        push(x)


def _base(x: Context, i: Instruction) -> int:
    """A register with the operand's address."""
    target = x.temporary()
    base, index, displacement = x.address(memory(i))
    if index >= 0:
        x.e.add(target, base, index)
    elif base == 0:
        x.e.li(target, displacement)
    else:
        x.e.addi(target, base, displacement)
    return target


def _store_extended(x: Context, i: Instruction) -> None:
    source, e = register_of(x, 0), x.e
    base = _base(x, i)
    low, high, part = x.temporary(), x.temporary(), x.temporary()
    with guarded(x, i):
        vsx.indexed(e, vsx.MFVSRD, source + 32, high, 0)
        vsx.indexed(e, vsx.MFVSRLD, source + 32, low, 0)
        e.rldicl(part, low, 0, 15)
        e.words.append(2 << 26 | 24 << 21 | part << 16)  # tdnei: no number
        e.rldicl(low, low, 15, 49)
        e.words.append(30 << 26 | high << 21 | part << 16 | 15 << 11 | 1 << 6 | 2 << 2)  # rldic
        e.or_(low, low, part)
        e.rldicl(high, high, 16, 48)
        e.rlwinm(part, high, 0, 17, 31)
        e.neg(part, part)
        e.rldicl(part, part, 1, 63)
        e.rldimi(low, part, 63, 0)
        if x.options.whole_stores:
            refuse_crossing(x, base, 10)
        x.may_fail()
        e.x(149, low, 0, base)  # stdx
        x.may_fail()
        e.d(44, high, base, 8)  # sth
        x.s.words.clear()
        pop(x)
        set_c1(x, ZERO_C1)


def _rldicr(shift: int, last: int) -> int:
    return (shift & 31) << 11 | ((last & 31) << 1 | last >> 5) << 5 | 1 << 2 | (shift >> 5) << 1
