"""A Virtual I/O Server's Fibre Channel: its physical ports, and the clients that they carry.

Physical ports are the machine file's; which client has which one is changed by `vfcmap`, and kept
in `fibre_channel.json` of the server's directory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from emu.state import Length, record
from emu.values import frozen
from hypervisor.vfc.server import VfcServer
from hypervisor.vio.vscsi import ServerIdentity

from .record_files import keep, read_kept
from .records import ViosError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hypervisor.san.fabric import AdapterPort, ClientPort
    from hypervisor.san.san import San
    from hypervisor.system.definition import VirtualIoServer
    from hypervisor.vio.sub_crq import ChannelAdapter

MOST_CLIENTS, MOST_TARGETS = 64, 2048
"""Virtual ports that a physical one carries, and what they may be logged in to, together."""
_PORT_NAME = Annotated[str, Length(0, 16)]


@record
class Mapping:
    """What `vfcmap` said last of a server adapter; `port` is empty where it took it away."""

    adapter: Annotated[str, Length(1, 16)]
    port: _PORT_NAME


@record
class FibreChannelState:
    mappings: tuple[Mapping, ...] = ()


@frozen
class FcClient:
    """A client adapter: the partition's number, its slot, and what the machine file maps it to."""

    number: int
    slot: int
    port: str = ""


@frozen
class PhysicalPort:
    name: str
    location: str
    port: AdapterPort

    @property
    def has_fabric(self) -> bool:
        """It is online, and its switch knows NPIV."""
        return self.port.online


@frozen
class FcServerAdapter:
    """A virtual Fibre Channel server adapter, and the client adapter it serves."""

    name: str
    location: str
    client: FcClient


class FibreChannel:
    """That of the server `definition`, which serves `clients`; `system` is its location code.

    Its server adapters' slots count from `first_slot` on.  Without a `san` it has no ports.
    """

    def __init__(
        self,
        definition: VirtualIoServer,
        clients: Sequence[FcClient],
        san: San | None,
        system: str,
        first_slot: int,
    ) -> None:
        self._san, self._runs = san, True
        self._identity = ServerIdentity(definition.name, definition.number, system)
        self._file = definition.directory / "fibre_channel.json"
        self.ports = [] if san is None else list(_ports(definition, san, system))
        ordered = sorted(clients, key=lambda its: (its.number, its.slot))
        where = f"{system}-V{definition.number}-C"
        self.adapters = [
            FcServerAdapter(f"vfchost{n}", f"{where}{first_slot + n}", client)
            for n, client in enumerate(ordered)
        ]
        names = {its.name for its in self.ports}
        self._mapped = {its.name: its.client.port for its in self.adapters}
        for mapping in read_kept(self._file, FibreChannelState, "Fibre Channel").mappings:
            if mapping.adapter in self._mapped and mapping.port in (*names, ""):
                self._mapped[mapping.adapter] = mapping.port
        self._clients: dict[str, ClientPort] = {}
        self._served: dict[str, VfcServer] = {}
        """Both by the server adapter's name, while partitions have theirs."""

    # -- looking ---------------------------------------------------------------------------

    def adapter(self, name: str) -> FcServerAdapter:
        for adapter in self.adapters:
            if adapter.name == name:
                return adapter
        raise ViosError(f'Device "{name}" is not a virtual Fibre Channel server adapter.')

    def port(self, name: str) -> PhysicalPort:
        for port in self.ports:
            if port.name == name:
                return port
        raise ViosError(f'Device "{name}" is not a Fibre Channel port.')

    def mapped(self, adapter: FcServerAdapter) -> PhysicalPort | None:
        """The physical port that carries its client."""
        name = self._mapped[adapter.name]
        return self.port(name) if name else None

    def login(self, adapter: FcServerAdapter) -> VfcServer | None:
        """What serves its client, if that is logged in."""
        server = self._served.get(adapter.name)
        if server is None or not (server.npiv.logged_in and server.port.online):
            return None
        return server

    def carried(self, port: PhysicalPort) -> list[VfcServer]:
        """What serves the clients that are logged in by a port."""
        mine = (its for its in self.adapters if self._mapped[its.name] == port.name)
        return [server for its in mine if (server := self.login(its)) is not None]

    # -- changing --------------------------------------------------------------------------

    def map(self, adapter: FcServerAdapter, port: PhysicalPort | None) -> None:
        """Have a physical port carry a client, or none; the client sees links go down and up."""
        name = "" if port is None else port.name
        others = [its for its in self._mapped if its != adapter.name]
        if name and sum(self._mapped[its] == name for its in others) >= MOST_CLIENTS:
            raise ViosError(f"{name} carries {MOST_CLIENTS} virtual ports, and takes no more.")
        changed = {**self._mapped, adapter.name: name}
        keep(self._file, FibreChannelState(tuple(Mapping(*its) for its in changed.items())))
        if name == self._mapped[adapter.name]:
            return
        self._mapped = changed
        if self._runs and self._san is not None and adapter.name in self._clients:
            self._san.carry(self._clients[adapter.name], None if port is None else port.port)

    # -- clients ---------------------------------------------------------------------------

    def attach(self, client: ClientPort) -> None:
        """A partition has an adapter that is served here."""
        adapter = self._of(client)
        self._clients[adapter.name] = client
        self._plug(adapter)

    def detach(self, client: ClientPort) -> None:
        """It has it no more."""
        for name in [name for name, its in self._clients.items() if its is client]:
            del self._clients[name]
            self._served.pop(name, None)

    def serve(self, channel: ChannelAdapter, client: ClientPort) -> VfcServer:
        """The server of an adapter that the guest has."""
        adapter = self._of(client)
        server = self._served[adapter.name] = VfcServer(
            channel,
            client,
            self._identity,
            device=adapter.name,
            location=adapter.location,
            present=self._runs,
        )
        return server

    def _of(self, client: ClientPort) -> FcServerAdapter:
        wanted = (client.number, client.slot)
        return next(its for its in self.adapters if (its.client.number, its.client.slot) == wanted)

    def _plug(self, adapter: FcServerAdapter) -> None:
        port = self.mapped(adapter)
        if port is not None and self._runs and self._san is not None:
            self._san.carry(self._clients[adapter.name], port.port)

    # -- going and coming ------------------------------------------------------------------

    def shut_down(self) -> None:
        """The server ends, in whatever way: clients have nobody to speak with."""
        self._runs = False
        for client in self._clients.values():
            if client.listener is not None:
                client.listener.server_left()
            if self._san is not None:
                self._san.unplug(client)
        for port in self.ports:
            port.port.powered = False

    def start(self) -> None:
        """It runs again; clients begin anew."""
        self._runs = True
        for port in self.ports:
            port.port.powered = True
        for name, client in self._clients.items():
            self._plug(self.adapter(name))
            if client.listener is not None:
                client.listener.server_came()


def _ports(definition: VirtualIoServer, san: San, system: str) -> Iterator[PhysicalPort]:
    """Two on each adapter card."""
    for n, fabric in enumerate(definition.fabrics):
        where = f"{system}-P1-C{_FIRST_CARD + n // 2}-T{1 + n % 2}"
        port = san.add_adapter(f"{definition.name}/fcs{n}", fabric)
        yield PhysicalPort(f"fcs{n}", where, port)


_FIRST_CARD = 2
"""The card before has Ethernet."""
