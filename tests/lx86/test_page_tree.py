"""Trees of pages lead where a table of their pages says, by the processor's own rules."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, cast

import pytest

from emu.bits import MSR
from emu.translation import Access, Translated, TranslationState, translate
from lx86.page_tree import EXECUTE, LEAF, READ, WRITE, PageTree, Tables

if TYPE_CHECKING:
    from emu.memory import Memory

_PAGE, _NODES = 4096, 1 << 20
_WHAT = {0: "", READ: "r", READ | WRITE: "rw", EXECUTE: "x"}
_SHAPES = [(8, 9, 9, 9), (10, 10)]


class _Storage:
    """Of any size; what holds nothing else is zero."""

    def __init__(self) -> None:
        self._bytes = bytearray(8 << 20)

    def held(self, address: int, length: int) -> memoryview:
        assert address + length <= len(self._bytes)
        return memoryview(self._bytes)[address : address + length]

    def contains(self, address: int, length: int = 1) -> bool:
        return address >= 0

    def u64(self, address: int) -> int:
        return int.from_bytes(self.held(address, 8), "big")


@pytest.mark.parametrize("shape", _SHAPES)
def test_a_tree_leads_where_a_table_of_its_pages_says(shape: tuple[int, ...]) -> None:
    storage, chance = _Storage(), random.Random(len(shape))
    tables = Tables(storage.held, _NODES)
    tree = PageTree(tables, shape)
    tables.write(0, [tree.entry, 0])
    state = TranslationState(MSR(MSR.IR.place(1) | MSR.DR.place(1) | MSR.PR.place(1)), 0, _PAGE)
    size = 1 << 12 + sum(shape)
    ends = [0, _PAGE, 3 << 20, 1 << 21, 1 << 22, 1 << 30, 1 << 39, size // 2, size]
    near = [at + k * _PAGE for at in ends for k in range(-3, 4)]
    places = sorted({at for at in near if 0 <= at <= size})
    pages: dict[int, tuple[int, int]] = {}
    for _ in range(600):
        start, end = sorted(chance.sample(places, 2))
        what = chance.choice(list(_WHAT))
        distance = chance.choice((0, _PAGE if end - start < 1 << 24 else 1 << 39))
        tree.lead(start, end, distance, what and LEAF | what)
        pages |= {at: (distance, what) for at in places if start <= at < end}
        for at in chance.sample(places, 8):
            if at == size:
                continue
            found = translate(cast("Memory", storage), state, at + 5, Access.LOAD)
            found_code = translate(cast("Memory", storage), state, at + 5, Access.FETCH)
            distance, what = pages.get(at, (0, 0))
            reached = [each for each in (found, found_code) if isinstance(each, Translated)]
            assert [each.real for each in reached] == [at + 5 + distance] * bool(what)
            permits = {kind.name[0] for each in reached for kind in each.permits}
            assert permits == {"": set(), "r": {"L"}, "rw": {"L", "S"}, "x": {"F"}}[_WHAT[what]]


def test_what_is_led_elsewhere_as_a_whole_gives_its_nodes_back() -> None:
    storage = _Storage()
    tables = Tables(storage.held, _NODES)
    tree = PageTree(tables, (8, 9, 9, 9))
    first = tables.take(_PAGE)
    tables.give(first, _PAGE)
    for n in range(100):
        for k in range(3):  # each needs three nodes below the root
            at = n << 40 | k << 39
            tree.lead(at + _PAGE, at + 2 * _PAGE, 0, LEAF | READ)
        tree.lead(0, 1 << 47, 0, (n & 1) and LEAF | READ)
    assert tables.take(_PAGE) < first + 40 * _PAGE


@pytest.mark.parametrize("shape", _SHAPES)
def test_what_is_led_nowhere_again_leaves_no_nodes(shape: tuple[int, ...]) -> None:
    tables = Tables(_Storage().held, _NODES)
    tree = PageTree(tables, shape)
    first = tables.take(_PAGE)
    tables.give(first, _PAGE)
    for n in range(1000):
        at = (n << 21) + 5 * _PAGE
        tree.lead(at, at + _PAGE, 0, LEAF | READ)
        tree.lead(at, at + _PAGE, 0, 0)
    assert tables.take(_PAGE) < first + 8 * _PAGE
