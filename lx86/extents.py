"""Ranges of numbers, each with a kind: kept as few long ones."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Extents:
    """What kind whole numbers are; those of kind 0 are not there.  `end` is excluded everywhere."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._kinds: list[int] = []
        self.total = 0
        """How many numbers there are."""

    def set(self, start: int, end: int, kind: int) -> None:
        """Those from `start` to `end` are of that kind from now on."""
        starts, ends, kinds = self._starts, self._ends, self._kinds
        first, last = bisect_left(ends, start), bisect_right(starts, end)
        pieces = [(start, end, kind)]
        if first < last:
            pieces.insert(0, (starts[first], start, kinds[first]))
            pieces.append((end, ends[last - 1], kinds[last - 1]))
            self.total -= sum(ends[first:last]) - sum(starts[first:last])
        pieces = _joined(pieces)
        starts[first:last] = [low for low, _, _ in pieces]
        ends[first:last] = [high for _, high, _ in pieces]
        kinds[first:last] = [what for _, _, what in pieces]
        self.total += sum(high - low for low, high, _ in pieces)

    @property
    def count(self) -> int:
        """How many ranges there are."""
        return len(self._starts)

    def at(self, number: int) -> int:
        """The kind of a number."""
        n = bisect_right(self._ends, number)
        return self._kinds[n] if n < len(self._ends) and self._starts[n] <= number else 0

    def run(self, number: int) -> tuple[int, int]:
        """The kind of a number, and up to which there are no others; if it is there."""
        n = bisect_right(self._ends, number)
        if n < len(self._ends) and self._starts[n] <= number:
            return self._kinds[n], self._ends[n]
        return 0, number + 1

    def within(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """The pieces of these ranges between two numbers, in order, with their kinds."""
        n = bisect_right(self._ends, start)
        while n < len(self._starts) and self._starts[n] < end:
            yield max(start, self._starts[n]), min(end, self._ends[n]), self._kinds[n]
            n += 1

    def bounds(self) -> Iterator[int]:
        """Start and end of each range, in order."""
        for pair in zip(self._starts, self._ends, strict=True):
            yield from pair

    def is_free(self, start: int, end: int) -> bool:
        return next(self.within(start, end), None) is None

    def highest_gap(self, length: int, start: int, end: int) -> int | None:
        """The highest place of `length` numbers that are not there, between two numbers."""
        n = bisect_left(self._starts, end)
        while True:
            low = self._ends[n - 1] if n else start
            if end - max(low, start) >= length:
                return end - length
            n -= 1
            if n < 0:
                return None
            end = min(end, self._starts[n])


def _joined(pieces: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """What there is of them, without two that touch and are of one kind."""
    joined: list[tuple[int, int, int]] = []
    for low, high, what in pieces:
        if low >= high or not what:
            continue
        if joined and joined[-1][1:] == (low, what):
            joined[-1] = joined[-1][0], high, what
        else:
            joined.append((low, high, what))
    return joined
