"""Media of virtual disks and drives: files and block devices of the host.

A machine opens a file once, whichever of its partitions use it, so they share one disk with its
reservations.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from emu.values import slotted
from hypervisor.scsi.disk import Disk
from hypervisor.scsi.optical import SECTOR, OpticalDrive
from hypervisor.scsi.tape import TapeDrive
from hypervisor.scsi.target import ScsiAddress, Targets
from hypervisor.vio.configuration import DiskFormat, Medium

from .raw_file import MediaError, RawFile, remedy
from .tape_file import TapeFile
from .tapes import TapeDrives, change_tape, check_drive

if TYPE_CHECKING:
    from hypervisor.configuration import PartitionConfiguration
    from hypervisor.scsi.unit import LogicalUnit
    from hypervisor.vio.configuration import ScsiAdapter, ScsiUnit

    from .qcow2 import Qcow2File
    from .tapes import TapeName


@slotted
class _Opened:
    disk: Disk
    backing: RawFile | Qcow2File
    users: int


class Server(Protocol):
    """A Virtual I/O Server, as its clients' adapters need it."""

    def served(self, client: int, slot: int) -> Targets:
        """What it offers to the adapter in a slot of partition `client`."""


class MediaLibrary:
    """The disks of one machine, by file.

    `exclusive`: no two partitions share a disk with its reservations and attentions unless that is
    said of it, as those that run side by side on the host's processors would come to it in no
    certain order.  One that is written to is one partition's; of one that is only read, each has
    its own.
    """

    def __init__(self, *, exclusive: bool = False) -> None:
        self._exclusive = exclusive
        self.tapes = TapeDrives(exclusive=exclusive)
        self.servers: dict[str, Server] = {}
        """Virtual I/O Servers, by name."""
        self._disks: dict[tuple[int, int, int], _Opened] = {}
        """By file, and by a number where each partition has a disk of its own."""

    def disk(
        self,
        path: Path,
        *,
        read_only: bool,
        form: DiskFormat = DiskFormat.RAW,
        shared: bool = False,
    ) -> Disk:
        """The disk kept in `path`; `MediaError` where that cannot be."""
        try:
            status = path.stat()
        except OSError as wrong:
            raise MediaError(f"{path}: {wrong.strerror}{remedy(wrong)}") from None
        file = status.st_dev, status.st_ino
        others = [opened for key, opened in self._disks.items() if key[:2] == file]
        if any(opened.backing.read_only != read_only for opened in others):
            raise MediaError(f"{path} is used read-only by one and writable by another")
        if any(opened.disk.shared != shared for opened in others):
            raise MediaError(f"{path} is ,shared to one and not to another")
        if others and (shared or not self._exclusive):
            others[0].users += 1
            return others[0].disk
        if others and not read_only:
            raise MediaError(
                f"{path} is in use by another partition; both can have it ,ro or ,shared"
            )
        key = (*file, next(n for n in range(len(others) + 1) if (*file, n) not in self._disks))
        backing = _opened(path, form, read_only=read_only)
        disk = Disk(backing, serial=f"{status.st_dev:x}{status.st_ino:012x}")
        disk.shared = shared
        self._disks[key] = _Opened(disk, backing, 1)
        return disk

    def release(self, disk: LogicalUnit) -> None:
        """One that asked for `disk` no longer uses it."""
        for key, opened in self._disks.items():
            if opened.disk is disk:
                opened.users -= 1
                if not opened.users:
                    del self._disks[key]
                    opened.backing.close()
                return


class Media:
    """The logical units of one partition; they outlive its boots.  `close` it."""

    def __init__(self, configuration: PartitionConfiguration, library: MediaLibrary) -> None:
        """Raises `MediaError`; nothing is open then."""
        self._library, self._number = library, configuration.number
        self.targets: dict[int, Targets] = {}
        """By slot of their adapter."""
        self._served: set[int] = set()
        """Slots whose units are a server's."""
        with ExitStack() as undo:
            undo.callback(self.close)
            for adapter in configuration.scsi_adapters:
                self.add(adapter)
            undo.pop_all()

    def add(self, adapter: ScsiAdapter) -> None:
        """Have the units of one more adapter; raises `MediaError`, and has none of them then."""
        if (server := self._library.servers.get(adapter.server)) is not None:
            self.targets[adapter.slot] = server.served(self._number, adapter.slot)
            self._served.add(adapter.slot)
            return
        if adapter.server:
            raise MediaError(f"there is no Virtual I/O Server {adapter.server} in this machine")
        with ExitStack() as undo:
            undo.callback(self.remove, adapter.slot)
            targets = self.targets[adapter.slot] = Targets()
            for unit in adapter.units:
                targets.add(self._unit(unit, adapter.slot), unit.target, unit.lun)
            undo.pop_all()

    def remove(self, slot: int) -> None:
        """Close the units of an adapter, if there is one in that slot and they are its own."""
        targets = self.targets.pop(slot, ())
        if slot in self._served:
            self._served.discard(slot)
            return
        for _, unit in targets:
            if isinstance(unit, OpticalDrive):
                unit.unload(force=True)
            elif isinstance(unit, TapeDrive):
                self._library.tapes.release(unit)
            else:
                self._library.release(unit)

    def _unit(self, unit: ScsiUnit, slot: int) -> LogicalUnit:
        if unit.medium is Medium.DISK:
            path = Path(unit.path)
            return self._library.disk(
                path, read_only=unit.read_only, form=unit.format, shared=unit.shared
            )
        if unit.medium is Medium.TAPE:
            return self._library.tapes.drive(unit, f"C{slot}T{unit.target}L{unit.lun}")
        drive = OpticalDrive(f"C{slot}T{unit.target}L{unit.lun}")
        if unit.path:
            drive.load(_image(Path(unit.path)))
        return drive

    @property
    def units(self) -> list[LogicalUnit]:
        """Its own, in the order of their addresses."""
        own = (targets for slot, targets in self.targets.items() if slot not in self._served)
        return [unit for targets in own for _, unit in targets]

    @property
    def drives(self) -> list[OpticalDrive]:
        """The optical drives, in the order of their addresses."""
        return [unit for unit in self.units if isinstance(unit, OpticalDrive)]

    @property
    def tape_drives(self) -> list[TapeDrive]:
        """The tape drives, in the order of their addresses."""
        return [unit for unit in self.units if isinstance(unit, TapeDrive)]

    def load(self, path: Path, drive: int = 0) -> None:
        """Put the image `path` into a drive; what was in it is taken out.

        Raises `MediaError`, and `MediumLockedError` where the guest has locked the drive.
        """
        chosen = self._drive(drive)
        image = _image(path)
        try:
            chosen.unload()
        except BaseException:
            image.close()
            raise
        chosen.load(image)

    def unload(self, drive: int = 0, *, force: bool = False) -> None:
        """Take the medium out of a drive, if there is one; raises as `load`."""
        self._drive(drive).unload(force=force)

    def _drive(self, number: int) -> OpticalDrive:
        drives = self.drives
        check_drive(number, len(drives), "optical")
        return drives[number]

    def current(self, adapter: ScsiAdapter) -> ScsiAdapter:
        """An adapter with what is in its drives now, whatever was there at first."""
        if adapter.slot in self._served:
            return adapter
        at = dict(self.targets[adapter.slot])
        units = (_current(its, at[ScsiAddress(its.target, its.lun)]) for its in adapter.units)
        return replace(adapter, units=tuple(units))

    def load_tape(self, tape: TapeName, drive: int = 0) -> None:
        """As `load`, for a tape drive."""
        change_tape(self.tape_drives, drive, tape)

    def unload_tape(self, drive: int = 0) -> None:
        """As `unload`, for a tape drive."""
        change_tape(self.tape_drives, drive, None)

    @property
    def writable(self) -> bool:
        """Whether any disk or tape can be written to."""
        disks = (unit for unit in self.units if isinstance(unit, Disk))
        return bool(self.tape_drives) or any(not disk.medium().read_only for disk in disks)

    def close(self) -> None:
        for slot in list(self.targets):
            self.remove(slot)


def _opened(path: Path, form: DiskFormat, *, read_only: bool) -> RawFile | Qcow2File:
    if form is DiskFormat.RAW:
        return RawFile(path, read_only=read_only)
    from .qcow2 import Qcow2File  # loads much that most runs need not

    return Qcow2File(path, read_only=read_only)


def _current(unit: ScsiUnit, its: LogicalUnit) -> ScsiUnit:
    """A unit with the medium that is in its drive."""
    if isinstance(its, OpticalDrive):
        disc = its.medium() if its.loaded else None
        return replace(unit, path=str(disc.path) if isinstance(disc, RawFile) else "")
    if isinstance(its, TapeDrive):
        tape = its.tape
        if not isinstance(tape, TapeFile):
            return replace(unit, path="")
        path, read_only, capacity = str(tape.path), tape.read_only, tape.capacity
        return replace(unit, path=path, read_only=read_only, capacity=capacity)
    return unit


def _image(path: Path) -> RawFile:
    return RawFile(path, read_only=True, block=SECTOR)
