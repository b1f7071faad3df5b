"""The Virtual I/O Servers of a managed machine."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from firmware.vital_product_data import MODEL
from hypervisor.san.fabric import FabricError
from hypervisor.system.errors import ManagementError

from .actions import (
    ActivatePartition,
    CrashPartition,
    PlugCable,
    ResetPartition,
    RunViosCommand,
    ShutdownPartition,
)
from .storage_network import storage_network_of
from .usage import IoServerUsage, PartitionState
from .vios import padmin
from .vios.engine import Vios
from .vios.fibre_channel import FcClient
from .vios.records import ViosError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypervisor.scsi.tape import TapeDrive
    from hypervisor.system.definition import ManagedSystem

    from .actions import Action
    from .media import MediaLibrary
    from .network import Network
    from .storage_network import StorageNetwork
    from .vios.shell import Answer


class IoServers:
    """Those of `system`, by name; `clock` gives the time of day.  `close` them.

    The first one has the ways to the outside.  Raises `ManagementError` where one cannot be.
    """

    def __init__(
        self,
        system: ManagedSystem,
        clock: Callable[[], int],
        library: MediaLibrary,
        network: Network,
        storage_network: StorageNetwork | None = None,
    ) -> None:
        self.by_name: dict[str, Vios] = {}
        location = f"U{MODEL}.{system.serial}"
        for definition in system.io_servers:
            clients = [
                (partition.number, adapter.slot)
                for partition in system.partitions
                for adapter in partition.scsi_adapters
                if adapter.server == definition.name
            ]
            fc_clients = [
                FcClient(partition.number, adapter.slot, adapter.port)
                for partition in system.partitions
                for adapter in partition.fibre_channel_adapters
                if adapter.server == definition.name
            ]
            try:
                its = self.by_name[definition.name] = Vios(
                    definition,
                    clients,
                    system=location,
                    shared_ethernet=() if self.by_name else system.shared_ethernet,
                    clock=clock,
                    disks=library,
                    network=network,
                    fc_clients=fc_clients,
                    san=None if storage_network is None else storage_network.san,
                )
            except (ViosError, FabricError) as wrong:
                self.close()
                raise ManagementError(f"{definition.name}: {wrong}") from None
            if storage_network is not None:
                storage_network.servers[definition.name] = its.fibre_channel
        library.servers.update(self.by_name)

    def _named(self, name: str) -> Vios:
        if (server := self.by_name.get(name)) is None:
            there = ", ".join(self.by_name) or "none"
            raise ManagementError(f"there is no Virtual I/O Server {name!r}", f"there are {there}")
        return server

    def run(self, name: str, command: str) -> Answer:
        """Run a command line; ManagementError where no such server runs."""
        return padmin.carry_out(self._running(self._named(name).name), command)

    def usage(self) -> tuple[IoServerUsage, ...]:
        """For `ps`, by number."""
        servers = sorted(self.by_name.values(), key=lambda its: its.definition.number)
        off, runs = PartitionState.POWERED_OFF, PartitionState.RUNNING
        return tuple(
            IoServerUsage(its.name, its.definition.number, runs if its.runs else off)
            for its in servers
        )

    def tape_drives(self, name: str) -> list[TapeDrive]:
        """Those of a server that clients have; none where there is no such server."""
        return self.by_name[name].tape_drives if name in self.by_name else []

    def words(self, name: str, line: str) -> list[str]:
        """What a person may want to complete behind `line`."""
        return padmin.words(self._named(name), line)

    def perform(self, action: Action) -> bool:
        """Carry out what is asked of one of them; gives whether it was.

        ManagementError where that cannot be.
        """
        match action:
            case RunViosCommand(name, command):
                answer = self.run(name, command)
                if answer.status:
                    raise ManagementError(answer.err.strip() or f"exit status {answer.status}")
            case PlugCable(name, adapter, plugged):
                try:
                    self._named(name).set_cable(adapter, plugged=plugged)
                except ViosError as wrong:
                    raise ManagementError(f"{name}: {wrong}") from None
            case ActivatePartition(name) if name in self.by_name:
                if self.by_name[name].runs:
                    raise ManagementError(f"{name} runs already")
                self.by_name[name].start()
            case ShutdownPartition(name) | CrashPartition(name) if name in self.by_name:
                self._running(name).shut_down()
            case ResetPartition(name) if name in self.by_name:
                self._running(name).shut_down()
                self.by_name[name].start()
            case _:
                return False
        return True

    def _running(self, name: str) -> Vios:
        if not self.by_name[name].runs:
            raise ManagementError(f"{name} does not run", f"pyphyp activate {name} starts it")
        return self.by_name[name]

    def close(self) -> None:
        for server in self.by_name.values():
            server.close()


def servers_of(
    system: ManagedSystem, clock: Callable[[], int], library: MediaLibrary, network: Network
) -> tuple[IoServers, StorageNetwork | None]:
    """The servers of a machine, and the storage network that they reach, if there is one."""
    storage_network = storage_network_of(system, library)
    with ExitStack() as undo:
        if storage_network is not None:
            undo.callback(storage_network.close)
        servers = IoServers(system, clock, library, network, storage_network)
        undo.pop_all()
    return servers, storage_network
