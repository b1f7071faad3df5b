"""The virtual Ethernet switch of a machine (LoPAR 17.3.5, PowerVM's rules).

A port belongs to its port VLAN, whose frames it sends and receives untagged, and to further ones,
whose frames carry their tag.  Unicast goes to the port that has the address; what nobody has goes
to the trunk port of the VLAN with the lowest priority number, the way to the outside.  Frames wait
in the port that sent them until `deliver`: partitions that run side by side send in no certain
order, but what each sent is delivered port by port, so equal runs are equal.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from emu.values import frozen, slotted

from .frame import BROADCAST, UNTAGGED, Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .frame import MacAddress

DEFAULT_SWITCH = "ETHERNET0"
DEFAULT_VLAN = 1
HIGHEST_VLAN = 4094
HIGHEST_PRIORITY = 15
_ARP = b"\x08\x06"
WAITING_BYTES = 16 << 20
WAITING_FRAMES = 4096
"""What a port can make the host hold."""


class Station(Protocol):
    """Whoever is plugged into a port."""

    @property
    def address(self) -> MacAddress | None:
        """What unicast it takes; None: it takes what nobody has, if its port is a trunk."""

    def wants(self, group: MacAddress) -> bool:
        """Whether it takes a broadcast or multicast."""

    def receive(self, frame: Frame) -> None:
        """A frame came; tagged unless it is of the port VLAN."""


class Responder(Protocol):
    """A server of the machine's own, which answers frames at once."""

    @property
    def mac(self) -> MacAddress: ...
    def meant(self, frame: Frame) -> bool:
        """Whether a frame is for it alone."""

    def answer(self, frame: Frame) -> list[Frame]:
        """What it says to that, untagged."""


@frozen
class PortSettings:
    """VLANs of a port; `trunk_priority` 1 to 15 makes it a trunk."""

    vlan: int = DEFAULT_VLAN
    more_vlans: frozenset[int] = frozenset()
    trunk_priority: int = 0

    def __post_init__(self) -> None:
        for vlan in (self.vlan, *self.more_vlans):
            if not 1 <= vlan <= HIGHEST_VLAN:
                raise ValueError(f"VLAN {vlan}: 1 to {HIGHEST_VLAN} are possible")
        if self.vlan in self.more_vlans:
            raise ValueError(f"VLAN {self.vlan} is the port's own already")
        if not 0 <= self.trunk_priority <= HIGHEST_PRIORITY:
            raise ValueError(f"trunk priority {self.trunk_priority}: 1 to {HIGHEST_PRIORITY}")


@slotted
class PortCounts:
    """Frames, and bytes without tags."""

    sent: int = 0
    sent_bytes: int = 0
    received: int = 0
    received_bytes: int = 0
    dropped: int = 0
    """Of what it sent: nobody took it, it was not of its VLANs, or too much waited."""
    lost: int = 0
    """Of what it received: its station had no room for it."""


class Port:
    """A place of the switch, with the frames that `station` has sent and not yet been delivered."""

    def __init__(
        self, station: Station, settings: PortSettings, switch: VirtualSwitch, name: str
    ) -> None:
        self.station, self.settings, self.name = station, settings, name
        self.counts = PortCounts()
        self.stands_by = False
        """A trunk behind which nobody bridges now: another one is the way."""
        self._switch = switch
        self._waiting: deque[Frame] = deque()
        self._waiting_bytes = 0

    def send(self, frame: Frame) -> bool:
        """Take a frame from the station; False: too much waits already."""
        size = len(frame.data)
        if len(self._waiting) >= WAITING_FRAMES or self._waiting_bytes + size > WAITING_BYTES:
            self.counts.dropped += 1
            return False
        self._waiting.append(frame)
        self._waiting_bytes += size
        self.counts.sent += 1
        self.counts.sent_bytes += size
        return True

    def ask(self, frame: Frame) -> list[Frame] | None:
        """What a server of the machine's own says to an untagged frame of the station.

        None: the frame is for nobody of that kind.  For firmware, which cannot wait for others.
        """
        for port in self._switch:
            its = port.station
            if not isinstance(its, _Answering) or port.settings.vlan != self.settings.vlan:
                continue
            if its.responder.meant(frame):
                return its.responder.answer(frame)
        return None

    def address_changed(self) -> None:
        """The station has another address than before, or none."""
        self._switch.stale = True

    def has_rival(self, address: MacAddress) -> bool:
        """Whether another station of its VLANs had that address when frames were last delivered.

        So who asks at the same time as somebody else, on whatever thread, hears the same.
        """
        return any(
            other is not self and any(map(other.member, self.vlans))
            for other in self._switch.owners.get(address, ())
        )

    @property
    def vlans(self) -> tuple[int, ...]:
        return (self.settings.vlan, *sorted(self.settings.more_vlans))

    def unplug(self) -> None:
        """The station goes away; what it sent and was not delivered is lost."""
        self._switch.detach(self)

    def take(self) -> deque[Frame]:
        """What waits now; what is sent meanwhile is for the next time."""
        frames, self._waiting, self._waiting_bytes = self._waiting, deque(), 0
        return frames

    @property
    def waits(self) -> bool:
        return bool(self._waiting)

    def member(self, vlan: int) -> bool:
        return vlan == self.settings.vlan or vlan in self.settings.more_vlans

    @property
    def has_way_out(self) -> bool:
        """Whether its own VLAN has a trunk."""
        return self._switch.trunk(self.settings.vlan) is not None

    @property
    def active_trunk(self) -> bool:
        """Whether what nobody has, of its own VLAN, goes out here."""
        return self.is_way_of(self.settings.vlan)

    def is_way_of(self, vlan: int) -> bool:
        """Whether what nobody has, of that VLAN, goes out here."""
        return self._switch.leads_out(self, vlan)

    def neighbours(self, vlan: int) -> list[MacAddress]:
        """Addresses of the others in a VLAN."""
        found = [p.station.address for p in self._switch if p is not self and p.member(vlan)]
        return [address for address in found if address is not None]

    def give(self, frame: Frame, vlan: int) -> None:
        tag = UNTAGGED if vlan == self.settings.vlan else vlan
        self.counts.received += 1
        self.counts.received_bytes += len(frame.data)
        self.station.receive(frame.tagged(tag))


class _Answering:
    """A responder as a station: it answers what the switch brings.

    Broadcasts but for ARP it leaves to the outside, where there is a way there: DHCP of others
    leads further.
    """

    def __init__(self, responder: Responder) -> None:
        self.responder = responder
        self.port: Port | None = None

    @property
    def address(self) -> MacAddress:
        return self.responder.mac

    def wants(self, group: MacAddress) -> bool:
        return group == BROADCAST

    def receive(self, frame: Frame) -> None:
        if self.port is None or frame.vlan:
            return
        if frame.to_many and frame.data[12:14] != _ARP and self.port.has_way_out:
            return
        for answer in self.responder.answer(frame):
            self.port.send(answer)


class VirtualSwitch:
    """One switch."""

    def __init__(self, name: str = DEFAULT_SWITCH) -> None:
        self.name = name
        self._ports: list[Port] = []
        self.stale = False
        """Somebody came, went or has another address since frames were last delivered."""
        self.owners: dict[MacAddress, list[Port]] = {}
        """Ports by their stations' address, as it was then."""

    def __iter__(self) -> Iterator[Port]:
        return iter(self._ports)

    def attach(
        self, station: Station, settings: PortSettings | None = None, name: str = ""
    ) -> Port:
        """Plug in a station; `name` is what operators call it."""
        port = Port(station, settings or PortSettings(), self, name)
        self._ports.append(port)
        self.stale = True
        return port

    def attach_responder(
        self, responder: Responder, settings: PortSettings, name: str = ""
    ) -> Port:
        """A server of the machine's own, which stations reach in the usual way, too."""
        station = _Answering(responder)
        station.port = self.attach(station, settings, name)
        return station.port

    def detach(self, port: Port) -> None:
        if port in self._ports:
            self._ports.remove(port)
            self.stale = True

    @property
    def waits(self) -> bool:
        """Whether there is anything to deliver."""
        return any(port.waits for port in self._ports)

    def deliver(self) -> bool:
        """Bring what waits where it belongs, port by port; whether there was anything."""
        if self.stale:
            self._look_who_is_there()
        anything = False
        for port, frames in [(port, port.take()) for port in self._ports]:
            for frame in frames:
                anything = True
                if not self._forward(port, frame):
                    port.counts.dropped += 1
        return anything

    def _look_who_is_there(self) -> None:
        self.stale = False
        self.owners = {}
        for port in self._ports:
            if (address := port.station.address) is not None:
                self.owners.setdefault(address, []).append(port)

    def _forward(self, origin: Port, frame: Frame) -> bool:
        vlan = frame.vlan or origin.settings.vlan
        if not origin.member(vlan) or frame.vlan == origin.settings.vlan:
            return False
        if frame.to_many:
            takers = self._group(origin, frame.destination, vlan)
        else:
            owners = self.owners.get(frame.destination, ())
            takers = [p for p in owners if p is not origin and p.member(vlan)][:1]
            if not takers and (trunk := self.trunk(vlan)) not in (None, origin):
                assert trunk is not None
                takers = [trunk]
        for port in takers:
            port.give(frame, vlan)
        return bool(takers)

    def _group(self, origin: Port, group: MacAddress, vlan: int) -> list[Port]:
        """Who takes a broadcast or multicast."""
        trunk = self.trunk(vlan)
        return [
            port
            for port in self._ports
            if port is not origin
            and port.member(vlan)
            and (not port.settings.trunk_priority or port is trunk)
            and port.station.wants(group)
        ]

    def leads_out(self, port: Port, vlan: int) -> bool:
        """Whether a port is the way to the outside."""
        return self.trunk(vlan) is port

    def trunk(self, vlan: int) -> Port | None:
        """The way to the outside: of equal priorities the port that was there first."""
        trunks = [
            p
            for p in self._ports
            if p.settings.trunk_priority and not p.stands_by and p.member(vlan)
        ]
        return min(trunks, key=lambda port: port.settings.trunk_priority, default=None)
