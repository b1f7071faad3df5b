"""The random page tables are not so random that nothing gets past a miss."""

from __future__ import annotations

import random

import pytest

from emu.bits import MSR
from emu.translation import Access

from .page_tables import fill_hashed
from .rounds import Tally, hostile_partition


@pytest.mark.parametrize("seed", range(3))
def test_a_good_part_of_the_pages_entered_is_found(seed: int) -> None:
    rng = random.Random(seed)
    with hostile_partition(rng, Tally()) as composition:
        partition = composition.partition
        pages = fill_hashed(rng, partition)
        partition.processors[0].registers.msr = MSR(0).replace(SF=1, DR=1, ME=1)
        found = [
            page for page in pages if partition.engine.translate(page, Access.LOAD) is not None
        ]
    assert len(pages) // 5 < len(found) < len(pages)
