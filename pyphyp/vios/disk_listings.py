"""The command that shows physical volumes: lspv."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.values import frozen
from hypervisor.vio.configuration import Medium as MediumKind

from . import volumes
from .records import ROOTVG, ViosError
from .shell import Call, CommandGroup, Listing, UsageError, check_at_most_one
from .view import View, distribution, group_names, in_pairs, mount_point, view, volume_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .engine import Vios

commands = CommandGroup()


@frozen
class _Disk:
    """A physical volume of the server's."""

    name: str
    identifier: str
    megabytes: int
    group: str | None


def _disks(vios: Vios) -> list[_Disk]:
    groups = vios.storage.groups
    found = [_Disk("hdisk0", volume_id(vios, 0), vios.definition.rootvg_mib, ROOTVG)]
    for its in vios.devices:
        if its.unit.medium is MediumKind.DISK:
            identifier = groups.identifier_of(its.name) or volume_id(vios, its.place)
            found.append(_Disk(its.name, identifier, its.megabytes, groups.owner(its.name)))
    return found


@commands.define(
    "lspv",
    "Lists physical volumes, or shows one.",
    "lspv [-avail | -free | -size] [-field FieldName...] [-fmt Delimiter]",
    "lspv [-map | -lv] PhysicalVolume",
    words=1,
    avail=0,
    free=0,
    size=0,
    map=0,
    lv=0,
    field=None,
    fmt=1,
)
def lspv(call: Call) -> Iterable[str]:
    vios, disks = call.vios, _disks(call.vios)
    check_at_most_one(call, "avail", "free", "size", "map", "lv")
    if call.words:
        if call.has("avail") or call.has("free") or call.has("size"):
            raise UsageError(f"Unexpected argument: {call.words[0]}")
        yield from _one_disk(call, next((its for its in disks if its.name == call.words[0]), None))
        return
    if call.has("map") or call.has("lv"):
        raise UsageError("A physical volume is required.")
    if call.has("avail") or call.has("free") or call.has("size"):
        if not call.has("size"):
            disks = [its for its in disks if its.group is None]
        if call.has("free"):
            disks = [its for its in disks if vios.target_of(its.name) is None]
        rows = [(its.name, its.identifier, str(its.megabytes)) for its in disks]
        if (chosen := Listing(("pvname", "pvid", "size"), list(rows)).chosen(call)) is not None:
            yield from chosen
            return
        for row in (("NAME", "PVID", "SIZE(megabytes)"), *rows):
            yield "{:<15} {:<32} {}".format(*row)
        return
    states = {name: view(vios, name).active for name in group_names(vios)}
    rows4 = [
        (
            its.name,
            its.identifier,
            its.group or "None",
            "active" if its.group is not None and states[its.group] else "",
        )
        for its in disks
    ]
    listing = Listing(("pvname", "pvid", "vgname", "pvstate"), list(rows4))
    if (chosen := listing.chosen(call)) is not None:
        yield from chosen
        return
    for row4 in (("NAME", "PVID", "VG", "STATUS"), *rows4):
        yield "{:<16}{:<34}{:<16} {}".format(*row4).rstrip()


def _one_disk(call: Call, disk: _Disk | None) -> Iterator[str]:
    if disk is None:
        raise ViosError(f'Device "{call.words[0]}" is not a physical volume.')
    if disk.group is None:
        raise ViosError(f'Physical volume "{disk.name}" belongs to no volume group.')
    its = view(call.vios, disk.group)
    total = next(one.partitions for one in its.group.disks if one.identifier == disk.identifier)
    used = its.used()[disk.identifier]
    if call.has("map"):
        yield from _disk_map(call.vios, its, disk, total, used)
        return
    names = list(dict.fromkeys(used[n] for n in sorted(used)))
    if call.has("lv"):
        yield f"{disk.name}:"
        yield f"{'LV NAME':<21} {'LPs':<7} {'PPs':<7} {'DISTRIBUTION':<21} MOUNT POINT"
        for name in names:
            own = [n for n, whose in used.items() if whose == name]
            volume = next(one for one in its.volumes if one.name == name)
            spread, where = distribution(own, total), mount_point(call.vios, volume)
            yield f"{name:<21} {len(own):<7} {len(own):<7} {spread:<21} {where}"
        return
    free = [n for n in range(total) if n not in used]
    yield from in_pairs(
        ("PHYSICAL VOLUME:", disk.name, "VOLUME GROUP:", disk.group),
        ("PV IDENTIFIER:", disk.identifier, "VG IDENTIFIER", its.group.identifier),
        ("PV STATE:", "missing" if disk.identifier in its.missing else "active", "", ""),
        ("STALE PARTITIONS:", 0, "ALLOCATABLE:", "yes"),
        ("PP SIZE:", f"{its.group.partition_mb} megabyte(s)", "LOGICAL VOLUMES:", len(names)),
        ("TOTAL PPs:", its.size(total), "VG DESCRIPTORS:", 1),
        ("FREE PPs:", its.size(len(free)), "HOT SPARE:", "no"),
        ("USED PPs:", its.size(len(used)), "MAX REQUEST:", "8192 kilobytes"),
    )
    yield f"{'FREE DISTRIBUTION:':<19} {distribution(free, total)}"
    yield f"{'USED DISTRIBUTION:':<19} {distribution(used, total)}"
    yield f"{'MIRROR POOL:':<19} None"


def _disk_map(
    vios: Vios, its: View, disk: _Disk, total: int, used: dict[int, str]
) -> Iterator[str]:
    """What is where, in runs that end where a region does."""
    yield f"{disk.name}:"
    head = ("PP RANGE", "STATE", "REGION", "LV NAME", "TYPE", "MOUNT POINT")
    yield "{:<9} {:<7} {:<13} {:<19} {:<10} {}".format(*head)
    first = 0
    for n in range(1, total + 1):
        region = volumes.region_of(first, total)
        if n < total and used.get(n) == used.get(first) and volumes.region_of(n, total) == region:
            continue
        name, where = used.get(first), volumes.REGIONS[region]
        span = f"{first + 1:>3}-{n}"
        if name is None:
            yield f"{span:<9} free    {where}"
        else:
            volume = next(one for one in its.volumes if one.name == name)
            mount = mount_point(vios, volume)
            yield f"{span:<9} used    {where:<13} {name:<19} {volume.kind:<10} {mount}"
        first = n
