"""The x87's four operations and its comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import number
from .number import EXTENDED, Flag, Kind, Number, Rounding, pack, unpack
from .stack import (
    INDEFINITE_BITS,
    Stack,
    Status,
    choose_nan,
    denormal_flags,
    nan_flags,
)
from .x87_codes import ADD, DIVIDE, DIVIDE_R, MULTIPLY, SUBTRACT, SUBTRACT_R

if TYPE_CHECKING:
    from collections.abc import Callable

CF, PF, ZF = 1, 4, 0x40


def compute(stack: Stack, what: int, a: Number, b: Number) -> int:
    """a `what` b, for a register; raises `Unmasked`."""
    if what in (SUBTRACT_R, DIVIDE_R):
        a, b, what = b, a, what - 1
    stack.set_c1(False)
    if Kind.UNSUPPORTED in (a.kind, b.kind):
        stack.before(Flag.INVALID)
        return INDEFINITE_BITS
    if a.is_nan or b.is_nan:
        stack.before(nan_flags(a, b))
        return pack(choose_nan(a, b), EXTENDED, Rounding.NEAREST).bits
    if what == ADD:
        result = number.add(a, b, stack.rounding)
    elif what == SUBTRACT:
        result = number.add(a, b.negated(), stack.rounding)
    elif what == MULTIPLY:
        result = number.multiply(a, b)
    else:
        result = number.divide(a, b)
    if result is None:
        stack.before(Flag.INVALID)
        return INDEFINITE_BITS
    if what == DIVIDE and b.kind is Kind.ZERO and a.kind is Kind.FINITE:
        stack.before(Flag.ZERO_DIVIDE)
    else:
        stack.before(denormal_flags(a, b))
    return stack.rounded(result)


def arithmetic(stack: Stack, what: int, target: int, other: Number | None, source: int) -> None:
    """ST(target) = ST(target) `what` (`other`, or else ST(source))."""
    empty = stack.is_empty(target) or (other is None and stack.is_empty(source))
    if empty:
        stack.stack_fault(False)
        stack.set_bits(target, INDEFINITE_BITS)
        return
    a = unpack(stack.bits(target), EXTENDED)
    b = other or unpack(stack.bits(source), EXTENDED)
    stack.set_bits(target, compute(stack, what, a, b))


def compare(
    stack: Stack, b: Number | None, tell: Callable[[int], None], *, quiet: bool, i: int = 0
) -> None:
    """ST(0) with `b` or else ST(i): tells ZF, PF and CF as FCOMI has them; raises `Unmasked`."""
    if stack.is_empty(0) or (b is None and stack.is_empty(i)):
        stack.set_c1(False)
        found, flags = ZF | PF | CF, int(Flag.INVALID | Status.STACK_FAULT)
    else:
        a = unpack(stack.bits(0), EXTENDED)
        b = b or unpack(stack.bits(i), EXTENDED)
        if a.is_nan or b.is_nan or Kind.UNSUPPORTED in (a.kind, b.kind):
            found = ZF | PF | CF
            flags = int(nan_flags(a, b) if quiet else Flag.INVALID)
        else:
            found, flags = (CF, ZF, 0)[number.compare(a, b) + 1], int(denormal_flags(a, b))
    tell(found)
    stack.before(Flag(flags))


def compare_to_conditions(stack: Stack, b: Number | None, *, quiet: bool, i: int = 0) -> None:

    def tell(flags: int) -> None:
        stack.condition(bool(flags & ZF), bool(flags & PF), flags & CF)

    stack.set_c1(False)
    compare(stack, b, tell, quiet=quiet, i=i)
