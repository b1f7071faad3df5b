"""The virtual switches of one machine, and its ways to the outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.network.failover import ControlPlane
from hypervisor.network.lan import Lan
from hypervisor.network.switch import VirtualSwitch

from .boot_files import BootFilesError, ServedDirectory
from .outside.link import LinkError
from .outside.uplink import Uplink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hypervisor.network.boot_server import BootServer, BootService
    from hypervisor.network.bridge import Bridge
    from hypervisor.network.frame import MacAddress
    from hypervisor.network.shared_ethernet import SharedEthernet
    from hypervisor.network.switch import Port, Station
    from hypervisor.system.definition import ManagedSystem
    from hypervisor.vio.configuration import EthernetAdapter


class Network:
    """Switches by name; one that is named is there, `lans` from the start.  `close` it."""

    def __init__(self, lans: Iterable[str] = ()) -> None:
        self._lans = [Lan(name) for name in lans]
        self._switches: dict[str, VirtualSwitch] = {lan.name: lan for lan in self._lans}
        self.control = ControlPlane()
        self.bridges: list[Bridge] = []
        self.uplinks: list[Uplink] = []
        self.boot_servers: list[BootServer] = []

    def __iter__(self) -> Iterator[VirtualSwitch]:
        return iter(self._switches.values())

    @property
    def _inner(self) -> Iterator[VirtualSwitch]:
        return (switch for switch in self if not isinstance(switch, Lan))

    def switch(self, name: str) -> VirtualSwitch:
        if name not in self._switches:
            self._switches[name] = VirtualSwitch(name)
        return self._switches[name]

    def connect(self, adapter: SharedEthernet) -> Uplink:
        """Give a switch a way to the outside; raises `LinkError` where that cannot be had."""
        uplink = Uplink(adapter, self.switch(adapter.switch))
        self.uplinks.append(uplink)
        return uplink

    def open(self, system: ManagedSystem, *, outside: bool) -> Iterator[str]:
        """Build what a managed system has, its ways to the outside if `outside`.

        Gives what cannot be had, and why.
        """
        for service in system.boot_servers:
            try:
                self.serve(service)
            except BootFilesError as wrong:
                yield str(wrong)
        for adapter in (*system.shared_ethernet, *system.lans) if outside else ():
            try:
                self.connect(adapter)
            except LinkError as wrong:
                yield str(wrong)

    def serve(self, service: BootService) -> BootServer:
        """Have a boot server in a switch; raises `BootFilesError`."""
        from hypervisor.network.boot_server import BootServer  # which few machines have

        if any(
            (s.service.switch, s.service.vlan) == (service.switch, service.vlan)
            for s in self.boot_servers
        ):
            raise BootFilesError(
                f"VLAN {service.vlan} of {service.switch} has a boot server already"
            )
        server = BootServer(service, ServedDirectory(service.directory))
        self.switch(service.switch).attach_responder(server, service.settings, "boot server")
        self.boot_servers.append(server)
        return server

    def plug_in(
        self, station: Station, its: EthernetAdapter, address: MacAddress, name: str
    ) -> Port:
        """Have a port where an adapter's configuration says; boot servers expect its `address`."""
        for server in self.boot_servers:
            if (server.service.switch, server.service.vlan) == (its.switch, its.vlan):
                server.expect(address)
        return self.switch(its.switch).attach(station, its.settings, name)

    @property
    def doorbells(self) -> tuple[int, ...]:
        """Descriptors where frames from outside announce themselves.

        While there are any, time is the host's, too: whoever is idle waits there.
        """
        return tuple(u.descriptor for u in self.uplinks if u.descriptor is not None)

    def exchange(self, now: int) -> bool:
        """It is nanosecond `now` since 1970: let in what came, bring frames where they belong.

        Gives whether there were any.
        """
        for uplink in self.uplinks:
            uplink.poll(now)
        for bridge in self.bridges:
            bridge.tell(now)
        for bridge in self.bridges:
            bridge.decide(now)
        # Twice those outside: what came in goes on within, and what goes out reaches its end.
        if not any([switch.deliver() for switch in (*self._lans, *self._inner, *self._lans)]):
            return False
        for uplink in self.uplinks:
            uplink.settle()
        return True

    def close(self) -> None:
        for uplink in self.uplinks:
            uplink.close()
        self.uplinks.clear()
        for server in self.boot_servers:
            server.close()
