"""Ranges of numbers say what a set of them says."""

from __future__ import annotations

import itertools
import random

from lx86.extents import Extents

_ALL = 60


def test_ranges_say_what_a_set_of_numbers_says() -> None:
    chance = random.Random(1)
    extents, numbers = Extents(), set[int]()
    for _ in range(3000):
        start, end = sorted(chance.sample(range(_ALL), 2))
        if chance.random() < 0.5:
            extents.add(start, end)
            numbers |= {*range(start, end)}
        else:
            extents.remove(start, end)
            numbers -= {*range(start, end)}
        pieces = list(extents.within(0, _ALL))
        assert {n for low, high in pieces for n in range(low, high)} == numbers
        assert all(low[1] < high[0] for low, high in itertools.pairwise(pieces))
        assert extents.total == len(numbers)
        low, high = sorted(chance.sample(range(_ALL), 2))
        assert extents.is_free(low, high) == numbers.isdisjoint(range(low, high))
        length = chance.randrange(1, 8)
        free = [n for n in range(low, high - length + 1)
                if numbers.isdisjoint(range(n, n + length))]  # fmt: skip
        assert extents.highest_gap(length, low, high) == max(free, default=None)
