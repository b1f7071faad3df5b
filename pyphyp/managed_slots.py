"""What an operator adds to a running partition of a managed machine, and takes from it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from hypervisor.scsi.optical import MediumLockedError
from hypervisor.system.errors import ManagementError
from hypervisor.vio.configuration import ConsoleAdapter, EthernetAdapter

from . import actions
from .console_ends import ConsoleError
from .raw_file import MediaError
from .slots import SlotError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .actions import SlotAction
    from .managed_partition import ManagedPartition


def change_slots(partition: ManagedPartition, action: SlotAction) -> None:
    """Carry it out; ManagementError where that cannot be."""
    with _refused():
        match action:
            case actions.AddDisk(path=path, read_only=read_only, format=form, slot=slot):
                partition.add_disk(path, read_only=read_only, form=form, slot=slot)
            case actions.AddDrive(path=path, slot=slot):
                partition.add_cdrom(path or None, slot=slot)
            case actions.AddEthernet(slot=slot):
                where = partition.free_slot() if slot is None else slot
                lan = EthernetAdapter(
                    where, action.switch, action.vlan, action.more_vlans, action.trunk_priority
                )
                partition.add_adapter(lan)
            case actions.AddConsole(slot=slot):
                where = partition.free_slot() if slot is None else slot
                its = ConsoleAdapter(where, action.protocol, action.backend, action.path)
                partition.add_adapter(its)
            case actions.RemoveAdapter(slot=slot, force=force):
                partition.remove_adapter(slot, force=force)
            case actions.LoadMedium(path=path, drive=drive):
                partition.media.load(Path(path), drive)
            case actions.UnloadMedium(drive=drive, force=force):
                partition.media.unload(drive, force=force)


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except MediumLockedError as locked:
        raise ManagementError(str(locked), "pyphyp cdrom unload --now takes the disc out") from None
    except (ConsoleError, MediaError, SlotError, ValueError) as wrong:
        raise ManagementError(str(wrong)) from None
