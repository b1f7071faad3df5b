"""The logical units that a Virtual I/O Server makes of what it lends, and the files they open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from emu.values import frozen
from hypervisor.scsi.disk import Disk
from hypervisor.scsi.optical import SECTOR, MediumLockedError, OpticalDrive
from hypervisor.scsi.tape import TapeDrive
from hypervisor.vio.configuration import DiskFormat, Medium
from pyphyp.disk_files import DiskFile, disk_facts
from pyphyp.qcow2 import Qcow2File
from pyphyp.raw_file import MediaError, RawFile
from pyphyp.tape_file import TapeFile

from .records import MIB, ViosError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypervisor.scsi.backing import Backing
    from hypervisor.scsi.unit import LogicalUnit
    from hypervisor.vio.configuration import ScsiUnit


@frozen
class PhysicalDevice:
    """A disk, drive or tape of the server's own, by its name there: hdisk1, cd0, rmt0."""

    name: str
    unit: ScsiUnit
    place: int
    """The how manieth of the server it is, for its location code."""

    @property
    def megabytes(self) -> int:
        """The size of the disk or disc; 0 where its file is none or not there."""
        try:
            return disk_facts(DiskFile(Path(self.unit.path), self.unit.format)).size // MIB
        except MediaError:
            return 0

    @property
    def description(self) -> str:
        match self.unit.medium:
            case Medium.DISK:
                return "SAS Disk Drive"
            case Medium.OPTICAL:
                return "SATA DVD-RAM Drive"
        return "Other SAS Tape Drive"


_PREFIXES = {Medium.DISK: ("hdisk", 1), Medium.OPTICAL: ("cd", 0), Medium.TAPE: ("rmt", 0)}
"""What devices are called, and their first number: hdisk0 is the one with rootvg."""


def own_devices(its_units: Sequence[ScsiUnit]) -> list[PhysicalDevice]:
    """The devices that a server has, in the order of its definition."""
    counts = {kind: first for kind, (_, first) in _PREFIXES.items()}
    found = []
    for place, unit in enumerate(its_units, start=1):
        prefix, _ = _PREFIXES[unit.medium]
        found.append(PhysicalDevice(f"{prefix}{counts[unit.medium]}", unit, place))
        counts[unit.medium] += 1
    return found


def disk_names(devices: Sequence[PhysicalDevice]) -> list[str]:
    """Those of all physical volumes, hdisk0 included."""
    return ["hdisk0", *(its.name for its in devices if its.unit.medium is Medium.DISK)]


class SharedDisks(Protocol):
    """Whoever opens the disks that several servers or partitions of a machine use."""

    def disk(self, path: Path, *, read_only: bool, form: DiskFormat, shared: bool) -> Disk: ...
    def release(self, disk: LogicalUnit) -> None: ...


def physical(
    device: PhysicalDevice,
    serial: str,
    disks: SharedDisks,
    watch: Callable[[Backing], Backing],
) -> LogicalUnit:
    """The unit of a device that is lent as a whole; a disk of one server's own is watched."""
    its, path = device.unit, Path(device.unit.path)
    try:
        match its.medium:
            case Medium.DISK if its.shared:
                return disks.disk(path, read_only=its.read_only, form=its.format, shared=True)
            case Medium.DISK:
                kind = Qcow2File if its.format is DiskFormat.QCOW2 else RawFile
                return Disk(watch(kind(path, read_only=its.read_only)), serial)
            case Medium.OPTICAL:
                drive = OpticalDrive(serial)
                if its.path:
                    drive.load(RawFile(path, read_only=True, block=SECTOR))
                return drive
        tape = TapeDrive(serial)
        if its.path:
            tape.load(
                TapeFile(path, read_only=its.read_only, capacity=its.capacity, unreadable=True)
            )
        return tape
    except MediaError as wrong:
        raise ViosError(str(wrong)) from None


def load(drive: LogicalUnit | None, path: Path) -> None:
    """Put a medium into an empty file-backed drive."""
    if not isinstance(drive, OpticalDrive):
        raise ViosError("The device is not a file-backed virtual optical device.")
    try:
        image = RawFile(path, read_only=True, block=SECTOR)
    except MediaError as wrong:
        raise ViosError(str(wrong)) from None
    drive.load(image)


def unload(drive: LogicalUnit | None, name: str, *, force: bool) -> None:
    """Take the medium out of a file-backed drive."""
    if not isinstance(drive, OpticalDrive):
        raise ViosError(f'"{name}" is not a file-backed virtual optical device.')
    try:
        drive.unload(force=force)
    except MediumLockedError:
        raise ViosError(
            f'The client partition has locked the media in "{name}"; -release takes it anyway.'
        ) from None


def close(unit: LogicalUnit, disks: SharedDisks) -> None:
    """Give back what a unit holds of the host."""
    match unit:
        case Disk(shared=True):
            disks.release(unit)
        case Disk():
            unit.medium().close()
        case OpticalDrive() | TapeDrive():
            unit.unload(force=True)
