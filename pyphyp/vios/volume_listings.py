"""Commands that show volume groups and logical volumes: lsvg and lslv."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .records import ViosError
from .shell import Call, CommandGroup, Listing, UsageError, check_at_most_one
from .view import (
    View,
    distribution,
    group_names,
    in_pairs,
    is_open,
    mount_point,
    regions,
    view,
    volume_state,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .engine import Vios
    from .records import LogicalVolume

commands = CommandGroup()


# -- lsvg --------------------------------------------------------------------------------------


@commands.define(
    "lsvg",
    "Lists volume groups, or shows one.",
    "lsvg [-map | -lv | -pv] [-field FieldName...] [-fmt Delimiter] [VolumeGroup...]",
    words=16,
    map=0,
    lv=0,
    pv=0,
    field=None,
    fmt=1,
)
def lsvg(call: Call) -> Iterable[str]:
    vios = call.vios
    check_at_most_one(call, "map", "lv", "pv")
    if not call.words:
        if len(call.flags):
            raise UsageError("A volume group is required.")
        yield from group_names(vios)
        return
    for name in call.words:
        its = view(vios, name)
        if call.has("lv"):
            yield from _group_volumes(call, its)
        elif call.has("pv"):
            yield from _group_disks(call, its)
        elif call.has("map"):
            yield f"{name}:"
            for volume in its.volumes:
                yield from _volume_map(vios, its, volume)
        else:
            yield from _group_block(call, its)


_GROUP_FIELDS = ("vgname", "vgid", "vgstate", "ppsize", "totalpps", "freepps", "usedpps", "numlvs")


def _group_block(call: Call, its: View) -> Iterator[str]:
    group, count = its.group, len(its.volumes)
    total, used = group.partitions, group.partitions - its.free
    size = f"{group.partition_mb} megabyte(s)"
    sizes = (size, its.size(total), its.size(its.free), its.size(used))
    row = (group.name, group.identifier, its.state, *sizes, str(count))
    if (chosen := Listing(_GROUP_FIELDS, [row]).chosen(call)) is not None:
        yield from chosen
        return
    there, disks = len(group.disks) - len(its.missing), len(group.disks)
    opened = sum(is_open(call.vios, volume) for volume in its.volumes)
    yield from in_pairs(
        ("VOLUME GROUP:", group.name, "VG IDENTIFIER:", group.identifier),
        ("VG STATE:", its.state, "PP SIZE:", size),
        ("VG PERMISSION:", "read/write", "TOTAL PPs:", its.size(total)),
        ("MAX LVs:", 256, "FREE PPs:", its.size(its.free)),
        ("LVs:", count, "USED PPs:", its.size(used)),
        ("OPEN LVs:", opened, "QUORUM:", f"{disks} (Enabled)"),
        ("TOTAL PVs:", disks, "VG DESCRIPTORS:", disks),
        ("STALE PVs:", 0, "STALE PPs:", 0),
        ("ACTIVE PVs:", there, "AUTO ON:", "yes"),
        ("HOT SPARE:", "no", "AUTO SYNC:", "no"),
    )


def _group_volumes(call: Call, its: View) -> Iterator[str]:
    rows = []
    for volume in its.volumes:
        disks = len({run.disk for run in volume.runs})
        count, state = str(volume.partitions), volume_state(call.vios, volume)
        where = mount_point(call.vios, volume)
        rows.append((volume.name, volume.kind, count, count, str(disks), state, where))
    fields = ("lvname", "type", "lps", "pps", "pvs", "lvstate", "mount")
    if (chosen := Listing(fields, list(rows)).chosen(call)) is not None:
        yield from chosen
        return
    yield f"{its.group.name}:"
    head = ("LV NAME", "TYPE", "LPs", "PPs", "PVs", "LV STATE", "MOUNT POINT")
    for row in (head, *rows):
        yield "{:<19} {:<10} {:<7} {:<7} {:<4} {:<13} {}".format(*row)


def _group_disks(call: Call, its: View) -> Iterator[str]:
    used = its.used()
    rows = []
    for disk in its.group.disks:
        free = [n for n in range(disk.partitions) if n not in used[disk.identifier]]
        state = "missing" if disk.identifier in its.missing else "active"
        spread = distribution(free, disk.partitions)
        rows.append(
            (its.names[disk.identifier], state, str(disk.partitions), str(len(free)), spread)
        )
    fields = ("pvname", "pvstate", "totalpps", "freepps", "distribution")
    if (chosen := Listing(fields, list(rows)).chosen(call)) is not None:
        yield from chosen
        return
    yield f"{its.group.name}:"
    head = ("PV_NAME", "PV STATE", "TOTAL PPs", "FREE PPs", "FREE DISTRIBUTION")
    for row in (head, *rows):
        yield "{:<17} {:<17} {:<11} {:<11} {}".format(*row)


# -- lslv --------------------------------------------------------------------------------------


@commands.define(
    "lslv",
    "Shows a logical volume.",
    "lslv [-map | -pv | -free] [-field FieldName...] [-fmt Delimiter] LogicalVolume",
    words=1,
    map=0,
    pv=0,
    free=0,
    field=None,
    fmt=1,
)
def lslv(call: Call) -> Iterable[str]:
    vios = call.vios
    check_at_most_one(call, "map", "pv", "free")
    if call.has("free"):
        yield from _free_volumes(call)
        return
    if not call.words:
        raise UsageError("A logical volume is required.")
    its, volume = _view_with(vios, call.words[0])
    if call.has("map"):
        yield from _volume_map(vios, its, volume)
        return
    if call.has("pv"):
        yield from _volume_disks(vios, its, volume)
        return
    yield from _volume_block(call, its, volume)


def _free_volumes(call: Call) -> Iterator[str]:
    """Those that can be lent."""
    rows = []
    for name in group_names(call.vios):
        for volume in view(call.vios, name).volumes:
            lent = call.vios.target_of(volume.name) is not None
            if not lent and mount_point(call.vios, volume) == "N/A":
                size = volume.partitions * view(call.vios, name).group.partition_mb
                rows.append((volume.name, str(size), name))
    if (chosen := Listing(("lvname", "size", "vgname"), list(rows)).chosen(call)) is not None:
        yield from chosen
        return
    for row in (("LV NAME", "SIZE(mb)", "VOLUME GROUP"), *rows):
        yield "{:<32} {:>9} {}".format(*row)


def _view_with(vios: Vios, name: str) -> tuple[View, LogicalVolume]:
    for group in group_names(vios):
        its = view(vios, group)
        for volume in its.volumes:
            if volume.name == name:
                return its, volume
    raise ViosError(f'Logical volume "{name}" does not exist.')


def _volume_block(call: Call, its: View, volume: LogicalVolume) -> Iterator[str]:
    number = 1 + its.volumes.index(volume)
    state = ("opened" if is_open(call.vios, volume) else "closed") + "/syncd"
    size = f"{its.group.partition_mb} megabyte(s)"
    identifier = f"{its.group.identifier}.{number}"
    whole = "complete" if not its.missing else "partial"
    count, where = volume.partitions, mount_point(call.vios, volume)
    fields = ("lvname", "vgname", "lvid", "type", "lvstate", "ppsize", "lps", "pps", "mount")
    facts = (identifier, volume.kind, state, size, str(count), str(count), where)
    row = (volume.name, volume.group, *facts)
    if (chosen := Listing(fields, [row]).chosen(call)) is not None:
        yield from chosen
        return
    yield f"{'LOGICAL VOLUME:':<19} {volume.name:<22} {'VOLUME GROUP:':<14} {volume.group}"
    yield f"{'LV IDENTIFIER:':<19} {identifier:<22} {'PERMISSION:':<14} read/write"
    for title, value, other, what in (
        ("VG STATE:", f"{its.state}/{whole}", "LV STATE:", state),
        ("TYPE:", volume.kind, "WRITE VERIFY:", "off"),
        ("MAX LPs:", its.group.partitions, "PP SIZE:", size),
        ("COPIES:", 1, "SCHED POLICY:", "parallel"),
        ("LPs:", count, "PPs:", count),
        ("STALE PPs:", 0, "BB POLICY:", "non-relocatable"),
        ("INTER-POLICY:", "minimum", "RELOCATABLE:", "no"),
        ("MOUNT POINT:", where, "LABEL:", "None"),
    ):
        yield f"{title:<19} {value:<22} {other:<14} {what}"


def _volume_map(vios: Vios, its: View, volume: LogicalVolume) -> Iterator[str]:
    """Which physical partition each logical one is."""
    yield f"{volume.name}:{mount_point(vios, volume)}"
    yield f"{'LP':<5} {'PP1':<4} {'PV1':<17} {'PP2':<4} {'PV2':<17} {'PP3':<4} PV3"
    number = 1
    for run in volume.runs:
        for partition in range(run.first, run.first + run.count):
            yield f"{number:04}  {partition + 1:04} {its.names[run.disk]}"
            number += 1


def _volume_disks(vios: Vios, its: View, volume: LogicalVolume) -> Iterator[str]:
    yield f"{volume.name}:{mount_point(vios, volume)}"
    yield f"{'PV':<17} {'COPIES':<13} {'IN BAND':<13} DISTRIBUTION"
    for disk in its.group.disks:
        its_own = [
            n
            for run in volume.runs
            if run.disk == disk.identifier
            for n in range(run.first, run.first + run.count)
        ]
        if its_own:
            counts = regions(its_own, disk.partitions)
            spread = ":".join(f"{count:03}" for count in counts)
            band = f"{counts[1] * 100 // len(its_own)}%"
            name = its.names[disk.identifier]
            yield f"{name:<17} {len(its_own):03}:000:000   {band:<13} {spread}"
