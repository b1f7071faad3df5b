"""A Shared Ethernet Adapter of a built-in Virtual I/O Server: trunks bridged to one adapter.

What trunks get goes outside as it is; what comes from there without a tag belongs to the default
VLAN.  It bridges a VLAN only while it is the primary and its trunk is the switch's way of that
VLAN, so nothing goes round in circles, whoever else bridges.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from emu.values import slotted

from .frame import BROADCAST, UNTAGGED, Frame, MacAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .failover import Failover
    from .switch import Port

_SMALLEST = 60
_RARP, _REQUEST = b"\x80\x35", b"\x00\x01\x08\x00\x06\x04\x00\x03"


class AdapterStation:
    """An Ethernet adapter of a server, in a switch or a network outside.

    It has no address that others could reach: it takes what it gets as a trunk, or outside.
    """

    address: None = None

    def __init__(self) -> None:
        self.user: Callable[[Frame], None] | None = None
        """Whoever bridges it."""

    def wants(self, group: MacAddress) -> bool:
        return self.user is not None

    def receive(self, frame: Frame) -> None:
        if self.user is not None:
            self.user(frame)


@slotted
class Side:
    """Frames of one side of a bridge."""

    received: int = 0
    bridged: int = 0
    dropped: int = 0


class Bridge:
    """`trunks` and `physical` are ports with `AdapterStation`s that nobody else uses."""

    def __init__(self, physical: Port, trunks: Sequence[Port], default_vlan: int) -> None:
        self.physical, self.trunks, self.default_vlan = physical, tuple(trunks), default_vlan
        self.real_side, self.virtual_side = Side(), Side()
        self.failover: Failover | None = None
        self._cabled = True
        for port in self.trunks:
            port.stands_by = True
            _use(port, partial(self._outward, port))
        _use(physical, self._inward)

    def release(self) -> None:
        """Bridge no more."""
        for port in self.trunks:
            port.stands_by = True
            _use(port, None)
        _use(self.physical, None)

    @property
    def cabled(self) -> bool:
        """Whether its physical adapter has a link."""
        return self._cabled

    @cabled.setter
    def cabled(self, there: bool) -> None:
        self._cabled = there
        self.changed()

    def carries(self, port: Port) -> bool:
        """Whether it is who bridges the VLANs of one of its trunks."""
        failover = self.failover
        return self._cabled and failover is not None and failover.carries(port.vlans)

    def tell(self, now: int) -> None:
        """It is nanosecond `now`: say that it is there."""
        if self.failover is not None:
            self.failover.tell(now)

    def decide(self, now: int) -> None:
        """Be what it should be."""
        if self.failover is not None:
            self.failover.decide(now, works=self.cabled)

    def changed(self) -> None:
        """It begins or ends to carry trunks: the ways of their VLANs lead here, or elsewhere."""
        began = [port for port in self.trunks if port.stands_by and self.carries(port)]
        for port in self.trunks:
            port.stands_by = not self.carries(port)
        self._tell_outside(began)

    def _tell_outside(self, trunks: Sequence[Port]) -> None:
        """Have switches out there learn where the addresses behind these trunks are."""
        for port in trunks:
            for vlan in port.vlans:
                tag = UNTAGGED if vlan == port.settings.vlan else vlan
                for address in port.neighbours(vlan) if port.is_way_of(vlan) else ():
                    self.physical.send(Frame(_whereabouts(address), tag))

    def _outward(self, port: Port, frame: Frame) -> None:
        side = self.virtual_side
        side.received += 1
        if self.carries(port) and self.physical.send(frame):
            side.bridged += 1
        else:
            side.dropped += 1

    def _inward(self, frame: Frame) -> None:
        if not self.cabled:
            return
        side = self.real_side
        side.received += 1
        vlan = frame.vlan or self.default_vlan
        port = next((its for its in self.trunks if its.member(vlan)), None)
        if port is None or not self.carries(port) or not port.is_way_of(vlan):
            side.dropped += 1
            return
        tag = UNTAGGED if vlan == port.settings.vlan else vlan
        if port.send(frame.tagged(tag)):
            side.bridged += 1
        else:
            side.dropped += 1


def _use(port: Port, user: Callable[[Frame], None] | None) -> None:
    assert isinstance(port.station, AdapterStation)
    port.station.user = user


def _whereabouts(address: MacAddress) -> bytes:
    """A reverse ARP request (RFC 903) of a station: broadcast, and so heard everywhere."""
    nobody = bytes(4)
    body = _REQUEST + address + nobody + address + nobody
    return (BROADCAST + address + _RARP + body).ljust(_SMALLEST, b"\0")
