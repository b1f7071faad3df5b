"""What a Virtual I/O Server keeps: pools, backing devices, media, mappings, as records."""

from __future__ import annotations

import re
from enum import Enum
from typing import Annotated

from emu.state import Length, record

MIB = 1 << 20
ROOTVG = "rootvg"
ALLOCATION_MB = 64
"""Logical volumes, and what is made of them, have whole steps of this."""
LONGEST_NAME = 37
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

Name = Annotated[str, Length(1, LONGEST_NAME)]
Megabytes = Annotated[int, range(1, 1 << 31)]


class ViosError(Exception):
    """A command cannot be carried out; nothing was changed."""

    status = 1
    """The command's."""


class FullError(ViosError):
    """A file system of the server's own has no room."""


def check_name(name: str) -> str:
    """A name that an object, and its file, may have; raises `ViosError`."""
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        raise ViosError(
            f'"{name[:40]}" is not a valid name: letters, digits and _ . - are, '
            f"{LONGEST_NAME} characters at most."
        )
    return name


class PoolKind(Enum):
    LOGICAL_VOLUMES = "LVPOOL"
    FILES = "FBPOOL"


class TargetKind(Enum):
    """What a virtual target device is backed by, as `lsdev` describes it."""

    DISK = "Virtual Target Device - Disk"
    LOGICAL_VOLUME = "Virtual Target Device - Logical Volume"
    FILE = "Virtual Target Device - File-backed Disk"
    OPTICAL = "Virtual Target Device - File-backed Optical"
    OPTICAL_DEVICE = "Virtual Target Device - Optical Media"
    TAPE = "Virtual Target Device - Tape"

    @property
    def prefix(self) -> str:
        """What names begin with that nobody chose."""
        match self:
            case TargetKind.OPTICAL | TargetKind.OPTICAL_DEVICE:
                return "vtopt"
            case TargetKind.TAPE:
                return "vttape"
        return "vtscsi"

    @property
    def backing_type(self) -> str:
        """As `lsmap -type` calls it."""
        match self:
            case TargetKind.DISK:
                return "disk"
            case TargetKind.LOGICAL_VOLUME:
                return "lv"
            case TargetKind.FILE:
                return "file_disk"
            case TargetKind.OPTICAL:
                return "file_opt"
            case TargetKind.OPTICAL_DEVICE:
                return "optical"
        return "tape"


@record
class Pool:
    name: Name
    kind: PoolKind
    size: Megabytes
    parent: Name


@record
class BackingDevice:
    """A logical volume or file in a pool."""

    name: Name
    pool: Name
    size: Megabytes


@record
class Repository:
    """The virtual media repository."""

    parent: Name
    size: Megabytes


@record
class Medium:
    """A virtual optical medium of the repository."""

    name: Name
    read_only: bool


@record
class Target:
    """A virtual target device: a backing device as a client's adapter shows it."""

    name: Name
    adapter: Name
    number: Annotated[int, range(1, 64)]
    """The SCSI target, from 1 on."""
    kind: TargetKind
    backing: Annotated[str, Length(0, 255)]
    """The name of what is behind it; of a file-backed optical device the medium loaded, if any."""

    @property
    def lun(self) -> int:
        return (0x80 | self.number) << 56


Identifier = Annotated[str, Length(16, 32)]
Partitions = Annotated[int, range(1, 1 << 24)]
MOST_PARTITION_MB = 1 << 17


@record
class VolumeDisk:
    """A physical volume of a group, known by its label."""

    identifier: Identifier
    partitions: Partitions


@record
class VolumeGroup:
    name: Name
    identifier: Identifier
    partition_mb: Annotated[int, range(1, MOST_PARTITION_MB + 1)]
    disks: Annotated[tuple[VolumeDisk, ...], Length(1, 1024)]

    @property
    def partitions(self) -> int:
        return sum(disk.partitions for disk in self.disks)


@record
class Run:
    """Physical partitions one behind the other."""

    disk: Identifier
    first: Annotated[int, range(1 << 24)]
    count: Partitions


@record
class LogicalVolume:
    """A backing device of a group, or what a file pool or the media repository has of it."""

    name: Name
    group: Name
    kind: Annotated[str, Length(1, 15)]
    runs: Annotated[tuple[Run, ...], Length(1, 1 << 16)]

    @property
    def partitions(self) -> int:
        return sum(run.count for run in self.runs)


@record
class Label:
    """What a disk says of itself that belongs to a volume group."""

    disk: Identifier
    group: Identifier
    name: Name
    """The group's name; for people, and for whom the group is not."""
    server: Annotated[str, Length(1, 255)]


@record
class ViosState:
    pools: tuple[Pool, ...] = ()
    devices: tuple[BackingDevice, ...] = ()
    repository: Repository | None = None
    media: tuple[Medium, ...] = ()
    targets: tuple[Target, ...] = ()
    default_pool: Name = ROOTVG
    groups: tuple[VolumeGroup, ...] = ()
    volumes: tuple[LogicalVolume, ...] = ()
    volume_count: Annotated[int, range(1 << 31)] = 0
    """How many groups and physical volumes there ever were: so no two get one identifier."""
