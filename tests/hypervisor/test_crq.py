"""Command/response queues (LoPAR 17.2.3.1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hypervisor.abi import H
from hypervisor.vio.crq import Element, TransportEvent
from tests.hypervisor.lpar import CONSOLE
from tests.hypervisor.queue_client import INIT, INIT_COMPLETE, QUEUE
from tests.hypervisor.vscsi_client import MESSAGE, SLOT, Client

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar


@pytest.fixture
def client(lpar: Lpar) -> Client:
    return Client(lpar)


def interrupted(client: Client) -> bool:
    source = client.lpar.interrupts.source(SLOT.interrupt)
    assert source is not None
    pending, source.pending = source.pending, False
    return pending


def test_an_initialization_is_answered(client: Client) -> None:
    client.open()
    assert interrupted(client)
    assert client.take() is None


def test_a_queue_is_registered_once(client: Client) -> None:
    client.open()
    assert client.lpar.code("H_REG_CRQ", SLOT.unit, QUEUE, 0x1000) == H.RESOURCE
    assert client.lpar.code("H_FREE_CRQ", SLOT.unit) == H.SUCCESS
    assert client.lpar.code("H_REG_CRQ", SLOT.unit, QUEUE, 0x1000) == H.SUCCESS


@pytest.mark.parametrize(
    ("ioba", "length"),
    [(QUEUE + 16, 4096), (QUEUE, 0), (QUEUE, 4095), (1 << 28, 4096), (1 << 63, 1 << 63)],
)
def test_a_queue_is_whole_pages_of_the_window(client: Client, ioba: int, length: int) -> None:
    client.allow()
    assert client.lpar.code("H_REG_CRQ", SLOT.unit, ioba, length) == H.PARAMETER


def test_without_a_partner_the_queue_is_registered_all_the_same(client: Client) -> None:
    client.allow()
    client.adapter.server = None
    assert client.lpar.code("H_REG_CRQ", SLOT.unit, QUEUE, 0x1000) == H.CLOSED
    assert client.adapter.registered
    assert client.send(INIT, 0) == H.CLOSED


def test_nothing_is_sent_without_a_queue(client: Client) -> None:
    assert client.send(INIT, 0) == H.CLOSED
    client.open()
    assert client.lpar.code("H_FREE_CRQ", SLOT.unit) == H.SUCCESS
    assert client.send(INIT, 0) == H.CLOSED


def test_other_adapters_have_no_queue(lpar: Lpar, client: Client) -> None:
    assert lpar.code("H_REG_CRQ", CONSOLE, QUEUE, 0x1000) == H.NOT_FOUND
    assert lpar.code("H_SEND_CRQ", SLOT.unit + 1, INIT, 0) == H.PARAMETER


@pytest.mark.parametrize("kind", [0x00, 0x01, 0x7F, 0xFF])
def test_what_is_no_message_is_refused(client: Client, kind: int) -> None:
    client.open()
    assert client.send(kind << 56, 0) == H.PARAMETER


def test_interrupts_wait_until_they_are_enabled(client: Client) -> None:
    client.allow()
    client.lpar.call("H_REG_CRQ", SLOT.unit, QUEUE, 0x1000)
    client.send(INIT, 0)
    assert not interrupted(client)
    assert client.take() == (INIT_COMPLETE, 0)


def test_the_answer_to_an_initialization_interrupts_once_that_is_enabled(client: Client) -> None:
    client.allow()
    client.lpar.call("H_REG_CRQ", SLOT.unit, QUEUE, 0x1000)
    client.send(INIT, 0)
    client.lpar.call("H_VIO_SIGNAL", SLOT.unit, 1)
    assert interrupted(client)
    client.lpar.call("H_VIO_SIGNAL", SLOT.unit, 0)
    client.lpar.call("H_VIO_SIGNAL", SLOT.unit, 1)
    assert not interrupted(client)


def test_messages_go_round_the_ring_and_a_full_one_takes_none(client: Client) -> None:
    client.open()
    for n in range(256):
        assert client.adapter.post(Element(MESSAGE << 56, n))
    assert not client.adapter.post(Element(MESSAGE << 56, 256))
    assert client.send(MESSAGE << 56, 0) == H.DROPPED
    assert [client.take() for _ in range(2)] == [(MESSAGE << 56, 0), (MESSAGE << 56, 1)]
    assert client.adapter.post(Element(MESSAGE << 56, 256))
    for n in range(2, 257):
        assert client.take() == (MESSAGE << 56, n)


def test_a_queue_whose_pages_may_not_be_written_takes_no_messages(client: Client) -> None:
    client.open()
    client.allow(QUEUE, QUEUE, access=1)
    assert not client.adapter.post(Element(MESSAGE << 56, 0))
    client.allow(QUEUE, QUEUE, access=0)
    assert not client.adapter.post(Element(MESSAGE << 56, 0))


def test_a_migration_disables_the_queue_until_it_is_enabled(client: Client) -> None:
    client.open()
    assert client.adapter.transport_event(TransportEvent.MIGRATED)
    assert client.take() == (0xFF06 << 48, 0)
    assert client.send(INIT, 0) == H.CLOSED
    assert client.lpar.code("H_ENABLE_CRQ", SLOT.unit) == H.SUCCESS
    assert client.send(INIT, 0) == H.SUCCESS


def test_h_vioctl_of_an_unknown_subfunction_is_not_found(client: Client) -> None:
    assert client.lpar.code("H_VIOCTL", SLOT.unit, 0x77, 0, 0, 0) == H.NOT_FOUND
    assert client.lpar.code("H_VIOCTL", CONSOLE, 1, 0, 0, 0) == H.NOT_FOUND


def test_a_queue_comes_back_from_its_state(client: Client) -> None:
    client.open()
    state = client.adapter.state()
    client.lpar.call("H_FREE_CRQ", SLOT.unit)
    client.adapter.restore(state)
    assert client.adapter.state() == state
    assert client.adapter.post(Element(MESSAGE << 56, 7))
    assert client.take() == (MESSAGE << 56, 7)
