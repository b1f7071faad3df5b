"""Ranges of numbers: which are there, kept as few long ones."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Extents:
    """A set of whole numbers, as ranges that do not touch each other; `end` excluded."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.total = 0
        """How many numbers there are."""

    def add(self, start: int, end: int) -> None:
        first, last = bisect_left(self._ends, start), bisect_right(self._starts, end)
        low, high = start, end
        if first < last:
            low, high = min(start, self._starts[first]), max(end, self._ends[last - 1])
        self._replace(first, last, [(low, high)])

    def remove(self, start: int, end: int) -> None:
        first, last = bisect_right(self._ends, start), bisect_left(self._starts, end)
        if first >= last:
            return
        left = (self._starts[first], start)
        right = (end, self._ends[last - 1])
        self._replace(first, last, [piece for piece in (left, right) if piece[0] < piece[1]])

    def _replace(self, first: int, last: int, pieces: list[tuple[int, int]]) -> None:
        self.total += sum(end - start for start, end in pieces)
        for start, end in zip(self._starts[first:last], self._ends[first:last], strict=True):
            self.total -= end - start
        self._starts[first:last] = [start for start, _ in pieces]
        self._ends[first:last] = [end for _, end in pieces]

    def within(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The pieces of these ranges between two numbers, in order."""
        n = bisect_right(self._ends, start)
        while n < len(self._starts) and self._starts[n] < end:
            yield max(start, self._starts[n]), min(end, self._ends[n])
            n += 1

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
