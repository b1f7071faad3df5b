"""Server adapters of partitions as a machine file has them: who serves whom."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypervisor.vio.adapter import SLOTS
from hypervisor.vio.configuration import (
    FIRST_SERVING_SLOT,
    PairedAdapter,
    PairedRole,
    TerminalServer,
)

from .kinds import Text, Whole
from .tables import Key, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hypervisor.system.definition import PartitionDefinition

    from .lines import Path as KeyPath
    from .problems import Problems

    _Tables = Sequence[Iterable[tuple[dict[str, Any], KeyPath]]]
    """The values of each partition's tables, and where they stand."""

_SLOT = Key(
    "slot",
    Whole(0, SLOTS - 1),
    "The adapter's virtual slot.",
    f"the first free one from {FIRST_SERVING_SLOT} on",
)

VSCSI_SERVER = Table(
    "vscsi_server",
    "A server adapter of virtual SCSI: the partition's operating system lends disks by it to "
    "another partition, whose key `vios` names this one.",
    (
        Key("client", Text(), "The partition that is served.", stands_in="?", required=True),
        Key(
            "client_slot",
            Whole(0, SLOTS - 1),
            "The virtual slot of the client's adapter.",
            "that of the first one which names this partition and has no server yet",
        ),
        _SLOT,
    ),
)

VTY_SERVER = Table(
    "vty_server",
    "A server terminal: the partition's operating system reaches a console of another partition "
    "by it, as /dev/hvcs0 in Linux.",
    (
        Key("client", Text(), "The partition with the console.", stands_in="?", required=True),
        Key(
            "client_slot",
            Whole(0, SLOTS - 1),
            "The console's virtual slot.",
            "that of its first console",
        ),
        _SLOT,
    ),
)


def paired(
    partitions: Sequence[PartitionDefinition],
    tables: _Tables,
    terminals: _Tables,
    problems: Problems,
) -> list[PartitionDefinition]:
    """The partitions with their server adapters.

    `tables` are those of virtual SCSI, `terminals` the server terminals of each partition.
    """
    return _Pairing(partitions, problems).all(tables, terminals)


class _Pairing:
    def __init__(self, partitions: Sequence[PartitionDefinition], problems: Problems) -> None:
        self._partitions = list(partitions)
        self._problems = problems

    def all(self, tables: _Tables, terminals: _Tables) -> list[PartitionDefinition]:
        for n, adapters in enumerate(tables):
            for values, path in adapters:
                self._serve(n, values, path)
        for n, adapters in enumerate(terminals):
            for values, path in adapters:
                self._serve_terminal(n, values, path)
        serving = {its.name for its in self._partitions}
        for n, partition in enumerate(self._partitions):
            for adapter in partition.scsi_adapters:
                if adapter.server in serving:
                    why = (
                        f"partition {adapter.server} has no [[partition.vscsi_server]] for slot "
                        f"{adapter.slot} of {partition.name}"
                    )
                    self._problems.add(("partition", n, "vios"), why)
        return self._partitions

    def _serve(self, n: int, values: dict[str, Any], path: KeyPath) -> None:
        server = self._partitions[n]
        if (found := self._client(n, values, path)) is None:
            return
        client = self._partitions[found]
        asking = [its.slot for its in client.scsi_adapters if its.server == server.name]
        wanted = values.get("client_slot", min(asking, default=None))
        if wanted not in asking:
            why = f"{client.name} has no adapter there that names {server.name} in its key vios"
            self._problems.add((*path, "client_slot" if "client_slot" in values else "client"), why)
            return
        if (slot := self._slot(server, values, path)) is None:
            return
        self._add(n, PairedAdapter(slot, PairedRole.SERVER, client.name, wanted))
        left = tuple(its for its in client.scsi_adapters if its.slot != wanted)
        self._partitions[found] = replace(self._partitions[found], scsi_adapters=left)
        self._add(found, PairedAdapter(wanted, PairedRole.CLIENT, server.name, slot))

    def _serve_terminal(self, n: int, values: dict[str, Any], path: KeyPath) -> None:
        server = self._partitions[n]
        if (found := self._client(n, values, path)) is None:
            return
        client = self._partitions[found]
        wanted = values.get("client_slot", client.consoles[0].slot)
        if wanted not in [console.slot for console in client.consoles]:
            self._problems.add((*path, "client_slot"), f"{client.name} has no console there")
            return
        if (slot := self._slot(server, values, path)) is not None:
            servers = (*server.terminal_servers, TerminalServer(slot, client.name, wanted))
            self._partitions[n] = replace(server, terminal_servers=servers)

    def _client(self, n: int, values: dict[str, Any], path: KeyPath) -> int | None:
        """The client of partition `n`, by its place; None: there is no such one."""
        for m, its in enumerate(self._partitions):
            if m != n and its.name == values["client"]:
                return m
        there = ", ".join(its.name for m, its in enumerate(self._partitions) if m != n) or "none"
        self._problems.add((*path, "client"), f"another partition; there are {there}")
        return None

    def _slot(
        self, server: PartitionDefinition, values: dict[str, Any], path: KeyPath
    ) -> int | None:
        """The slot of a server adapter; None: it is taken."""
        taken = {its.slot for its in server.adapters}
        slot: int = values.get("slot", _free(taken))
        if slot not in taken:
            return slot
        self._problems.add((*path, "slot"), "another: there is an adapter in it")
        return None

    def _add(self, n: int, adapter: PairedAdapter) -> None:
        its = self._partitions[n]
        self._partitions[n] = replace(its, paired_adapters=(*its.paired_adapters, adapter))


def _free(taken: set[int]) -> int:
    return next(slot for slot in range(FIRST_SERVING_SLOT, SLOTS) if slot not in taken)
