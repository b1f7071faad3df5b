"""The machine's own boot server: BOOTP, DHCP, ARP and TFTP, and what it makes of rubbish."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from hypervisor.network import bootp
from hypervisor.network.boot_server import BootServer, BootService
from hypervisor.network.frame import BROADCAST, Frame, MacAddress
from hypervisor.network.ip import (
    EVERYBODY,
    NOWHERE,
    Arp,
    Datagram,
    parse_arp,
    parse_datagram,
)
from hypervisor.network.switch import PortSettings, VirtualSwitch
from hypervisor.network.tftp import MOST_BLOCK, MOST_OF_ONE, FileError, Peer, TftpServer

MAC = MacAddress(bytes.fromhex("0a0000000001"))
OURS = IPv4Address("192.168.128.10")
SERVER = IPv4Address("192.168.128.1")
READ, DATA, ACK, ERROR, OACK = 1, 3, 4, 5, 6


@dataclass
class Content:
    data: bytes
    closed: bool = False

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        assert not self.closed
        return self.data[offset : offset + length]

    def close(self) -> None:
        self.closed = True


class Files:
    def __init__(self, **files: bytes) -> None:
        self.files = files
        self.opened: list[Content] = []

    def open(self, name: str) -> Content:
        if name not in self.files:
            raise FileError("no such file")
        self.opened.append(Content(self.files[name]))
        return self.opened[-1]


def server(**files: bytes) -> BootServer:
    its = BootServer(BootService(Path(), "kernel"), Files(**files))
    its.expect(MAC)
    return its


def asked(
    its: BootServer, payload: bytes, port: int = 69, *, source_port: int = 2000
) -> Datagram | None:
    """What comes back for a datagram of a client that has its address."""
    sent = Datagram(MAC, its.mac, OURS, source_port, SERVER, port, payload)
    answers = its.answer(Frame.of(sent.frame()))
    assert len(answers) <= 1
    return parse_datagram(answers[0].data) if answers else None


def words(*of: str) -> bytes:
    return b"".join(word.encode() + b"\0" for word in of)


def request(*of: str) -> bytes:
    return struct.pack(">H", READ) + words(*of)


def boot_request(**more: object) -> bootp.Message:
    return bootp.Message(reply=False, transaction=7, mac=MAC)._replace(**more)  # type: ignore[arg-type]


def broadcast(message: bootp.Message) -> Frame:
    nobody = (NOWHERE, 68, EVERYBODY, 67)
    return Frame.of(Datagram(MAC, BROADCAST, *nobody, message.packed()).frame())


def told(its: BootServer, message: bootp.Message) -> bootp.Message | None:
    answers = its.answer(broadcast(message))
    if not answers:
        return None
    datagram = parse_datagram(answers[0].data)
    assert datagram is not None
    assert datagram.port == bootp.CLIENT_PORT
    return bootp.parse(datagram.payload)


# -- addresses -------------------------------------------------------------------------------


def test_bootp_gives_address_server_and_file() -> None:
    reply = told(server(), boot_request())
    assert reply is not None
    assert (reply.reply, reply.transaction, reply.mac) == (True, 7, MAC)
    assert (reply.given, reply.server, reply.file) == (OURS, SERVER, "kernel")
    assert reply.options[bootp.Option.MASK] == b"\xff\xff\xff\0"
    assert bootp.Option.KIND not in reply.options


def test_a_file_that_the_client_names_is_the_one() -> None:
    reply = told(server(), boot_request(file="other"))
    assert reply is not None
    assert reply.file == "other"


def test_dhcp_offers_and_acknowledges_the_same_address() -> None:
    its = server()
    offer = told(its, boot_request(options={53: b"\1"}))
    assert offer is not None
    assert (offer.kind, offer.given) == (bootp.Kind.OFFER, OURS)
    chosen = {53: b"\3", 54: SERVER.packed, 50: OURS.packed}
    acknowledged = told(its, boot_request(options=chosen))
    assert acknowledged is not None
    assert (acknowledged.kind, acknowledged.given) == (bootp.Kind.ACK, OURS)
    refused = told(its, boot_request(options={53: b"\3", 50: b"\x0a\0\0\1"}))
    assert refused is not None
    assert (refused.kind, refused.given) == (bootp.Kind.NAK, NOWHERE)
    assert told(its, boot_request(options={53: b"\3", 54: b"\x0a\0\0\1"})) is None


def test_addresses_end_and_nobody_has_anothers() -> None:
    service = BootService(Path(), address=IPv4Interface("10.0.0.1/28"))
    its = BootServer(service, Files())
    given = [
        told(its, boot_request(mac=bytes([2, 0, 0, 0, 0, n]), transaction=n)) for n in range(20)
    ]
    addresses = [reply.given for reply in given if reply is not None]
    assert len(addresses) == len(set(addresses)) > 5
    assert SERVER not in addresses
    assert all(address in service.address.network for address in addresses)
    assert None in given


def test_arp_is_answered_for_its_own_address() -> None:
    its = server()
    question = Arp(False, MAC, OURS, MacAddress(bytes(6)), SERVER)
    (answer,) = its.answer(Frame.of(question.frame()))
    assert parse_arp(answer.data) == Arp(True, its.mac, SERVER, MAC, OURS)
    assert its.answer(Frame.of(question._replace(target=OURS).frame())) == []


# -- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 511, 512, 513, 1024, 5000])
@pytest.mark.parametrize("block", [None, 512, 1024])
def test_a_file_comes_block_by_block(size: int, block: int | None) -> None:
    content = random.Random(size).randbytes(size)
    its = server(kernel=content)
    options = () if block is None else ("blksize", str(block), "tsize", "0")
    answer = asked(its, request("kernel", "octet", *options))
    assert answer is not None
    if options:
        agreed = words("blksize", str(block), "tsize", str(size))
        assert answer.payload == struct.pack(">H", OACK) + agreed
        answer = asked(its, struct.pack(">HH", ACK, 0), answer.source_port)
    taken, number = b"", 0
    while answer is not None:
        number += 1
        assert answer.payload[:4] == struct.pack(">HH", DATA, number)
        taken += answer.payload[4:]
        answer = asked(its, struct.pack(">HH", ACK, number), answer.source_port)
    assert taken == content


def test_block_numbers_wrap() -> None:
    content = random.Random(1).randbytes(8 * 66000)
    its, peer = TftpServer(Files(kernel=content)), Peer(MAC, OURS.packed, 2000)
    answer = its.answer(peer, 69, request("kernel", "octet", "blksize", "8"))
    assert answer is not None
    port, taken, number = answer[0], bytearray(), 0
    while (answer := its.answer(peer, port, struct.pack(">HH", ACK, number & 0xFFFF))) is not None:
        number += 1
        taken += answer[1][4:]
    assert taken == content


def test_what_was_lost_is_sent_again_and_an_old_acknowledgement_starts_nothing_twice() -> None:
    its = server(kernel=b"a" * 512 + b"b" * 512)
    first = asked(its, request("kernel", "octet"))
    assert first is not None
    assert asked(its, struct.pack(">HH", ACK, 0), first.source_port) == first
    second = asked(its, struct.pack(">HH", ACK, 1), first.source_port)
    assert second is not None
    assert asked(its, struct.pack(">HH", ACK, 1), first.source_port) == second
    assert asked(its, struct.pack(">HH", ACK, 0), first.source_port) is None


def test_blocks_fit_a_frame_whatever_is_asked() -> None:
    its = server(kernel=bytes(100_000))
    answer = asked(its, request("kernel", "octet", "blksize", "65464"))
    assert answer is not None
    assert words("blksize", str(MOST_BLOCK)) in answer.payload
    for wrong in ("7", "-5", "x", "99999999"):
        answer = asked(its, request("kernel", "octet", "blksize", wrong))
        assert answer is not None
        assert len(answer.payload) == 4 + 512


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (request("none", "octet"), 1),
        (struct.pack(">H", 2) + words("kernel", "octet"), 2),
        (request("kernel", "netascii"), 4),
        (request("kernel"), 4),
        (request("kernel", "octet")[:-1], 4),
        (b"\0\1", 4),
        (struct.pack(">HH", ACK, 1), 4),
    ],
)
def test_what_cannot_be_is_refused_with_its_code(payload: bytes, code: int) -> None:
    answer = asked(server(kernel=b"x"), payload)
    assert answer is not None
    assert struct.unpack(">HH", answer.payload[:4]) == (ERROR, code)


def test_a_client_holds_a_bounded_number_of_files_open() -> None:
    files = Files(kernel=bytes(5000))
    its = BootServer(BootService(Path()), files)
    for port in range(1000, 1000 + 3 * MOST_OF_ONE):
        asked(its, request("kernel", "octet"), source_port=port)
    assert sum(not file.closed for file in files.opened) == MOST_OF_ONE
    its.close()
    assert all(file.closed for file in files.opened)


def test_one_clients_transfer_is_not_anothers() -> None:
    its = server(kernel=bytes(5000))
    first = asked(its, request("kernel", "octet"), source_port=1000)
    assert first is not None
    answer = asked(its, struct.pack(">HH", ACK, 1), first.source_port, source_port=1001)
    assert answer is not None
    assert struct.unpack(">HH", answer.payload[:4]) == (ERROR, 5)
    following = asked(its, struct.pack(">HH", ACK, 1), first.source_port, source_port=1000)
    assert following is not None
    assert following.payload[:4] == struct.pack(">HH", DATA, 2)


def test_any_frame_is_answered_or_passed_over() -> None:
    source = random.Random(2)
    its = server(kernel=bytes(5000))
    good = [
        broadcast(boot_request(options={53: b"\1"})).data,
        Datagram(MAC, its.mac, OURS, 2000, SERVER, 69, request("kernel", "octet")).frame(),
        Arp(False, MAC, OURS, MacAddress(bytes(6)), SERVER).frame(),
    ]
    for _ in range(20_000):
        data = bytearray(source.choice(good))
        for _ in range(source.randrange(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        frame = Frame.of(bytes(data[: source.randrange(18, len(data) + 1)]))
        its.meant(frame)
        assert len(its.answer(frame)) <= 1
    assert len(its.leases) <= 254


# -- in a switch -----------------------------------------------------------------------------


class Host:
    address = MAC

    def __init__(self) -> None:
        self.got: list[Frame] = []

    def wants(self, group: MacAddress) -> bool:
        return True

    def receive(self, frame: Frame) -> None:
        self.got.append(frame)


def test_stations_of_its_vlan_reach_it_in_the_usual_way() -> None:
    switch = VirtualSwitch()
    its = server()
    switch.attach_responder(its, PortSettings())
    host, stranger = Host(), Host()
    port, other = switch.attach(host), switch.attach(stranger, PortSettings(5))
    for each in (port, other):
        each.send(broadcast(boot_request()))
    while switch.deliver():
        pass
    assert len(host.got) == 1
    assert stranger.got == []
    assert other.ask(broadcast(boot_request())) is None
    assert port.ask(broadcast(boot_request()))


def test_where_a_way_leads_outside_addresses_are_left_to_that() -> None:
    switch = VirtualSwitch()
    switch.attach_responder(server(), PortSettings())
    host = Host()
    port = switch.attach(host)
    switch.attach(Host(), PortSettings(trunk_priority=1))
    port.send(broadcast(boot_request()))
    port.send(Frame.of(Arp(False, MAC, OURS, MacAddress(bytes(6)), SERVER).frame()))
    while switch.deliver():
        pass
    assert [parse_arp(frame.data) is not None for frame in host.got] == [True]
