"""Binary floating point by exact arithmetic: what a result is rounded to, and what happened.

Numbers are fractions; nothing here knows how our core computes.  Power ISA v3.0B, I 4.3 to 4.5
and 7.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

FX, FEX, VX, OX, UX, ZX, XX = (1 << 31 - n for n in range(7))
VXSNAN, VXISI, VXIDI, VXZDZ, VXIMZ, VXVC, FR, FI = (1 << 31 - n for n in range(7, 15))
VXSOFT, VXSQRT, VXCVI, VE, OE, UE, ZE, XE = (1 << 31 - n for n in range(21, 29))
FPRF, FPCC = 0x1F000, 0xF000
INVALID = VXSNAN | VXISI | VXIDI | VXZDZ | VXIMZ | VXVC | VXSOFT | VXSQRT | VXCVI
CAUSES = INVALID | OX | UX | ZX | XX
NEAREST, ZERO, UP, DOWN, AWAY, ODD = range(6)
"""Roundings: FPSCR[RN], to nearest with ties away from zero, to odd."""


@dataclass(frozen=True, slots=True)
class Format:
    precision: int
    exponent_bits: int

    @property
    def bias(self) -> int:
        return (1 << self.exponent_bits - 1) - 1

    @property
    def least(self) -> int:
        """The exponent of the smallest normal number."""
        return 1 - self.bias

    @property
    def scale(self) -> int:
        """What an exponent is adjusted by when overflow or underflow is to interrupt."""
        return 3 << self.exponent_bits - 2

    @property
    def largest(self) -> Fraction:
        return (2 - power(1 - self.precision)) * power(self.bias)

    @property
    def bits(self) -> int:
        return self.precision + self.exponent_bits


HALF, SINGLE, DOUBLE, QUAD = Format(11, 5), Format(24, 8), Format(53, 11), Format(113, 15)
EXTENDED = Format(64, 15)


@dataclass(frozen=True, slots=True)
class Number:
    """A number, infinity or NaN; a zero and a NaN have signs, too."""

    negative: bool
    value: Fraction = Fraction(0)
    """The magnitude of a finite one."""
    infinite: bool = False
    payload: Fraction | None = None
    """A NaN's fraction, from 0 to 1; quiet from 1/2 on."""

    @property
    def nan(self) -> bool:
        return self.payload is not None

    @property
    def signaling(self) -> bool:
        return self.payload is not None and self.payload < Fraction(1, 2)

    @property
    def zero(self) -> bool:
        return not self.nan and not self.infinite and not self.value

    @property
    def signed(self) -> Fraction:
        return -self.value if self.negative else self.value

    def negate(self) -> Number:
        return Number(not self.negative, self.value, self.infinite, self.payload)

    def quiet(self) -> Number:
        if self.payload is None or not self.signaling:
            return self
        return Number(self.negative, payload=self.payload + Fraction(1, 2))


DEFAULT_NAN = Number(False, payload=Fraction(1, 2))


def power(exponent: int) -> Fraction:
    """Of two."""
    return Fraction(1 << exponent) if exponent >= 0 else Fraction(1, 1 << -exponent)


def _exponent(value: Fraction) -> int:
    """Of the first bit."""
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    return exponent if power(exponent) <= value else exponent - 1


def decode(bits: int, f: Format) -> Number:
    width = f.precision - 1
    negative = bool(bits >> f.bits - 1)
    exponent = bits >> width & (1 << f.exponent_bits) - 1
    fraction = Fraction(bits & (1 << width) - 1, 1 << width)
    if exponent == (1 << f.exponent_bits) - 1:
        if fraction:
            return Number(negative, payload=fraction)
        return Number(negative, infinite=True)
    if exponent:
        return Number(negative, (1 + fraction) * power(exponent - f.bias))
    return Number(negative, fraction * power(f.least))


def encode(n: Number, f: Format) -> int:
    """Of a number that the format has; a NaN is cut on the right."""
    width = f.precision - 1
    sign = int(n.negative) << f.bits - 1
    if n.nan or n.infinite:
        fraction = int(n.payload * (1 << width)) if n.payload is not None else 0
        return sign | ((1 << f.exponent_bits) - 1) << width | fraction
    if n.value < power(f.least):
        return sign | int(n.value / power(f.least - width))
    exponent = _exponent(n.value)
    fraction = int((n.value / power(exponent) - 1) * (1 << width))
    return sign | exponent + f.bias << width | fraction


def class_of(n: Number, f: Format) -> int:
    """FPRF of a result in that format."""
    if n.nan:
        return 0x11000
    if n.infinite:
        return 0x9000 if n.negative else 0x5000
    if n.zero:
        return 0x12000 if n.negative else 0x2000
    if n.value < power(f.least):
        return 0x18000 if n.negative else 0x14000
    return 0x8000 if n.negative else 0x4000


def _increments(rounding: int, negative: bool, last: int, rest: Fraction) -> bool:
    half = Fraction(1, 2)
    match rounding:
        case 0:
            return rest > half or (rest == half and last % 2 == 1)
        case 1:
            return False
        case 2:
            return bool(rest) and not negative
        case 3:
            return bool(rest) and negative
        case 4:
            return rest >= half
        case _:
            return bool(rest) and last % 2 == 0


def round_number(n: Number, f: Format, rounding: int, fpscr: int) -> tuple[Number, int]:
    """What a nonzero finite number becomes; OX, UX, XX, FR and FI."""
    exponent, told = _exponent(n.value), 0
    tiny = exponent < f.least
    scaled = tiny and bool(fpscr & UE)
    place = power((exponent if scaled else max(exponent, f.least)) - f.precision + 1)
    last, rest = divmod(n.value / place, 1)
    up = _increments(rounding, n.negative, last, rest)
    value = (last + up) * place
    if rest:
        told |= XX | FI | (FR if up else 0)
    if scaled:
        return Number(n.negative, value * power(f.scale)), told | UX
    if tiny and rest:
        told |= UX
    if value <= f.largest:
        return Number(n.negative, value), told
    if fpscr & OE:
        return Number(n.negative, value * power(-f.scale)), told | OX
    told = OX | XX | FI
    if rounding in (NEAREST, AWAY) or rounding == (DOWN if n.negative else UP):
        return Number(n.negative, infinite=True), told | FR
    return Number(n.negative, f.largest), told


def to_integer(n: Number, rounding: int) -> tuple[int, int]:
    """Of a finite number; FR and FI, with XX."""
    last, rest = divmod(n.value, 1)
    up = _increments(rounding, n.negative, last, rest)
    told = (XX | FI | (FR if up else 0)) if rest else 0
    return (-(last + up) if n.negative else last + up), told


# ---- operations: a result before it is rounded, and VX... or ZX ------------------------------


def first_nan(*operands: Number) -> tuple[Number | None, int]:
    told = VXSNAN if any(n.signaling for n in operands) else 0
    return next((n.quiet() for n in operands if n.nan), None), told


def add(a: Number, b: Number, rounding: int) -> tuple[Number, int]:
    if a.infinite and b.infinite and a.negative != b.negative:
        return DEFAULT_NAN, VXISI
    if a.infinite or b.infinite:
        return (a if a.infinite else b), 0
    total = a.signed + b.signed
    if total:
        return Number(total < 0, abs(total)), 0
    same = a.zero and b.zero and a.negative == b.negative
    return Number(a.negative if same else rounding == DOWN), 0


def multiply(a: Number, b: Number) -> tuple[Number, int]:
    negative = a.negative != b.negative
    if (a.infinite and b.zero) or (a.zero and b.infinite):
        return DEFAULT_NAN, VXIMZ
    if a.infinite or b.infinite:
        return Number(negative, infinite=True), 0
    return Number(negative, a.value * b.value), 0


def divide(a: Number, b: Number) -> tuple[Number, int]:
    negative = a.negative != b.negative
    if a.infinite and b.infinite:
        return DEFAULT_NAN, VXIDI
    if a.zero and b.zero:
        return DEFAULT_NAN, VXZDZ
    if b.zero and not a.infinite:
        return Number(negative, infinite=True), ZX
    if a.infinite:
        return Number(negative, infinite=True), 0
    if b.infinite:
        return Number(negative), 0
    return Number(negative, a.value / b.value), 0


def square_root(b: Number) -> tuple[Number, int]:
    """Where the root is no fraction, one between the same neighbours of any format."""
    if b.zero:
        return b, 0
    if b.negative:
        return DEFAULT_NAN, VXSQRT
    if b.infinite:
        return b, 0
    shift = 2 * (130 + abs(_exponent(b.value)))
    scaled = b.value * power(shift)
    root = isqrt(int(scaled))
    exact = root * root == scaled
    return Number(False, (root + (0 if exact else Fraction(1, 2))) * power(-shift // 2)), 0


def multiply_add(a: Number, c: Number, b: Number, rounding: int) -> tuple[Number, int]:
    """a * c + b; of NaNs, the first of a, b, c."""
    found, told = first_nan(a, b, c)
    if a.nan or c.nan:
        assert found is not None
        return found, told
    product, invalid = multiply(a, c)
    told |= invalid
    if found is not None or product.nan:
        return found or product, told
    total, invalid = add(product, b, rounding)
    return total, told | invalid


def summed(fpscr: int, causes: int) -> int:
    """FPSCR when these have happened: FX, VX and FEX with them."""
    fpscr |= (FX if causes & ~fpscr else 0) | causes
    fpscr &= ~(VX | FEX)
    fpscr |= VX if fpscr & INVALID else 0
    return fpscr | (FEX if enabled(fpscr, fpscr) else 0)


def enabled(fpscr: int, causes: int) -> int:
    """Those of the causes that are to interrupt."""
    masks = ((VE, INVALID), (OE, OX), (UE, UX), (ZE, ZX), (XE, XX))
    return sum(causes & mask for bit, mask in masks if fpscr & bit)
