"""Terminals that speak in packets (`hvterm-protocol`; formats as Linux's driver has them)."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import pytest

from hypervisor.abi import H
from hypervisor.vio.adapter import Slot
from hypervisor.vio.configuration import TerminalProtocol
from hypervisor.vio.hvsi import MOST_ANSWERS

if TYPE_CHECKING:
    from hypervisor.vio.vty import ClientTerminal
    from tests.hypervisor.lpar import Lpar

SLOT = Slot(1)
QUERY_VERSION = bytes((0xFD, 6)) + struct.pack(">HH", 1, 1)
QUERY_MODEM = bytes((0xFD, 6)) + struct.pack(">HH", 9, 2)
OUR_VERSION = bytes((0xFC, 12)) + struct.pack(">HHHI", 2, 1, 2, 1 << 24)
CLOSE = bytes((0xFE, 6)) + struct.pack(">HH", 3, 3)


@pytest.fixture
def terminal(lpar: Lpar) -> ClientTerminal:
    return lpar.partition.virtual_io.add_terminal(SLOT, TerminalProtocol.HVSI)


def put(lpar: Lpar, packet: bytes) -> int:
    text = packet.ljust(16, b"\0")
    halves = int.from_bytes(text[:8], "big"), int.from_bytes(text[8:], "big")
    return lpar.code("H_PUT_TERM_CHAR", SLOT.unit, len(packet), *halves)


def get(lpar: Lpar) -> bytes:
    count, first, second = lpar.call("H_GET_TERM_CHAR", SLOT.unit).results[:3]
    return (first << 64 | second).to_bytes(16, "big")[:count]


def open_it(lpar: Lpar) -> None:
    assert put(lpar, QUERY_VERSION) == H.SUCCESS
    get(lpar)
    get(lpar)
    assert put(lpar, OUR_VERSION) == H.SUCCESS


def data(text: bytes) -> bytes:
    return bytes((0xFF, 4 + len(text), 0, 7)) + text


def test_a_version_query_is_answered_and_asked_back(lpar: Lpar, terminal: ClientTerminal) -> None:
    assert put(lpar, QUERY_VERSION) == H.SUCCESS
    answer, question = get(lpar), get(lpar)
    assert answer[:2] + answer[4:] == bytes((0xFC, 12)) + struct.pack(">HHI", 1, 1, 1 << 24)
    assert question[:2] + question[4:] == bytes((0xFD, 6)) + struct.pack(">H", 1)
    assert get(lpar) == b""
    sequence = [int.from_bytes(packet[2:4], "big") for packet in (answer, question)]
    assert sequence == [1, 2]


def test_input_comes_in_data_packets_once_both_versions_are_known(
    lpar: Lpar, terminal: ClientTerminal
) -> None:
    terminal.type(b"hello, partition")
    assert get(lpar) == b""
    open_it(lpar)
    first, second = get(lpar), get(lpar)
    assert (first[:2], first[4:]) == (bytes((0xFF, 16)), b"hello, parti")
    assert (second[:2], second[4:]) == (bytes((0xFF, 8)), b"tion")


def test_data_packets_are_shown_however_they_are_cut(lpar: Lpar, terminal: ClientTerminal) -> None:
    shown = bytearray()
    terminal.listeners.append(shown.extend)
    stream = data(b"one ") + data(b"two packets") + data(b"")
    for at in range(0, len(stream), 5):
        assert put(lpar, stream[at : at + 5]) == H.SUCCESS
    assert shown == b"one two packets"


def test_the_modem_has_a_carrier_and_takes_data_terminal_ready(
    lpar: Lpar, terminal: ClientTerminal
) -> None:
    open_it(lpar)
    put(lpar, QUERY_MODEM)
    assert get(lpar)[4:] == struct.pack(">HHI", 2, 9, 0x20)
    ready = bytes((0xFE, 14)) + struct.pack(">HHII", 1, 1, 1, 1)
    assert put(lpar, ready) == H.SUCCESS
    put(lpar, QUERY_MODEM)
    assert get(lpar)[4:] == struct.pack(">HHI", 2, 9, 0x21)


def test_a_closed_protocol_keeps_input_until_it_is_opened_again(
    lpar: Lpar, terminal: ClientTerminal
) -> None:
    open_it(lpar)
    assert put(lpar, CLOSE) == H.SUCCESS
    terminal.type(b"later")
    assert get(lpar) == b""
    open_it(lpar)
    assert get(lpar)[4:] == b"later"


def test_there_is_an_interrupt_when_a_packet_can_be_read(
    lpar: Lpar, terminal: ClientTerminal
) -> None:
    source = lpar.interrupts.source(SLOT.interrupt)
    assert source is not None
    terminal.type(b"x")
    assert not source.pending
    put(lpar, QUERY_VERSION)
    assert source.pending
    get(lpar)
    get(lpar)
    source.pending = False
    put(lpar, OUR_VERSION)
    assert source.pending


def test_garbage_is_dropped_and_the_next_packet_understood(
    lpar: Lpar, terminal: ClientTerminal
) -> None:
    shown = bytearray()
    terminal.listeners.append(shown.extend)
    for garbage in (b"login: ", bytes((0xFF, 17, 0, 0)), bytes((0xFF, 3, 0, 0)), b"\xfb\4\0\0"):
        assert put(lpar, garbage) == H.SUCCESS
        assert put(lpar, data(b"ok ")) == H.SUCCESS
    assert shown == b"ok ok ok ok "


def test_a_guest_that_asks_and_does_not_read_is_busy(lpar: Lpar, terminal: ClientTerminal) -> None:
    codes = [put(lpar, QUERY_VERSION) for _ in range(MOST_ANSWERS)]
    assert codes == [H.SUCCESS] * (MOST_ANSWERS // 2) + [H.BUSY] * (MOST_ANSWERS // 2)
    get(lpar)
    get(lpar)
    assert put(lpar, QUERY_VERSION) == H.SUCCESS


def test_any_bytes_are_taken_and_hold_a_bounded_amount(
    lpar: Lpar, terminal: ClientTerminal
) -> None:
    chance = random.Random(5)
    for _ in range(20_000):
        kind = chance.choice((0xFC, 0xFD, 0xFE, 0xFF, chance.randrange(256)))
        packet = bytes((kind, chance.choice((4, 6, 12, 14, 16, chance.randrange(256)))))
        packet = (packet + chance.randbytes(14))[: chance.randrange(17)]
        assert put(lpar, packet) in (H.SUCCESS, H.BUSY)
        if chance.random() < 0.3:
            assert len(get(lpar)) <= 16
        state = terminal.state().session
        assert state is not None
        assert len(state.answers) <= MOST_ANSWERS
        assert len(state.unfinished) < 16


def test_a_session_is_restored_where_it_was(lpar: Lpar, terminal: ClientTerminal) -> None:
    open_it(lpar)
    put(lpar, QUERY_MODEM)
    put(lpar, data(b"cut")[:5])
    terminal.type(b"waits")
    state = terminal.state()
    put(lpar, CLOSE)
    terminal.restore(state)
    assert terminal.state() == state
    assert get(lpar)[4:6] == struct.pack(">H", 2)
    assert get(lpar)[4:] == b"waits"
