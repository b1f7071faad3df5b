"""Translation control entries (LoPAR 14.5.4.2): the engine puts them as the handlers do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emu.memory import MIB
from hypervisor.configuration import PartitionConfiguration
from hypervisor.hcall import HcallTable
from hypervisor.partition import Partition
from hypervisor.vio import tce
from hypervisor.vio.adapter import AdapterKind, Slot
from hypervisor.vio.tce import PAGES, TceTable
from tests.hypervisor.lpar import PRIVILEGED
from tests.hypervisor.test_page_table import CALL, CODE, Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emu.bits import MSR

PROBLEM = PRIVILEGED.replace(PR=1)
PUT, STUFF, INDIRECT = 0x20, 0x138, 0x13C
PAGE, LIST = 4096, 0x8000
WINDOW = PAGES * PAGE


class Guest:
    """A partition of 1 MiB with two windows, whose guest makes the calls it is told to."""

    def __init__(self, *, watched: bool) -> None:
        configuration = PartitionConfiguration(memory_bytes=MIB)
        self.partition = Partition(configuration, HcallTable(tce.hcalls))
        if watched:
            self.partition.hcalls.interceptors.append(Watcher())
        self.windows: list[TceTable] = [
            self.partition.virtual_io.add_crq_adapter(AdapterKind.CLIENT_SCSI, Slot(n)).dma
            for n in (2, 3)
        ]
        memory = self.partition.memory
        memory.write_words(CODE, CALL, 0x48000000)
        for n in range(512):
            memory.write_u64(LIST + 8 * n, (n % 200) * PAGE | n % 4)
        for n in range(512):
            memory.write_u64(LIST + PAGE + 8 * n, (MIB if n == 3 else n) | 3)

    def call(self, number: int, *arguments: int, msr: MSR = PRIVILEGED) -> tuple[int, ...]:
        """R3 to R8 after the call."""
        registers = self.partition.processors[0].registers
        registers.msr, registers.nip = msr, CODE
        for n, value in enumerate((number, *arguments), start=3):
            registers.set_gpr(n, value)
        self.partition.run(self.partition.time_base + 50)
        return tuple(registers.gpr(n) for n in range(3, 9))

    @property
    def entries(self) -> list[dict[int, int]]:
        return [window.state().entries for window in self.windows]


@dataclass(frozen=True)
class Pair:
    native: Guest
    watched: Guest


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    its = Pair(Guest(watched=False), Guest(watched=True))
    yield its
    for guest in (its.native, its.watched):
        guest.partition.close()


LIOBNS = st.sampled_from([0x10000002, 0x10000003, 0x10000004, 0, 1 << 63])
ADDRESSES = st.sampled_from([0, 1, PAGE, 5 * PAGE, WINDOW - PAGE, WINDOW - 1, WINDOW, 1 << 63])
TCES = st.one_of(
    st.sampled_from([0, 3, 0x7000 | 1, MIB - PAGE | 3, MIB | 3, MIB, 1 << 63 | 1, 1 << 63]),
    st.integers(0, (1 << 64) - 1),
)
COUNTS = st.sampled_from([0, 1, 2, 511, 512, 513, PAGES, PAGES + 1, (1 << 64) - 1])
LISTS = st.sampled_from([LIST, LIST + PAGE, LIST + 8, MIB - PAGE, MIB, (1 << 64) - PAGE])
CALLS = st.one_of(
    st.tuples(st.just(PUT), LIOBNS, ADDRESSES, TCES),
    st.tuples(st.just(STUFF), LIOBNS, ADDRESSES, TCES, COUNTS),
    st.tuples(st.just(INDIRECT), LIOBNS, ADDRESSES, LISTS, COUNTS),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(CALLS, min_size=1, max_size=12))
def test_the_engine_puts_entries_as_the_handlers_do(
    pair: Pair, sequence: list[tuple[int, ...]]
) -> None:
    for made in sequence:
        assert pair.native.call(*made) == pair.watched.call(*made)
    assert pair.native.entries == pair.watched.entries
    assert pair.native.partition.hcall_counts == pair.watched.partition.hcall_counts


def test_the_engine_really_answers_what_succeeds(pair: Pair) -> None:
    engine = pair.native.partition.engine
    engine.take_answered()
    assert pair.native.call(PUT, 0x10000002, 0, 0x7003)[0] == 0
    assert pair.native.call(STUFF, 0x10000002, 0, 0, 3)[0] == 0
    assert pair.native.call(INDIRECT, 0x10000003, 0, LIST, 512)[0] == 0
    assert engine.take_answered() == {PUT: 1, STUFF: 1, INDIRECT: 1}
    assert pair.native.call(PUT, 0x10000002, WINDOW, 3)[0] != 0
    assert pair.native.call(PUT, 0x10000002, 0, 3, msr=PROBLEM)[0] != 0
    assert engine.take_answered() == {}


def test_every_call_the_engine_answers_has_its_handler() -> None:
    declared = {call.number for call in tce.hcalls}
    assert set(tce.ANSWERED_BY_ENGINE.values()) <= declared


def test_a_window_that_is_removed_is_reached_no_more() -> None:
    guest = Guest(watched=False)
    tables = guest.partition.virtual_io.tce_tables
    assert guest.call(PUT, 0x10000002, 0, 0x7003)[0] == 0
    tables.remove(guest.windows[0].liobn)
    assert guest.call(PUT, 0x10000002, 0, 0x7003)[0] != 0
    assert guest.call(PUT, 0x10000003, 0, 0x7003)[0] == 0
    again = tables.add(guest.windows[0].liobn)
    assert guest.call(PUT, 0x10000002, 0, 0x7003)[0] == 0
    assert again.state().entries == {0: 0x7003}
    guest.partition.close()


def test_entries_are_state_and_cleared_where_they_lie() -> None:
    guest = Guest(watched=False)
    window = guest.windows[0]
    guest.call(STUFF, 0x10000002, 0, 0x7003, 10)
    state = window.state()
    window.clear()
    assert window.state().entries == {}
    guest.call(PUT, 0x10000002, PAGE, 0x9003)
    assert window.state().entries == {1: 0x9003}
    window.restore(state)
    assert window.get(tce.IoBusAddress(0)) == 0x7003
    guest.partition.close()
