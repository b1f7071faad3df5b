"""Virtual SCSI between partitions as a machine file has it: who serves whom."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypervisor.vio.adapter import SLOTS
from hypervisor.vio.configuration import FIRST_SERVING_SLOT, PairedAdapter, PairedRole

from .kinds import Text, Whole
from .tables import Key, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hypervisor.system.definition import PartitionDefinition

    from .lines import Path as KeyPath
    from .problems import Problems

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
        Key(
            "slot",
            Whole(0, SLOTS - 1),
            "The adapter's virtual slot.",
            f"the first free one from {FIRST_SERVING_SLOT} on",
        ),
    ),
)


def paired(
    partitions: Sequence[PartitionDefinition],
    tables: Sequence[Iterable[tuple[dict[str, Any], KeyPath]]],
    problems: Problems,
) -> list[PartitionDefinition]:
    """The partitions with their pairs; `tables` are the server adapters of each."""
    return _Pairing(partitions, problems).all(tables)


class _Pairing:
    def __init__(self, partitions: Sequence[PartitionDefinition], problems: Problems) -> None:
        self._partitions = list(partitions)
        self._problems = problems

    def all(
        self, tables: Sequence[Iterable[tuple[dict[str, Any], KeyPath]]]
    ) -> list[PartitionDefinition]:
        for n, adapters in enumerate(tables):
            for values, path in adapters:
                self._serve(n, values, path)
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
        others = range(len(self._partitions))
        found = next((m for m in others if self._partitions[m].name == values["client"]), None)
        if found is None or found == n:
            there = ", ".join(p.name for p in self._partitions if p is not server) or "none"
            self._problems.add((*path, "client"), f"another partition; there are {there}")
            return
        client = self._partitions[found]
        asking = [its.slot for its in client.scsi_adapters if its.server == server.name]
        wanted = values.get("client_slot", min(asking, default=None))
        if wanted not in asking:
            why = f"{client.name} has no adapter there that names {server.name} in its key vios"
            self._problems.add((*path, "client_slot" if "client_slot" in values else "client"), why)
            return
        taken = {its.slot for its in server.adapters}
        slot = values.get("slot", _free(taken))
        if slot in taken:
            self._problems.add((*path, "slot"), "another: there is an adapter in it")
            return
        self._add(n, PairedAdapter(slot, PairedRole.SERVER, client.name, wanted))
        left = tuple(its for its in client.scsi_adapters if its.slot != wanted)
        self._partitions[found] = replace(self._partitions[found], scsi_adapters=left)
        self._add(found, PairedAdapter(wanted, PairedRole.CLIENT, server.name, slot))

    def _add(self, n: int, adapter: PairedAdapter) -> None:
        its = self._partitions[n]
        self._partitions[n] = replace(its, paired_adapters=(*its.paired_adapters, adapter))


def _free(taken: set[int]) -> int:
    return next(slot for slot in range(FIRST_SERVING_SLOT, SLOTS) if slot not in taken)
