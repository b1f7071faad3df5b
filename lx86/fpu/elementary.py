"""Elementary functions of exact arguments, by integers, to more than 100 bits of their values.

The results are numbers whose significands are long; the true value lies nearer to them than any
rounding to 64 bits can tell, but for a chance of one in 2**60.
"""

from __future__ import annotations

from math import isqrt

from .number import Kind, Number, finite

BITS = 192
"""Of fixed-point fractions, beyond what a small result needs."""
PI_66 = 0xC90FDAA22168C234C
"""Pi * 2**66, as the processors have it (SDM volume 1, 8.3.8)."""


def _fixed(n: Number, bits: int) -> int:
    """n * 2**bits, cut off."""
    shift = n.exponent + bits
    value = n.significand << shift if shift >= 0 else n.significand >> -shift
    return -value if n.negative else value


def _of_fixed(value: int, bits: int) -> Number:
    """Inexact: a last bit stands for all that is behind."""
    return finite(value < 0, abs(value) << 1 | 1, -bits - 1)


def _first(n: Number) -> int:
    return n.exponent + n.significand.bit_length() - 1


def _atan_inverse(n: int, bits: int) -> int:
    """atan(1/n)."""
    total = term = (1 << bits) // n
    square, k, sign = n * n, 1, -1
    while term:
        term //= square
        k += 2
        total += sign * (term // k)
        sign = -sign
    return total


def pi(bits: int) -> int:
    return 4 * (4 * _atan_inverse(5, bits + 16) - _atan_inverse(239, bits + 16)) >> 16


def _log_series(numerator: int, denominator: int, bits: int) -> int:
    """ln(numerator / denominator) * 2**bits, of a ratio near 1."""
    z = ((numerator - denominator) << bits) // (numerator + denominator)
    square, total, power, k = z * z >> bits, z, z, 1
    while power not in (0, -1):
        power = power * square >> bits
        k += 2
        total += power // k
    return 2 * total


def ln2(bits: int) -> int:
    work = bits + 16
    return 2 * _log_series(4, 3, work) + _log_series(9, 8, work) >> 16


# -- logarithms and powers -----------------------------------------------------------------


def logarithm(x: Number) -> Number:
    """log2 of a positive number other than 1."""
    length = x.significand.bit_length()
    power = x.exponent + length
    # significand / 2**length lies in [1/2, 1); nearer to 1 if doubled below 0.7
    numerator, denominator = x.significand, 1 << length
    if 10 * numerator < 7 * denominator:
        numerator, power = 2 * numerator, power - 1
    if numerator == denominator:
        return finite(power < 0, abs(power), 0)
    bits = BITS + 80
    log = (_log_series(numerator, denominator, bits) << bits) // ln2(bits)
    return _of_fixed(log + (power << bits), bits)


def logarithm_plus_one(x: Number) -> Number:
    """log2(1 + x), x greater than -1."""
    if _first(x) < -100:  # x / ln 2 * (1 - x / 2)
        bits = 256
        scaled = (x.significand << 2 * bits) // ln2(bits)
        half = scaled >> -_first(x) if _first(x) > -200 else 0
        scaled += half // 2 if x.negative else -half // 2
        return finite(x.negative, scaled << 1 | 1, x.exponent - bits - 1)
    bits = BITS + 128
    shift = -min(x.exponent, 0)
    one = 1 << shift
    part = x.significand << max(x.exponent, 0)
    whole = one - part if x.negative else one + part
    total = finite(False, whole, -shift)
    if _first(x) < -1:
        log = (_log_series(whole, one, bits) << bits) // ln2(bits)
        return _of_fixed(log, bits)
    return logarithm(total)


def _exp_minus_one(x: int, bits: int) -> int:
    total = term = x
    k = 1
    while term not in (0, -1):
        k += 1
        term = (term * x >> bits) // k
        total += term
    return total


def power_minus_one(x: Number) -> Number:
    """2**x - 1, x between -1 and 1."""
    if _first(x) == 0:
        return finite(False, 1, 0) if not x.negative else finite(True, 1, -1)
    if _first(x) < -100:  # x * ln 2 * (1 + x * ln 2 / 2)
        bits = 256
        scaled = x.significand * ln2(bits)
        more = scaled >> -_first(x) + 1 if _first(x) > -200 else 0
        scaled += -more * 2 // 3 if x.negative else more * 2 // 3
        return finite(x.negative, scaled << 1 | 1, x.exponent - bits - 1)
    bits = BITS + 128
    return _of_fixed(_exp_minus_one(_fixed(x, bits) * ln2(bits) >> bits, bits), bits)


# -- angles --------------------------------------------------------------------------------


def _sine_cosine(angle: int, bits: int) -> tuple[int, int]:
    sine, cosine = angle, 1 << bits
    square, k = angle * angle >> bits, 1
    term_s, term_c = angle, 1 << bits
    while term_s not in (0, -1) or term_c not in (0, -1):
        term_c = -(term_c * square >> bits) // (k * (k + 1))
        term_s = -(term_s * square >> bits) // ((k + 1) * (k + 2))
        cosine += term_c
        sine += term_s
        k += 2
    return sine, cosine


def sine_cosine_tangent(x: Number) -> tuple[Number, Number, Number]:
    """Of a number that is not 0, below 2**63."""
    if _first(x) < -70:  # x less x cubed / 6, 1 less x squared / 2, x and x cubed / 3
        x_long = x.significand << 128
        sine = finite(x.negative, x_long - 1, x.exponent - 128)
        tangent = finite(x.negative, x_long + 1, x.exponent - 128)
        return sine, finite(False, (1 << 200) - 1, -200), tangent
    bits = BITS + 80
    value = _fixed(x, bits)
    quarter = PI_66 << bits - 67
    turns = (2 * value + quarter) // (2 * quarter)
    s, c = _sine_cosine(value - turns * quarter, bits)
    for _ in range(turns % 4):
        s, c = c, -s
    return _of_fixed(s, bits), _of_fixed(c, bits), _of_fixed((s << bits) // c, bits)


def _atan(numerator: int, denominator: int, bits: int) -> int:
    """atan(numerator / denominator), 0 <= numerator <= denominator."""
    z = (numerator << bits) // denominator
    halvings = 0
    while z >> bits - 3:  # atan z = 2 atan(z / (1 + sqrt(1 + z * z)))
        root = isqrt((1 << 2 * bits) + z * z)
        z = (z << bits) // ((1 << bits) + root)
        halvings += 1
    square, total, power, k, sign = z * z >> bits, z, z, 1, -1
    while power:
        power = power * square >> bits
        k += 2
        total += sign * (power // k)
        sign = -sign
    return total << halvings


def arctangent(y: Number, x: Number) -> Number:
    """The angle of the point (x, y), -pi to pi; not of what needs no computing."""
    bits = BITS + 80
    whole = pi(bits)
    quarters: int | None = None
    if y.kind is Kind.INFINITE:
        quarters = (3 if x.negative else 1) if x.kind is Kind.INFINITE else 2
    elif y.kind is Kind.ZERO or x.kind is Kind.INFINITE:
        quarters = 4
    elif x.kind is Kind.ZERO:
        quarters = 2
    if quarters is not None:
        angle = _of_fixed(whole * quarters // 4, bits)
        return angle.negated() if y.negative else angle
    distance = _first(y) - _first(x)
    if distance < -75 and not x.negative:  # y / x, less a little
        quotient = (y.significand << 256) // x.significand
        return finite(y.negative, quotient - 1 << 1 | 1, y.exponent - x.exponent - 257)
    least = min(y.exponent, x.exponent)
    if distance < -200 or distance > 200:
        value = 1 if distance < 0 else (whole >> 1) - 1
    else:
        a, b = y.significand << y.exponent - least, x.significand << x.exponent - least
        value = _atan(a, b, bits) if a <= b else (whole >> 1) - _atan(b, a, bits)
    angle = _of_fixed(whole - value if x.negative else value, bits)
    return angle.negated() if y.negative else angle
