"""BOOTP and DHCP messages (RFC 951, 1542, 2131, 2132)."""

from __future__ import annotations

import struct
from enum import IntEnum
from ipaddress import IPv4Address
from typing import NamedTuple

SERVER_PORT, CLIENT_PORT = 67, 68
_HEAD = struct.Struct(">BBBBIHH4s4s4s4s16s64s128s")
_COOKIE = b"\x63\x82\x53\x63"
_LEAST = 300
"""Bytes of a message; many clients drop shorter ones."""
_PAD, _END = 0, 255
_BROADCAST = 0x8000
FILE_BYTES = 127


class Option(IntEnum):
    MASK = 1
    WANTED = 50
    LEASE = 51
    KIND = 53
    SERVER = 54


class Kind(IntEnum):
    """What a DHCP message is; without one it is BOOTP."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    ACK = 5
    NAK = 6
    INFORM = 8


class Message(NamedTuple):
    """A message; addresses are 0 where there is nothing to say."""

    reply: bool
    transaction: int
    mac: bytes
    file: str = ""
    client: IPv4Address = IPv4Address(0)
    """The address it has already."""
    given: IPv4Address = IPv4Address(0)
    server: IPv4Address = IPv4Address(0)
    relay: IPv4Address = IPv4Address(0)
    broadcast: bool = False
    options: dict[int, bytes] = {}  # noqa: RUF012 - never changed

    @property
    def kind(self) -> int:
        return self.options.get(Option.KIND, b"\0")[0]

    @property
    def wanted(self) -> IPv4Address:
        """The address that a client asks for, or goes on to use."""
        option = self.options.get(Option.WANTED, b"")
        return IPv4Address(option) if len(option) == 4 else self.client

    def packed(self) -> bytes:
        head = _HEAD.pack(
            *(2 if self.reply else 1, 1, 6, 0),
            *(self.transaction, 0, _BROADCAST if self.broadcast else 0),
            *(its.packed for its in (self.client, self.given, self.server, self.relay)),
            *(self.mac, b"", self.file.encode("latin-1", "replace")[:FILE_BYTES]),
        )
        listed = b"".join(bytes([n, len(its)]) + its for n, its in self.options.items())
        return (head + _COOKIE + listed + bytes([_END])).ljust(_LEAST, b"\0")


def parse(data: bytes) -> Message | None:
    """What a payload says; None where it is no message of an Ethernet."""
    if len(data) < _HEAD.size:
        return None
    op, kind, length, _, transaction, _, flags, *rest = _HEAD.unpack_from(data)
    if op not in (1, 2) or (kind, length) != (1, 6):
        return None
    client, given, server, relay = (IPv4Address(its) for its in rest[:4])
    hardware, _, file = rest[4:]
    options = data[_HEAD.size :]
    return Message(
        op == 2,
        transaction,
        hardware[:6],
        file.split(b"\0")[0].decode("latin-1"),
        client,
        given,
        server,
        relay,
        bool(flags & _BROADCAST),
        _options(options[4:]) if options[:4] == _COOKIE else {},
    )


def _options(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data) and data[at] != _END:
        if data[at] == _PAD:
            at += 1
            continue
        if at + 1 >= len(data) or at + 2 + data[at + 1] > len(data):
            break
        if data[at + 1]:
            found[data[at]] = data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    return found
