"""What a Virtual I/O Server lends, as the logical units that its clients see.

A unit's medium is watched: it is reached by the server's paths, and its errors are told to the
error log.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from hypervisor.scsi.disk import Disk
from hypervisor.scsi.optical import OpticalDrive
from hypervisor.vio.configuration import Medium as MediumKind
from pyphyp.media import MediaLibrary
from pyphyp.raw_file import RawFile

from . import units
from .error_log import Event
from .records import MIB, BackingDevice, PoolKind, Target, TargetKind, ViosError
from .volume_files import VolumeFile
from .watched import Watched

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypervisor.scsi.backing import Backing, BackingError
    from hypervisor.scsi.unit import LogicalUnit

    from .error_log import ErrorLog
    from .paths import Paths
    from .storage import Storage
    from .units import PhysicalDevice, SharedDisks

_KINDS = {
    MediumKind.DISK: TargetKind.DISK,
    MediumKind.OPTICAL: TargetKind.OPTICAL_DEVICE,
    MediumKind.TAPE: TargetKind.TAPE,
}


class Lent:
    """That of `server`; `disks` has those that others use, too."""

    def __init__(
        self,
        server: str,
        devices: Sequence[PhysicalDevice],
        storage: Storage,
        paths: Paths,
        log: ErrorLog,
        disks: SharedDisks | None,
    ) -> None:
        self._server, self._devices, self._storage = server, devices, storage
        self._paths, self._log = paths, log
        self._disks = disks or MediaLibrary()
        self.ejected: deque[str] = deque()
        """Virtual target devices whose medium a client has ejected, by any thread."""

    def kind_of(self, backing: str) -> TargetKind:
        """What shows it to a client; raises `ViosError`."""
        if (owner := self._storage.groups.owner(backing)) is not None:
            raise ViosError(f'"{backing}" is in use: it belongs to volume group "{owner}".')
        for device in self._devices:
            if device.name == backing:
                return _KINDS[device.unit.medium]
        pool = self._storage.pool(self._storage.device(backing).pool)
        return TargetKind.FILE if pool.kind is PoolKind.FILES else TargetKind.LOGICAL_VOLUME

    def unit_of(self, target: Target) -> LogicalUnit:
        """The unit that a virtual target device is, open; raises `ViosError`."""
        storage = self._storage
        if target.kind is TargetKind.OPTICAL:
            serial = f"{self._server}{target.adapter}L{target.number}"
            drive = OpticalDrive(serial, lambda: self.ejected.append(target.name))
            if target.backing:
                units.load(drive, storage.medium_path(storage.medium(target.backing)))
            return drive
        for device in self._devices:
            if device.name == target.backing:
                serial = f"{self._server}{device.name}"
                watch = self._watch(Event.SC_DISK_ERR2, device.name, device.name)
                return units.physical(device, serial, self._disks, watch)
        backing = storage.device(target.backing)
        watch = self._watch(Event.J2_USERDATA_EIO, "SYSJ2", "hdisk0")
        if storage.groups.volume(backing.name) is not None:
            watch = self._watch(Event.LVM_IO_FAIL, "LVDD")
        return Disk(watch(storage.content(backing)), f"{self._server}{target.backing}")

    def _watch(
        self, event: Event, resource: str, disk: str | None = None
    ) -> Callable[[Backing], Watched]:
        """What has a medium's errors be entries of the log; it is on `disk`, if on one."""

        def check() -> None:
            if disk is not None:
                self._paths.check(disk)

        def tell(wrong: BackingError) -> None:
            if wrong.full:
                self._log.note(Event.J2_FS_FULL, "SYSJ2", str(wrong))
            else:
                self._log.note(event, resource, str(wrong))

        return lambda medium: Watched(medium, check, tell)

    def grow(self, unit: LogicalUnit, device: BackingDevice) -> None:
        """The unit of a backing device that has grown has its size, and clients are told."""
        if not isinstance(unit, Disk):
            return
        watched = unit.medium()
        medium = watched.its if isinstance(watched, Watched) else watched
        if isinstance(medium, VolumeFile):
            volume = self._storage.groups.volume(device.name)
            assert volume is not None
            medium.set_pieces(self._storage.groups.pieces(volume))
        elif isinstance(medium, RawFile):
            medium.size = device.size * MIB
        unit.resized()

    def give_back(self, unit: LogicalUnit) -> None:
        """Close what a unit holds of the host."""
        units.close(unit, self._disks)
