"""What an operator puts into tape drives of a machine that runs, and takes out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hypervisor.scsi.optical import MediumLockedError
from hypervisor.system.errors import ManagementError

from . import tapes
from .actions import LoadTape
from .raw_file import MediaError

if TYPE_CHECKING:
    from hypervisor.scsi.tape import TapeDrive

    from .actions import UnloadTape
    from .managed import ManagedMachine


def tape_drives(machine: ManagedMachine) -> dict[str, list[TapeDrive]]:
    """The drives of partitions that were activated and of servers, by their names."""
    drives = {name: its.media.tape_drives for name, its in machine.partitions.items()}
    return drives | {name: its.tape_drives for name, its in machine.io_servers.by_name.items()}


def damaged_tapes(machine: ManagedMachine) -> list[str]:
    """What is to be said of tapes in drives of the machine, and in whose."""
    drives = tape_drives(machine).items()
    found = [f"{name}: {line}" for name, its in drives for line in tapes.warnings(its)]
    if machine.storage_network is not None:
        found += tapes.warnings(machine.storage_network.tape_drives)
    return found


def change_tape(drives: list[TapeDrive], action: LoadTape | UnloadTape) -> None:
    """Load or unload one of the drives of a partition; refusals are ManagementErrors."""
    tape = None
    if isinstance(action, LoadTape):
        tape = tapes.TapeName(Path(action.path), action.read_only, action.capacity)
    try:
        tapes.change_tape(drives, action.drive, tape)
    except MediaError as wrong:
        raise ManagementError(str(wrong)) from None
    except MediumLockedError as wrong:
        raise ManagementError(f"{action.partition}: {wrong}", "mt unlock there") from None
