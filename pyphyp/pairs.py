"""The pairs of virtual SCSI adapters of a managed machine: servers' and their clients'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware.vital_product_data import MODEL
from hypervisor.vio.adapter import Slot
from hypervisor.vio.configuration import PairedRole
from hypervisor.vio.pairs import Pair, Place

if TYPE_CHECKING:
    from hypervisor.system.definition import ManagedSystem
    from hypervisor.vio.pairs import PairEnd


class Pairs:
    """Those that `system` defines."""

    def __init__(self, system: ManagedSystem) -> None:
        self._pairs: list[Pair] = []
        self._ends: dict[tuple[int, int], PairEnd] = {}
        """By partition and slot."""
        numbers = {its.name: its.number for its in system.partitions}
        for partition in system.partitions:
            for its in partition.paired_adapters:
                if its.role is PairedRole.SERVER:
                    server = _place(system, partition.number, its.slot)
                    self._add(Pair(server, _place(system, numbers[its.partner], its.partner_slot)))

    def _add(self, pair: Pair) -> None:
        self._pairs.append(pair)
        for end in pair:
            self._ends[end.place.partition, end.place.slot.number] = end

    def end(self, partition: int, slot: int) -> PairEnd:
        """The end that an adapter of a partition is."""
        return self._ends[partition, slot]

    def exchange(self) -> bool:
        """Bring what was sent where it belongs, as nobody runs; whether there was anything."""
        return any([pair.exchange() for pair in self._pairs])


def _place(system: ManagedSystem, partition: int, slot: int) -> Place:
    return Place(partition, Slot(slot), f"U{MODEL}.{system.serial}-V{partition}-C{slot}")
