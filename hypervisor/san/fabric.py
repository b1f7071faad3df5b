"""A fabric: one switch, its ports, its zones and its name server.

Links, zones and who is plugged in change between dispatch windows alone.  What clients see of it
they read while they run, so they are told when it has changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hypervisor.scsi.command import Nexus

from .names import Wwn, parse_wwn, storage_wwpn, switch_wwn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .definition import Zone
    from .storage import Storage

_DIRECT_AREA = 0xF0
"""Where the ports of clients are that no physical adapter carries."""
_PORTS = 256
NAME_SERVER = 0xFFFFFC
"""Port identifier of the fabric's directory service (FC-FS-3 clause 11)."""


class FabricError(Exception):
    """What an operator names is not there, or cannot be; the message says why."""


class Listener(Protocol):
    """Whoever uses a client's port."""

    def link_changed(self) -> None:
        """The port is online now, or offline."""

    def targets_changed(self) -> None:
        """Other targets than before are to be seen."""

    def target_reset(self, target: TargetPort) -> None:
        """A target has forgotten all its initiators."""

    def carry_out(self) -> bool:
        """Carry out what had to wait; whether there was anything."""

    def server_came(self) -> None:
        """The Virtual I/O Server that carries the port runs."""

    def server_left(self) -> None:
        """It runs no more."""


class FabricPort:
    """A port in a fabric, or in none; `up` says whether its own link is."""

    def __init__(self, name: str, wwpn: Wwn, wwnn: Wwn) -> None:
        self.name, self.wwpn, self.wwnn = name, wwpn, wwnn
        self.fabric: Fabric | None = None
        self.port_id = 0
        self.up = True

    @property
    def online(self) -> bool:
        return self.up and self.fabric is not None

    def is_called(self, member: str) -> bool:
        """Whether a zone's member, or an operator, means this port."""
        if member == self.name or self.name.startswith(f"{member}/"):
            return True
        try:
            return parse_wwn(member) == self.wwpn
        except ValueError:
            return False


class TargetPort(FabricPort):
    """A port of a storage."""

    def __init__(self, storage: Storage, number: int, serial: str) -> None:
        name = f"{storage.name}/{number}"
        wwpn, wwnn = storage_wwpn(serial, name), storage_wwpn(serial, storage.name)
        super().__init__(name, wwpn, wwnn)
        self.storage = storage
        storage.ports.append(self)


class AdapterPort(FabricPort):
    """A port of a physical host bus adapter, which carries clients' virtual ones."""

    powered = True
    """Its partition runs."""

    @property
    def online(self) -> bool:
        return self.powered and super().online


class VirtualPort(FabricPort):
    """A port of NPIV: through a physical one, or at the switch by itself."""

    def __init__(self, name: str, wwpn: Wwn) -> None:
        super().__init__(name, wwpn, wwpn)
        self.through: AdapterPort | None = None

    @property
    def online(self) -> bool:
        if self.through is not None and not self.through.online:
            return False
        return self.up and self.fabric is not None


class StandbyPort(VirtualPort):
    """The second name of an adapter's pair; an operator logs it in, to see what its zones show."""

    def __init__(self, client: ClientPort) -> None:
        super().__init__(f"{client.name}/2", client.wwpns[1])
        self.client = client
        self.wanted = False
        """Logged in wherever the first one has a fabric."""

    @property
    def online(self) -> bool:
        return super().online and self.client.up


class ClientPort(VirtualPort):
    """The port of partition `number`'s virtual adapter in `slot`."""

    def __init__(self, name: str, wwpns: tuple[Wwn, Wwn], number: int, slot: int) -> None:
        super().__init__(name, wwpns[0])
        self.wwpns, self.number, self.slot = wwpns, number, slot
        self.second = StandbyPort(self)
        self.listener: Listener | None = None
        self.leaving: list[tuple[Storage, Nexus]] = []
        """Storage that is to learn, between slices, that the port has logged out."""

    def settle(self) -> bool:
        """Between slices: do what had to wait; whether there was anything."""
        leaving, self.leaving = self.leaving, []
        for storage, nexus in leaving:
            storage.logout(nexus)
        done = self.listener.carry_out() if self.listener is not None else False
        return done or bool(leaving)

    def nexus(self, target: TargetPort) -> Nexus:
        """What `target` knows it as."""
        return Nexus(f"{self.wwpn:016x}/{target.name}")


class Fabric:
    """One of a machine; `domain` is its switch's, 1 and up."""

    def __init__(self, name: str, domain: int, serial: str, zones: Iterable[Zone] = ()) -> None:
        self.name, self.domain = name, domain
        self.wwn = switch_wwn(serial, name)
        self.zones: dict[str, tuple[str, ...]] = {zone.name: zone.members for zone in zones}
        self._ports: dict[int, FabricPort] = {}
        """By port identifier."""
        self._areas = 0

    def __iter__(self) -> Iterator[FabricPort]:
        """By port identifier."""
        return iter([self._ports[port_id] for port_id in sorted(self._ports)])

    # -- plugging --------------------------------------------------------------------------

    def plug(self, port: FabricPort) -> None:
        """Plug a physical port into the next port of the switch."""
        if self._areas == _DIRECT_AREA:
            raise FabricError(f"{self.name}: a switch has {_DIRECT_AREA} ports")
        self._place(port, self._areas << 8)
        self._areas += 1

    def plug_client(self, port: VirtualPort, through: AdapterPort | None) -> None:
        """Have a virtual port, at the same place of the switch as the physical one."""
        area = _DIRECT_AREA << 8 if through is None else through.port_id & 0xFF00
        taken = {its & 0xFF for its in self._ports if its & 0xFF00 == area}
        free = next((n for n in range(1, _PORTS) if n not in taken), None)
        if free is None:
            raise FabricError(f"{self.name}: a port carries {_PORTS - 1} virtual ones at most")
        port.through = through
        self._place(port, area | free)

    def _place(self, port: FabricPort, place: int) -> None:
        port.port_id, port.fabric = self.domain << 16 | place, self
        self._ports[port.port_id] = port

    def unplug(self, port: FabricPort) -> None:
        del self._ports[port.port_id]
        port.fabric, port.port_id = None, 0
        if isinstance(port, VirtualPort):
            port.through = None

    # -- the name server -------------------------------------------------------------------

    def clients(self) -> list[ClientPort]:
        return [port for port in self if isinstance(port, ClientPort)]

    def zoned(self, one: FabricPort, other: FabricPort) -> bool:
        """Whether a zone has both; without any zones all see each other."""
        return not self.zones or any(
            _has(members, one) and _has(members, other) for members in self.zones.values()
        )

    def sees(self, port: VirtualPort, other: FabricPort) -> bool:
        return port.online and other.online and self.zoned(port, other)

    def shown(self, port: VirtualPort) -> list[FabricPort]:
        """All ports that the name server shows `port`, itself included, by port identifier."""
        return [its for its in self if its is port or self.sees(port, its)]

    def targets(self, port: VirtualPort) -> list[TargetPort]:
        """What `port` can log in to, by port identifier."""
        return [its for its in self if isinstance(its, TargetPort) and self.sees(port, its)]

    def target(self, port: ClientPort, port_id: int) -> TargetPort | None:
        found = self._ports.get(port_id)
        if isinstance(found, TargetPort) and self.sees(port, found):
            return found
        return None

    def named(self, port: ClientPort, wwpn: int) -> TargetPort | None:
        """The target with a port name."""
        return next((its for its in self.targets(port) if its.wwpn == wwpn), None)


def _has(members: tuple[str, ...], port: FabricPort) -> bool:
    return any(port.is_called(member) for member in members)
