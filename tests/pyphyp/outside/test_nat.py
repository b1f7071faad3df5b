"""Translation in user mode: what it answers, what it refuses, what it outlives."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from hypervisor.network.frame import Frame
from hypervisor.network.offload import finished
from hypervisor.network.shared_ethernet import Forward, Nat
from pyphyp.outside import nat
from pyphyp.outside.link import LinkError
from pyphyp.outside.nat import NatLink
from pyphyp.outside.vetting import vetted

from .packets import (
    GATEWAY,
    GUEST,
    OWN,
    answer,
    arp_request,
    checksum,
    dhcp_discover,
    ip,
    is_arp_answer,
    udp,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEED, FRAMES = 5, 20_000


@pytest.fixture
def link() -> Iterator[NatLink]:
    link = NatLink(Nat())
    yield link
    link.close()


def test_it_leases_an_address_and_names_gateway_and_name_server(link: NatLink) -> None:
    link.send(dhcp_discover())
    offer = answer(link, lambda frame: frame[23] == 17 and frame[34:36] == b"\0\x43")
    assert offer[58:62] == OWN
    assert b"\x03\x04" + GATEWAY in offer[282:]
    assert b"\x06\x04" + bytes((10, 0, 2, 3)) in offer[282:]


def test_a_datagram_reaches_a_port_of_the_host_s_loopback_and_is_answered(link: NatLink) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(30)
        link.send(arp_request())
        answer(link, is_arp_answer)
        link.send(udp(OWN, GATEWAY, (5000, server.getsockname()[1]), b"question"))
        said, client = server.recvfrom(100)
        server.sendto(b"answer", client)
    assert said == b"question"
    got = answer(link, lambda frame: frame[:6] == GUEST and frame[36:38] == b"\x13\x88")
    assert got.endswith(b"answer")
    assert checksum(got[14:34]) == b"\0\0"


def malformed(generator: random.Random) -> bytes:
    """A frame that is nearly one: bytes of a good one changed, cut or lengthened."""
    usual = (
        arp_request(),
        dhcp_discover(),
        udp(OWN, GATEWAY, (5000, 53), b"name"),
        udp(OWN, GATEWAY, (5000, 69), b"\0\1file\0octet\0"),
        *(tcp(flags) for flags in (0x02, 0x10, 0x18, 0x11, 0x04, 0x12)),
        *(tcp(0x18, bytes(generator.randrange(1400))) for _ in range(2)),
        ip(1, OWN, GATEWAY, b"\x08\0\xf7\xff" + bytes(64)),
    )
    frame = bytearray(generator.choice(usual))
    for _ in range(generator.randrange(8)):
        frame[generator.randrange(12, len(frame))] = generator.randrange(256)
    match generator.randrange(4):
        case 0:
            del frame[generator.randrange(len(frame)) :]
        case 1:
            frame += generator.randbytes(generator.randrange(2000))
        case 2 | 3 if len(frame) > 34:
            frame[24:26] = checksum(bytes(frame[14:24]) + b"\0\0" + bytes(frame[26:34]))
            return finished(Frame(bytes(frame), unfinished=True))[0].data
    return bytes(frame)


def tcp(flags: int, body: bytes = b"") -> bytes:
    ports = (6000).to_bytes(2, "big") + (9).to_bytes(2, "big")
    segment = ports + bytes(8) + bytes((0x50, flags, 0xFF, 0xFF)) + bytes(4) + body
    return finished(Frame(ip(6, OWN, GATEWAY, segment), unfinished=True))[0].data


def test_what_libslirp_cannot_be_trusted_with_does_not_reach_it() -> None:
    """Fragments, options, and lengths that contradict each other."""
    good = udp(OWN, GATEWAY, (5000, 53), b"name")
    assert vetted(good)
    assert vetted(arp_request())
    changes = (
        (14, 0x46),
        (14, 0x65),
        (17, 27),
        (17, 255),
        (20, 0x20),
        (21, 1),
        (23, 2),
        (12, 0x86),
    )
    for at, value in changes:
        assert not vetted(good[:at] + bytes((value,)) + good[at + 1 :])
    assert all(not vetted(good[:length]) for length in range(len(good)))
    assert not vetted(tcp(2)[:46] + b"\x60" + tcp(2)[47:])


def test_malformed_frames_leave_a_translator_that_answers(link: NatLink) -> None:
    generator = random.Random(SEED)
    taken = 0
    for _ in range(FRAMES):
        taken += link.send(malformed(generator))
        while link.receive() is not None:
            pass
        if not taken % 50:
            time.sleep(0.001)
    assert taken > FRAMES // 10
    assert link.process.poll() is None
    end = time.monotonic() + 30
    while not link.send(arp_request()):
        assert time.monotonic() < end
        link.receive()
    assert answer(link, is_arp_answer)


def test_a_translator_that_does_not_read_holds_up_nobody(link: NatLink) -> None:
    os.kill(link.process.pid, signal.SIGSTOP)
    begin = time.monotonic()
    sent = [link.send(arp_request()) for _ in range(100_000)]
    assert time.monotonic() - begin < 30
    assert not all(sent)
    os.kill(link.process.pid, signal.SIGCONT)
    assert answer(link, is_arp_answer)


def test_one_that_has_ended_begins_again(
    link: NatLink, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(nat, "_BETWEEN_BEGINNINGS", 0.1)
    os.kill(link.process.pid, signal.SIGABRT)
    end = time.monotonic() + 30
    while link.descriptor is not None:
        assert time.monotonic() < end
        link.receive()
    assert "nat has ended (-6) and begins again" in capfd.readouterr().err
    assert not link.send(arp_request())
    while link.descriptor is None:
        assert time.monotonic() < end
        link.receive()
    link.send(arp_request())
    assert answer(link, is_arp_answer)


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LinkError, match=f"tcp port {port} of 127.0.0.1 cannot be forwarded"):
            NatLink(Nat((Forward(port, 22),)))


def test_without_the_library_the_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = nat.PROGRAM.read_text().replace("libslirp.so.0", "libnothing.so.0")
    (tmp_path / "slirp.py").write_text(program)
    monkeypatch.setattr(nat, "PROGRAM", tmp_path / "slirp.py")
    with pytest.raises(LinkError, match="apt install libslirp0"):
        NatLink(Nat())


def test_the_process_ends_with_the_link(link: NatLink) -> None:
    link.close()
    assert link.process.returncode is not None
