"""An Ethernet frame on its way through a switch (IEEE 802.3, 802.1Q)."""

from __future__ import annotations

from dataclasses import replace
from typing import NewType

from emu.values import frozen

MacAddress = NewType("MacAddress", bytes)
"""Six bytes."""

HEADER_BYTES = 14
TAG_BYTES = 4
LONGEST = 65536 + HEADER_BYTES + TAG_BYTES
"""Bytes of a frame with its header: what fits the largest buffer of a driver."""
BROADCAST = MacAddress(b"\xff" * 6)
_TAG_TYPE = b"\x81\x00"
UNTAGGED = 0


@frozen
class Frame:
    """A frame without its VLAN tag; `vlan` is the tag's number, or `UNTAGGED`.

    `unfinished`: its TCP or UDP checksum is still to be computed.  `mss`, if not 0, is how much
    each TCP segment may carry that it is to be cut into.
    """

    data: bytes
    vlan: int = UNTAGGED
    unfinished: bool = False
    mss: int = 0

    @property
    def destination(self) -> MacAddress:
        return MacAddress(self.data[:6])

    @property
    def source(self) -> MacAddress:
        return MacAddress(self.data[6:12])

    @property
    def to_many(self) -> bool:
        """Broadcast or multicast."""
        return bool(self.data[0] & 1)

    @classmethod
    def of(cls, data: bytes, *, unfinished: bool = False, mss: int = 0) -> Frame:
        """From what an adapter sends, which may be tagged; ValueError if it is too short."""
        if len(data) < HEADER_BYTES:
            raise ValueError(f"a frame of {len(data)} bytes has no header")
        if data[12:14] != _TAG_TYPE:
            return cls(data, UNTAGGED, unfinished, mss)
        if len(data) < HEADER_BYTES + TAG_BYTES:
            raise ValueError("a tagged frame without its type")
        vlan = int.from_bytes(data[14:16], "big") & 0xFFF
        return cls(data[:12] + data[16:], vlan, unfinished, mss)

    def tagged(self, vlan: int) -> Frame:
        return self if vlan == self.vlan else replace(self, vlan=vlan)

    @property
    def wire(self) -> bytes:
        """With its tag, if it has one."""
        if self.vlan == UNTAGGED:
            return self.data
        return self.data[:12] + _TAG_TYPE + self.vlan.to_bytes(2, "big") + self.data[12:]
