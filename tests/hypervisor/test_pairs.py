"""Virtual SCSI between two partitions: their queues, and copies between their storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from firmware.vio_nodes import adapter_node
from hypervisor.abi import H
from hypervisor.processor import Standing
from hypervisor.vio.pairs import MOST_ROOM
from hypervisor.vio.rdma import LONGEST_COPY
from hypervisor.vio.tce import READ, WINDOW_BYTES, WRITE
from tests.hypervisor.lpar import NUMBERS
from tests.hypervisor.paired import CLIENT_SLOT, DATA, QUEUE, SERVER_SLOT, two_partitions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hypervisor.paired import Both

MESSAGE, FAILED, DEREGISTERED = 0x8001 << 48, 0xFF01 << 48, 0xFF02 << 48
LOCAL, REMOTE, CLIENTS = SERVER_SLOT.liobn, SERVER_SLOT.remote_liobn, CLIENT_SLOT.liobn


@pytest.fixture
def both() -> Iterator[Both]:
    with two_partitions() as made:
        yield made


# -- queues ----------------------------------------------------------------------------------


def test_who_registers_first_hears_that_the_partner_is_not_there(both: Both) -> None:
    assert both.server.register() == H.CLOSED
    both.pair.exchange()
    assert both.client.register() == H.SUCCESS
    assert both.server.send(MESSAGE) == H.CLOSED
    both.pair.exchange()
    assert both.server.send(MESSAGE) == H.SUCCESS


def test_messages_come_in_order_when_nobody_runs_and_interrupt(both: Both) -> None:
    both.connect()
    both.server.lpar.call("H_VIO_SIGNAL", SERVER_SLOT.unit, 1)
    for n in range(3):
        assert both.client.send(MESSAGE, n) == H.SUCCESS
    assert both.server.take() is None
    assert both.pair.exchange()
    assert both.server.interrupted
    assert [both.server.take() for _ in range(4)] == [*((MESSAGE, n) for n in range(3)), None]
    assert not both.pair.exchange()


def test_a_full_queue_takes_no_message_but_an_event(both: Both) -> None:
    both.connect()
    codes = [both.server.send(MESSAGE, n) for n in range(256)]
    assert codes == [H.SUCCESS] * 255 + [H.DROPPED]
    both.server.free()
    both.pair.exchange()
    taken = [both.client.take() for _ in range(257)]
    assert taken == [*((MESSAGE, n) for n in range(255)), (DEREGISTERED, 0), None]


def test_of_a_queue_as_large_as_the_window_a_bounded_part_is_looked_at(both: Both) -> None:
    both.server.register()
    lpar, slot = both.client.lpar, both.client.slot
    pages = WINDOW_BYTES // 0x1000
    assert not lpar.code("H_STUFF_TCE", slot.liobn, 0, DATA | READ | WRITE, pages)
    assert lpar.code("H_REG_CRQ", slot.unit, 0, WINDOW_BYTES) == H.CLOSED
    looked_at: list[int] = []
    read = both.client.adapter.dma.read

    def counted(ioba: int, length: int) -> bytes:
        looked_at.append(length)
        return read(ioba, length)

    both.client.adapter.dma.read = counted  # type: ignore[method-assign]
    both.pair.exchange()
    assert sum(looked_at) == MOST_ROOM * 16
    codes = [both.server.send(MESSAGE) for _ in range(MOST_ROOM)]
    assert codes == [H.SUCCESS] * (MOST_ROOM - 1) + [H.DROPPED]


def test_room_is_counted_around_the_end_of_the_ring(both: Both) -> None:
    both.connect()
    for _ in range(200):
        both.server.send(MESSAGE)
    both.pair.exchange()
    for _ in range(180):
        both.client.take()
    both.pair.exchange()
    codes = [both.server.send(MESSAGE) for _ in range(256)]
    assert codes.count(H.SUCCESS) == 235
    assert both.client.adapter.free_elements(10) == 10
    assert both.client.adapter.free_elements(60) == 60
    assert both.client.adapter.free_elements(1000) == 236


def test_a_queue_that_comes_and_goes_all_the_time_is_one_event(both: Both) -> None:
    both.connect()
    for _ in range(50):
        both.server.free()
        both.server.register()
    both.pair.exchange()
    assert [both.client.take() for _ in range(2)] == [(DEREGISTERED, 0), None]


def test_what_the_partner_has_read_makes_room(both: Both) -> None:
    both.connect()
    for _ in range(255):
        both.server.send(MESSAGE)
    both.pair.exchange()
    for _ in range(7):
        both.client.take()
    both.pair.exchange()
    assert [both.server.send(MESSAGE) for _ in range(8)] == [H.SUCCESS] * 7 + [H.DROPPED]


def test_a_message_to_a_queue_that_was_given_up_does_not_come_to_the_next_one(both: Both) -> None:
    both.connect()
    both.client.send(MESSAGE, 1)
    both.server.free()
    both.server.register()
    both.pair.exchange()
    assert both.server.take() is None
    assert both.client.take() == (DEREGISTERED, 0)
    both.client.send(MESSAGE, 2)
    both.pair.exchange()
    assert both.server.take() == (MESSAGE, 2)


@pytest.mark.parametrize("gone", ["server", "client"])
def test_the_partner_hears_that_an_adapter_is_no_more_and_of_its_successor(
    both: Both, gone: str
) -> None:
    goes, stays = (both.server, both.client) if gone == "server" else (both.client, both.server)
    both.connect()
    goes.end.remove(goes.adapter)
    both.pair.exchange()
    assert stays.take() == (FAILED, 0)
    assert stays.send(MESSAGE) == H.CLOSED
    goes.lpar.partition.virtual_io.remove(goes.slot)
    goes.plug()
    assert goes.register() == H.SUCCESS
    both.pair.exchange()
    assert stays.send(MESSAGE) == H.SUCCESS


# -- copies ----------------------------------------------------------------------------------


def test_a_server_copies_from_its_client_and_to_it(both: Both) -> None:
    both.connect()
    both.client.lpar.memory.write(DATA + 5, b"asked")
    assert both.copy(5, (REMOTE, DATA + 5), (LOCAL, DATA + 0x1FFE)) == H.SUCCESS
    assert both.server.lpar.memory.read(DATA + 0x1FFE, 5) == b"asked"
    both.server.lpar.memory.write(DATA, bytes(range(256)) * 512)
    assert both.copy(LONGEST_COPY, (LOCAL, DATA), (REMOTE, DATA + 0x800)) == H.SUCCESS
    assert both.client.lpar.memory.read(DATA + 0x800, LONGEST_COPY) == bytes(range(256)) * 512


def test_a_copy_waits_until_nobody_else_runs(both: Both) -> None:
    both.connect()
    processor = both.server.lpar.processor()
    arguments = (NUMBERS["H_COPY_RDMA"], 8, REMOTE, DATA, LOCAL, DATA)
    processor.set_gprs(3, arguments)
    both.client.lpar.memory.write(DATA, b"later on")
    both.server.lpar.partition.hcalls.dispatch(processor)
    assert processor.standing is Standing.POSTPONED
    both.server.lpar.partition.virtual_io.others_stand_still = True
    processor.answer(1)
    assert processor.gpr(3) == H.SUCCESS
    assert both.server.lpar.memory.read(DATA, 8) == b"later on"


@pytest.mark.parametrize(
    ("length", "source", "destination", "code"),
    [
        (LONGEST_COPY + 1, (REMOTE, DATA), (LOCAL, DATA), H.PARAMETER),
        (1 << 63, (REMOTE, DATA), (LOCAL, DATA), H.PARAMETER),
        (8, (CLIENTS, DATA), (LOCAL, DATA), H.S_PARM),
        (8, (REMOTE + 1, DATA), (LOCAL, DATA), H.S_PARM),
        (8, (LOCAL, DATA), (CLIENTS, DATA), H.D_PARM),
        (8, (REMOTE, WINDOW_BYTES - 7), (LOCAL, DATA), H.S_PARM),
        (8, (REMOTE, (1 << 64) - 4), (LOCAL, DATA), H.S_PARM),
        (8, (LOCAL, DATA), (REMOTE, WINDOW_BYTES - 7), H.D_PARM),
        (8, (REMOTE, QUEUE - 4), (LOCAL, DATA), H.PERMISSION),
        (8, (LOCAL, DATA), (REMOTE, QUEUE - 4), H.PERMISSION),
        (8, (LOCAL, QUEUE - 4), (REMOTE, DATA), H.PERMISSION),
        (0, (REMOTE, DATA), (LOCAL, DATA), H.SUCCESS),
    ],
)
def test_a_copy_goes_from_window_to_window_or_not_at_all(
    both: Both, length: int, source: tuple[int, int], destination: tuple[int, int], code: H
) -> None:
    both.connect()
    before = both.server.lpar.everything(), both.client.lpar.everything()
    assert both.copy(length, source, destination) == code
    assert (both.server.lpar.everything(), both.client.lpar.everything()) == before


def test_a_copy_reads_and_writes_only_what_the_client_allows(both: Both) -> None:
    both.connect()
    both.client.allow(DATA, DATA, WRITE)
    both.client.allow(DATA + 0x1000, DATA + 0x1000, READ)
    assert both.copy(8, (REMOTE, DATA), (LOCAL, DATA)) == H.PERMISSION
    assert both.copy(8, (LOCAL, DATA), (REMOTE, DATA)) == H.SUCCESS
    assert both.copy(8, (REMOTE, DATA + 0x1000), (LOCAL, DATA)) == H.SUCCESS
    assert both.copy(16, (LOCAL, DATA), (REMOTE, DATA + 0xFF8)) == H.PERMISSION


def test_there_are_no_copies_without_a_connection(both: Both) -> None:
    there = (REMOTE, DATA), (LOCAL, DATA)
    assert both.copy(8, *there) == H.PERMISSION
    both.connect()
    assert both.copy(8, *there) == H.SUCCESS
    both.client.free()
    assert both.copy(8, *there) == H.PERMISSION
    both.client.register()
    both.client.end.remove(both.client.adapter)
    assert both.copy(8, *there) == H.PERMISSION


def test_a_client_has_no_window_of_its_server(both: Both) -> None:
    both.connect()
    arguments = (8, CLIENT_SLOT.remote_liobn, DATA, CLIENTS, DATA)
    assert both.client.lpar.call("H_COPY_RDMA", *arguments).code == H.S_PARM
    assert both.server.lpar.code("H_PUT_TCE", REMOTE, DATA, DATA | READ) == H.PARAMETER


def test_registers_are_written_to_a_client_and_read_from_it(both: Both) -> None:
    both.connect()
    words = [0x1111111111111111 * n for n in range(1, 7)]
    processor = both.server.lpar.processor()
    processor.set_gpr(12, words[5])
    processor.set_gpr(11, words[4])
    processor.set_gpr(10, words[3])
    both.server.lpar.partition.virtual_io.others_stand_still = True
    for n, value in enumerate((NUMBERS["H_WRITE_RDMA"], 41, REMOTE, DATA, *words), start=3):
        processor.set_gpr(n, value)
    assert both.server.lpar.partition.hcalls.dispatch(processor) == H.SUCCESS
    expected = b"".join(word.to_bytes(8, "big") for word in words)[:41] + bytes(7)
    assert both.client.lpar.memory.read(DATA, 48) == expected
    assert both.rdma("H_READ_RDMA", 41, REMOTE, DATA) == H.SUCCESS
    got = b"".join(processor.gpr(n).to_bytes(8, "big") for n in range(4, 13))
    assert got == expected.ljust(72, b"\0")
    assert both.rdma("H_WRITE_RDMA", 49, REMOTE, DATA) == H.PARAMETER
    assert both.rdma("H_READ_RDMA", 73, REMOTE, DATA) == H.PARAMETER


# -- what firmware and H_VIOCTL tell ---------------------------------------------------------


def test_a_server_is_told_who_its_client_is(both: Both) -> None:
    both.server.lpar.memory.write(DATA, b"\xee" * 64)
    assert both.server.ioctl(8, 32 << 32 | DATA, 0, 0) == H.SUCCESS
    told = both.server.lpar.memory.read(DATA, 40)
    number, unit = int.from_bytes(told[:8], "big"), int.from_bytes(told[8:16], "big")
    assert (number, unit, told[16:]) == (
        2,
        CLIENT_SLOT.unit,
        b"V2-C20".ljust(16, b"\0") + b"\xee" * 8,
    )


@pytest.mark.parametrize(
    ("subfunction", "arguments", "code"),
    [
        (0x08, (22 << 32 | DATA, 0, 0), H.CONSTRAINED),
        (0x08, (64 << 32 | QUEUE - 4, 0, 0), H.PARAMETER),
        (0x08, (1 << 56 | 64 << 32 | DATA, 0, 0), H.PARAMETER),
        (0x08, (64 << 32 | DATA, 1, 0), H.PARAMETER),
        (0x1D, (30_000, 0, 0), H.SUCCESS),
        (0x1D, (30_001, 0, 0), H.PARAMETER),
        (0x1E, (0, 0, 0), H.CONSTRAINED),
        (0x77, (0, 0, 0), H.NOT_FOUND),
    ],
)
def test_a_server_adapter_refuses_what_h_vioctl_does_not_know(
    both: Both, subfunction: int, arguments: tuple[int, ...], code: H
) -> None:
    assert both.server.ioctl(subfunction, *arguments) == code
    assert both.client.ioctl(subfunction, *arguments) == H.NOT_FOUND


def test_a_server_says_that_it_is_ready_once_it_may(both: Both) -> None:
    both.server.register()
    assert both.server.ioctl(0x1D, 1000, 0, 0) == H.SUCCESS
    assert both.server.ioctl(0x1E, 0, 0, 0) == H.SUCCESS
    both.server.free()
    both.server.register()
    assert both.server.ioctl(0x1E, 0, 0, 0) == H.CONSTRAINED


def test_the_node_of_a_server_has_both_windows(both: Both) -> None:
    node = adapter_node(both.server.adapter, both.server.lpar.partition)
    cells = [
        int.from_bytes(node.properties["ibm,my-dma-window"][n : n + 4], "big")
        for n in range(0, 40, 4)
    ]
    assert cells == [LOCAL, 0, 0, 0, WINDOW_BYTES, REMOTE, 0, 0, 0, WINDOW_BYTES]
    assert node.properties["compatible"] == b"IBM,v-scsi-host\0"
