"""Translation control entries (LoPAR 14.5.4.2) and what adapters reach by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emu.memory import Memory
from hypervisor.abi import H, HcallError
from hypervisor.vio.tce import PAGES, READ, WRITE, DmaError, Liobn, TceTable
from tests.hypervisor.lpar import ABOVE
from tests.hypervisor.vscsi_client import SLOT, Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hypervisor.lpar import Lpar

PAGE = 4096
LAST = (PAGES - 1) * PAGE


@pytest.fixture
def liobn(lpar: Lpar) -> int:
    return Client(lpar).adapter.dma.liobn


def test_h_put_tce_is_read_back_by_h_get_tce(lpar: Lpar, liobn: int) -> None:
    assert lpar.code("H_PUT_TCE", liobn, 0x3000, 0x7000 | READ) == H.SUCCESS
    assert lpar.call("H_GET_TCE", liobn, 0x3FFF).results[0] == 0x7000 | READ
    assert lpar.call("H_GET_TCE", liobn, 0x4000).results[0] == 0


@pytest.mark.parametrize(
    ("ioba", "tce"),
    [(PAGES * PAGE, 0x1003), (1 << 63, 0x1003), (0, ABOVE | 3), (0, 1 << 63 | 1)],
)
def test_h_put_tce_refuses_what_is_not_there(lpar: Lpar, liobn: int, ioba: int, tce: int) -> None:
    assert lpar.code("H_PUT_TCE", liobn, ioba, tce) == H.PARAMETER


def test_another_partitions_liobn_is_refused(lpar: Lpar, liobn: int) -> None:
    for name in ("H_PUT_TCE", "H_STUFF_TCE", "H_PUT_TCE_INDIRECT"):
        assert lpar.code(name, liobn + 1, 0, 0, 1) == H.PARAMETER
    assert lpar.call("H_GET_TCE", liobn + 1, 0).code == H.PARAMETER


def test_h_stuff_tce_fills_a_range_and_no_more(lpar: Lpar, liobn: int) -> None:
    assert lpar.code("H_STUFF_TCE", liobn, 0x2000, 0x5003, 3) == H.SUCCESS
    entries = [lpar.call("H_GET_TCE", liobn, page * PAGE).results[0] for page in range(1, 6)]
    assert entries == [0, 0x5003, 0x5003, 0x5003, 0]
    assert lpar.code("H_STUFF_TCE", liobn, LAST, 0x5003, 2) == H.PARAMETER
    assert lpar.call("H_GET_TCE", liobn, LAST).results[0] == 0


def test_h_put_tce_indirect_takes_all_entries_or_none(lpar: Lpar, liobn: int) -> None:
    for n, entry in enumerate((0x1003, 0x2001, 0x3002)):
        lpar.memory.write_u64(0x8000 + 8 * n, entry)
    assert lpar.code("H_PUT_TCE_INDIRECT", liobn, 0, 0x8000, 3) == H.SUCCESS
    assert [lpar.call("H_GET_TCE", liobn, n * PAGE).results[0] for n in range(3)] == [
        0x1003,
        0x2001,
        0x3002,
    ]
    lpar.memory.write_u64(0x8010, ABOVE | 1)
    lpar.memory.write_u64(0x8000, 0)
    assert lpar.code("H_PUT_TCE_INDIRECT", liobn, 0, 0x8000, 3) == H.PARAMETER
    assert lpar.call("H_GET_TCE", liobn, 0).results[0] == 0x1003


@pytest.mark.parametrize(("address", "count"), [(0x8008, 1), (0x8000, 0), (0x8000, 513)])
def test_h_put_tce_indirect_takes_one_page_of_entries(
    lpar: Lpar, liobn: int, address: int, count: int
) -> None:
    assert lpar.code("H_PUT_TCE_INDIRECT", liobn, 0, address, count) == H.PARAMETER


@pytest.fixture(scope="module")
def memory() -> Iterator[Memory]:
    with Memory(64 * PAGE) as memory:
        yield memory


@settings(max_examples=200, deadline=None)
@given(
    entries=st.lists(
        st.tuples(st.integers(0, 15), st.integers(0, 63), st.integers(0, 3)), max_size=24
    ),
    ioba=st.integers(0, 16 * PAGE),
    length=st.integers(0, 5 * PAGE),
    access=st.sampled_from([READ, WRITE]),
)
def test_an_adapter_reaches_what_the_entries_allow_and_nothing_else(
    memory: Memory,
    entries: list[tuple[int, int, int]],
    ioba: int,
    length: int,
    access: int,
) -> None:
    memory.write(0, bytes(memory.size))
    table = TceTable(Liobn(1), memory)
    for page, real, allowed in entries:
        table.put(page * PAGE, [real * PAGE | allowed])
    model = {page: (real, allowed) for page, real, allowed in entries}
    touched = range(ioba // PAGE, -(-(ioba + length) // PAGE)) if length else range(0)
    allowed = all(model.get(page, (0, 0))[1] & access for page in touched)
    data = bytes(n % 251 + 1 for n in range(length))
    if not allowed:
        with pytest.raises(DmaError):
            _use(table, access, ioba, data)
        assert not any(memory.read(0, memory.size))
        return
    expected = bytearray(memory.size)
    if access == WRITE:
        for n, byte in enumerate(data):
            expected[model[(ioba + n) // PAGE][0] * PAGE + (ioba + n) % PAGE] = byte
    _use(table, access, ioba, data)
    assert memory.read(0, memory.size) == expected


def _use(table: TceTable, access: int, ioba: int, data: bytes) -> None:
    if access == WRITE:
        table.write(ioba, data)
    else:
        assert table.read(ioba, len(data)) == bytes(len(data))


def test_a_window_has_an_end(memory: Memory) -> None:
    table = TceTable(Liobn(1), memory)
    table.put(LAST, [3])
    table.write(LAST + PAGE - 1, b"x")
    with pytest.raises(DmaError):
        table.write(LAST + PAGE - 1, b"xy")
    for ioba in (PAGES * PAGE, 1 << 64, -1):
        with pytest.raises(DmaError):
            table.read(ioba, 1)


def test_entries_come_back_from_their_state(memory: Memory) -> None:
    table, other = TceTable(Liobn(1), memory), TceTable(Liobn(1), memory)
    table.put(5 * PAGE, [0x3003, 0x4001])
    other.put(0, [3])
    other.restore(table.state())
    assert other.state() == table.state()
    with pytest.raises(HcallError):
        table.put(5 * PAGE, [memory.size | 1])


def test_slots_give_their_numbers() -> None:
    assert (SLOT.unit, SLOT.interrupt, SLOT.liobn) == (0x30000002, 0x1003, 0x10000002)
