"""The hcalls of the hashed page table, as the handlers and as the engine carry them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emu.hash_translation import ENTRIES_A_GROUP, PteHigh, PteLow, hash_of
from emu.memory import MIB
from hypervisor import page_table_block, page_table_calls, page_table_resize
from hypervisor.abi import H, InterruptOffer
from hypervisor.configuration import PartitionConfiguration
from hypervisor.hcall import HcallEvent, HcallTable
from hypervisor.page_table import PageTable, usual_shift
from hypervisor.page_table_calls import ANSWERED_BY_ENGINE, PteFlags
from hypervisor.partition import Partition
from tests.hypervisor.lpar import PRIVILEGED

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = 0x4000
CALL = 0x44000022
HIGH = PteHigh(0).replace(AVPN=0x1234, V=1)
LOW = PteLow(0).replace(RPN=0x10, WIMG=2, PP12=2)
EXACT = PteFlags(0).replace(EXACT=1)
AVPN = PteFlags(0).replace(AVPN=1)
ENTER, REMOVE, PROTECT, READ, BULK = 0x08, 0x04, 0x18, 0x0C, 0x124
CLEAR_MOD, CLEAR_REF = 0x10, 0x14
CLEAR_HPT, PREPARE, COMMIT = 0x358, 0x36C, 0x370
GROUPS = (page_table_calls.hcalls, page_table_resize.hcalls, page_table_block.hcalls)


class Watcher:
    """An interceptor that sees every call, so that each goes to its handler."""

    def before(self, event: HcallEvent) -> None: ...

    def replace(self, event: HcallEvent) -> tuple[int, ...] | None: ...

    def after(self, event: HcallEvent) -> None: ...


class Guest:
    """A partition of 1 MiB whose guest makes the calls it is told to."""

    def __init__(self, *, watched: bool, interrupts: InterruptOffer = InterruptOffer.XICS) -> None:
        configuration = PartitionConfiguration(memory_bytes=MIB, interrupts=interrupts)
        self.partition = Partition(configuration, HcallTable(*GROUPS))
        if watched:
            self.partition.hcalls.interceptors.append(Watcher())
        self.partition.memory.write_words(CODE, CALL, 0x48000000)

    @property
    def table(self) -> PageTable:
        assert self.partition.page_table is not None
        return self.partition.page_table

    def call(self, number: int, *arguments: int) -> tuple[int, ...]:
        """R3 to R11 after the call."""
        processor = self.partition.processors[0]
        registers = processor.registers
        registers.msr, registers.nip = PRIVILEGED, CODE
        values = (number, *arguments, *[0x5A5A] * (8 - len(arguments)))
        for n, value in enumerate(values, start=3):
            registers.set_gpr(n, value)
        self.partition.run(self.partition.time_base + 50)
        return tuple(registers.gpr(n) for n in range(3, 12))

    def code(self, number: int, *arguments: int) -> int:
        first = self.call(number, *arguments)[0]
        return first - (first >> 63 << 64)


@dataclass(frozen=True)
class Pair:
    """The same partition twice: the engine answers for itself in one only."""

    native: Guest
    watched: Guest


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    guests = Pair(Guest(watched=False), Guest(watched=True))
    yield guests
    guests.native.partition.close()
    guests.watched.partition.close()


@pytest.fixture(params=[False, True], ids=["engine", "handlers"])
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    made = Guest(watched=request.param)
    yield made
    made.partition.close()


def test_the_usual_table_is_a_128th_of_the_storage_rounded_up_and_256_kib_at_least() -> None:
    gib = 1024 * MIB
    assert [usual_shift(size) for size in (MIB, 32 * MIB, gib, 6 * gib)] == [18, 18, 23, 26]


def test_an_entry_goes_to_the_first_free_place_of_its_group(guest: Guest) -> None:
    for n in range(ENTRIES_A_GROUP):
        assert guest.call(ENTER, 0, 0x23, HIGH, LOW)[:2] == (0, 0x20 + n)
    assert guest.code(ENTER, 0, 0x23, HIGH, LOW) == H.PTEG_FULL
    assert guest.table.read(0x25) == (HIGH, LOW)


def test_an_exact_entry_refuses_an_occupied_place(guest: Guest) -> None:
    assert guest.call(ENTER, EXACT, 0x25, HIGH, LOW)[:2] == (0, 0x25)
    assert guest.code(ENTER, EXACT, 0x25, HIGH, LOW) == H.PTEG_FULL


def test_what_is_reserved_is_forced_off_and_the_entry_is_made_valid(guest: Guest) -> None:
    guest.call(ENTER, EXACT, 0, HIGH.replace(LOCKS=3, V=0), LOW.replace(RESERVED=1))
    assert guest.table.read(0) == (HIGH, LOW)


@pytest.mark.parametrize(
    ("flags", "ptex", "high", "low", "code"),
    [
        (0, 1 << 14, HIGH, LOW, H.PARAMETER),
        (0, 1 << 63, HIGH, LOW, H.PARAMETER),
        (0, 0, HIGH, LOW.replace(RPN=0x100), H.PARAMETER),
        (0, 0, HIGH, LOW.replace(RPN=(1 << 48) - 1), H.PARAMETER),
        (0, 0, HIGH.replace(L=1), LOW.replace(RPN=0xF1), H.SUCCESS),
        (0, 0, HIGH.replace(L=1), LOW.replace(RPN=0x101), H.PARAMETER),
        (0, 0, HIGH.replace(L=1), LOW.replace(RPN=0), H.PARAMETER),
        (0, 0, HIGH.replace(L=1), LOW.replace(RPN=0x12), H.PARAMETER),
        (0, 0, HIGH, LOW.replace(WIMG=5), H.PARAMETER),
        (1 << 63, 0, HIGH, LOW, H.PARAMETER),
    ],
    ids=[
        "behind the table",
        "far behind it",
        "behind the storage",
        "far behind it",
        "the last 64 KiB",
        "64 KiB behind the storage",
        "16 MiB of 1 MiB",
        "no page size",
        "not as storage is accessed",
        "unknown flags",
    ],
)
def test_what_the_partition_does_not_have_is_not_entered(
    guest: Guest, flags: int, ptex: int, high: PteHigh, low: PteLow, code: H
) -> None:
    before = guest.table.content.read(0, guest.table.content.size)
    assert guest.code(ENTER, flags, ptex, high, low) == code
    assert code == H.SUCCESS or guest.table.content.read(0, len(before)) == before


def test_a_page_is_cleared_as_it_is_entered_and_not_where_it_cannot_be(guest: Guest) -> None:
    zero = PteFlags(0).replace(ZERO_PAGE=1)
    guest.partition.memory.write(0x10000, b"x" * 8192)
    assert guest.code(ENTER, zero, 0, HIGH, LOW) == H.SUCCESS
    assert guest.partition.memory.read(0x10000, 8192) == bytes(4096) + b"x" * 4096


def test_removing_gives_what_was_there(guest: Guest) -> None:
    guest.call(ENTER, EXACT, 7, HIGH, LOW)
    assert guest.code(REMOVE, AVPN, 7, HIGH.compared ^ 1 << 7) == H.NOT_FOUND
    assert guest.call(REMOVE, AVPN, 7, HIGH.compared)[:3] == (0, HIGH, LOW)
    assert guest.code(REMOVE, 0, 7, 0) == H.NOT_FOUND
    assert guest.code(REMOVE, 0, 1 << 14, 0) == H.PARAMETER


def test_protecting_changes_protection_key_and_execution_alone(guest: Guest) -> None:
    guest.call(ENTER, EXACT, 7, HIGH, LOW.replace(R=1, C=1))
    flags = AVPN.replace(PP0=1, PP12=1, N=1, KEY_HIGH=2, KEY_LOW=5)
    assert guest.code(PROTECT, flags, 7, HIGH.compared) == H.SUCCESS
    changed = LOW.replace(C=1, PP0=1, PP12=1, N=1, KEY_HIGH=2, KEY_LOW=5)
    assert guest.table.read(7) == (HIGH, changed)
    assert guest.code(PROTECT, flags, 8, HIGH.compared) == H.NOT_FOUND


def test_reading_gives_one_entry_or_the_four_around_it(guest: Guest) -> None:
    guest.call(ENTER, EXACT, 6, HIGH, LOW)
    assert guest.call(READ, 0, 6)[:3] == (0, HIGH, LOW)
    four = guest.call(READ, PteFlags(0).replace(READ_4=1), 7)
    assert four == (0, 0, 0, 0, 0, HIGH, LOW, 0, 0)


def test_clearing_reference_and_change_gives_the_old_entry(guest: Guest) -> None:
    marked = LOW.replace(R=1, C=1)
    guest.call(ENTER, EXACT, 6, HIGH, marked)
    assert guest.call(CLEAR_REF, 0, 6)[:2] == (0, marked)
    assert guest.call(CLEAR_MOD, 0, 6)[:2] == (0, marked.replace(R=0))
    assert guest.table.read(6) == (HIGH, LOW)
    assert guest.code(CLEAR_REF, 0, 5) == H.NOT_FOUND
    assert guest.code(CLEAR_MOD, 0, 5) == H.NOT_FOUND


def test_each_specifier_of_a_removal_in_bulk_is_answered(guest: Guest) -> None:
    guest.call(ENTER, EXACT, 6, HIGH, LOW.replace(C=1))
    request, by_avpn, end = 1 << 62, 1 << 57, 3 << 62
    answers = guest.call(BULK, request | by_avpn | 6, HIGH.compared, request | 9, 0, end, 0, 0, 0)
    assert answers[:6] == (0, 0x86 << 56 | 6, HIGH.compared, 0x90 << 56 | 9, 0, end)
    assert guest.table.read(6) == (0, 0)


def test_a_removal_in_bulk_stops_where_a_specifier_is_wrong(guest: Guest) -> None:
    guest.call(ENTER, EXACT, 6, HIGH, LOW)
    request = 1 << 62
    answers = guest.call(BULK, request | 6, 0, request | 1 << 40, 0, request, 0, request, 0)
    assert answers[0] == H.PARAMETER & (1 << 64) - 1
    assert (answers[1], answers[3], answers[5]) == (0x80 << 56 | 6, 0xA0 << 56 | 1 << 40, request)


ptexes = st.one_of(st.integers(0, 9), st.sampled_from([(1 << 14) - 1, 1 << 14, 1 << 55, 1 << 63]))
avpns = st.sampled_from([HIGH.compared, HIGH.compared ^ 1 << 7, HIGH, 1, 0])
highs = st.builds(
    lambda large, locks, h, raw: HIGH.replace(L=large, LOCKS=locks, H=h) ^ raw,
    st.integers(0, 1),
    st.integers(0, 3),
    st.integers(0, 1),
    st.sampled_from([0, 0, 0, 1 << 63, 1, 1 << 20]),
)
lows = st.builds(
    lambda rpn, raw: LOW.replace(RPN=rpn) ^ raw,
    st.sampled_from([0x10, 0x11, 0x17, 0xFF, 0x100, 0x38, 0xF1, 0, (1 << 48) - 1]),
    st.one_of(st.sampled_from([0, 0, 0x180, 1 << 63, 1 << 62]), st.integers(0, (1 << 64) - 1)),
)
flag_bits = st.lists(st.sampled_from([24, 25, 26, 32, 33, 50, 52, 55, 61, 63, 40, 48, 0]))
flags = st.one_of(
    st.just(0),
    flag_bits.map(lambda bits: sum(1 << 63 - bit for bit in set(bits))),
    st.sampled_from([EXACT, AVPN, PteFlags(0).replace(READ_4=1)]),
)
specifiers = st.builds(
    lambda control, ptex: control << 56 | ptex & (1 << 56) - 1,
    st.sampled_from([0x40, 0x41, 0x42, 0x43, 0x4C, 0x7E, 0xC0, 0x00, 0x80]),
    ptexes,
)
calls = st.one_of(
    st.tuples(st.just(ENTER), flags, ptexes, highs, lows),
    st.tuples(st.sampled_from([REMOVE, PROTECT]), flags, ptexes, avpns),
    st.tuples(st.just(READ), flags, ptexes),
    st.tuples(st.just(BULK), *[specifiers, avpns] * 4),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(calls, min_size=1, max_size=12))
def test_the_engine_answers_as_the_handlers_do(pair: Pair, sequence: list[tuple[int, ...]]) -> None:
    for made in sequence:
        assert pair.native.call(*made) == pair.watched.call(*made)
    tables = [guest.table.content for guest in (pair.native, pair.watched)]
    assert tables[0].read(0, tables[0].size) == tables[1].read(0, tables[1].size)
    counts = [guest.partition.hcall_counts for guest in (pair.native, pair.watched)]
    assert counts[0] == counts[1]


def test_the_engine_really_answers_what_succeeds(guest: Guest) -> None:
    watched = bool(guest.partition.hcalls.interceptors)
    guest.call(ENTER, EXACT, 6, HIGH, LOW)
    answered = guest.partition.engine.take_answered()
    assert answered == ({} if watched else {ENTER: 1})


def test_every_call_the_engine_answers_has_its_handler() -> None:
    declared = {call.number for call in page_table_calls.hcalls}
    assert set(ANSWERED_BY_ENGINE.values()) <= declared


def test_clearing_the_table_makes_every_entry_invalid(guest: Guest) -> None:
    guest.call(ENTER, EXACT, 6, HIGH, LOW)
    assert guest.code(CLEAR_HPT) == H.SUCCESS
    assert not list(guest.table.all_valid())


def bolted(guest: Guest, vsid: int, page: int, secondary: int) -> PteHigh:
    """Enter a bolted page of 4 KiB where its hash wants it."""
    found = hash_of(vsid, page, 0)
    groups = guest.table.entries // ENTRIES_A_GROUP
    group = (~found if secondary else found) % groups
    high = HIGH.replace(AVPN=vsid << 5 | page >> 11, BOLTED=1, H=secondary)
    assert guest.code(ENTER, EXACT, group * ENTRIES_A_GROUP + 3, high, LOW) == H.SUCCESS
    return high


@pytest.mark.parametrize("secondary", [0, 1])
def test_bolted_entries_are_where_their_hash_wants_them_in_a_table_of_another_size(
    guest: Guest, secondary: int
) -> None:
    guest.call(ENTER, EXACT, 6, HIGH, LOW)
    vsid, page = 0x12345, 0xABCD
    high = bolted(guest, vsid, page, secondary)
    assert guest.code(PREPARE, 0, 20) == H.SUCCESS
    assert guest.code(COMMIT, 0, 20) == H.SUCCESS
    assert guest.table.shift == 20
    found = hash_of(vsid, page, 0)
    group = (~found if secondary else found) % (guest.table.entries // ENTRIES_A_GROUP)
    assert list(guest.table.all_valid()) == [(group * ENTRIES_A_GROUP + 3, high, LOW)]


def test_a_table_is_exchanged_only_for_the_one_that_was_prepared(guest: Guest) -> None:
    assert guest.code(COMMIT, 0, 20) == H.CLOSED
    assert guest.code(PREPARE, 0, 17) == H.PARAMETER
    assert guest.code(PREPARE, 1, 20) == H.PARAMETER
    assert guest.code(PREPARE, 0, 47) == H.PARAMETER
    assert guest.code(PREPARE, 0, 21) == H.RESOURCE, "a guest must not make the host's table grow"
    assert guest.code(PREPARE, 0, 20) == H.SUCCESS
    assert guest.code(COMMIT, 0, 21) == H.CLOSED
    assert guest.code(PREPARE, 0, 0) == H.SUCCESS
    assert guest.code(COMMIT, 0, 20) == H.CLOSED
