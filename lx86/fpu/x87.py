"""The x87's instructions: arithmetic, comparisons, moves within the stack, control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import number, x87_functions, x87_storage
from .number import EXTENDED, Kind, unpack
from .stack import INDEFINITE_BITS, Stack, Unmasked, initialize
from .x87_arithmetic import CF, PF, ZF, arithmetic, compare, compare_to_conditions
from .x87_codes import COMPARE, COMPARE_POP, SUBTRACT, constant

if TYPE_CHECKING:
    from .operation import Operation


def execute(op: Operation) -> None:
    """Carry out an x87 instruction; raises `Undefined` if there is no such one."""
    stack = Stack(op.floating)
    try:
        if op.instruction.modrm < 0xC0:
            x87_storage.execute(stack, op)
        else:
            _execute_registers(stack, op)
    except Unmasked:
        pass


# -- instructions --------------------------------------------------------------------------


def _execute_registers(stack: Stack, op: Operation) -> None:
    opcode, modrm = op.instruction.opcode, op.instruction.modrm
    what, i = modrm >> 3 & 7, modrm & 7
    match opcode:
        case 0xD8 if what in (COMPARE, COMPARE_POP):
            compare_to_conditions(stack, None, quiet=False, i=i)
            if what == COMPARE_POP:
                stack.pop()
        case 0xD8:
            arithmetic(stack, what, 0, None, i)
        case 0xDC if what in (COMPARE, COMPARE_POP):  # the same as D8's
            compare_to_conditions(stack, None, quiet=False, i=i)
            if what == COMPARE_POP:
                stack.pop()
        case 0xDC | 0xDE if what not in (COMPARE, COMPARE_POP):
            # The reversed ones are where the others stand for ST(0) as target.
            arithmetic(stack, what if what < SUBTRACT else what ^ 1, i, None, 0)
            if opcode == 0xDE:
                stack.pop()
        case 0xDE if what == COMPARE:
            compare_to_conditions(stack, None, quiet=False, i=i)
            stack.pop()
        case 0xDE if modrm == 0xD9:
            compare_to_conditions(stack, None, quiet=False, i=1)
            stack.pop()
            stack.pop()
        case 0xD9:
            _execute_d9(stack, op, what, i)
        case 0xDA if what < 4:
            _move_if(stack, op, what, False, i)
        case 0xDB if what < 4:
            _move_if(stack, op, what, True, i)
        case 0xDA if modrm == 0xE9:
            compare_to_conditions(stack, None, quiet=True, i=1)
            stack.pop()
            stack.pop()
        case 0xDB if modrm in (0xE0, 0xE1, 0xE4):
            pass  # FNENI, FNDISI, FNSETPM: of older processors
        case 0xDB if modrm == 0xE2:
            op.floating.status &= ~0x80FF
        case 0xDB if modrm == 0xE3:
            initialize(op.floating)
        case 0xDB | 0xDF if what in (5, 6):
            compare(stack, None, op.set_compared, quiet=what == 5, i=i)
            if opcode == 0xDF:
                stack.pop()
        case 0xDD | 0xDF if what == 0:
            stack.set_c1(False)
            stack.free(i)
            if opcode == 0xDF:
                stack.pop()
        case 0xDD | 0xD9 | 0xDF if what == 1:
            _exchange(stack, i)
        case 0xDD | 0xDF if what in (2, 3):
            _store(stack, i, pop=what == 3 or opcode == 0xDF)
        case 0xDD if what in (4, 5):
            compare_to_conditions(stack, None, quiet=True, i=i)
            if what == 5:
                stack.pop()
        case 0xDF if modrm == 0xE0:
            op.set_ax(op.floating.status)
        case _:
            op.undefined()


def _exchange(stack: Stack, i: int) -> None:
    stack.set_c1(False)
    if stack.is_empty(0) or stack.is_empty(i):
        stack.stack_fault(False)
        for n in (0, i):
            if stack.is_empty(n):
                stack.set_bits(n, INDEFINITE_BITS)
    a, b = stack.bits(0), stack.bits(i)
    stack.set_bits(0, b)
    stack.set_bits(i, a)


def _store(stack: Stack, i: int, *, pop: bool) -> None:
    stack.set_c1(False)
    bits = INDEFINITE_BITS
    if stack.is_empty(0):
        stack.stack_fault(False)
    else:
        bits = stack.bits(0)
    stack.set_bits(i, bits)
    if pop:
        stack.pop()


def _move_if(stack: Stack, op: Operation, condition: int, negated: bool, i: int) -> None:
    """FCMOVcc: below, equal, below or equal, unordered."""
    if stack.is_empty(0) or stack.is_empty(i):
        stack.stack_fault(False)
        stack.set_bits(0, INDEFINITE_BITS)
        return
    mask = (CF, ZF, CF | ZF, PF)[condition]
    if bool(op.eflags & mask) != negated:
        stack.set_bits(0, stack.bits(i))


def _execute_d9(stack: Stack, op: Operation, what: int, i: int) -> None:
    modrm = op.instruction.modrm
    if what == 0:
        if stack.is_empty(i):
            stack.stack_fault(False)
            stack.top -= 1
            stack.set_bits(0, INDEFINITE_BITS)
        else:
            stack.push(stack.bits(i))
    elif what == 1:
        _exchange(stack, i)
    elif what == 3:  # an old name for FSTP that faults on nothing
        stack.set_c1(False)
        if not stack.is_empty(0):
            stack.set_bits(i, stack.bits(0))
        stack.pop()
    elif modrm == 0xD0:
        pass  # FNOP
    elif modrm in (0xE0, 0xE1):
        _change_sign(stack, absolute=modrm == 0xE1)
    elif modrm == 0xE4:
        compare_to_conditions(stack, number.ZERO, quiet=False)
    elif modrm == 0xE5:
        examine(stack)
    elif 0xE8 <= modrm <= 0xEE:
        stack.push(constant(modrm - 0xE8, stack.rounding))
    elif modrm in (0xF6, 0xF7):
        stack.top += 1 if modrm == 0xF7 else -1
        stack.set_c1(False)
    elif modrm >= 0xF0:
        x87_functions.execute(stack, modrm)
    else:
        op.undefined()


def _change_sign(stack: Stack, *, absolute: bool) -> None:
    stack.set_c1(False)
    if stack.is_empty(0):
        stack.stack_fault(False)
        stack.set_bits(0, INDEFINITE_BITS)
        return
    bits = stack.bits(0)
    stack.set_bits(0, bits & (1 << 79) - 1 if absolute else bits ^ 1 << 79)


def examine(stack: Stack) -> None:
    bits = stack.bits(0)
    stack.set_c1(bool(bits >> 79))
    if stack.is_empty(0):
        stack.condition(1, 0, 1)
        return
    n = unpack(bits, EXTENDED)
    if n.denormal:
        stack.condition(1, 1, 0)
        return
    stack.condition(
        *{
            Kind.UNSUPPORTED: (0, 0, 0),
            Kind.NAN: (0, 0, 1),
            Kind.FINITE: (0, 1, 0),
            Kind.INFINITE: (0, 1, 1),
            Kind.ZERO: (1, 0, 0),
        }[n.kind]
    )
