"""Dynamic reconfiguration connectors of virtual slots (LoPAR 13.5 and 13.7).

Whoever manages the partition assigns an adapter to a slot; the guest takes it (allocation, then
isolation's end) and gives it back (isolation, then no allocation).  Only an adapter that the guest
has is on its bus.  What is to leave goes for good once the guest has given it back.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Protocol

from emu.state import Length, check, record

from .adapter import FIRST_UNIT, SLOTS, Slot

if TYPE_CHECKING:
    from .adapter import VirtualBus

LEAST_SLOTS = 64
"""Connectors of a partition whose adapters sit in no higher slot."""
HOST_BRIDGE = 0x2000_0001
"""The connector of the first PCI host bridge, of which there is none: always unusable.

Linux's drmgr looks for no slots below a root that has no connectors of its own.
"""
_SlotNumber = Annotated[int, range(SLOTS)]
_Slots = Annotated[tuple[_SlotNumber, ...], Length(0, SLOTS)]


class ConnectorError(Exception):
    """There is no such connector, or its state cannot be changed so."""


class InUseError(ConnectorError):
    """The guest still uses the adapter; the message says what for."""


class Entity(IntEnum):
    """What the sensor dr-entity-sense says (LoPAR table "get-sensor-state Defined Sensors")."""

    PRESENT = 1
    UNUSABLE = 2


class Backplane(Protocol):
    """Whoever has the adapters that are assigned to the partition's slots."""

    def assigned(self, slot: int) -> bool:
        """Whether there is one for the guest to take."""

    def plug(self, slot: int) -> None:
        """Put it on the bus."""

    def unplug(self, slot: int) -> None:
        """Take it off the bus."""

    def released(self, slot: int) -> None:
        """It was to leave, and the guest has given it back."""


@record
class ConnectorsState:
    isolated: _Slots
    leaving: _Slots
    refused: dict[int, Annotated[str, Length(0, 200)]]


class Connectors:
    """The connectors of one partition's virtual slots."""

    def __init__(self, bus: VirtualBus) -> None:
        self._bus = bus
        self.backplane: Backplane | None = None
        self._isolated: set[int] = set()
        self.leaving: set[int] = set()
        """Slots whose adapter the guest is to give back."""
        self.refused: dict[int, str] = {}
        """Why the last try to give an adapter back was refused, by slot."""

    def slots(self) -> range:
        """The slots that have a connector: a guest is told of all of them."""
        highest = max((adapter.slot.number for adapter in self._bus), default=0)
        return range(max(LEAST_SLOTS, highest + 1))

    def slot(self, drc_index: int) -> Slot:
        """The slot a guest names."""
        if not 0 <= drc_index - FIRST_UNIT < SLOTS:
            raise ConnectorError(f"there is no connector {drc_index:#x}")
        return Slot(drc_index - FIRST_UNIT)

    def owned(self, slot: int) -> bool:
        """Whether the guest has an adapter there."""
        return self._bus.find(Slot(slot).unit) is not None

    def isolated(self, slot: int) -> bool:
        return slot in self._isolated

    # -- what the guest does ---------------------------------------------------------------

    def sense(self, drc_index: int) -> Entity:
        """Whether the guest has what the connector is for."""
        if drc_index == HOST_BRIDGE or not self.owned(self.slot(drc_index).number):
            return Entity.UNUSABLE
        return Entity.PRESENT

    def allocate(self, slot: Slot) -> None:
        """Take the adapter that is assigned; it is isolated then."""
        if self.owned(slot.number):
            return
        if self.backplane is None or not self.backplane.assigned(slot.number):
            raise ConnectorError(f"nothing is assigned to virtual slot {slot.number}")
        self.backplane.plug(slot.number)
        self._isolated.add(slot.number)

    def unisolate(self, slot: Slot) -> None:
        self._check_owned(slot)
        self._isolated.discard(slot.number)

    def isolate(self, slot: Slot) -> None:
        """Stop using the adapter; `InUseError` while the guest still does."""
        self._check_owned(slot)
        adapter = self._bus.find(slot.unit)
        assert adapter is not None
        if use := adapter.use:
            self.refused[slot.number] = use
            raise InUseError(use)
        self._isolated.add(slot.number)

    def deallocate(self, slot: Slot) -> None:
        """Give the adapter back."""
        self._check_owned(slot)
        if slot.number not in self._isolated:
            raise ConnectorError(f"virtual slot {slot.number} is not isolated")
        self._withdraw(slot.number)

    def _check_owned(self, slot: Slot) -> None:
        if not self.owned(slot.number):
            raise ConnectorError(f"the partition has nothing in virtual slot {slot.number}")

    def _withdraw(self, number: int) -> None:
        assert self.backplane is not None
        self.backplane.unplug(number)
        self._isolated.discard(number)
        self.refused.pop(number, None)
        if number in self.leaving:
            self.leaving.discard(number)
            self.backplane.released(number)

    # -- what managers do ------------------------------------------------------------------

    def recall(self, slot: int, *, force: bool = False) -> None:
        """The adapter is to leave: at once where the guest has it not, or is not asked."""
        self.leaving.add(slot)
        self.refused.pop(slot, None)
        if not self.owned(slot):
            self.leaving.discard(slot)
            assert self.backplane is not None
            self.backplane.released(slot)
        elif force:
            self._withdraw(slot)

    # -- state -----------------------------------------------------------------------------

    def state(self) -> ConnectorsState:
        return ConnectorsState(
            tuple(sorted(self._isolated)), tuple(sorted(self.leaving)), dict(self.refused)
        )

    def restore(self, state: ConnectorsState) -> None:
        named = {*state.isolated, *state.leaving, *state.refused}
        there = all(number in range(SLOTS) and self.owned(number) for number in named)
        check(there, "the state of a connector whose slot is empty")
        self._isolated, self.leaving = set(state.isolated), set(state.leaving)
        self.refused = dict(state.refused)
