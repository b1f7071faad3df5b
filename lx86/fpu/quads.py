"""The x87's 80 bits as quad precision, and back.

What arithmetic is not to be done with stands there raw, as the fraction of a signaling NaN, so that
arithmetic traps: what is no number of the format, but NaNs and denormals too, whose rules and
whose exception POWER does not have.  Denormals that arithmetic left are read all the same, and
NaNs that came from doubles.
"""

from __future__ import annotations

_LOW_64 = (1 << 64) - 1
_RAW = (1 << 79) - 1


def quad_of(bits: int) -> int:
    """A register of the x87 as it stands in a VSR."""
    sign, biased, significand = bits >> 79, bits >> 64 & 0x7FFF, bits & _LOW_64
    if _is_plain(biased, significand):
        return sign << 127 | biased << 112 | (significand & (1 << 63) - 1) << 49
    return sign << 127 | 0x7FFF << 112 | (bits & _RAW) << 1 | 1


def _is_plain(biased: int, significand: int) -> bool:
    """Zero, infinity, or a number that is not denormal: what arithmetic may be done with."""
    if not biased:
        return not significand
    return bool(significand >> 63) and (biased != 0x7FFF or significand == 1 << 63)


def is_raw(quad: int) -> bool:
    """Whether the 80 bits stand in it as they are."""
    return quad >> 112 & 0x7FFF == 0x7FFF and bool(quad & 1)


def extended_of(quad: int) -> int:
    sign, biased, fraction = quad >> 127, quad >> 112 & 0x7FFF, quad & (1 << 112) - 1
    if is_raw(quad):
        return sign << 79 | fraction >> 1 & _RAW
    return sign << 79 | biased << 64 | (biased != 0) << 63 | fraction >> 49
