"""Commands that change volume groups and logical volumes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .records import ROOTVG, PoolKind, ViosError, check_name
from .shell import Call, CommandGroup, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .records import BackingDevice, VolumeGroup

commands = CommandGroup()

_SIZE = re.compile(r"([1-9][0-9]{0,9})([MmGg])")
_KINDS = ("jfs", "jfs2", "paging", "boot", "sysdump")
_FIRST_NAMES = 1 << 20


def megabytes(text: str) -> int:
    """100m, 10G."""
    if not (found := _SIZE.fullmatch(text)):
        raise UsageError(f"Invalid size: {text}.  A number with m or g is needed: 100m, 10G.")
    size = int(found[1]) << (10 if found[2] in "Gg" else 0)
    if size >= 1 << 31:
        raise UsageError(f"Invalid size: {text} is too large.")
    return size


# -- volume groups -----------------------------------------------------------------------------


def _group(call: Call, name: str) -> VolumeGroup:
    if name == ROOTVG:
        raise ViosError(f'Volume group "{ROOTVG}" has the disk that the server begins from.')
    return call.vios.storage.groups.group(name)


def _changed(command: str, count: int) -> list[str]:
    return [f"0516-1254 {command}: Changing the PVID in the ODM."] * count


def make_group(call: Call, name: str | None, disks: Sequence[str]) -> list[str]:
    storage = call.vios.storage
    if name is not None and name in storage.names:
        raise ViosError(f'"{name}" already exists.')
    call.vios.check_unmapped(disks)
    group = storage.groups.make(name, disks, force=call.has("f"))
    return [group.name, *_changed("mkvg", len(disks))]


def extend_group(call: Call, name: str, disks: Sequence[str]) -> list[str]:
    call.vios.check_unmapped(disks)
    call.vios.storage.groups.extend(_group(call, name), disks, force=call.has("f"))
    return _changed("extendvg", len(disks))


def reduce_group(
    call: Call, name: str, disks: Sequence[str], *, remove_volumes: bool
) -> Iterable[str]:
    storage = call.vios.storage
    group = _group(call, name)
    there = [storage.device(its.name) for its in _removable(call, group, disks, remove_volumes)]
    for device in there:
        yield from _remove(call, device)
    if storage.groups.reduce(storage.groups.group(name), disks):
        yield "ldeletepv: Volume Group deleted since it contains no physical volumes."


def _removable(
    call: Call, group: VolumeGroup, disks: Sequence[str], remove_volumes: bool
) -> list[BackingDevice]:
    """The backing devices that lie on physical volumes, if they may be removed."""
    storage = call.vios.storage
    devices = []
    for volume in storage.groups.volumes_on(group, disks):
        device = next((its for its in storage.state.devices if its.name == volume.name), None)
        if device is None:
            raise ViosError(
                f'"{volume.name}" lies there: remove the file pool or repository first.'
            )
        if not remove_volumes:
            raise ViosError(
                f'Logical volume "{volume.name}" lies there, and must be removed first.'
            )
        call.vios.check_unmapped([device.name])
        devices.append(device)
    return devices


def _remove(call: Call, device: BackingDevice) -> Iterable[str]:
    call.vios.storage.remove_device(device)
    yield f"rmlv: Logical volume {device.name} is removed."


@commands.define(
    "mkvg",
    "Makes a volume group of physical volumes.",
    "mkvg [-f] [-vg VolumeGroup] PhysicalVolume...",
    words=64,
    f=0,
    vg=1,
)
def mkvg(call: Call) -> Iterable[str]:
    if not call.words:
        raise UsageError("A physical volume is required.")
    return make_group(call, call.value("vg"), call.words)


@commands.define(
    "extendvg",
    "Adds physical volumes to a volume group.",
    "extendvg [-f] VolumeGroup PhysicalVolume...",
    words=64,
    f=0,
)
def extendvg(call: Call) -> Iterable[str]:
    if len(call.words) < 2:
        raise UsageError("A volume group and a physical volume are required.")
    return extend_group(call, call.words[0], call.words[1:])


@commands.define(
    "reducevg",
    "Takes physical volumes out of a volume group; the last one takes the group with it.",
    "reducevg [-f] [-rmlv] VolumeGroup PhysicalVolume...",
    words=64,
    f=0,
    rmlv=0,
)
def reducevg(call: Call) -> Iterable[str]:
    if len(call.words) < 2:
        raise UsageError("A volume group and a physical volume are required.")
    if call.has("rmlv") and not call.has("f"):
        raise UsageError("The -rmlv flag needs -f: nobody is asked whether data may be lost.")
    return reduce_group(call, call.words[0], call.words[1:], remove_volumes=call.has("rmlv"))


@commands.define(
    "activatevg",
    "Activates a volume group, and shows clients what lies on it.",
    "activatevg [-f] VolumeGroup",
    words=1,
    f=0,
)
def activatevg(call: Call) -> Iterable[str]:
    if not call.words:
        raise UsageError("A volume group is required.")
    groups = call.vios.storage.groups
    group = _group(call, call.words[0])
    if not groups.is_active(group):
        groups.activate(group, force=call.has("f"))
        call.vios.connect_defined()
    return ()


@commands.define(
    "deactivatevg",
    "Deactivates a volume group: its disks are nobody's until it is activated.",
    "deactivatevg VolumeGroup",
    words=1,
)
def deactivatevg(call: Call) -> Iterable[str]:
    if not call.words:
        raise UsageError("A volume group is required.")
    storage = call.vios.storage
    group = _group(call, call.words[0])
    for device in storage.devices_of(storage.pool(group.name)):
        target = call.vios.target_of(device.name)
        if target is not None and call.vios.is_available(target):
            raise ViosError(f'Logical volume "{device.name}" is open: {target.name} shows it.')
    storage.groups.deactivate(group)
    return ()


# -- logical volumes ---------------------------------------------------------------------------


def _size(text: str) -> int:
    """As `megabytes`; a number alone is mebibytes."""
    return megabytes(f"{text}m" if text.isdecimal() else text)


@commands.define(
    "mklv",
    "Makes a logical volume.",
    "mklv [-lv NewLogicalVolume | -prefix Prefix] [-type Type] VolumeGroup Size "
    "[PhysicalVolume...]",
    words=64,
    lv=1,
    prefix=1,
    type=1,
)
def mklv(call: Call) -> Iterable[str]:
    storage = call.vios.storage
    if len(call.words) < 2:
        raise UsageError("A volume group and a size are required.")
    if call.has("lv") and call.has("prefix"):
        raise UsageError("The -lv and -prefix flags exclude each other.")
    if (kind := call.value("type") or "jfs") not in _KINDS:
        raise UsageError(f"Invalid type: {kind}.  There are {', '.join(_KINDS)}.")
    group, size, *disks = call.words
    pool = storage.pool(group)
    if pool.kind is PoolKind.FILES:
        raise ViosError(f'"{group}" is not a volume group.')
    if (name := call.value("lv")) is None:
        prefix = check_name(call.value("prefix") or "lv")
        numbered = (f"{prefix}{n:02}" for n in range(_FIRST_NAMES))
        name = next(its for its in numbered if its not in storage.names)
    yield storage.make_device(name, pool, _size(size), kind=kind, on=disks).name


def _volume(call: Call, name: str) -> BackingDevice:
    """A backing device that is a logical volume."""
    storage = call.vios.storage
    device = next((its for its in storage.state.devices if its.name == name), None)
    if device is None or storage.pool(device.pool).kind is PoolKind.FILES:
        raise ViosError(f'Logical volume "{name}" does not exist.')
    return device


@commands.define(
    "extendlv",
    "Lets a logical volume have more; the client that has it is told.",
    "extendlv LogicalVolume Size [PhysicalVolume...]",
    words=64,
)
def extendlv(call: Call) -> Iterable[str]:
    if len(call.words) < 2:
        raise UsageError("A logical volume and a size are required.")
    name, size, *disks = call.words
    call.vios.grow(_volume(call, name), _size(size), on=disks)
    return ()


@commands.define(
    "rmlv",
    "Removes logical volumes, and what is on them.",
    "rmlv -f LogicalVolume...",
    words=64,
    f=0,
)
def rmlv(call: Call) -> Iterable[str]:
    if not call.words:
        raise UsageError("A logical volume is required.")
    if not call.has("f"):
        raise UsageError("The -f flag is required: nobody is asked whether data may be lost.")
    devices = [_volume(call, name) for name in dict.fromkeys(call.words)]
    call.vios.check_unmapped(its.name for its in devices)
    for device in devices:
        yield from _remove(call, device)
