"""Which frames of guests may reach libslirp.

Version 4.7.0 loses its way over fragments that contradict themselves: a guest could write to
storage of the process.  It gets only what is whole and plain: ARP, and IPv4 without options or
fragments.
"""

from __future__ import annotations

from hypervisor.network.frame import HEADER_BYTES

_IPV4, _ARP = b"\x08\x00", b"\x08\x06"
_ARP_BYTES, _IPV4_BYTES = 28, 20
_PLAIN = 0x45
"""Version 4, five words of header."""
_FRAGMENT = 0x3FFF
"""More of them to come, or an offset."""
_LEAST = {1: 8, 6: 20, 17: 8}
"""Bytes behind the header of ICMP, TCP and UDP."""


def vetted(frame: bytes) -> bool:
    """Whether the frame may go on."""
    kind, length = frame[12:14], len(frame) - HEADER_BYTES
    if kind == _ARP:
        return length >= _ARP_BYTES
    if kind != _IPV4 or length < _IPV4_BYTES or frame[HEADER_BYTES] != _PLAIN:
        return False
    total = int.from_bytes(frame[16:18], "big")
    body = total - _IPV4_BYTES
    whole = not int.from_bytes(frame[20:22], "big") & _FRAGMENT
    if not whole or total > length or body < _LEAST.get(frame[23], body + 1):
        return False
    return frame[23] != 6 or 20 <= (frame[46] >> 4) * 4 <= body
