"""The virtual adapters assigned to a partition: built when its guest has them, gone when not.

What an adapter is made of besides (its place in a switch, the logical units behind it) is there as
long as it is assigned.  So what guests do in their own time changes nothing that others share.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from firmware.vio_nodes import location_code
from hypervisor.network.frame import MacAddress
from hypervisor.san.definition import SanDefinition
from hypervisor.scsi.command import Nexus
from hypervisor.vio.adapter import AdapterKind, Slot
from hypervisor.vio.configuration import (
    ConsoleAdapter,
    EthernetAdapter,
    FibreChannelAdapter,
    PairedAdapter,
    PairedRole,
    ScsiAdapter,
    TerminalServer,
)
from hypervisor.vio.vscsi import VscsiServer

from .network import Network

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypervisor.configuration import PartitionConfiguration
    from hypervisor.network.frame import Frame
    from hypervisor.network.switch import Port, Station
    from hypervisor.partition import Partition
    from hypervisor.san.fabric import ClientPort
    from hypervisor.vfc.server import VfcServer
    from hypervisor.vio.configuration import Adapter
    from hypervisor.vio.pairs import PairedCrqAdapter
    from hypervisor.vio.vterm import ClientSide, ServerTerminal
    from hypervisor.vio.vty import ClientTerminal

    from .media import Media
    from .pairs import Pairs
    from .storage_network import StorageNetwork

_PAIRED_KINDS = {
    PairedRole.SERVER: AdapterKind.SCSI_SERVER,
    PairedRole.CLIENT: AdapterKind.CLIENT_SCSI,
}


class _Nobody:
    """At a port whose adapter the guest does not have."""

    address = None

    def wants(self, group: MacAddress) -> bool:
        return False

    def receive(self, frame: Frame) -> None:
        """It is lost."""


class Adapters:
    """Those of `partition`; its connectors' `Backplane`.

    `media` are the logical units of its SCSI adapters, `network` has the switches, `pairs` what
    leads to other partitions' adapters, `storage_network` the fabrics.
    """

    def __init__(
        self,
        partition: Partition,
        media: Media | None,
        network: Network | None,
        pairs: Pairs | None = None,
        storage_network: StorageNetwork | None = None,
    ) -> None:
        self._partition, self._media, self._network = partition, media, network
        self._pairs, self._san = pairs, storage_network
        self._paired: dict[int, PairedCrqAdapter] = {}
        self._terminal_servers: dict[int, ServerTerminal] = {}
        self._assigned: dict[int, Adapter] = {}
        self.terminals: dict[int, ClientTerminal] = {}
        self.servers: dict[int, VscsiServer] = {}
        self.ports: dict[int, Port] = {}
        self.fc_servers: dict[int, VfcServer] = {}
        self._fc_ports: dict[int, ClientPort] = {}
        self.on_terminal: Callable[[ClientTerminal], None] = lambda terminal: None
        """Called when the guest has a console that was not there."""
        self.gone: list[int] = []
        """Slots that guests have given back for good, to be unassigned."""
        partition.virtual_io.connectors.backplane = self

    @property
    def configuration(self) -> PartitionConfiguration:
        """The partition's, with the media that are in its drives now."""
        its = self._partition.configuration
        if self._media is None:
            return its
        return replace(its, scsi_adapters=tuple(map(self._media.current, its.scsi_adapters)))

    @property
    def san(self) -> SanDefinition:
        """The storage network that it has, to be built elsewhere."""
        return SanDefinition() if self._san is None else self._san.definition

    def assign(self, adapter: Adapter) -> None:
        """It is there for the guest to take."""
        self._assigned[adapter.slot] = adapter
        if isinstance(adapter, EthernetAdapter):
            name = f"{self._partition.configuration.name}/{adapter.slot}"
            network = self._network or Network()
            address = self._address(adapter)
            self.ports[adapter.slot] = network.plug_in(_Nobody(), adapter, address, name)
        elif isinstance(adapter, FibreChannelAdapter) and self._san is not None:
            configuration = self._partition.configuration
            self._fc_ports[adapter.slot] = self._san.plug_in(adapter, configuration)

    def unassign(self, slot: int) -> None:
        """It is there no more; the guest must not have it."""
        del self._assigned[slot]
        if (port := self.ports.pop(slot, None)) is not None:
            port.unplug()
        if self._san is not None and (fc_port := self._fc_ports.pop(slot, None)) is not None:
            self._san.unplug(fc_port)

    def leave(self) -> None:
        """Nothing is sent to other partitions or received from them any more."""
        for port in self.ports.values():
            port.unplug()
        for adapter in self._paired.values():
            adapter.end.remove(adapter)
        for slot, terminal in self.terminals.items():
            if (side := self._side_of(slot)) is not None:
                side.unplug(terminal)
        for server in self._terminal_servers.values():
            server.gone = True
        while self.servers:
            self.servers.popitem()[1].remove()
        while self.fc_servers:
            self.fc_servers.popitem()[1].remove()
        while self._san is not None and self._fc_ports:
            self._san.unplug(self._fc_ports.popitem()[1])

    def settle(self) -> bool:
        """Nobody runs: do what waited for that; whether anything did."""
        return any([server.settle() for server in self.servers.values()])

    # -- what connectors do ----------------------------------------------------------------

    def assigned(self, slot: int) -> bool:
        return slot in self._assigned and slot not in self.gone

    def plug(self, slot: int) -> None:
        """Build it."""
        io, place = self._partition.virtual_io, Slot(slot)
        match self._assigned[slot]:
            case ConsoleAdapter() as its:
                self.terminals[slot] = terminal = io.add_terminal(place, its.protocol)
                if (side := self._side_of(slot)) is not None:
                    side.plug(terminal)
                self.on_terminal(terminal)
            case TerminalServer() as its:
                clients = () if self._pairs is None else self._pairs.clients_of(its)
                where = location_code(place, self._partition)
                self._terminal_servers[slot] = io.add_server_terminal(place, clients, where)
            case ScsiAdapter():
                if self._media is not None:
                    client = io.add_crq_adapter(AdapterKind.CLIENT_SCSI, place)
                    nexus = Nexus(f"{self._partition.configuration.number}:{slot}")
                    targets = self._media.targets[slot]
                    managed = self._pairs is not None
                    self.servers[slot] = VscsiServer(client, targets, nexus, side_by_side=managed)
            case FibreChannelAdapter() as its:
                if (fc_port := self._fc_ports.get(slot)) is not None and self._san is not None:
                    fc = io.add_channel_adapter(AdapterKind.CLIENT_FC, place)
                    self.fc_servers[slot] = self._san.serve(fc, fc_port, its)
            case EthernetAdapter() as its:
                adapter = io.add_lan(place, self._address(its), its.allowed)
                adapter.port = self.ports[slot]
                self._occupy(adapter.port, adapter)
            case PairedAdapter() as its:
                if self._pairs is not None:
                    end = self._pairs.end(self._partition.configuration.number, slot)
                    self._paired[slot] = io.add_paired(_PAIRED_KINDS[its.role], place, end)

    def unplug(self, slot: int) -> None:
        """Take it apart."""
        terminal, side = self.terminals.pop(slot, None), self._side_of(slot)
        if terminal is not None and side is not None:
            side.unplug(terminal)
        if (server_terminal := self._terminal_servers.pop(slot, None)) is not None:
            server_terminal.gone = True
        if (server := self.servers.pop(slot, None)) is not None:
            server.remove()
        if (paired := self._paired.pop(slot, None)) is not None:
            paired.end.remove(paired)
        if (fc_server := self.fc_servers.pop(slot, None)) is not None:
            fc_server.remove()
        if (port := self.ports.get(slot)) is not None:
            self._occupy(port, _Nobody())
        self._partition.virtual_io.remove(Slot(slot))

    def _side_of(self, slot: int) -> ClientSide | None:
        """A console as server terminals of other partitions know it."""
        if self._pairs is None:
            return None
        return self._pairs.console(self._partition.configuration.number, slot)

    def _address(self, adapter: EthernetAdapter) -> MacAddress:
        return MacAddress(self._partition.configuration.address_of(adapter))

    @staticmethod
    def _occupy(port: Port, station: Station) -> None:
        port.station = station
        port.address_changed()

    def released(self, slot: int) -> None:
        self.gone.append(slot)
