"""Ways to the outside in words, as `--net` has them.

nat[,forward=[tcp:|udp:][ADDRESS:]PORT:[ADDRESS:]PORT]...   the host's address and port first
tap:NAME
pcap:FILE
...,pcap=FILE                                               keeps all frames in a file, too
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address
from pathlib import Path

from hypervisor.network.shared_ethernet import (
    LOOPBACK,
    Forward,
    Nat,
    Nobody,
    SharedEthernet,
    Tap,
    Transport,
)

FORWARD_WORDS = "[tcp:|udp:][ADDRESS:]PORT:[ADDRESS:]PORT"


def shared_ethernet(text: str) -> SharedEthernet:
    """The adapter that `text` describes; raises ValueError, which says what would be right."""
    head, *options = text.split(",")
    kind, colon, name = head.partition(":")
    values: dict[str, list[str]] = {"forward": [], "pcap": []}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not value or key not in values:
            raise ValueError(f"{option!r}: forward=... and pcap=FILE are possible")
        values[key].append(value)
    if kind == "pcap":
        values["pcap"].insert(0, name)
    if values["forward"] and kind != "nat":
        raise ValueError(f"forward goes with nat, not with {kind}")
    if len(values["pcap"]) > 1:
        raise ValueError("one file keeps all frames")
    capture = Path(values["pcap"][0]) if values["pcap"] else None
    match kind, name:
        case "nat", "" if not colon:
            return SharedEthernet(Nat(tuple(map(forward, values["forward"]))), capture=capture)
        case "tap", _ if name:
            return SharedEthernet(Tap(name), capture=capture)
        case "pcap", _ if name:
            return SharedEthernet(Nobody(), capture=capture)
    raise ValueError(f"{head!r} leads nowhere: nat, tap:NAME or pcap:FILE would")


def forward(text: str) -> Forward:
    """A port of the host and one of a guest; raises ValueError."""
    parts = text.split(":")
    transport = Transport.TCP
    if parts[0] in ("tcp", "udp"):
        transport = Transport(parts.pop(0))
    try:
        host, port = _place(parts)
        guest, guest_port = _place(parts)
    except (AddressValueError, IndexError, ValueError):
        parts = ["more"]
    if parts:
        why = f"{text!r} forwards nothing: {FORWARD_WORDS}, such as tcp:2222:22, would be right"
        raise ValueError(why)
    return Forward(port, guest_port, transport, host or LOOPBACK, guest)


def _place(parts: list[str]) -> tuple[IPv4Address | None, int]:
    """Take a port, and the address before it if there is one, off the front of `parts`."""
    address = IPv4Address(parts.pop(0)) if "." in parts[0] else None
    port = parts.pop(0)
    if not (port.isascii() and port.isdecimal()):
        raise ValueError
    return address, int(port)
