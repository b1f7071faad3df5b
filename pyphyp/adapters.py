"""The virtual adapters assigned to a partition: built when its guest has them, gone when not.

What an adapter is made of besides (its place in a switch, the logical units behind it) is there as
long as it is assigned.  So what guests do in their own time changes nothing that others share.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypervisor.network.frame import MacAddress
from hypervisor.scsi.command import Nexus
from hypervisor.vio.adapter import AdapterKind, Slot
from hypervisor.vio.configuration import (
    ConsoleAdapter,
    EthernetAdapter,
    PairedAdapter,
    PairedRole,
    ScsiAdapter,
)
from hypervisor.vio.vscsi import VscsiServer

from .network import Network

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypervisor.configuration import PartitionConfiguration
    from hypervisor.network.frame import Frame
    from hypervisor.network.switch import Port, Station
    from hypervisor.partition import Partition
    from hypervisor.vio.pairs import PairedCrqAdapter
    from hypervisor.vio.vty import ClientTerminal

    from .media import Media
    from .pairs import Pairs

    Adapter = ConsoleAdapter | ScsiAdapter | EthernetAdapter | PairedAdapter

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
    leads to other partitions' adapters.
    """

    def __init__(
        self,
        partition: Partition,
        media: Media | None,
        network: Network | None,
        pairs: Pairs | None = None,
    ) -> None:
        self._partition, self._media, self._network = partition, media, network
        self._pairs = pairs
        self._paired: dict[int, PairedCrqAdapter] = {}
        self._assigned: dict[int, Adapter] = {}
        self.terminals: dict[int, ClientTerminal] = {}
        self.servers: dict[int, VscsiServer] = {}
        self.ports: dict[int, Port] = {}
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

    def assign(self, adapter: Adapter) -> None:
        """It is there for the guest to take."""
        self._assigned[adapter.slot] = adapter
        if isinstance(adapter, EthernetAdapter):
            name = f"{self._partition.configuration.name}/{adapter.slot}"
            network = self._network or Network()
            address = self._address(adapter)
            self.ports[adapter.slot] = network.plug_in(_Nobody(), adapter, address, name)

    def unassign(self, slot: int) -> None:
        """It is there no more; the guest must not have it."""
        del self._assigned[slot]
        if (port := self.ports.pop(slot, None)) is not None:
            port.unplug()

    def leave(self) -> None:
        """Nothing is sent to other partitions or received from them any more."""
        for port in self.ports.values():
            port.unplug()
        for adapter in self._paired.values():
            adapter.end.remove(adapter)
        while self.servers:
            self.servers.popitem()[1].remove()

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
                self.on_terminal(terminal)
            case ScsiAdapter():
                if self._media is not None:
                    client = io.add_crq_adapter(AdapterKind.CLIENT_SCSI, place)
                    nexus = Nexus(f"{self._partition.configuration.number}:{slot}")
                    targets = self._media.targets[slot]
                    managed = self._pairs is not None
                    self.servers[slot] = VscsiServer(client, targets, nexus, side_by_side=managed)
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
        self.terminals.pop(slot, None)
        if (server := self.servers.pop(slot, None)) is not None:
            server.remove()
        if (paired := self._paired.pop(slot, None)) is not None:
            paired.end.remove(paired)
        if (port := self.ports.get(slot)) is not None:
            self._occupy(port, _Nobody())
        self._partition.virtual_io.remove(Slot(slot))

    def _address(self, adapter: EthernetAdapter) -> MacAddress:
        return MacAddress(self._partition.configuration.address_of(adapter))

    @staticmethod
    def _occupy(port: Port, station: Station) -> None:
        port.station = station
        port.address_changed()

    def released(self, slot: int) -> None:
        self.gone.append(slot)
