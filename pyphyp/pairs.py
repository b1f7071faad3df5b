"""What adapters of a managed machine's partitions have to do with each other.

Virtual SCSI servers and their clients, server terminals and the consoles they can be connected to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware.vital_product_data import MODEL
from hypervisor.vio.adapter import Slot
from hypervisor.vio.configuration import PairedRole
from hypervisor.vio.pairs import Pair, Place
from hypervisor.vio.vterm import Vterms

if TYPE_CHECKING:
    from hypervisor.system.definition import ManagedSystem
    from hypervisor.vio.configuration import TerminalServer
    from hypervisor.vio.pairs import PairEnd
    from hypervisor.vio.vterm import ClientSide


class Pairs:
    """Those that `system` defines."""

    def __init__(self, system: ManagedSystem) -> None:
        self._pairs: list[Pair] = []
        self._ends: dict[tuple[int, int], PairEnd] = {}
        """By partition and slot."""
        self._numbers = numbers = {its.name: its.number for its in system.partitions}
        self._vterms = Vterms()
        for partition in system.partitions:
            for its in partition.paired_adapters:
                if its.role is PairedRole.SERVER:
                    server = _place(system, partition.number, its.slot)
                    self._add(Pair(server, _place(system, numbers[its.partner], its.partner_slot)))
            for terminal in partition.terminal_servers:
                self._vterms.add(_place(system, numbers[terminal.client], terminal.client_slot))

    def _add(self, pair: Pair) -> None:
        self._pairs.append(pair)
        for end in pair:
            self._ends[end.place.partition, end.place.slot.number] = end

    def end(self, partition: int, slot: int) -> PairEnd:
        """The end that an adapter of a partition is."""
        return self._ends[partition, slot]

    def clients_of(self, server: TerminalServer) -> tuple[ClientSide, ...]:
        """The consoles that a server terminal can be connected to."""
        client = self._vterms.find(self._numbers.get(server.client, 0), server.client_slot)
        return () if client is None else (client,)

    def console(self, partition: int, slot: int) -> ClientSide | None:
        """A console as server terminals know it; None: none can be connected to it."""
        return self._vterms.find(partition, slot)

    def exchange(self) -> bool:
        """Bring what was sent where it belongs, as nobody runs; whether there was anything."""
        return any([*[pair.exchange() for pair in self._pairs], self._vterms.exchange()])


def _place(system: ManagedSystem, partition: int, slot: int) -> Place:
    return Place(partition, Slot(slot), f"U{MODEL}.{system.serial}-V{partition}-C{slot}")
