"""Packed integers of SSSE3, SSE4.1 and SSE4.2, as functions of whole registers.

As in `packed_integer`: `a` is the first operand and the target, `b` the other, `total` how many
bits both have: 64 or 128.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lanes import join, map_lanes, saturate_signed, saturate_unsigned, signed, split

if TYPE_CHECKING:
    from collections.abc import Callable


def _each(f: Callable[[int, int], int], width: int, is_signed: bool = False) -> Callable[..., int]:
    return lambda a, b, total: map_lanes(f, a, b, width, total, is_signed)


def _neighbours(f: Callable[[int, int], int], width: int) -> Callable[..., int]:
    """Of both operands, lanes 0 and 1, 2 and 3, and so on; sums saturate at `width` bits."""

    def neighbours(a: int, b: int, total: int) -> int:
        count = total // width
        x = [signed(lane, width) for lane in split(a, width, count) + split(b, width, count)]
        return join((f(x[n], x[n + 1]) for n in range(0, 2 * count, 2)), width)

    return neighbours


def _saturated(x: int) -> int:
    return saturate_signed(x, 16)


def _shuffle(a: int, b: int, total: int) -> int:
    count = total // 8
    lanes = split(a, 8, count)
    order = split(b, 8, count)
    return join((0 if n & 0x80 else lanes[n & count - 1] for n in order), 8)


def _multiply_add_bytes(a: int, b: int, total: int) -> int:
    """PMADDUBSW: unsigned by signed bytes."""
    x, y = split(a, 8, total // 8), split(b, 8, total // 8)
    products = [p * signed(q, 8) for p, q in zip(x, y, strict=True)]
    return join((_saturated(products[n] + products[n + 1]) for n in range(0, len(x), 2)), 16)


def _with_sign(x: int, y: int) -> int:
    return x if y > 0 else -x if y < 0 else 0


def _absolute(width: int) -> Callable[..., int]:
    return _each(lambda _, y: abs(y), width, True)


def _multiply_even(a: int, b: int, _: int) -> int:
    x, y = split(a, 32, 4), split(b, 32, 4)
    return join((signed(x[n], 32) * signed(y[n], 32) for n in (0, 2)), 64)


def _pack(a: int, b: int, _: int) -> int:
    """PACKUSDW."""
    lanes = split(a, 32, 4) + split(b, 32, 4)
    return join((saturate_unsigned(signed(lane, 32), 16) for lane in lanes), 16)


def _widened(narrow: int, wide: int, is_signed: bool) -> Callable[..., int]:
    def widened(_: int, b: int, total: int) -> int:
        lanes = split(b, narrow, total // wide)
        return join((signed(x, narrow) if is_signed else x for x in lanes), wide)

    return widened


def _least(_: int, b: int, total: int) -> int:
    """PHMINPOSUW: the least halfword, and where the first such is."""
    lanes = split(b, 16, 8)
    least = min(lanes)
    return lanes.index(least) << 16 | least


_WIDENINGS = ((8, 16), (8, 32), (8, 64), (16, 32), (16, 64), (32, 64))
BINARY: dict[int, Callable[..., int]] = {
    0xF3800: _shuffle,
    0xF3801: _neighbours(lambda x, y: x + y, 16),
    0xF3802: _neighbours(lambda x, y: x + y, 32),
    0xF3803: _neighbours(lambda x, y: _saturated(x + y), 16),
    0xF3804: _multiply_add_bytes,
    0xF3805: _neighbours(lambda x, y: x - y, 16),
    0xF3806: _neighbours(lambda x, y: x - y, 32),
    0xF3807: _neighbours(lambda x, y: _saturated(x - y), 16),
    **{0xF3808 + n: _each(_with_sign, 8 << n, True) for n in range(3)},
    0xF380B: _each(lambda x, y: (x * y >> 14) + 1 >> 1, 16, True),
    **{0xF381C + n: _absolute(8 << n) for n in range(3)},
    **{0xF3820 + n: _widened(*widths, True) for n, widths in enumerate(_WIDENINGS)},
    0xF3828: _multiply_even,
    0xF3829: _each(lambda x, y: -(x == y), 64),
    0xF382A: lambda _, b, __: b,
    0xF382B: _pack,
    **{0xF3830 + n: _widened(*widths, False) for n, widths in enumerate(_WIDENINGS)},
    0xF3837: _each(lambda x, y: -(x > y), 64, True),
    0xF3838: _each(min, 8, True),
    0xF3839: _each(min, 32, True),
    0xF383A: _each(min, 16),
    0xF383B: _each(min, 32),
    0xF383C: _each(max, 8, True),
    0xF383D: _each(max, 32, True),
    0xF383E: _each(max, 16),
    0xF383F: _each(max, 32),
    0xF3840: _each(lambda x, y: x * y, 32, True),
    0xF3841: _least,
}
"""By map and opcode (three_bytes.py)."""


def align(a: int, b: int, count: int, total: int) -> int:
    """PALIGNR: of `a` before `b`, what is there `count` bytes to the right."""
    return (a << total | b) >> 8 * count & (1 << total) - 1


def blend(a: int, b: int, chosen: int, width: int) -> int:
    """Lanes of b where `chosen` has a bit, counted from the lowest."""
    pairs = zip(split(a, width, 128 // width), split(b, width, 128 // width), strict=True)
    return join((y if chosen >> n & 1 else x for n, (x, y) in enumerate(pairs)), width)


def blend_by_signs(a: int, b: int, mask: int, width: int) -> int:
    signs = (lane >> width - 1 << n for n, lane in enumerate(split(mask, width, 128 // width)))
    return blend(a, b, sum(signs), width)


def differences(a: int, b: int, which: int) -> int:
    """MPSADBW: four bytes of b against eight places of a."""
    first, other = which & 4, (which & 3) * 4
    x, y = split(a, 8, 16), split(b, 8, 16)[other : other + 4]
    return join((sum(abs(x[first + n + k] - y[k]) for k in range(4)) for n in range(8)), 16)
