"""The storage area network of one machine, and what operators change in it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .fabric import (
    AdapterPort,
    ClientPort,
    Fabric,
    FabricError,
    FabricPort,
    StandbyPort,
    TargetPort,
)
from .names import adapter_wwpn, client_wwpns
from .storage import Storage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .definition import FabricDefinition

MOST_ZONES = 1024
MOST_MEMBERS = 1024


class San:
    """Fabrics and storage by name.

    `exclusive`: partitions run side by side on the host's processors, so what several of them see
    is used between their slices alone, by `settle`.
    """

    def __init__(self, serial: str = "PYP0001", *, exclusive: bool = False) -> None:
        self.serial, self._exclusive = serial, exclusive
        self.fabrics: dict[str, Fabric] = {}
        self.storage: dict[str, Storage] = {}

    # -- building --------------------------------------------------------------------------

    def add_fabric(self, definition: FabricDefinition) -> Fabric:
        its = Fabric(definition.name, len(self.fabrics) + 1, self.serial, definition.zones)
        self.fabrics[its.name] = its
        return its

    def add_storage(self, name: str, fabrics: tuple[str, ...]) -> Storage:
        """Storage with a port in each of `fabrics`, and no units yet."""
        its = self.storage[name] = Storage(name)
        for number, fabric in enumerate(fabrics):
            self.fabric(fabric).plug(TargetPort(its, number, self.serial))
        return its

    def add_adapter(self, name: str, fabric: str) -> AdapterPort:
        """The port of a physical adapter, such as vios1/fcs0."""
        wwpn = adapter_wwpn(self.serial, name)
        port = AdapterPort(name, wwpn, wwpn)
        self.fabric(fabric).plug(port)
        return port

    def client(self, partition: str, number: int, slot: int) -> ClientPort:
        """A virtual adapter's port, in no fabric yet."""
        wwpns = client_wwpns(self.serial, number, slot)
        return ClientPort(f"{partition}/{slot}", wwpns, number, slot)

    def plug(self, port: ClientPort, fabric: str, through: AdapterPort | None = None) -> None:
        self.fabric(fabric).plug_client(port, through)
        self._place_second(port)
        self._share()

    def unplug(self, port: ClientPort) -> None:
        port.settle()
        for its in (port.second, port):
            if its.fabric is not None:
                its.fabric.unplug(its)
        self._share()

    def carry(self, port: ClientPort, through: AdapterPort | None) -> None:
        """Have a port behind a physical one, or behind none, wherever it was.

        Whoever uses it learns that its link went down, and that it came up.
        """
        online = port.online
        self.unplug(port)
        if online and port.listener is not None:
            port.listener.link_changed()
        if through is not None and through.fabric is not None:
            self.plug(port, through.fabric.name, through)
            if port.online and port.listener is not None:
                port.listener.link_changed()

    def _place_second(self, port: ClientPort) -> None:
        """Have the second name of the pair in the fabric of the first one, if it is logged in."""
        second = port.second
        if second.wanted and second.fabric is None and port.fabric is not None:
            port.fabric.plug_client(second, port.through)
        elif not second.wanted and second.fabric is not None:
            second.fabric.unplug(second)

    # -- looking ---------------------------------------------------------------------------

    def fabric(self, name: str) -> Fabric:
        if (found := self.fabrics.get(name)) is None:
            there = ", ".join(self.fabrics) or "none"
            raise FabricError(f"there is no fabric {name!r}: there are {there}")
        return found

    def _storage(self, name: str) -> Storage:
        if (found := self.storage.get(name)) is None:
            there = ", ".join(self.storage) or "none"
            raise FabricError(f"there is no storage {name!r}: there are {there}")
        return found

    def _clients(self) -> list[ClientPort]:
        """By partition and slot, whatever fabric they are in."""
        clients = (port for fabric in self.fabrics.values() for port in fabric.clients())
        return sorted(clients, key=lambda port: (port.number, port.slot))

    def _share(self) -> None:
        """Note what several partitions see."""
        for storage in self.storage.values():
            users = {
                client.number
                for port in storage.ports
                if port.fabric is not None
                for client in port.fabric.clients()
                if port.fabric.zoned(client, port)
            }
            storage.shared = self._exclusive and len(users) > 1

    # -- changing --------------------------------------------------------------------------

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """What clients see other than before, they are told."""
        before = {port: (port.online, _seen(port)) for port in self._clients()}
        yield
        self._share()
        for port, (online, seen) in before.items():
            if port.listener is None:
                continue
            if port.online != online:
                port.listener.link_changed()
            elif online and _seen(port) != seen:
                port.listener.targets_changed()

    def zone(self, fabric: str, zone: str, members: tuple[str, ...]) -> None:
        """Add members to a zone, which is made if need be."""
        its = self.fabric(fabric)
        if zone not in its.zones and len(its.zones) >= MOST_ZONES:
            raise FabricError(f"{fabric} has {MOST_ZONES} zones, and takes no more")
        wanted = tuple(dict.fromkeys((*its.zones.get(zone, ()), *members)))
        if len(wanted) > MOST_MEMBERS:
            raise FabricError(f"zone {zone} takes {MOST_MEMBERS} members at most")
        with self._changing():
            its.zones[zone] = wanted

    def unzone(self, fabric: str, zone: str, members: tuple[str, ...] = ()) -> None:
        """Take members out of a zone; without any, remove it.  An empty zone stays."""
        its = self.fabric(fabric)
        if zone not in its.zones:
            there = ", ".join(its.zones) or "none"
            raise FabricError(f"{fabric} has no zone {zone!r}: there are {there}")
        if missing := [member for member in members if member not in its.zones[zone]]:
            raise FabricError(f"zone {zone} has no member {missing[0]!r}")
        with self._changing():
            its.zones[zone] = tuple(m for m in its.zones[zone] if m not in members)
            if not members:
                del its.zones[zone]

    def set_link(self, name: str, *, up: bool) -> list[str]:
        """Pull the cables of all ports that `name` means, or plug them in; gives their names."""
        ports = self._meant(name)
        with self._changing():
            for port in ports:
                port.up = up
        return [port.name for port in ports]

    def log_in(self, name: str) -> list[StandbyPort]:
        """Log in the second names of the ports that `name` means; gives those ports."""
        return self._want_second(name, wanted=True)

    def log_out(self, name: str) -> list[StandbyPort]:
        """Log them out."""
        return self._want_second(name, wanted=False)

    def _want_second(self, name: str, *, wanted: bool) -> list[StandbyPort]:
        clients = self._clients()
        found = [its for its in clients if its.is_called(name) or its.second.is_called(name)]
        if not found:
            there = ", ".join(its.name for its in clients) or "none"
            raise FabricError(f"no partition's port {name!r} is in a fabric: there are {there}")
        for port in found:
            port.second.wanted = wanted
            self._place_second(port)
        return [port.second for port in found]

    def _meant(self, name: str) -> list[FabricPort]:
        ports = [port for fabric in self.fabrics.values() for port in fabric]
        if not (found := [port for port in ports if port.is_called(name)]):
            there = ", ".join(port.name for port in ports) or "none"
            raise FabricError(f"there is no port {name!r}: there are {there}")
        return found

    def reset(self, storage: str) -> None:
        """All initiators are logged out, and units are as after power-on."""
        its = self._storage(storage)
        its.reset()
        for port in its.ports:
            for client in port.fabric.clients() if port.fabric is not None else ():
                if client.listener is not None:
                    client.listener.target_reset(port)

    def freeze(self, storage: str) -> None:
        """Storage answers no commands from here on, as if it hung."""
        self._storage(storage).frozen = True

    def thaw(self, storage: str) -> None:
        """It carries out what has waited, and answers again."""
        self._storage(storage).frozen = False
        self.settle()

    def settle(self) -> bool:
        """Between slices: carry out what had to wait; whether there was anything."""
        done = False
        for port in self._clients():
            done |= port.settle()
        return done


def _seen(port: ClientPort) -> list[int]:
    return [] if port.fabric is None else [its.port_id for its in port.fabric.targets(port)]
