"""Numbers of x86's floating-point formats, exact (SDM volume 1, 4.2, 4.8 and 8.5).

A number is unpacked to sign, significand and exponent, computed with without error, and rounded
once.  Bits here are counted from the least significant one, as in the SDM.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum, IntFlag
from math import isqrt


class Rounding(IntEnum):
    """The RC field of the control word and of MXCSR."""

    NEAREST = 0
    DOWN = 1
    UP = 2
    ZERO = 3


class Flag(IntFlag):
    """Exceptions, where the status word and MXCSR have them."""

    NONE = 0
    INVALID = 1
    DENORMAL = 2
    ZERO_DIVIDE = 4
    OVERFLOW = 8
    UNDERFLOW = 16
    PRECISION = 32


class Kind(Enum):
    ZERO = 0
    FINITE = 1
    INFINITE = 2
    NAN = 3
    UNSUPPORTED = 4


@dataclass(frozen=True, slots=True)
class Format:
    precision: int  # bits of the significand, the first one among them
    exponent_bits: int
    explicit: bool  # the first bit is stored

    @property
    def bias(self) -> int:
        return (1 << self.exponent_bits - 1) - 1

    @property
    def stored(self) -> int:
        return self.precision if self.explicit else self.precision - 1


SINGLE = Format(24, 8, False)
DOUBLE = Format(53, 11, False)
EXTENDED = Format(64, 15, True)


@dataclass(frozen=True, slots=True)
class Number:
    """significand * 2**exponent; of a NaN, the significand as in the extended format."""

    kind: Kind
    negative: bool = False
    significand: int = 0
    exponent: int = 0
    denormal: bool = False

    @property
    def is_nan(self) -> bool:
        return self.kind is Kind.NAN

    @property
    def signaling(self) -> bool:
        return self.kind is Kind.NAN and not self.significand >> 62 & 1

    def negated(self) -> Number:
        return Number(self.kind, not self.negative, self.significand, self.exponent, self.denormal)

    def quiet(self) -> Number:
        return Number(Kind.NAN, self.negative, self.significand | 1 << 62)


ZERO = Number(Kind.ZERO)
INFINITY = Number(Kind.INFINITE)
INDEFINITE = Number(Kind.NAN, True, 3 << 62)


def finite(negative: bool, significand: int, exponent: int) -> Number:
    """Zero too."""
    return Number(Kind.FINITE if significand else Kind.ZERO, negative, significand, exponent)


def of_integer(value: int) -> Number:
    return finite(value < 0, abs(value), 0)


def unpack(bits: int, form: Format) -> Number:
    stored = form.stored
    fraction = bits & (1 << stored) - 1
    biased = bits >> stored & (1 << form.exponent_bits) - 1
    negative = bool(bits >> stored + form.exponent_bits & 1)
    if form.explicit:
        return _unpack_extended(negative, biased, fraction)
    if biased == (1 << form.exponent_bits) - 1:
        if not fraction:
            return Number(Kind.INFINITE, negative)
        return Number(Kind.NAN, negative, 1 << 63 | fraction << 63 - stored)
    if not biased:
        number = finite(negative, fraction, 1 - form.bias - stored)
        return Number(number.kind, negative, fraction, number.exponent, bool(fraction))
    return Number(Kind.FINITE, negative, fraction | 1 << stored, biased - form.bias - stored)


def _unpack_extended(negative: bool, biased: int, fraction: int) -> Number:
    first = fraction >> 63
    if biased == 0x7FFF:
        if not first:
            return Number(Kind.UNSUPPORTED, negative)
        if fraction == 1 << 63:
            return Number(Kind.INFINITE, negative)
        return Number(Kind.NAN, negative, fraction)
    if not biased:  # a denormal, or a pseudo-denormal
        kind = Kind.FINITE if fraction else Kind.ZERO
        return Number(kind, negative, fraction, 1 - 16383 - 63, bool(fraction))
    if not first:
        return Number(Kind.UNSUPPORTED, negative)
    return Number(Kind.FINITE, negative, fraction, biased - 16383 - 63)


@dataclass(frozen=True, slots=True)
class Rounded:
    bits: int
    flags: Flag = Flag.NONE
    up: bool = False
    """The magnitude was rounded up."""


def _encode(negative: bool, biased: int, fraction: int, form: Format) -> int:
    return negative << form.exponent_bits + form.stored | biased << form.stored | fraction


def largest(form: Format, precision: int) -> tuple[int, int]:
    """Biased exponent and stored fraction of the largest finite number."""
    fraction = ((1 << precision) - 1) << form.precision - precision
    return (1 << form.exponent_bits) - 2, fraction & (1 << form.stored) - 1


def round_bits(
    negative: bool, significand: int, places: int, rounding: Rounding
) -> tuple[int, bool, bool]:
    """significand / 2**places as an integer; whether it is inexact, and whether larger."""
    if places <= 0:
        return significand << -places, False, False
    kept, rest = significand >> places, significand & (1 << places) - 1
    if not rest:
        return kept, False, False
    half = 1 << places - 1
    if rounding is Rounding.NEAREST:
        up = rest > half or (rest == half and bool(kept & 1))
    else:
        up = rounding is (Rounding.DOWN if negative else Rounding.UP)
    return kept + up, True, up


def pack(
    n: Number,
    form: Format,
    rounding: Rounding,
    precision: int = 0,
    flush: bool = False,
    scaled: Flag = Flag.NONE,
) -> Rounded:
    """The bits of a number, rounded to the format and to `precision` if that is less.

    `flush`: underflow gives zero (MXCSR.FZ).  `scaled`: those of overflow and underflow that are
    unmasked in the x87: the exponent is changed by 24576 (SDM volume 1, 8.5.4 and 8.5.5).
    """
    top = (1 << form.exponent_bits) - 1
    if n.kind is Kind.INFINITE:
        return Rounded(_encode(n.negative, top, 1 << 63 if form.explicit else 0, form))
    if n.kind is Kind.NAN:
        fraction = n.significand >> 64 - form.precision & (1 << form.stored) - 1
        return Rounded(_encode(n.negative, top, fraction, form))
    if n.kind is Kind.ZERO:
        return Rounded(_encode(n.negative, 0, 0, form))
    precision = precision or form.precision
    least = 1 - form.bias
    length = n.significand.bit_length()
    first = n.exponent + length - 1
    kept, inexact, up = round_bits(n.negative, n.significand, length - precision, rounding)
    rounded_first = first + (kept >> precision)
    flags = Flag.NONE
    if rounded_first < least:
        if Flag.UNDERFLOW in scaled:
            moved = Number(n.kind, n.negative, n.significand, n.exponent + 24576)
            done = pack(moved, form, rounding, precision)
            return Rounded(done.bits, done.flags | Flag.UNDERFLOW, done.up)
        if flush:
            zero = _encode(n.negative, 0, 0, form)
            return Rounded(zero, Flag.UNDERFLOW | Flag.PRECISION)
    if first < least:
        quantum = least - (precision - 1)
        tiny = rounded_first < least
        kept, inexact, up = round_bits(n.negative, n.significand, quantum - n.exponent, rounding)
        if inexact:
            flags = Flag.PRECISION | (Flag.UNDERFLOW if tiny else Flag.NONE)
        biased = kept >> precision - 1
        fraction = (kept << form.precision - precision) & (1 << form.stored) - 1
        return Rounded(_encode(n.negative, biased, fraction, form), flags, up)
    if kept >> precision:
        kept >>= 1
    biased = rounded_first + form.bias
    if biased >= top:
        if Flag.OVERFLOW in scaled:
            moved = Number(n.kind, n.negative, n.significand, n.exponent - 24576)
            done = pack(moved, form, rounding, precision)
            return Rounded(done.bits, done.flags | Flag.OVERFLOW, done.up)
        flags = Flag.OVERFLOW | Flag.PRECISION
        away = rounding in (Rounding.NEAREST, Rounding.DOWN if n.negative else Rounding.UP)
        if away:
            return Rounded(
                _encode(n.negative, top, 1 << 63 if form.explicit else 0, form), flags, True
            )
        return Rounded(_encode(n.negative, *largest(form, precision), form), flags)
    if inexact:
        flags = Flag.PRECISION
    fraction = (kept << form.precision - precision) & (1 << form.stored) - 1
    return Rounded(_encode(n.negative, biased, fraction, form), flags, up)


# -- arithmetic ----------------------------------------------------------------------------
# Of numbers that are no NaNs; None: there is no such number, an invalid operation.

EXTRA = 140
"""Bits of quotients and roots: enough that what is cut off is only asked whether it is zero."""


def add(a: Number, b: Number, rounding: Rounding) -> Number | None:
    if a.kind is Kind.INFINITE or b.kind is Kind.INFINITE:
        if a.kind is b.kind and a.negative != b.negative:
            return None
        return a if a.kind is Kind.INFINITE else b
    if a.kind is Kind.ZERO and b.kind is Kind.ZERO:
        negative = a.negative if a.negative == b.negative else rounding is Rounding.DOWN
        return Number(Kind.ZERO, negative)
    exponent = min(x.exponent for x in (a, b) if x.kind is Kind.FINITE)
    total = 0
    for x in (a, b):
        if x.kind is Kind.FINITE:
            part = x.significand << x.exponent - exponent
            total += -part if x.negative else part
    if not total:
        return Number(Kind.ZERO, rounding is Rounding.DOWN)
    return finite(total < 0, abs(total), exponent)


def multiply(a: Number, b: Number) -> Number | None:
    negative = a.negative != b.negative
    kinds = {a.kind, b.kind}
    if Kind.INFINITE in kinds:
        return None if Kind.ZERO in kinds else Number(Kind.INFINITE, negative)
    return finite(negative, a.significand * b.significand, a.exponent + b.exponent)


def divide(a: Number, b: Number) -> Number | None:
    """Infinite also where a finite number is divided by zero."""
    negative = a.negative != b.negative
    if a.kind is b.kind and a.kind is not Kind.FINITE:
        return None
    if a.kind is Kind.INFINITE or b.kind is Kind.ZERO:
        return Number(Kind.INFINITE, negative)
    if a.kind is Kind.ZERO or b.kind is Kind.INFINITE:
        return Number(Kind.ZERO, negative)
    quotient, rest = divmod(a.significand << EXTRA, b.significand)
    return finite(negative, quotient << 1 | bool(rest), a.exponent - b.exponent - EXTRA - 1)


def square_root(a: Number) -> Number | None:
    if a.kind is Kind.ZERO or (a.kind is Kind.INFINITE and not a.negative):
        return a
    if a.negative:
        return None
    shift = EXTRA + (a.exponent - EXTRA & 1)
    scaled = a.significand << shift
    root = isqrt(scaled)
    return finite(False, root << 1 | (root * root != scaled), (a.exponent - shift) // 2 - 1)


def compare(a: Number, b: Number) -> int:
    """-1, 0, 1: less, equal, greater."""
    difference = add(a, b.negated(), Rounding.NEAREST)
    if difference is None or difference.kind is Kind.ZERO:
        return 0
    return -1 if difference.negative else 1


def to_integer(n: Number, rounding: Rounding) -> tuple[int, bool, bool]:
    """A finite number or zero; whether that is inexact, and whether larger in magnitude."""
    kept, inexact, up = round_bits(n.negative, n.significand, -n.exponent, rounding)
    return -kept if n.negative else kept, inexact, up
