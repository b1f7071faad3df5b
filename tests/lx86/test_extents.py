"""Ranges of numbers say what a table of them says."""

from __future__ import annotations

import itertools
import random

from lx86.extents import Extents

_ALL = 60


def test_ranges_say_what_a_table_of_numbers_says() -> None:
    chance = random.Random(1)
    extents, kinds = Extents(), [0] * _ALL
    for _ in range(3000):
        start, end = sorted(chance.sample(range(_ALL), 2))
        kind = chance.choice((0, 0, 1, 2))
        extents.set(start, end, kind)
        kinds[start:end] = [kind] * (end - start)
        pieces = list(extents.within(0, _ALL))
        assert {n: kind for low, high, kind in pieces for n in range(low, high)} == {
            n: kind for n, kind in enumerate(kinds) if kind
        }
        assert all(
            low[1] < high[0] or low[2] != high[2] for low, high in itertools.pairwise(pieces)
        )
        assert list(extents.bounds()) == [at for low, high, _ in pieces for at in (low, high)]
        assert extents.total == sum(map(bool, kinds))
        assert [extents.at(n) for n in range(_ALL)] == kinds
        at = chance.randrange(_ALL)
        kind, until = extents.run(at)
        assert set(kinds[at:until]) == {kind}
        assert not kind or until == _ALL or kinds[until] != kind
        low, high = sorted(chance.sample(range(_ALL), 2))
        assert extents.is_free(low, high) == (not any(kinds[low:high]))
        length = chance.randrange(1, 8)
        free = [n for n in range(low, high - length + 1) if not any(kinds[n : n + length])]
        assert extents.highest_gap(length, low, high) == max(free, default=None)
