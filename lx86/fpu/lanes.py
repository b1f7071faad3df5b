"""Registers of 64 and 128 bits as lanes; lane 0 is the least significant (SDM volume 1, 4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def split(value: int, width: int, count: int) -> list[int]:
    mask = (1 << width) - 1
    return [value >> width * n & mask for n in range(count)]


def join(lanes: Iterable[int], width: int) -> int:
    value, mask = 0, (1 << width) - 1
    for n, lane in enumerate(lanes):
        value |= (lane & mask) << width * n
    return value


def signed(value: int, width: int) -> int:
    sign = 1 << width - 1
    return (value ^ sign) - sign


def saturate_signed(value: int, width: int) -> int:
    most = (1 << width - 1) - 1
    return max(-most - 1, min(most, value))


def saturate_unsigned(value: int, width: int) -> int:
    return max(0, min((1 << width) - 1, value))


def map_lanes(
    f: Callable[[int, int], int], a: int, b: int, width: int, total: int, is_signed: bool = False
) -> int:
    pairs = zip(split(a, width, total // width), split(b, width, total // width), strict=True)
    if is_signed:
        return join((f(signed(x, width), signed(y, width)) for x, y in pairs), width)
    return join((f(x, y) for x, y in pairs), width)
