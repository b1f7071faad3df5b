"""Packets as a guest of the translator sends them, byte by byte (RFC 791, 826, 2131)."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyphyp.outside.nat import NatLink

GUEST = bytes.fromhex("0a0000000001")
BROADCAST = b"\xff" * 6
OWN, GATEWAY = bytes((10, 0, 2, 15)), bytes((10, 0, 2, 2))
_PATIENCE = 30.0


def checksum(data: bytes) -> bytes:
    total = sum(int.from_bytes(data[n : n + 2], "big") for n in range(0, len(data) + 1, 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2, "big")


def arp_request(wanted: bytes = GATEWAY) -> bytes:
    head = BROADCAST + GUEST + bytes.fromhex("0806 0001 0800 0604 0001")
    return head + GUEST + OWN + bytes(6) + wanted


def is_arp_answer(frame: bytes) -> bool:
    return frame[12:14] == b"\x08\x06" and frame[20:22] == b"\x00\x02" and frame[28:32] == GATEWAY


def ip(protocol: int, source: bytes, to: bytes, segment: bytes) -> bytes:
    length = (20 + len(segment)).to_bytes(2, "big")
    header = b"\x45\0" + length + bytes(4) + bytes((64, protocol)) + b"\0\0" + source + to
    header = header[:10] + checksum(header) + header[12:]
    return BROADCAST + GUEST + b"\x08\0" + header + segment


def udp(source: bytes, to: bytes, ports: tuple[int, int], body: bytes) -> bytes:
    segment = b"".join(port.to_bytes(2, "big") for port in ports)
    segment += (8 + len(body)).to_bytes(2, "big") + b"\0\0" + body
    return ip(17, source, to, segment)


def dhcp_discover() -> bytes:
    body = b"\x01\x01\x06\0" + b"\x12\x34\x56\x78" + bytes(20) + GUEST.ljust(16, b"\0") + bytes(192)
    return udp(bytes(4), b"\xff" * 4, (68, 67), body + bytes.fromhex("63825363 350101 ff"))


def answer(link: NatLink, wanted: Callable[[bytes], bool]) -> bytes:
    """The first frame from the link that is `wanted`."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if (frame := link.receive()) is None:
            if link.descriptor is not None:
                select.select([link.descriptor], [], [], 0.1)
        elif wanted(frame):
            return frame
    raise AssertionError("no such frame came")
