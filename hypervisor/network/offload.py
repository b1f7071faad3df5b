"""What adapters leave to others: TCP and UDP checksums, and cutting long TCP segments.

RFC 1071 (checksums), 9293 (TCP), 791 and 8200 (IP).  Frames that are no TCP or UDP over IP without
options that hide it are left as they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from .frame import HEADER_BYTES, Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

_IPV4, _IPV6 = b"\x08\x00", b"\x86\xdd"
_TCP, _UDP = 6, 17
_CHECKSUM_AT = {_TCP: 16, _UDP: 6}
_LEAST = {_TCP: 20, _UDP: 8}
_FIN_PSH, _CWR = 0x09, 0x80
MOST_SEGMENTS = 256
"""Of one frame: a smaller `mss` is made larger."""
LEAST_SEGMENT = 536
"""What any host takes (RFC 9293 3.7.1): a guest that asks for less gets this."""


class _Layout(NamedTuple):
    """Where the parts of an IP packet begin, counted from the frame's start."""

    version: int
    protocol: int
    transport: int
    end: int


def finished(frame: Frame) -> list[Frame]:
    """As a wire would carry it: cut into segments, with its checksums."""
    layout = _layout(frame.data)
    if layout is None or not (frame.mss or frame.unfinished):
        return [replace(frame, unfinished=False, mss=0)]
    whole = frame.data[: layout.end]
    if frame.mss and layout.protocol == _TCP:
        pieces = list(_cut(whole, layout, frame.mss))
    else:
        pieces = [_with_checksum(whole, layout)]
    return [replace(frame, data=piece, unfinished=False, mss=0) for piece in pieces]


def _layout(data: bytes) -> _Layout | None:
    at = HEADER_BYTES
    if data[12:14] == _IPV4 and len(data) >= at + 20:
        header, total = (data[at] & 0xF) * 4, int.from_bytes(data[at + 2 : at + 4], "big")
        whole = not int.from_bytes(data[at + 6 : at + 8], "big") & 0x3FFF  # no fragment
        version, protocol = 4, data[at + 9]
        end = at + (total or len(data) - at)  # 0: longer than its field can say
        if header < 20 or not whole:
            return None
    elif data[12:14] == _IPV6 and len(data) >= at + 40:
        header, version, protocol = 40, 6, data[at + 6]
        end = at + 40 + (int.from_bytes(data[at + 4 : at + 6], "big") or len(data) - at - 40)
    else:
        return None
    transport = at + header
    if protocol not in _LEAST or end > len(data) or transport + _LEAST[protocol] > end:
        return None
    return _Layout(version, protocol, transport, end)


def _sum(data: bytes) -> int:
    """The one's complement sum of 16-bit words."""
    total = int.from_bytes(data + b"\0" * (len(data) % 2), "big") % 0xFFFF
    return total or (0xFFFF if any(data) else 0)


def _with_checksum(packet: bytes, layout: _Layout) -> bytes:
    """The packet with the right checksum of its TCP or UDP part."""
    at = HEADER_BYTES
    addresses = packet[at + 12 : at + 20] if layout.version == 4 else packet[at + 8 : at + 40]
    place = layout.transport + _CHECKSUM_AT[layout.protocol]
    body = packet[layout.transport : place] + b"\0\0" + packet[place + 2 :]
    pseudo = addresses + layout.protocol.to_bytes(4, "big") + len(body).to_bytes(4, "big")
    value = ~_sum(pseudo + body) & 0xFFFF
    if layout.protocol == _UDP and not value:
        value = 0xFFFF
    return packet[:place] + value.to_bytes(2, "big") + packet[place + 2 :]


def _cut(packet: bytes, layout: _Layout, mss: int) -> Iterator[bytes]:
    """The packet's TCP segments, each with headers of its own."""
    tcp = (packet[layout.transport + 12] >> 4) * 4
    start = layout.transport + tcp
    if tcp < 20 or start > layout.end:
        yield packet
        return
    payload = packet[start : layout.end]
    mss = max(mss, LEAST_SEGMENT, -(-len(payload) // MOST_SEGMENTS))
    sequence = int.from_bytes(packet[layout.transport + 4 : layout.transport + 8], "big")
    identification = int.from_bytes(packet[HEADER_BYTES + 4 : HEADER_BYTES + 6], "big")
    pieces = range(0, len(payload), mss) or range(1)
    for n, offset in enumerate(pieces):
        piece = bytearray(packet[:start]) + payload[offset : offset + mss]
        at = layout.transport
        piece[at + 4 : at + 8] = (sequence + offset & 0xFFFFFFFF).to_bytes(4, "big")
        if offset + mss < len(payload):
            piece[at + 13] &= ~_FIN_PSH & 0xFF
        if n:
            piece[at + 13] &= ~_CWR & 0xFF
        length = len(piece) - HEADER_BYTES
        if layout.version == 4:
            piece[16:18] = length.to_bytes(2, "big")
            piece[18:20] = (identification + n & 0xFFFF).to_bytes(2, "big")
            piece[24:26] = b"\0\0"
            piece[24:26] = (~_sum(bytes(piece[HEADER_BYTES:at])) & 0xFFFF).to_bytes(2, "big")
        else:
            piece[18:20] = (length - 40).to_bytes(2, "big")
        yield _with_checksum(bytes(piece), layout._replace(end=len(piece)))
