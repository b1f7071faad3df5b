"""AES-NI and PCLMULQDQ (SDM volume 2): rounds of AES (FIPS 197), products without carries.

The state's bytes lie column by column, the first in the lowest byte of a register.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lanes import join, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .simd import Registers

_FIELD = 0x11B
"""x^8 + x^4 + x^3 + x + 1."""
_FORWARD, _BACKWARD = (2, 3, 1, 1), (14, 11, 13, 9)
"""Rows of the matrices of MixColumns and its inverse."""
_IMC, _ENC, _LAST_ENC, _DEC, _LAST_DEC = range(0xF38DB, 0xF38E0)
_KEY, _MULTIPLY = 0xF3ADF, 0xF3A44


def product(a: int, b: int) -> int:
    """Of polynomials over the field of two elements."""
    result = 0
    while b:
        low = b & -b
        result ^= a * low
        b ^= low
    return result


def _times(a: int, b: int) -> int:
    result = product(a, b)
    for n in range(14, 7, -1):
        if result >> n & 1:
            result ^= _FIELD << n - 8
    return result


def _box() -> bytes:
    """The substitution of bytes: by 3 and its inverse all of the field is gone through."""
    box, a, inverse = bytearray(256), 1, 1
    for _ in range(255):
        a, inverse = _times(a, 3), _times(inverse, 0xF6)
        spread = product(inverse, 0x1F)
        box[a] = spread & 0xFF ^ spread >> 8 ^ 0x63
    box[0] = 0x63
    return bytes(box)


_BOX = _box()
_INVERSE = bytes(map(_BOX.index, range(256)))


def execute(r: Registers) -> bool:
    """False: it is none of these."""
    opcode = r.op.instruction.opcode
    if opcode not in (_MULTIPLY, _KEY) and not _IMC <= opcode <= _LAST_DEC:
        return False
    a, b = r.xmm(r.reg), r.source()
    if opcode == _MULTIPLY:
        first, second = split(a, 64, 2), split(b, 64, 2)
        value = product(first[r.immediate & 1], second[r.immediate >> 4 & 1])
    elif opcode == _KEY:
        value = _key(b, r.immediate)
    elif opcode == _IMC:
        value = join(_mixed(split(b, 8, 16), _BACKWARD), 8)
    else:
        value = _round(split(a, 8, 16), opcode) ^ b
    r.set_xmm(r.reg, value)
    return True


def _round(state: Sequence[int], opcode: int) -> int:
    """Without the round's key."""
    forward = opcode in (_ENC, _LAST_ENC)
    turned = [state[4 * (n // 4 + (n if forward else -n) % 4 & 3) + n % 4] for n in range(16)]
    found = [(_BOX if forward else _INVERSE)[byte] for byte in turned]
    if opcode in (_ENC, _DEC):
        found = _mixed(found, _FORWARD if forward else _BACKWARD)
    return join(found, 8)


def _mixed(state: Sequence[int], row: Sequence[int]) -> list[int]:
    found = []
    for n in range(16):
        value = 0
        for k in range(4):
            value ^= _times(row[k], state[n & 12 | n + k & 3])
        found.append(value)
    return found


def _key(b: int, constant: int) -> int:
    words = []
    for word in split(b, 32, 4)[1::2]:
        replaced = join((_BOX[byte] for byte in split(word, 8, 4)), 8)
        words += [replaced, (replaced >> 8 | replaced << 24 & 0xFFFF_FFFF) ^ constant]
    return join(words, 32)
