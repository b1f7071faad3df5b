"""Constants of 16 bytes that sequences load from the context, each with one lxv.

Lane n of bytes lies in byte n ^ 7 of a VSR, of halfwords in halfword n ^ 3.
"""

from __future__ import annotations

from enum import IntEnum, auto
from typing import TYPE_CHECKING

from ..convention import CONTEXT
from . import vsx

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..emitter import Emitter

PATTERNS_AT = 0x400
"""In the context."""
_NONE = 128
"""VBPERMQ's index of a bit that is 0."""
_CASTAGNOLI = 0x1_05EC_76F1
"""The polynomial of CRC32 with its bits reflected, the leading one among them."""


class Pattern(IntEnum):
    """By their places."""

    SIGNS_8 = 0
    SIGNS_16 = auto()
    SIGNS_32 = auto()
    SIGNS_64 = auto()
    BITS_8 = auto()
    BITS_16 = auto()
    LANES_16 = auto()
    FOURS_0 = auto()
    FOURS_4 = auto()
    FOURS_8 = auto()
    CRC_8 = auto()
    CRC_16 = auto()
    CRC_32 = auto()
    CRC_64 = auto()
    POLYNOMIAL = auto()


def _signs(width: int) -> bytes:
    """Operands of VBPERMQ: it gathers the sign bits of elements of `width` bits."""
    wanted = [width * (n + 1) - 1 for n in range(128 // width)]  # as x86 counts
    bits = [(63 - bit if bit < 64 else 191 - bit) for bit in reversed(wanted)]
    return bytes([_NONE] * (16 - len(bits)) + bits)


def _halfwords(values: Iterable[int]) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def _fours(first: int) -> bytes:
    """Operands of VPERM: in a word the bytes from a place on, one place more in each to the left.

    That is the order in which VPKUWUM makes halfwords of them that lie as XMM registers do.
    """
    return bytes(first + 3 - word + 3 - byte ^ 7 for word in range(4) for byte in range(4))


def _inverse(bits: int) -> bytes:
    """Of the polynomial, modulo 2^bits without carries; at the left end of doubleword 0."""
    inverse, product = 0, 0
    for n in range(bits):
        if (product ^ (n == 0) << n) >> n & 1:
            inverse |= 1 << n
            product ^= _CASTAGNOLI << n
    return (inverse << 128 - bits).to_bytes(16, "big")


_CONTENTS = {
    **{Pattern.SIGNS_8 + n: _signs(8 << n) for n in range(4)},
    Pattern.BITS_8: bytes(1 << (n ^ 7) % 8 for n in range(16)),
    Pattern.BITS_16: _halfwords(1 << (n ^ 3) for n in range(8)),
    Pattern.LANES_16: _halfwords(n ^ 3 for n in range(8)),
    **{Pattern.FOURS_0 + n: _fours(4 * n) for n in range(3)},
    **{Pattern.CRC_8 + n: _inverse(8 << n) for n in range(4)},
    Pattern.POLYNOMIAL: _CASTAGNOLI.to_bytes(16, "big"),
}
"""`SIGNS`: for `gather`; `BITS`: a bit for each lane, `LANES`: its number; `FOURS`: MPSADBW's
bytes; `CRC`: what a CRC is multiplied by for so many bits of data, then by `POLYNOMIAL`."""
PATTERNS = b"".join(_CONTENTS[pattern][::-1] for pattern in Pattern)
"""As they lie in the context."""


def load(e: Emitter, target: int, pattern: Pattern) -> None:
    vsx.load_quadword(e, target, CONTEXT, PATTERNS_AT + 16 * pattern)
