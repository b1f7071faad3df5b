"""ARP, and UDP over IPv4, as firmware and its boot server speak them (RFC 826, 791, 768)."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from typing import NamedTuple

from .frame import BROADCAST, HEADER_BYTES, MacAddress

NOWHERE = IPv4Address(0)
EVERYBODY = IPv4Address("255.255.255.255")
_ARP_TYPE, _IP_TYPE = b"\x08\x06", b"\x08\x00"
_ARP = struct.Struct(">HHBBH6s4s6s4s")
_IP = struct.Struct(">BBHHHBBH4s4s")
_UDP = struct.Struct(">HHHH")
_PROTOCOL = 17
_TIME_TO_LIVE = 64
_FRAGMENT = 0x3FFF
_LEAST_FRAME = 60
MOST_PAYLOAD = 1500 - _IP.size - _UDP.size
"""Bytes of a datagram that needs no fragments on any Ethernet."""


class Arp(NamedTuple):
    """Who has `target`?, or the answer to it."""

    reply: bool
    mac: MacAddress
    address: IPv4Address
    target_mac: MacAddress
    target: IPv4Address

    def frame(self) -> bytes:
        """Questions go to everybody."""
        kind = 2 if self.reply else 1
        packed = (self.mac, self.address.packed, self.target_mac, self.target.packed)
        destination = self.target_mac if self.reply else BROADCAST
        body = _ARP.pack(1, 0x800, 6, 4, kind, *packed)
        return (destination + self.mac + _ARP_TYPE + body).ljust(_LEAST_FRAME, b"\0")


class Datagram(NamedTuple):
    """A UDP datagram, with the addresses of the frame around it."""

    source_mac: MacAddress
    mac: MacAddress
    source: IPv4Address
    source_port: int
    destination: IPv4Address
    port: int
    payload: bytes

    def frame(self) -> bytes:
        source, destination = self.source.packed, self.destination.packed
        length = _UDP.size + len(self.payload)
        head = [0x45, 0, _IP.size + length, 0, 0, _TIME_TO_LIVE, _PROTOCOL, 0, source, destination]
        head[7] = checksum(_IP.pack(*head))
        pseudo = source + destination + struct.pack(">HH", _PROTOCOL, length)
        udp = _UDP.pack(self.source_port, self.port, length, 0)
        udp = udp[:6] + (checksum(pseudo + udp + self.payload) or 0xFFFF).to_bytes(2, "big")
        frame = self.mac + self.source_mac + _IP_TYPE + _IP.pack(*head) + udp + self.payload
        return frame.ljust(_LEAST_FRAME, b"\0")


def checksum(data: bytes) -> int:
    """The one's complement of the sum of 16-bit words (RFC 1071)."""
    total = int.from_bytes(data + b"\0" * (len(data) % 2), "big") % 0xFFFF
    return (~(total or (0xFFFF if any(data) else 0))) & 0xFFFF


def parse_arp(data: bytes) -> Arp | None:
    """What a frame says, if that is ARP for IPv4 over Ethernet."""
    if data[12:14] != _ARP_TYPE or len(data) < HEADER_BYTES + _ARP.size:
        return None
    kinds, mac, address, target_mac, target = _split(_ARP.unpack_from(data, HEADER_BYTES))
    if kinds[:4] != (1, 0x800, 6, 4) or kinds[4] not in (1, 2):
        return None
    return Arp(
        kinds[4] == 2,
        MacAddress(mac),
        IPv4Address(address),
        MacAddress(target_mac),
        IPv4Address(target),
    )


def _split(fields: tuple[int | bytes, ...]) -> tuple[tuple[int, ...], bytes, bytes, bytes, bytes]:
    numbers = tuple(field for field in fields if isinstance(field, int))
    mac, address, target_mac, target = (field for field in fields if isinstance(field, bytes))
    return numbers, mac, address, target_mac, target


def parse_datagram(data: bytes) -> Datagram | None:
    """The whole datagram of a frame, its checksums right; None where it is something else."""
    at = HEADER_BYTES
    if data[12:14] != _IP_TYPE or len(data) < at + _IP.size + _UDP.size:
        return None
    head = _IP.unpack_from(data, at)
    header, total, fragment, protocol = (head[0] & 0xF) * 4, head[2], head[4], head[6]
    source, destination = head[8], head[9]
    if head[0] >> 4 != 4 or header < _IP.size or fragment & _FRAGMENT or protocol != _PROTOCOL:
        return None
    if len(data) < at + total or total < header + _UDP.size or checksum(data[at : at + header]):
        return None
    datagram = data[at + header : at + total]
    source_port, port, length, sum_ = _UDP.unpack_from(datagram)
    if not _UDP.size <= length <= len(datagram):
        return None
    datagram = datagram[:length]
    pseudo = source + destination + struct.pack(">HH", _PROTOCOL, length)
    if sum_ and checksum(pseudo + datagram):
        return None
    return Datagram(
        MacAddress(data[6:12]),
        MacAddress(data[:6]),
        IPv4Address(source),
        source_port,
        IPv4Address(destination),
        port,
        datagram[_UDP.size :],
    )
