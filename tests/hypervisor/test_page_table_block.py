"""H_BLOCK_REMOVE: up to eight entries of one block of pages (LoPAR 14.5.4.1.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.bits import signed
from emu.hash_translation import ENCODINGS, ENTRIES_A_GROUP, PteHigh, PteLow, hash_of
from hypervisor import page_table_block
from hypervisor.abi import H
from tests.hypervisor.test_page_table import ENTER, Guest

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK_REMOVE = page_table_block.BLOCK_REMOVE
REQUEST, BY_AVPN, END = 1 << 62, 1 << 56, 3 << 62
REMOVED, NOT_FOUND, WRONG, OTHER_SIZE, OTHER_BLOCK = 0x80, 0x88, 0x90, 0x98, 0xA8
VSID, FIRST = 0x12345, 0xAB8
"""Segment and the first page of a block, in pages of 4 KiB."""
SMALL = PteLow(0).replace(RPN=0x10, WIMG=2, PP12=2)
LARGE = PteLow(0).replace(RPN=0x11, WIMG=2, PP12=2)


@pytest.fixture
def guest() -> Iterator[Guest]:
    made = Guest(watched=False)
    yield made
    made.partition.close()


def enter(guest: Guest, page: int, *, shift: int = 12, bolted: int = 0, marks: int = 0) -> int:
    """Enter a page where its hash wants it; gives the entry's index."""
    group = hash_of(VSID, page, 0) % (guest.table.entries // ENTRIES_A_GROUP)
    avpn = VSID << 5 | page >> 23 - shift
    high = PteHigh(0).replace(AVPN=avpn, V=1, L=int(shift > 12), BOLTED=bolted)
    low = (LARGE if shift > 12 else SMALL) | marks
    code, slot, *_ = guest.call(ENTER, 0, group * ENTRIES_A_GROUP, high, low)
    assert code == H.SUCCESS
    return slot


def remove(guest: Guest, *specifiers: int, avpn: int = 0) -> tuple[int, list[int]]:
    """R3, and the first bytes of the answers; each must name its entry."""
    asked = [*specifiers, END, 0, 0, 0, 0, 0, 0, 0][:8]
    registers = guest.partition.processors[0].registers
    registers.set_gpr(12, asked[7])
    code, *answers = guest.call(BLOCK_REMOVE, avpn, *asked[:7])
    if signed(code, 64) != H.PARAMETER:
        assert [a & (1 << 48) - 1 for a in answers] == [a & (1 << 48) - 1 for a in asked]
        assert answers[len(specifiers) :] == asked[len(specifiers) :]
    return signed(code, 64), [answer >> 56 for answer in answers[: len(specifiers)]]


def test_eight_pages_of_a_block_are_removed_at_once(guest: Guest) -> None:
    entries = [enter(guest, FIRST + n) for n in range(8)]
    assert remove(guest, *(REQUEST | ptex for ptex in entries)) == (H.SUCCESS, [REMOVED] * 8)
    assert not list(guest.table.all_valid())


def test_reference_and_change_stand_in_the_answer(guest: Guest) -> None:
    referenced = enter(guest, FIRST, marks=PteLow(0).replace(R=1))
    changed = enter(guest, FIRST + 1, marks=PteLow(0).replace(C=1))
    _, answers = remove(guest, REQUEST | referenced, REQUEST | changed)
    assert answers == [REMOVED | 0x04, REMOVED | 0x02]


def test_what_is_not_valid_or_bolted_or_another_page_is_not_found(guest: Guest) -> None:
    bolted, there = enter(guest, FIRST, bolted=1), enter(guest, FIRST + 1)
    avpn = guest.table.read(there)[0].compared
    code, answers = remove(
        guest, REQUEST | 7, REQUEST | bolted, REQUEST | BY_AVPN | there, avpn=avpn ^ 1 << 12
    )
    assert (code, answers) == (H.PARTIAL, [NOT_FOUND] * 3)
    assert len(list(guest.table.all_valid())) == 2
    assert remove(guest, REQUEST | BY_AVPN | there, avpn=avpn) == (H.SUCCESS, [REMOVED])


def test_a_page_of_another_block_or_size_stays(guest: Guest) -> None:
    first, behind, large = (
        enter(guest, FIRST),
        enter(guest, FIRST + 8),
        enter(guest, FIRST >> 4, shift=16),
    )
    code, answers = remove(guest, REQUEST | first, REQUEST | behind, REQUEST | large)
    assert (code, answers) == (H.PARTIAL, [REMOVED, OTHER_BLOCK, OTHER_SIZE])
    assert {ptex for ptex, _, _ in guest.table.all_valid()} == {behind, large}


@pytest.mark.parametrize("wrong", [1 << 40, 1 << 14, 2 << 60], ids=["far", "behind", "page state"])
def test_a_specifier_that_asks_for_what_is_not_there_is_a_parameter_error(
    guest: Guest, wrong: int
) -> None:
    there = enter(guest, FIRST)
    code, answers = remove(guest, REQUEST | wrong, REQUEST | there)
    assert (code, answers) == (H.PARTIAL, [WRONG, REMOVED])


@pytest.mark.parametrize("kind", [0, 2 << 62], ids=["unused", "response"])
def test_what_is_no_request_refuses_the_call_and_nothing_is_removed(
    guest: Guest, kind: int
) -> None:
    there = enter(guest, FIRST)
    assert remove(guest, REQUEST | there, kind)[0] == H.PARAMETER
    assert len(list(guest.table.all_valid())) == 1


def test_the_characteristics_name_every_page_size_in_blocks_of_eight() -> None:
    shift, count, *sizes = page_table_block.characteristics()
    assert (1 << shift, count) == (8, len(sizes))
    assert sizes == [0x80 | e.penc if e.size.actual > 12 else 0 for e in ENCODINGS]
