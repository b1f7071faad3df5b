"""Shared Ethernet Adapters: the ways from a virtual switch to the outside, as they are asked for.

PowerVM's is a trunk port of the switch, bridged to a physical adapter.  Here the other side of the
bridge is what the host has: translation in user mode, a TAP device, or a file that keeps all.
"""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from emu.values import frozen

from .switch import DEFAULT_SWITCH, DEFAULT_VLAN, PortSettings

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_TRUNK_PRIORITY = 1
LOOPBACK = IPv4Address("127.0.0.1")
LONGEST_TAP_NAME = 15
"""Bytes of a network device's name (IFNAMSIZ without its end)."""
_HIGHEST_PORT = 65535


class Transport(Enum):
    TCP = "tcp"
    UDP = "udp"


@frozen
class Forward:
    """What comes to a port of the host goes to one of a guest; `guest` None: the first one's."""

    port: int
    guest_port: int
    transport: Transport = Transport.TCP
    host: IPv4Address = LOOPBACK
    guest: IPv4Address | None = None

    def __post_init__(self) -> None:
        for port in (self.port, self.guest_port):
            if not 1 <= port <= _HIGHEST_PORT:
                raise ValueError(f"port {port}: 1 to {_HIGHEST_PORT} are possible")


@frozen
class Nat:
    """Address translation in a process of the user's, with DHCP; needs no privileges."""

    forwards: tuple[Forward, ...] = ()

    @property
    def name(self) -> str:
        return "nat"

    def __post_init__(self) -> None:
        taken = [(each.transport, each.host, each.port) for each in self.forwards]
        for each in taken:
            if taken.count(each) > 1:
                raise ValueError(f"port {each[2]} of the host is forwarded twice")


@frozen
class Tap:
    """A TAP device of the host, by its name."""

    device: str

    def __post_init__(self) -> None:
        name = self.device.encode()
        if not 1 <= len(name) <= LONGEST_TAP_NAME or b"/" in name or not self.device.isprintable():
            raise ValueError(f"{self.device!r} is no name of a network device")

    @property
    def name(self) -> str:
        return f"tap:{self.device}"


@frozen
class Nobody:
    """Nobody answers: what goes out is recorded, if anything."""

    @property
    def name(self) -> str:
        return "nobody"


Outside = Nat | Tap | Nobody


@frozen
class ServerPort:
    """A virtual Ethernet adapter of a Virtual I/O Server: where it is plugged in."""

    switch: str = DEFAULT_SWITCH
    vlan: int = DEFAULT_VLAN
    more_vlans: tuple[int, ...] = ()
    trunk_priority: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be."""
        _ = self.settings

    @property
    def settings(self) -> PortSettings:
        return PortSettings(self.vlan, frozenset(self.more_vlans), self.trunk_priority)


@frozen
class SharedEthernet:
    """A trunk port of `switch`, and what lies behind it; `capture` is a pcap file of all frames."""

    outside: Outside
    switch: str = DEFAULT_SWITCH
    vlan: int = DEFAULT_VLAN
    more_vlans: tuple[int, ...] = ()
    trunk_priority: int = DEFAULT_TRUNK_PRIORITY
    capture: Path | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be."""
        if self.trunk_priority < 1:
            raise ValueError("the way to the outside is a trunk: its priority is 1 at least")
        if self.more_vlans and isinstance(self.outside, Nat):
            raise ValueError("nat knows no tags: give each VLAN a way of its own to the outside")
        _ = self.settings

    @property
    def settings(self) -> PortSettings:
        return PortSettings(self.vlan, frozenset(self.more_vlans), self.trunk_priority)
