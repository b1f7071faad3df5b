"""What registers and storage hold: of every format the borders and the special values, often."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

_64 = (1 << 64) - 1
_128 = (1 << 128) - 1

_INTEGERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000)
_INTEGERS += (
    0xFFFF_FFFF,
    0x1_0000_0000,
    (1 << 63) - 1,
    1 << 63,
    _64,
    _64 - 1,
    0x8000_0000_FFFF_FFFF,
)
_INTEGERS += (0x5555_5555_5555_5555, 0x0123_4567_89AB_CDEF)


def integer(rng: random.Random) -> int:
    match rng.randrange(6):
        case 0:
            return rng.choice(_INTEGERS)
        case 1:
            return rng.choice(_INTEGERS) + rng.randrange(-2, 3) & _64
        case 2:
            return 1 << rng.randrange(64)
        case 3:
            return rng.getrandbits(rng.randrange(1, 65))
        case 4:
            return -rng.getrandbits(rng.randrange(1, 64)) & _64
        case _:
            return rng.getrandbits(64)


def _binary(rng: random.Random, exponent_bits: int, fraction_bits: int) -> int:
    """A binary floating-point number of that format, by class."""
    top, sign = (1 << exponent_bits) - 1, rng.getrandbits(1) << exponent_bits + fraction_bits
    bias, quiet = top >> 1, 1 << fraction_bits - 1
    fraction = rng.getrandbits(fraction_bits)
    match rng.randrange(8):
        case 0:  # a fraction of few bits
            fraction &= ~((1 << rng.randrange(fraction_bits)) - 1)
        case 1:
            fraction = rng.choice((0, 0, (1 << fraction_bits) - 1, 1, 1 << fraction_bits - 1))
    match rng.randrange(16):
        case 0:
            return sign
        case 1:
            return sign | top << fraction_bits
        case 2:
            return sign | top << fraction_bits | quiet | fraction
        case 3:
            return sign | top << fraction_bits | (fraction & ~quiet or 1)
        case 4:
            return sign | fraction >> rng.randrange(fraction_bits)
        case 5 | 6:
            return sign | rng.getrandbits(exponent_bits) << fraction_bits | fraction
        case 7:
            near = rng.choice((1, 2, 3, top - 1, top - 2, bias - fraction_bits))
            return sign | near << fraction_bits | fraction
        case 8 | 9 | 10:  # integers, of up to 64 bits and beyond
            return sign | min(bias + rng.randrange(-3, 68), top - 1) << fraction_bits | fraction
        case _:
            return sign | min(bias + rng.randrange(-8, 9), top - 1) << fraction_bits | fraction


def single(rng: random.Random) -> int:
    return _binary(rng, 8, 23)


def half(rng: random.Random) -> int:
    return _binary(rng, 5, 10)


def single_as_double(rng: random.Random) -> int:
    """A double that a single can hold, or nearly."""
    fraction = rng.getrandbits(23) << 29 | (rng.getrandbits(1) << 28 if rng.random() < 0.3 else 0)
    return rng.getrandbits(1) << 63 | rng.randrange(870, 1155) << 52 | fraction


def double(rng: random.Random) -> int:
    return single_as_double(rng) if rng.random() < 0.3 else _binary(rng, 11, 52)


def quad(rng: random.Random) -> int:
    return _binary(rng, 15, 112)


def _declet(rng: random.Random) -> int:
    return rng.choice((0, 1, 0x3FF, 0x77, rng.getrandbits(10), rng.getrandbits(10)))


def decimal(rng: random.Random) -> int:
    """Decimal64: sign, combination, exponent continuation, declets."""
    if rng.random() < 0.2:
        return rng.getrandbits(64)
    sign, digits = rng.getrandbits(1) << 63, rng.randrange(6)
    combination = rng.choice((0x1E, 0x1F)) if rng.random() < 0.15 else rng.getrandbits(5)
    exponent = rng.choice((0, 1, 0xFE, 0xFF, 0x8E, rng.getrandbits(8)))
    if rng.random() < 0.5:  # near 1: the exponent is biased by 398
        exponent, combination = 398 + rng.randrange(-20, 20) & 0xFF, 8 | rng.randrange(8)
    number = sign | combination << 58 | exponent << 50
    for place in range(digits):
        number |= _declet(rng) << 10 * place
    return number


def decimal_pair(rng: random.Random) -> int:
    """Decimal128, as it lies in a pair of registers."""
    if rng.random() < 0.2:
        return rng.getrandbits(128)
    combination = rng.choice((0x1E, 0x1F)) if rng.random() < 0.15 else rng.getrandbits(5)
    exponent = rng.choice(
        (0, 1, 0xFFF, rng.getrandbits(12), 0x820 + rng.randrange(-40, 40) & 0xFFF)
    )
    if rng.random() < 0.5:
        combination = 8 | rng.randrange(8)
    number = rng.getrandbits(1) << 127 | combination << 122 | exponent << 110
    for place in range(rng.randrange(12)):
        number |= _declet(rng) << 10 * place
    return number


def packed_decimal(rng: random.Random) -> int:
    """31 digits and a sign code; seldom an invalid digit or sign."""
    digits = "".join(rng.choice("0123456789") for _ in range(rng.choice((0, 1, 5, 15, 30, 31))))
    if rng.random() < 0.2:
        digits = "9" * len(digits)
    number = int(digits or "0", 16) << 4 | rng.choice((0xA, 0xB, 0xC, 0xC, 0xC, 0xD, 0xD, 0xE, 0xF))
    if rng.random() < 0.1:
        number = number & ~0xF | rng.getrandbits(4)
    if rng.random() < 0.1:
        number |= rng.getrandbits(4) << 4 * rng.randrange(32)
    return number


def zoned_decimal(rng: random.Random) -> int:
    zone = rng.choice((3, 0xF))
    number = 0
    for place in range(16):
        number |= (zone << 4 | rng.randrange(10)) << 8 * place
    if rng.random() < 0.7:
        number = number & ~0xF0 | rng.getrandbits(4) << 4
    return number if rng.random() < 0.8 else number ^ 1 << rng.randrange(128)


def _of(part: Callable[[random.Random], int], bits: int) -> Callable[[random.Random], int]:
    def make(rng: random.Random) -> int:
        number = 0
        for at in range(0, 128, bits):
            number |= part(rng) << at
        return number

    return make


def _element(bits: int) -> Callable[[random.Random], int]:
    top = (1 << bits) - 1
    corners = (0, 1, top, top >> 1, (top >> 1) + 1)
    return lambda rng: rng.choice(corners) if rng.random() < 0.4 else rng.getrandbits(bits)


def any_bits(rng: random.Random) -> int:
    return rng.getrandbits(128)


VECTORS = {
    "bits": any_bits,
    "bytes": _of(_element(8), 8),
    "halfwords": _of(_element(16), 16),
    "words": _of(_element(32), 32),
    "doublewords": _of(integer, 64),
    "quadword": lambda rng: rng.choice(
        (0, 1, _128, 1 << 127, rng.getrandbits(rng.randrange(1, 129)))
    ),
    "halves": _of(half, 16),
    "singles": _of(single, 32),
    "doubles": _of(double, 64),
    "quads": quad,
    "decimals": _of(decimal, 64),
    "packed": packed_decimal,
    "zoned": zoned_decimal,
}


ENABLES = (0x80, 0x40, 0x20, 0x10, 0x8)
"""VE, OE, UE, ZE, XE of FPSCR."""


def fpscr(rng: random.Random) -> int:
    """Rounding, and either exceptions that happened or exceptions that are enabled."""
    value = rng.getrandbits(2) | rng.getrandbits(3) << 32
    match rng.randrange(5):
        case 0:
            value |= rng.choice(ENABLES)
        case 1:
            value |= sum(enable for enable in ENABLES if rng.random() < 0.5)
        case 2:
            value |= rng.getrandbits(32) & 0x1FFFF700 | rng.getrandbits(5) << 12
            if value & 0x1F8_0700:  # VX sums up what else there is
                value |= 0x2000_0000
    return value
