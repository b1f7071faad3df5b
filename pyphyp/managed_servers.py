"""The Virtual I/O Servers of a managed machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware.vital_product_data import MODEL
from hypervisor.system.errors import ManagementError

from .vios import padmin
from .vios.engine import Vios
from .vios.records import ViosError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypervisor.scsi.tape import TapeDrive
    from hypervisor.system.definition import ManagedSystem

    from .vios.shell import Answer


class IoServers:
    """Those of `system`, by name; `clock` gives the time of day.  `close` them.

    The first one has the ways to the outside.  Raises `ManagementError` where one cannot be.
    """

    def __init__(self, system: ManagedSystem, clock: Callable[[], int]) -> None:
        self.by_name: dict[str, Vios] = {}
        location = f"U{MODEL}.{system.serial}"
        for definition in system.io_servers:
            clients = [
                (partition.number, adapter.slot)
                for partition in system.partitions
                for adapter in partition.scsi_adapters
                if adapter.server == definition.name
            ]
            try:
                self.by_name[definition.name] = Vios(
                    definition,
                    clients,
                    system=location,
                    shared_ethernet=() if self.by_name else system.shared_ethernet,
                    clock=clock,
                )
            except ViosError as wrong:
                self.close()
                raise ManagementError(f"{definition.name}: {wrong}") from None

    def _named(self, name: str) -> Vios:
        if (server := self.by_name.get(name)) is None:
            there = ", ".join(self.by_name) or "none"
            raise ManagementError(f"there is no Virtual I/O Server {name!r}", f"there are {there}")
        return server

    def run(self, name: str, command: str) -> Answer:
        """Run a command line; ManagementError where there is no such server."""
        return padmin.carry_out(self._named(name), command)

    def tape_drives(self, name: str) -> list[TapeDrive]:
        """Those of a server that clients have; none where there is no such server."""
        return self.by_name[name].tape_drives if name in self.by_name else []

    def words(self, name: str) -> list[str]:
        """What a person may want to complete."""
        return padmin.words(self._named(name))

    def perform(self, name: str, command: str) -> None:
        """As `run`; ManagementError where the command fails."""
        answer = self.run(name, command)
        if answer.status:
            raise ManagementError(answer.err.strip() or f"exit status {answer.status}")

    def close(self) -> None:
        for server in self.by_name.values():
            server.close()
