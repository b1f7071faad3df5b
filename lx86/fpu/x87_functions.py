"""FSIN and its like, remainders, scaling: what D9 F0 to D9 FF do with ST(0) and ST(1).

Transcendental functions are computed with far more bits than a register has and rounded once; the
processors of other makers are within one unit in the last place (SDM volume 1, 8.3.10), and so is
this of theirs.  Angles are reduced by the 66 bits of pi that the SDM names (8.3.8).
"""

from __future__ import annotations

from . import elementary, number
from .number import EXTENDED, Flag, Kind, Number, Rounding, pack, unpack
from .stack import (
    INDEFINITE_BITS,
    Stack,
    choose_nan,
    denormal_flags,
    nan_flags,
)


def execute(stack: Stack, modrm: int) -> None:
    match modrm:
        case 0xF0 | 0xFA | 0xFC:
            _unary(stack, modrm)
        case 0xF1 | 0xF3 | 0xF9:
            _binary_pop(stack, modrm)
        case 0xF2 | 0xFB | 0xFE | 0xFF:
            _trigonometric(stack, modrm)
        case 0xF4:
            _extract(stack)
        case 0xF5 | 0xF8:
            _remainder(stack, nearest=modrm == 0xF5)
        case 0xFD:
            _scale(stack)


def _special(stack: Stack, *operands: Number | None) -> int | None:
    """The result where an operand is empty, unsupported or a NaN; raises `Unmasked`."""
    numbers = [n for n in operands if n is not None]
    if len(numbers) < len(operands):
        return INDEFINITE_BITS
    if any(n.kind is Kind.UNSUPPORTED for n in numbers):
        stack.before(Flag.INVALID)
        return INDEFINITE_BITS
    if not any(n.is_nan for n in numbers):
        return None
    stack.before(nan_flags(*numbers))
    chosen = numbers[0].quiet() if len(numbers) == 1 else choose_nan(*numbers)
    return pack(chosen, EXTENDED, Rounding.NEAREST).bits


def _invalid(stack: Stack) -> int:
    stack.before(Flag.INVALID)
    return INDEFINITE_BITS


# -- of one operand ------------------------------------------------------------------------


def _unary(stack: Stack, modrm: int) -> None:
    """F2XM1, FSQRT, FRNDINT."""
    stack.set_c1(False)
    a = stack.read(0)
    bits = _special(stack, a)
    if bits is None:
        assert a is not None
        if modrm == 0xFA:
            root = number.square_root(a)
            if root is None:
                bits = _invalid(stack)
            else:
                stack.before(denormal_flags(a))
                bits = stack.rounded(root)
        elif modrm == 0xFC:
            bits = _round_to_integer(stack, a)
        else:
            stack.before(denormal_flags(a))
            bits = _power(stack, a)
    stack.set_bits(0, bits)


def _round_to_integer(stack: Stack, a: Number) -> int:
    if a.kind is not Kind.FINITE or a.exponent >= 0:
        return pack(a, EXTENDED, stack.rounding).bits
    stack.before(denormal_flags(a))
    value, inexact, up = number.to_integer(a, stack.rounding)
    stack.after(number.Rounded(0, Flag.PRECISION if inexact else Flag.NONE, up))
    return pack(number.finite(a.negative, abs(value), 0), EXTENDED, stack.rounding).bits


def _power(stack: Stack, a: Number) -> int:
    """2**a - 1; beyond -1 and 1, where it is undefined, what processors give: a itself."""
    if a.kind is Kind.INFINITE:
        return pack(number.finite(True, 1, 0) if a.negative else a, EXTENDED, Rounding.NEAREST).bits
    if a.kind is Kind.ZERO:
        return pack(a, EXTENDED, Rounding.NEAREST).bits
    first = a.exponent + a.significand.bit_length() - 1
    if first > 0 or (first == 0 and a.significand != 1 << a.significand.bit_length() - 1):
        stack.tell(Flag.PRECISION)
        return stack.rounded(a, full=True)
    return stack.rounded(elementary.power_minus_one(a), full=True)


def _trigonometric(stack: Stack, modrm: int) -> None:
    """FPTAN, FSINCOS, FSIN, FCOS."""
    two = modrm in (0xF2, 0xFB)
    stack.set_c1(False)
    stack.condition(*_conditions_without_c2(stack))
    if two and not stack.is_empty(0) and not stack.is_empty(7):
        stack.stack_fault(True)
        stack.set_bits(0, INDEFINITE_BITS)
        stack.top -= 1
        stack.set_bits(0, INDEFINITE_BITS)
        return
    a = stack.read(0)
    bits = _special(stack, a)
    if bits is None:
        assert a is not None
        if a.kind is Kind.INFINITE:
            bits = _invalid(stack)
        elif a.kind is Kind.FINITE and a.exponent + a.significand.bit_length() > 63:
            stack.condition(_bit(stack, 14), 1, _bit(stack, 8))
            return
    if bits is not None:
        stack.set_bits(0, bits)
        if two:
            stack.push(bits)
        return
    assert a is not None
    stack.before(denormal_flags(a))
    _put_trigonometric(stack, modrm, a)


def _bit(stack: Stack, n: int) -> int:
    return stack.s.status >> n & 1


def _conditions_without_c2(stack: Stack) -> tuple[int, int, int]:
    return _bit(stack, 14), 0, _bit(stack, 8)


def _put_trigonometric(stack: Stack, modrm: int, a: Number) -> None:
    one = number.finite(False, 1, 0)
    if a.kind is Kind.ZERO:
        sine, cosine = a, one
        tangent = a
    else:
        sine, cosine, tangent = elementary.sine_cosine_tangent(a)
    if modrm == 0xFE:
        stack.set_bits(0, stack.rounded(sine, full=True))
    elif modrm == 0xFF:
        stack.set_bits(0, stack.rounded(cosine, full=True))
    elif modrm == 0xFB:
        stack.set_bits(0, stack.rounded(sine, full=True))
        bits = stack.rounded(cosine, full=True)
        c1 = _bit(stack, 9)
        stack.push(bits)
        stack.set_c1(bool(c1))
    else:
        stack.set_bits(0, stack.rounded(tangent, full=True))
        c1 = _bit(stack, 9)
        stack.push(pack(one, EXTENDED, Rounding.NEAREST).bits)
        stack.set_c1(bool(c1))


# -- of two operands, with a pop -----------------------------------------------------------


def _binary_pop(stack: Stack, modrm: int) -> None:
    """FYL2X, FPATAN, FYL2XP1: of y = ST(1) and x = ST(0)."""
    stack.set_c1(False)
    if stack.is_empty(0) or stack.is_empty(1):
        stack.stack_fault(False)
        bits: int | None = INDEFINITE_BITS
    else:
        x, y = unpack(stack.bits(0), EXTENDED), unpack(stack.bits(1), EXTENDED)
        bits = _special(stack, x, y)
        if bits is None:
            if modrm == 0xF3:
                bits = _arctangent(stack, x, y)
            else:
                bits = _logarithm(stack, x, y, plus_one=modrm == 0xF9)
    assert bits is not None
    stack.set_bits(1, bits)
    stack.pop()


def _arctangent(stack: Stack, x: Number, y: Number) -> int:
    stack.before(denormal_flags(x, y))
    if y.kind is Kind.ZERO and not x.negative:
        return pack(y, EXTENDED, Rounding.NEAREST).bits
    if x.kind is Kind.INFINITE and not x.negative and y.kind is not Kind.INFINITE:
        return pack(Number(Kind.ZERO, y.negative), EXTENDED, Rounding.NEAREST).bits
    return stack.rounded(elementary.arctangent(y, x), full=True)


def _logarithm(stack: Stack, x: Number, y: Number, *, plus_one: bool) -> int:
    """y * log2(x), or y * log2(x + 1)."""
    one = number.finite(False, 1, 0)
    if x.kind is Kind.INFINITE:
        if x.negative or y.kind is Kind.ZERO:
            return _invalid(stack)
        stack.before(denormal_flags(y))
        return pack(Number(Kind.INFINITE, y.negative), EXTENDED, Rounding.NEAREST).bits
    if plus_one:
        if x.kind is Kind.ZERO:
            if y.kind is Kind.INFINITE:
                return _invalid(stack)
            stack.before(denormal_flags(y))
            negative = x.negative != y.negative
            return pack(Number(Kind.ZERO, negative), EXTENDED, Rounding.NEAREST).bits
        if x.negative and number.compare(x, one.negated()) <= 0:
            stack.tell(Flag.PRECISION)  # outside of what is defined, processors give x
            return pack(x, EXTENDED, Rounding.NEAREST).bits
        negative_log = x.negative
    else:
        if x.kind is Kind.ZERO:
            if y.kind is Kind.ZERO:
                return _invalid(stack)
            if y.kind is Kind.FINITE:
                stack.before(Flag.ZERO_DIVIDE)
            return pack(Number(Kind.INFINITE, not y.negative), EXTENDED, Rounding.NEAREST).bits
        if x.negative:
            return _invalid(stack)
        order = number.compare(x, one)
        if order == 0:
            if y.kind is Kind.INFINITE:
                return _invalid(stack)
            stack.before(denormal_flags(y))
            return pack(Number(Kind.ZERO, y.negative), EXTENDED, Rounding.NEAREST).bits
        negative_log = order < 0
    if y.kind is not Kind.FINITE:
        stack.before(denormal_flags(x))
        return pack(Number(y.kind, y.negative != negative_log), EXTENDED, Rounding.NEAREST).bits
    stack.before(denormal_flags(x, y))
    log = elementary.logarithm_plus_one(x) if plus_one else elementary.logarithm(x)
    product = number.multiply(y, log)
    assert product is not None
    return stack.rounded(product, full=True)


# -- remainder, scaling --------------------------------------------------------------------


def _remainder(stack: Stack, *, nearest: bool) -> None:
    """FPREM, FPREM1: C2 says that the exponents lay too far apart for one step."""
    stack.set_c1(False)
    stack.condition(*_conditions_without_c2(stack))
    if stack.is_empty(0) or stack.is_empty(1):
        stack.stack_fault(False)
        stack.set_bits(0, INDEFINITE_BITS)
        return
    a, b = unpack(stack.bits(0), EXTENDED), unpack(stack.bits(1), EXTENDED)
    bits = _special(stack, a, b)
    if bits is None and (a.kind is Kind.INFINITE or b.kind is Kind.ZERO):
        bits = _invalid(stack)
    if bits is not None:
        stack.set_bits(0, bits)
        return
    stack.before(denormal_flags(a, b))
    if a.kind is Kind.ZERO or b.kind is Kind.INFINITE:
        stack.condition(0, 0, 0)
        stack.set_bits(0, pack(a, EXTENDED, Rounding.NEAREST).bits)
        return
    distance = (a.exponent + a.significand.bit_length()) - (b.exponent + b.significand.bit_length())
    if distance >= 64:
        exponent = b.exponent + distance - (32 + distance % 32)
        bits = _reduced(stack, a, b, exponent)
        stack.condition(0, 1, 0)
        stack.set_bits(0, bits)
        return
    exponent = min(a.exponent, b.exponent)
    x, y = a.significand << a.exponent - exponent, b.significand << b.exponent - exponent
    quotient, rest = divmod(x, y)
    negative = a.negative
    if nearest and (2 * rest > y or (2 * rest == y and quotient & 1)):
        quotient, rest, negative = quotient + 1, y - rest, not negative
    result = number.finite(negative if rest else a.negative, rest, exponent)
    bits = stack.rounded(result, full=True)
    stack.condition(quotient >> 1 & 1, 0, quotient >> 2 & 1)
    stack.set_c1(bool(quotient & 1))
    stack.set_bits(0, bits)


def _reduced(stack: Stack, a: Number, b: Number, exponent: int) -> int:
    """a less a multiple of b * 2**(exponent - b.exponent)."""
    least = min(a.exponent, exponent)
    rest = (a.significand << a.exponent - least) % (b.significand << exponent - least)
    return stack.rounded(number.finite(a.negative, rest, least), full=True)


def _scale(stack: Stack) -> None:
    stack.set_c1(False)
    if stack.is_empty(0) or stack.is_empty(1):
        stack.stack_fault(False)
        stack.set_bits(0, INDEFINITE_BITS)
        return
    a, b = unpack(stack.bits(0), EXTENDED), unpack(stack.bits(1), EXTENDED)
    bits = _special(stack, a, b)
    if bits is None and b.kind is Kind.INFINITE:
        if a.kind is (Kind.INFINITE if b.negative else Kind.ZERO):
            bits = _invalid(stack)
        else:
            stack.before(denormal_flags(a))
            kind = Kind.ZERO if b.negative else Kind.INFINITE
            bits = pack(Number(kind, a.negative), EXTENDED, Rounding.NEAREST).bits
    if bits is None:
        stack.before(denormal_flags(a, b))
        if a.kind is not Kind.FINITE:
            bits = pack(a, EXTENDED, Rounding.NEAREST).bits
        else:
            steps = 0
            if b.kind is Kind.FINITE:
                big = b.exponent + b.significand.bit_length() > 18
                steps = 1 << 18 if big else number.to_integer(b, Rounding.ZERO)[0]
                if big and b.negative:
                    steps = -steps
            scaled = number.finite(a.negative, a.significand, a.exponent + steps)
            bits = stack.rounded(scaled, full=True)
    stack.set_bits(0, bits)


def _extract(stack: Stack) -> None:
    """ST(0) becomes its exponent; its significand is pushed."""
    stack.set_c1(False)
    if stack.is_empty(0) or not stack.is_empty(7):
        stack.stack_fault(not stack.is_empty(0))
        stack.set_bits(0, INDEFINITE_BITS)
        stack.top -= 1
        stack.set_bits(0, INDEFINITE_BITS)
        return
    a = unpack(stack.bits(0), EXTENDED)
    special = _special(stack, a)
    if special is not None:
        exponent = significand = special
    elif a.kind is Kind.INFINITE:
        exponent, significand = (
            pack(number.INFINITY, EXTENDED, Rounding.NEAREST).bits,
            stack.bits(0),
        )
    elif a.kind is Kind.ZERO:
        stack.before(Flag.ZERO_DIVIDE)
        exponent = pack(number.INFINITY.negated(), EXTENDED, Rounding.NEAREST).bits
        significand = stack.bits(0)
    else:
        stack.before(denormal_flags(a))
        length = a.significand.bit_length()
        power = number.of_integer(a.exponent + length - 1)
        exponent = pack(power, EXTENDED, Rounding.NEAREST).bits
        part = number.finite(a.negative, a.significand, 1 - length)
        significand = pack(part, EXTENDED, Rounding.NEAREST).bits
    stack.set_bits(0, exponent)
    stack.push(significand)


__all__ = ["execute"]
