"""Checksums and segments that adapters leave to the switch, against plain arithmetic."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypervisor.network.frame import Frame
from hypervisor.network.offload import LEAST_SEGMENT, MOST_SEGMENTS, finished

MACS = bytes(12)
PROTOCOLS = {"tcp": 6, "udp": 17}


def ones_complement(data: bytes) -> int:
    """As RFC 1071 says it, word by word."""
    total = 0
    for (word,) in struct.iter_unpack(">H", data + b"\0" * (len(data) % 2)):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total


def packet(version: int, protocol: str, payload: bytes, flags: int = 0x18) -> bytes:
    """A frame with a TCP or UDP checksum of rubbish."""
    if protocol == "tcp":
        body = struct.pack(">HHIIBBHHH", 1, 2, 1000, 7, 5 << 4, flags, 512, 0xBEEF, 0) + payload
    else:
        body = struct.pack(">HHHH", 1, 2, 8 + len(payload), 0xBEEF) + payload
    number = PROTOCOLS[protocol]
    if version == 4:
        head = struct.pack(
            ">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 5, 0, 64, number, 0, b"abcd", b"efgh"
        )
        return MACS + b"\x08\x00" + head + body
    head = struct.pack(">IHBB16s16s", 6 << 28, len(body), number, 64, b"a" * 16, b"b" * 16)
    return MACS + b"\x86\xdd" + head + body


def parts(frame: bytes) -> tuple[bytes, bytes]:
    """The IP header and what it carries, which must be all there is."""
    length = 20 if frame[12:14] == b"\x08\x00" else 40
    head, body = frame[14 : 14 + length], frame[14 + length :]
    if length == 20:
        assert int.from_bytes(head[2:4], "big") == len(head) + len(body)
    else:
        assert int.from_bytes(head[4:6], "big") == len(body)
    return head, body


def checksum_holds(frame: bytes) -> bool:
    head, body = parts(frame)
    protocol = head[9] if len(head) == 20 else head[6]
    addresses = head[12:20] if len(head) == 20 else head[8:40]
    pseudo = addresses + struct.pack(">II", protocol, len(body))
    return ones_complement(pseudo + body) == 0xFFFF


@given(
    version=st.sampled_from([4, 6]),
    protocol=st.sampled_from(["tcp", "udp"]),
    payload=st.binary(max_size=300),
)
def test_an_unfinished_checksum_is_computed(version: int, protocol: str, payload: bytes) -> None:
    data = packet(version, protocol, payload)
    (done,) = finished(Frame(data, 7, unfinished=True))
    assert checksum_holds(done.data)
    assert (done.vlan, done.unfinished, len(done.data)) == (7, False, len(data))


@given(
    version=st.sampled_from([4, 6]),
    payload=st.binary(max_size=5000),
    mss=st.integers(min_value=1, max_value=1500),
)
def test_segments_carry_the_payload_in_order(version: int, payload: bytes, mss: int) -> None:
    pieces = [f.data for f in finished(Frame(packet(version, "tcp", payload, 0x19), mss=mss))]
    assert len(pieces) <= MOST_SEGMENTS
    together, sequence = b"", 1000
    for n, piece in enumerate(pieces):
        head, body = parts(piece)
        assert checksum_holds(piece)
        assert int.from_bytes(body[4:8], "big") == sequence
        assert bool(body[13] & 0x09) == (n == len(pieces) - 1)  # FIN and PSH
        if n < len(pieces) - 1:
            assert len(body) - 20 == max(mss, LEAST_SEGMENT)
        if version == 4:
            assert ones_complement(head) == 0xFFFF
            assert int.from_bytes(head[4:6], "big") == 5 + n
        together += body[20:]
        sequence += len(body) - 20
    assert together == payload


def test_what_is_no_tcp_or_udp_is_left_as_it_is() -> None:
    for data in (MACS + b"\x08\x06" + bytes(28), packet(4, "tcp", b"x")[:30], MACS + b"\x08\x00"):
        (same,) = finished(Frame(data, unfinished=True, mss=100))
        assert same == Frame(data)


def test_random_frames_are_finished_or_left() -> None:
    source = random.Random(3)
    whole = packet(4, "tcp", bytes(600))
    for _ in range(2000):
        data = bytearray(whole[: source.randrange(14, len(whole))])
        for _ in range(3):
            data[source.randrange(12, min(len(data), 60))] = source.randrange(256)
        pieces = finished(Frame(bytes(data), unfinished=True, mss=source.choice((0, 1, 500))))
        assert 1 <= len(pieces) <= MOST_SEGMENTS
        assert sum(len(piece.data) for piece in pieces) <= len(data) + MOST_SEGMENTS * 200


@pytest.mark.parametrize("padding", [0, 6])
def test_padding_behind_the_packet_is_no_part_of_it(padding: int) -> None:
    (done,) = finished(Frame(packet(4, "udp", b"x") + bytes(padding), unfinished=True))
    assert checksum_holds(done.data[: len(packet(4, "udp", b"x"))])
