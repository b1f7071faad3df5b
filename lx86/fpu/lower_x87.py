"""The x87: instructions on its stack, which costs nothing as it is known where each register is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cpuid import More
from ..emitter import Label
from ..lower import condition
from . import vsx
from .known import OUTCOME, TOLD, UNROUNDED, ZERO_C1
from .lower_sse import flags_of_comparison
from .lower_x87_storage import lower_storage
from .lowering import assist, guarded, in_storage
from .number import Rounding
from .quads import quad_of
from .x87_codes import COMPARE, COMPARE_POP, SUBTRACT, constant, is_defined
from .x87_condition import set_c1, tell_c1, tell_larger
from .x87_operations import arithmetic, compared
from .x87_static import (
    ROUNDING,
    assisted,
    check,
    exchange,
    pop,
    push,
    register_of,
    round_extended,
    set_stack,
    stack_of,
)

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

CONSTANTS_AT = 0x200
"""In the context: FLD1 to FLDLN2 by rounding, 16 bytes each."""
CONSTANTS = b"".join(
    quad_of(constant(which, Rounding(mode))).to_bytes(16, "little")
    for which in range(6)
    for mode in range(4)
)


def lower(x: Context, i: Instruction) -> bool:
    """False: there is no such instruction."""
    if not is_defined(i.opcode, i.modrm, sse3=bool(x.options.more & More.SSE3)):
        return False
    stack = check(x, i)
    if stack.slow or not (lower_storage(x, i) if in_storage(i) else _in_stack(x, i)):
        assisted(x, i)
    return True


def wait(x: Context, i: Instruction) -> None:
    """FWAIT: where no exception can be pending there is nothing to do."""
    if check(x, i).slow:
        assist(x, i, x.s.floating)


# -- within the stack ----------------------------------------------------------------------


def _in_stack(x: Context, i: Instruction) -> bool:
    opcode, modrm = i.opcode, i.modrm
    what, n = modrm >> 3 & 7, modrm & 7
    stack = stack_of(x)
    if modrm == 0xD0 and opcode == 0xD9:
        return True
    if opcode == 0xD9 and what == 0:
        if not stack.valid(n) or stack.valid(7):
            return False
        source = register_of(x, n)
        vsx.copy(x.e, push(x) + 32, source + 32)
        return True
    if opcode == 0xD9 and 0xE8 <= modrm <= 0xEE:
        if stack.valid(7):
            return False
        _constant(x, modrm - 0xE8)
        return True
    if not stack.valid(0):
        return False
    if (opcode == 0xD9 and what == 4) or modrm == 0xFA or modrm == 0xFC:
        return opcode == 0xD9 and _unary(x, i)
    if opcode == 0xD9 and what > 1:
        return False
    if opcode in (0xDA, 0xDE) and modrm in (0xE9, 0xD9):
        n = 1
    if not stack.valid(n) and not (opcode == 0xDD and what in (2, 3)):
        return False
    return _with_other(x, i, what, n)


def _with_other(x: Context, i: Instruction, what: int, n: int) -> bool:
    opcode, modrm = i.opcode, i.modrm
    if opcode == 0xD9:
        exchange(x, n)
    elif opcode == 0xD8 and what in (COMPARE, COMPARE_POP):
        compared(x, i, register_of(x, n), ordered=True, pops=what == COMPARE_POP, by_storage=False)
    elif opcode == 0xD8:
        arithmetic(x, i, what, 0, register_of(x, n))
    elif opcode in (0xDC, 0xDE) and what not in (COMPARE, COMPARE_POP):
        reversed_ = what if what < SUBTRACT else what ^ 1
        arithmetic(x, i, reversed_, n, register_of(x, 0), pops=opcode == 0xDE)
    elif (opcode, modrm) in ((0xDE, 0xD9), (0xDA, 0xE9)):
        compared(x, i, register_of(x, 1), ordered=opcode == 0xDE, pops=2, by_storage=False)
    elif opcode == 0xDD and what in (4, 5):
        compared(x, i, register_of(x, n), ordered=False, pops=what == 5, by_storage=False)
    elif opcode in (0xDB, 0xDF) and what in (5, 6):
        with guarded(x, i):
            extended = vsx.XSCMPUQP if what == 5 else vsx.XSCMPOQP
            vsx.quad_compare(x.e, extended, 1, register_of(x, 0), register_of(x, n))
            flags_of_comparison(x)
            if opcode == 0xDF:
                pop(x)
    elif opcode == 0xDD and what in (2, 3):
        if n:
            vsx.copy(x.e, register_of(x, n) + 32, register_of(x, 0) + 32)
            set_stack(x, stack_of(x).marked(n, True))
        set_c1(x, ZERO_C1)
        if what == 3:
            pop(x)
    elif opcode in (0xDA, 0xDB) and what < 4:
        _move_if(x, i, what, n)
    else:
        return False
    return True


def _move_if(x: Context, i: Instruction, what: int, n: int) -> None:
    """FCMOVcc, as a branch around a copy is in fact a selection by a mask."""
    tell_c1(x)
    pairs = (1, 2, 3, 5)  # below, equal, below or equal, parity: condition codes / 2
    bit, holds = condition.test(x, pairs[what] << 1 | (i.opcode == 0xDB))
    skip = Label()
    x.e.bc(4 if holds else 12, bit, skip)
    vsx.copy(x.e, register_of(x, 0) + 32, register_of(x, n) + 32)
    x.e.place(skip)


def _unary(x: Context, i: Instruction) -> bool:
    register, modrm = register_of(x, 0), i.modrm
    if modrm == 0xE0:
        vsx.quad_unary(x.e, vsx.XSNEGQP, register, register)
        set_c1(x, ZERO_C1)
    elif modrm == 0xE1:
        vsx.quad_unary(x.e, vsx.XSABSQP, register, register)
        set_c1(x, ZERO_C1)
    elif modrm == 0xE4:
        compared(x, i, 31, ordered=True, pops=0, by_storage=False)
    elif modrm == 0xFA:
        with guarded(x, i):
            vsx.quad_unary(x.e, vsx.XSSQRTQP, UNROUNDED - 32, register, 1)
            round_extended(x, register, UNROUNDED - 32)
            set_c1(x, TOLD)
    elif modrm == 0xFC:
        with guarded(x, i):
            rounding = ROUNDING[stack_of(x).rounding]
            vsx.quad_round(x.e, OUTCOME - 32, register, rounding, integer=True, tell=1)
            tell_larger(x, OUTCOME, register + 32)
            vsx.copy(x.e, register + 32, OUTCOME)
            set_c1(x, TOLD)
    else:
        return False
    return True


def _constant(x: Context, which: int) -> None:
    target = push(x) + 32
    if which == 6:
        vsx.copy(x.e, target, 63)
    else:
        at = CONSTANTS_AT + 16 * (4 * which + stack_of(x).rounding)
        vsx.load_quadword(x.e, target, 31, at)
