"""Virtual adapters that come to a running partition and leave it (DLPAR).

The guest takes what is assigned to it, and gives back what is to leave, by itself: it is told by a
hot-plug event, if it wants to hear of them, and does it by the RTAS calls of dynamic
reconfiguration (in Linux by `drmgr -c slot`).  Until then the slot waits.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from emu.values import frozen
from firmware.error_log import HotPlugAction
from firmware.error_logs import QueueFullError
from firmware.vio_nodes import location_code
from hypervisor.vio.adapter import Slot
from hypervisor.vio.configuration import (
    FIRST_FREE_SLOT,
    ConsoleAdapter,
    DiskFormat,
    EthernetAdapter,
    FibreChannelAdapter,
    Medium,
    PairedAdapter,
    ScsiAdapter,
    ScsiUnit,
    TerminalServer,
)

if TYPE_CHECKING:
    from hypervisor.configuration import PartitionConfiguration
    from hypervisor.vio.configuration import Adapter

    from .compose import Composition
    from .dialogue import Consoles
    from .media import Media


class SlotError(Exception):
    """An adapter cannot be added or removed; the message says why."""


class SlotState(Enum):
    """How far an adapter has come."""

    OWNED = "the guest has it"
    OFFERED = "waits for the guest to take it"
    LEAVING = "waits for the guest to give it back"


@frozen
class SlotUsage:
    """An adapter of a partition."""

    slot: int
    location: str
    what: str
    state: SlotState
    refused: str = ""
    """Why the guest's last try to give it back failed."""


@frozen
class PartitionSlots:
    """All of a partition's adapters."""

    hears: bool
    """Whether the guest hears of what comes and is to go."""
    slots: tuple[SlotUsage, ...]


class Reconfigured:
    """The part of a `Partition` that adapters come to and leave."""

    configuration: PartitionConfiguration
    consoles: Consoles
    media: Media
    boots: int

    @property
    def composition(self) -> Composition:
        raise NotImplementedError

    # -- adding ----------------------------------------------------------------------------

    def add_disk(
        self,
        path: Path | str,
        *,
        read_only: bool = False,
        form: DiskFormat = DiskFormat.RAW,
        slot: int | None = None,
    ) -> int:
        """Add a virtual SCSI adapter with a disk kept in `path`; gives its slot.

        Raises `SlotError`, `MediaError`.  In a `slot` of its own choosing if none is given.
        """
        unit = ScsiUnit(Medium.DISK, str(Path(path).absolute()), read_only=read_only, format=form)
        return self.add_adapter(ScsiAdapter(self._slot(slot), (unit,)))

    def add_cdrom(self, path: Path | str | None = None, *, slot: int | None = None) -> int:
        """Add a virtual SCSI adapter with an optical drive, and an image in it; as `add_disk`."""
        image = "" if path is None else str(Path(path).absolute())
        unit = ScsiUnit(Medium.OPTICAL, image, read_only=True)
        return self.add_adapter(ScsiAdapter(self._slot(slot), (unit,)))

    def add_adapter(self, adapter: Adapter) -> int:
        """Add an adapter of any kind in the slot it names; gives that.

        Raises `SlotError`, `MediaError`, `ConsoleError`; nothing has changed then.
        """
        self.settle_adapters()
        slots = self.composition.partition.virtual_io.connectors.slots()
        if adapter.slot not in slots:
            raise SlotError(
                f"virtual slot {adapter.slot}: the guest knows those below {slots.stop}"
            )
        if isinstance(adapter, PairedAdapter):
            raise SlotError("virtual SCSI between partitions is defined with the machine")
        if isinstance(adapter, TerminalServer):
            raise SlotError("server terminals are defined with the machine")
        if adapter.slot in self._taken:
            raise SlotError(f"virtual slot {adapter.slot} is taken")
        configuration = _with(self.configuration, adapter)
        with ExitStack() as undo:
            if isinstance(adapter, ScsiAdapter):
                self.media.add(adapter)
                undo.callback(self.media.remove, adapter.slot)
            self.consoles.define(configuration)
            undo.pop_all()
        self._configure(configuration)
        self.composition.adapters.assign(adapter)
        if self.boots:
            self._tell(HotPlugAction.ADD, adapter.slot)
        else:
            slot = Slot(adapter.slot)
            self.composition.adapters.plug(adapter.slot)
            self.composition.firmware.adapter_comes(slot)
            self.composition.firmware.list_devices()
        return adapter.slot

    def free_slot(self) -> int:
        """The lowest virtual slot where an adapter can be added; `SlotError` if there is none."""
        slots = self.composition.partition.virtual_io.connectors.slots()
        for number in slots[FIRST_FREE_SLOT:]:
            if number not in self._taken:
                return number
        raise SlotError(f"all {len(slots)} virtual slots are taken")

    def _slot(self, wanted: int | None) -> int:
        return self.free_slot() if wanted is None else wanted

    @property
    def _taken(self) -> set[int]:
        return {adapter.slot for adapter in self.configuration.adapters}

    def _configure(self, configuration: PartitionConfiguration) -> None:
        self.configuration = self.composition.partition.configuration = configuration

    def _tell(self, action: HotPlugAction, slot: int) -> None:
        """Send a hot-plug event to a guest that hears it and has not left too many unread."""
        logs = self.composition.firmware.error_logs
        if logs.hears_hot_plug:
            try:
                logs.hot_plug(action, Slot(slot).drc_index)
            except QueueFullError:
                return

    # -- removing --------------------------------------------------------------------------

    def remove_adapter(self, slot: int, *, force: bool = False) -> None:
        """Have the guest give an adapter back; it goes when that is done.

        `force` takes it away at once, as if it broke.  Raises `SlotError`.
        """
        self.settle_adapters()
        if slot not in self._taken:
            there = ", ".join(str(number) for number in sorted(self._taken))
            raise SlotError(f"virtual slot {slot} is empty; there are adapters in {there}")
        if slot == self.consoles.first.slot:
            raise SlotError("the first console cannot be removed")
        composition = self.composition
        connectors = composition.partition.virtual_io.connectors
        if connectors.owned(slot) and not force:
            connectors.recall(slot)
            self._tell(HotPlugAction.REMOVE, slot)
            return
        connectors.recall(slot, force=force)
        composition.firmware.adapter_leaves(Slot(slot))
        composition.firmware.list_devices()
        self.settle_adapters()

    def settle_adapters(self) -> None:
        """Between windows: what the guest has given back for good is released."""
        adapters = self.composition.adapters
        while adapters.gone:
            slot = adapters.gone.pop()
            adapters.unassign(slot)
            self._configure(_without(self.configuration, slot))
            self.media.remove(slot)
            self.consoles.define(self.configuration)

    def _settle_leaving(self) -> None:
        """The guest is gone: so is what it was to give back."""
        connectors = self.composition.partition.virtual_io.connectors
        for slot in sorted(connectors.leaving):
            connectors.recall(slot, force=True)
        self.settle_adapters()

    # -- looking ---------------------------------------------------------------------------

    @property
    def hears_hot_plug(self) -> bool:
        """Whether the guest hears of adapters that come and are to go."""
        return self.composition.firmware.error_logs.hears_hot_plug

    def _current(self, adapter: Adapter) -> Adapter:
        """As it is now, with the media in its drives."""
        return self.media.current(adapter) if isinstance(adapter, ScsiAdapter) else adapter

    def slots(self) -> list[SlotUsage]:
        """The partition's adapters, by slot."""
        partition = self.composition.partition
        connectors = partition.virtual_io.connectors
        used = []
        for adapter in sorted(self.configuration.adapters, key=lambda its: its.slot):
            slot, state = adapter.slot, SlotState.OWNED
            if slot in connectors.leaving:
                state = SlotState.LEAVING
            elif not connectors.owned(slot):
                state = SlotState.OFFERED
            location = location_code(Slot(slot), partition)
            refused = connectors.refused.get(slot, "")
            used.append(
                SlotUsage(slot, location, described(self._current(adapter)), state, refused)
            )
        return used


def described(adapter: Adapter) -> str:
    """An adapter in words."""
    match adapter:
        case ConsoleAdapter(protocol=protocol, backend=backend, path=path):
            return " ".join(filter(None, ("console", protocol.value, backend.value, path)))
        case EthernetAdapter(switch=switch, vlan=vlan):
            return f"ethernet {switch} vlan {vlan}"
        case ScsiAdapter(server=server) if server:
            return f"virtual SCSI, served by {server}"
        case FibreChannelAdapter(fabric=fabric, server=server, port=port):
            return f"fc {fabric or ':'.join(filter(None, (server, port)))}"
        case ScsiAdapter(units=units):
            return ", ".join(_unit(unit) for unit in units) or "no disks"
        case PairedAdapter(role=role, partner=partner, partner_slot=other):
            return f"virtual SCSI {role.value}, partner {partner} slot {other}"
        case TerminalServer(client=client, client_slot=other):
            return f"server terminal for {client} slot {other}"


def _unit(unit: ScsiUnit) -> str:
    if unit.medium is Medium.OPTICAL:
        return f"cdrom {unit.path or '(empty)'}"
    if unit.medium is Medium.TAPE:
        return f"tape {unit.path or '(empty)'}" + (",ro" if unit.path and unit.read_only else "")
    words = (",ro" if unit.read_only else "") + (",shared" if unit.shared else "")
    return f"disk {unit.path}{words}"


def _with(configuration: PartitionConfiguration, adapter: Adapter) -> PartitionConfiguration:
    match adapter:
        case ConsoleAdapter():
            consoles = sorted((*configuration.consoles, adapter), key=lambda its: its.slot)
            return replace(configuration, consoles=tuple(consoles))
        case ScsiAdapter():
            return replace(configuration, scsi_adapters=(*configuration.scsi_adapters, adapter))
        case FibreChannelAdapter():
            fc = (*configuration.fibre_channel_adapters, adapter)
            return replace(configuration, fibre_channel_adapters=fc)
        case EthernetAdapter():
            lans = (*configuration.ethernet_adapters, adapter)
            return replace(configuration, ethernet_adapters=lans)
        case PairedAdapter():
            pairs = (*configuration.paired_adapters, adapter)
            return replace(configuration, paired_adapters=pairs)
        case TerminalServer():
            servers = (*configuration.terminal_servers, adapter)
            return replace(configuration, terminal_servers=servers)


def _without(configuration: PartitionConfiguration, slot: int) -> PartitionConfiguration:
    return replace(
        configuration,
        consoles=tuple(its for its in configuration.consoles if its.slot != slot),
        scsi_adapters=tuple(its for its in configuration.scsi_adapters if its.slot != slot),
        ethernet_adapters=tuple(its for its in configuration.ethernet_adapters if its.slot != slot),
        paired_adapters=tuple(its for its in configuration.paired_adapters if its.slot != slot),
        fibre_channel_adapters=tuple(
            its for its in configuration.fibre_channel_adapters if its.slot != slot
        ),
        terminal_servers=tuple(its for its in configuration.terminal_servers if its.slot != slot),
    )
