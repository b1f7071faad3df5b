"""Packed integers: what MMX's and SSE2's instructions compute (SDM volume 1, 9.4 and 11.4.2).

Every function takes both operands as numbers, and how many bits they have: 64 or 128.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lanes import join, map_lanes, saturate_signed, saturate_unsigned, signed, split

if TYPE_CHECKING:
    from collections.abc import Callable

Packed = "Callable[[int, int, int], int]"


def _each(f: Callable[[int, int], int], width: int, is_signed: bool = False) -> Callable[..., int]:
    return lambda a, b, total: map_lanes(f, a, b, width, total, is_signed)


def _saturated(f: Callable[[int, int], int], width: int, is_signed: bool) -> Callable[..., int]:
    clip = saturate_signed if is_signed else saturate_unsigned
    return _each(lambda x, y: clip(f(x, y), width), width, is_signed)


def _plus(x: int, y: int) -> int:
    return x + y


def _minus(x: int, y: int) -> int:
    return x - y


def _equal(x: int, y: int) -> int:
    return -(x == y)


def _greater(x: int, y: int) -> int:
    return -(x > y)


def _pack(width: int, is_signed: bool) -> Callable[..., int]:
    """Lanes of `width` bits, taken as signed, cut to half of it."""
    clip = saturate_signed if is_signed else saturate_unsigned

    def pack(a: int, b: int, total: int) -> int:
        lanes = split(a, width, total // width) + split(b, width, total // width)
        return join((clip(signed(x, width), width // 2) for x in lanes), width // 2)

    return pack


def _unpack(width: int, high: bool) -> Callable[..., int]:
    def unpack(a: int, b: int, total: int) -> int:
        count = total // width
        x, y = split(a, width, count), split(b, width, count)
        part = range(count // 2, count) if high else range(count // 2)
        return join((lane for n in part for lane in (x[n], y[n])), width)

    return unpack


def _multiply_add(a: int, b: int, total: int) -> int:
    x, y = split(a, 16, total // 16), split(b, 16, total // 16)
    products = [signed(p, 16) * signed(q, 16) for p, q in zip(x, y, strict=True)]
    return join((products[n] + products[n + 1] for n in range(0, len(x), 2)), 32)


def _multiply_even(a: int, b: int, total: int) -> int:
    x, y = split(a, 64, total // 64), split(b, 64, total // 64)
    low = 0xFFFFFFFF
    return join(((p & low) * (q & low) for p, q in zip(x, y, strict=True)), 64)


def _sum_of_differences(a: int, b: int, total: int) -> int:
    x, y = split(a, 8, total // 8), split(b, 8, total // 8)
    parts = range(0, total // 8, 8)
    return join((sum(abs(x[n + k] - y[n + k]) for k in range(8)) for n in parts), 64)


def _shift(width: int, how: str) -> Callable[..., int]:
    """By the low 64 bits of the second operand."""

    def shift(a: int, b: int, total: int) -> int:
        return shift_lanes(a, b & (1 << 64) - 1, width, how, total)

    return shift


def shift_lanes(a: int, count: int, width: int, how: str, total: int) -> int:
    """`how`: left, right, or arithmetic (right)."""
    lanes = split(a, width, total // width)
    if how == "arithmetic":
        return join((signed(x, width) >> min(count, width - 1) for x in lanes), width)
    if count >= width:
        return 0
    return join((x << count if how == "left" else x >> count for x in lanes), width)


def shift_bytes(a: int, count: int, left: bool) -> int:
    bits = 8 * min(count, 16)
    return (a << bits if left else a >> bits) & (1 << 128) - 1


BINARY: dict[int, Callable[..., int]] = {
    **{0x60 + n: _unpack(8 << n, False) for n in range(3)},
    0x63: _pack(16, True),
    **{0x64 + n: _each(_greater, 8 << n, True) for n in range(3)},
    0x67: _pack(16, False),
    **{0x68 + n: _unpack(8 << n, True) for n in range(3)},
    0x6B: _pack(32, True),
    0x6C: _unpack(64, False),
    0x6D: _unpack(64, True),
    **{0x74 + n: _each(_equal, 8 << n) for n in range(3)},
    **{0xD1 + n: _shift(16 << n, "right") for n in range(3)},
    0xD4: _each(_plus, 64),
    0xD5: _each(lambda x, y: x * y, 16, True),
    0xD8: _saturated(_minus, 8, False),
    0xD9: _saturated(_minus, 16, False),
    0xDA: _each(min, 8),
    0xDB: lambda a, b, _: a & b,
    0xDC: _saturated(_plus, 8, False),
    0xDD: _saturated(_plus, 16, False),
    0xDE: _each(max, 8),
    0xDF: lambda a, b, _: ~a & b,
    0xE0: _each(lambda x, y: x + y + 1 >> 1, 8),
    0xE1: _shift(16, "arithmetic"),
    0xE2: _shift(32, "arithmetic"),
    0xE3: _each(lambda x, y: x + y + 1 >> 1, 16),
    0xE4: _each(lambda x, y: x * y >> 16, 16),
    0xE5: _each(lambda x, y: x * y >> 16, 16, True),
    0xE8: _saturated(_minus, 8, True),
    0xE9: _saturated(_minus, 16, True),
    0xEA: _each(min, 16, True),
    0xEB: lambda a, b, _: a | b,
    0xEC: _saturated(_plus, 8, True),
    0xED: _saturated(_plus, 16, True),
    0xEE: _each(max, 16, True),
    0xEF: lambda a, b, _: a ^ b,
    **{0xF1 + n: _shift(16 << n, "left") for n in range(3)},
    0xF4: _multiply_even,
    0xF5: _multiply_add,
    0xF6: _sum_of_differences,
    **{0xF8 + n: _each(_minus, 8 << n) for n in range(4)},
    **{0xFC + n: _each(_plus, 8 << n) for n in range(3)},
}
"""By the second opcode byte, of MMX and, behind 66, of SSE2."""
SSE2_ONLY = {0x6C, 0x6D}
"""Those with no form for MMX."""
IMMEDIATE_SHIFTS = {
    (0x71, 2): (16, "right"), (0x71, 4): (16, "arithmetic"), (0x71, 6): (16, "left"),
    (0x72, 2): (32, "right"), (0x72, 4): (32, "arithmetic"), (0x72, 6): (32, "left"),
    (0x73, 2): (64, "right"), (0x73, 6): (64, "left"),
}  # fmt: skip
"""By opcode and ModRM's reg field: lane width, and how."""


def shuffle(a: int, order: int, width: int, first: int, total: int) -> int:
    """Four lanes from bit `first` on, each by two bits of `order`; the others as they are."""
    lanes = split(a >> first, width, 4)
    part = join((lanes[order >> 2 * n & 3] for n in range(4)), width)
    mask = (1 << 4 * width) - 1 << first
    return (a & ~mask | part << first) & (1 << total) - 1


def sign_mask(a: int, width: int, total: int) -> int:
    return sum(lane >> width - 1 << n for n, lane in enumerate(split(a, width, total // width)))
