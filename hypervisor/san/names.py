"""World wide names: eight bytes that name a port, a node or a fabric (FC-FS-3 clause 14).

Those of this machine follow from what it is made of, so that zones can be written down before it
runs.
"""

from __future__ import annotations

import hashlib
import re
from typing import NewType

Wwn = NewType("Wwn", int)
"""A world wide name as a number, its first byte the most significant one."""

_COMPANY = 0x005076
"""IBM's organizationally unique identifier."""
_CLIENT = 0xC0_0000 << 40 | _COMPANY << 40
"""An EUI-64 that is mapped to a name, as the hypervisor gives them; 40 bits of its own follow."""
_STORAGE = 0x5 << 60 | _COMPANY << 36
_ADAPTER = 0x1000_0090_FA00_0000
"""A physical host bus adapter's, of another maker; 24 bits follow."""
_SWITCH = 0x1000_0005_1E00_0000
_TEXT = re.compile(r"[0-9A-Fa-f]{2}(:?)[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){6}")


def parse_wwn(text: str) -> Wwn:
    """16 hexadecimal digits, in pairs with colons between them or without; else ValueError."""
    if not _TEXT.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no world wide name: c0:50:76:00:00:00:00:01 is one")
    return Wwn(int(text.replace(":", ""), 16))


def wwn_text(wwn: int) -> str:
    """As switches show it: pairs of digits with colons."""
    return wwn.to_bytes(8, "big").hex(":")


def client_wwpns(serial: str, number: int, slot: int) -> tuple[Wwn, Wwn]:
    """The pair of a virtual Fibre Channel adapter: partition `number`, virtual `slot`.

    The first one is used; the second one is for the partition while it is moved.
    """
    first = _CLIENT | (_hashed(serial, 19) << 20 | number << 10 | slot) << 1
    return Wwn(first), Wwn(first | 1)


def storage_wwpn(serial: str, port: str) -> Wwn:
    """That of a storage's port."""
    return Wwn(_STORAGE | _hashed(f"{serial} {port}", 36))


def adapter_wwpn(serial: str, port: str) -> Wwn:
    """That of a physical host bus adapter's port."""
    return Wwn(_ADAPTER | _hashed(f"{serial} {port}", 24))


def switch_wwn(serial: str, fabric: str) -> Wwn:
    return Wwn(_SWITCH | _hashed(f"{serial} {fabric}", 24))


def _hashed(text: str, bits: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 64 - bits
