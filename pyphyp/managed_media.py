"""What an operator puts into the drives of partitions that run, and takes out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hypervisor.scsi.optical import MediumLockedError
from hypervisor.system.errors import ManagementError

from .actions import LoadTape
from .raw_file import MediaError
from .tapes import TapeName

if TYPE_CHECKING:
    from .actions import UnloadTape
    from .managed_partition import ManagedPartition


def change_tape(partition: ManagedPartition, action: LoadTape | UnloadTape) -> None:
    """Load or unload a tape drive; refusals are ManagementErrors."""
    try:
        if isinstance(action, LoadTape):
            tape = TapeName(Path(action.path), action.read_only, action.capacity)
            partition.media.load_tape(tape, action.drive)
        else:
            partition.media.unload_tape(action.drive)
    except MediaError as wrong:
        raise ManagementError(str(wrong)) from None
    except MediumLockedError as wrong:
        raise ManagementError(f"{partition.name}: {wrong}", "mt unlock there") from None
