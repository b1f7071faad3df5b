"""Paths of a Virtual I/O Server to its disks: one by each of its SAS adapters.

Whatever goes to a disk goes by any path that is enabled and whose adapter has its cable; where
there is none, the disk does not answer.  States begin anew with the server, as commands and
cables change what is there, not what was defined.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from emu.values import frozen, slotted
from hypervisor.scsi.backing import BackingError

from .error_log import Event
from .records import ViosError
from .volumes import identifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .error_log import ErrorLog


class PathStatus(Enum):
    """As `lspath` shows it."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    FAILED = "Failed"
    DEFINED = "Defined"


@slotted
class _State:
    status: PathStatus | None = PathStatus.ENABLED
    """What commands made of it; None: it was removed."""


@frozen
class Path:
    """What a path is: from an adapter to a disk."""

    disk: str
    adapter: str
    connection: str
    """The disk's port, and its logical unit number there."""


class Paths:
    """Those of `disks`, by so many SAS `adapters`; what fails is told to `log`."""

    def __init__(self, disks: Sequence[str], adapters: int, server: str, log: ErrorLog) -> None:
        self.adapters = [f"sas{number}" for number in range(adapters)]
        self._log = log
        self._pulled: set[str] = set()
        self._states = {
            Path(disk, adapter, f"5{identifier(server, disk, adapter)[:15]},0"): _State()
            for disk in disks
            for adapter in self.adapters
        }

    @property
    def all(self) -> list[tuple[Path, PathStatus]]:
        """Those that are there, by disk."""
        found = ((path, self._status(path)) for path in self._states)
        return [(path, status) for path, status in found if status is not None]

    def _status(self, path: Path) -> PathStatus | None:
        status = self._states[path].status
        failed = status is PathStatus.ENABLED and path.adapter in self._pulled
        return PathStatus.FAILED if failed else status

    def check(self, disk: str) -> None:
        """Raise `BackingError` where no path leads to a disk."""
        if not any(its.disk == disk and self._works(its) for its in self._states):
            raise BackingError(f"{disk}: no path to the disk works")

    def _works(self, path: Path) -> bool:
        return self._status(path) is PathStatus.ENABLED

    def matching(self, disk: str | None, adapter: str | None, connection: str | None) -> list[Path]:
        """Paths that are named so, also ones that were removed; raises `ViosError` for none."""
        if disk is not None and all(its.disk != disk for its in self._states):
            raise ViosError(f'Device "{disk}" is not a disk.')
        if adapter is not None and adapter not in self.adapters:
            raise ViosError(f'Device "{adapter}" is not a SAS adapter.')
        found = [
            its
            for its in self._states
            if disk in (None, its.disk)
            and adapter in (None, its.adapter)
            and connection in (None, its.connection)
        ]
        if not found:
            raise ViosError("There is no such path.")
        return found

    # -- changing --------------------------------------------------------------------------

    def enable(self, paths: Sequence[Path]) -> None:
        for path in self._there(paths):
            self._states[path].status = PathStatus.ENABLED

    def disable(self, paths: Sequence[Path]) -> None:
        there = self._there(paths)
        self._check_others(there)
        for path in there:
            self._states[path].status = PathStatus.DISABLED

    def remove(self, paths: Sequence[Path], *, definition: bool) -> None:
        """Have paths be defined only; `definition`: not even that."""
        there = [path for path in paths if self._states[path].status is not None]
        if not there:
            raise ViosError("There is no such path.")
        self._check_others(there)
        for path in there:
            self._states[path].status = None if definition else PathStatus.DEFINED

    def make(self, paths: Sequence[Path], *, define_only: bool) -> None:
        """Have paths that were removed again."""
        absent = (None,) if define_only else (None, PathStatus.DEFINED)
        there = [path for path in paths if self._states[path].status not in absent]
        if there:
            raise ViosError(f"The path of {there[0].disk} by {there[0].adapter} exists already.")
        for path in paths:
            self._states[path].status = PathStatus.DEFINED if define_only else PathStatus.ENABLED

    def configure(self) -> None:
        """`cfgdev`: those that are not there, or defined only, are enabled."""
        for state in self._states.values():
            if state.status in (None, PathStatus.DEFINED):
                state.status = PathStatus.ENABLED

    def _there(self, paths: Sequence[Path]) -> list[Path]:
        """Those that can be enabled and disabled."""
        absent = (None, PathStatus.DEFINED)
        there = [path for path in paths if self._states[path].status not in absent]
        if not there:
            raise ViosError("The path is not available.")
        return there

    def _check_others(self, paths: Sequence[Path]) -> None:
        """Raise `ViosError` where a disk would lose its last path that works."""
        for disk in dict.fromkeys(its.disk for its in paths):
            working = [its for its in self._states if its.disk == disk and self._works(its)]
            if working and all(its in paths for its in working):
                raise ViosError(f'The last path of "{disk}" that works stays.')

    def set_cable(self, adapter: str, *, plugged: bool) -> None:
        """Plug in the cable of a SAS adapter, or pull it."""
        if (adapter not in self._pulled) is plugged:
            return
        event = Event.SC_DISK_PCM_ERR9 if plugged else Event.SC_DISK_PCM_ERR7
        (self._pulled.discard if plugged else self._pulled.add)(adapter)
        for path, state in self._states.items():
            if path.adapter == adapter and state.status is PathStatus.ENABLED:
                self._log.log(event, path.disk, f"{path.adapter} {path.connection}")
