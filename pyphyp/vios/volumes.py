"""Volume groups as records: which physical partitions a logical volume has, and which are free.

A physical volume is cut into physical partitions (PPs) of the group's size, behind a mebibyte that
holds its label.  The map of who has which stands in the server's `vios.json` alone: it changes
there together with the backing devices and mappings that speak of it, in one step, where a map on
the disks would be a second truth that could lag behind.  The label says whose a disk is, so that
one that was exchanged, or is another server's, is recognized.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from emu.state import StateError, check, plain, rebuild

from .records import MIB, Label, LogicalVolume, Run, ViosError, ViosState, VolumeGroup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

HEADER = 1 << 20
"""Bytes at the beginning of a physical volume that no client ever sees."""
LABEL_BYTES = 4096
_MAGIC = b"pyphyp physical volume\n"
_SMALLEST_MB, _MOST_PARTITIONS = 4, 1016
"""Of physical partitions: their size, and how many a volume has where a group is made."""
REGIONS = ("outer edge", "outer middle", "center", "inner middle", "inner edge")


# -- labels ------------------------------------------------------------------------------------


def label_bytes(label: Label) -> bytes:
    """A label as the first `LABEL_BYTES` of a disk hold it: three lines, the second a checksum."""
    text = json.dumps(plain(label)).encode()
    return (_MAGIC + b"%08x\n" % zlib.crc32(text) + text + b"\n").ljust(LABEL_BYTES, b"\0")


def read_label(data: bytes) -> Label | None:
    """The label in the first bytes of a disk; None: there is none, or a damaged one.

    Whoever had the disk may have written it: what would not print is no name.
    """
    lines = data[:LABEL_BYTES].split(b"\n")
    if not data.startswith(_MAGIC) or len(lines) < 3 or lines[1] != b"%08x" % zlib.crc32(lines[2]):
        return None
    try:
        label = rebuild(Label, json.loads(lines[2]), "label")
    except (ValueError, RecursionError, StateError):
        return None
    return label if (label.name + label.server).isprintable() else None


def identifier(*parts: object, digits: int = 16) -> str:
    """Hexadecimal digits that follow from `parts`."""
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()[:digits]


# -- sizes -------------------------------------------------------------------------------------


def partition_size(disks: Iterable[int]) -> int:
    """Mebibytes of a physical partition, for disks of so many bytes."""
    size, largest = _SMALLEST_MB, max(disks)
    while largest > size * MIB * _MOST_PARTITIONS:
        size *= 2
    return size


def partitions_of(size: int, partition_mb: int) -> int:
    """How many a disk of `size` bytes has."""
    return max(size - HEADER, 0) // (partition_mb * MIB)


def offset_of(group: VolumeGroup, partition: int) -> int:
    """Where a physical partition, counted from 0, begins on its disk, in bytes."""
    return HEADER + partition * group.partition_mb * MIB


def region_of(partition: int, partitions: int) -> int:
    """In which fifth of its disk a physical partition, counted from 0, lies."""
    return min(partition * 5 // partitions, 4)


# -- who has what ------------------------------------------------------------------------------


def volumes_of(state: ViosState, group: str) -> list[LogicalVolume]:
    return [its for its in state.volumes if its.group == group]


def used_partitions(
    group: VolumeGroup, its_volumes: Iterable[LogicalVolume]
) -> dict[str, dict[int, str]]:
    """Of each physical volume, by its identifier: the used partitions and whose they are."""
    used: dict[str, dict[int, str]] = {its.identifier: {} for its in group.disks}
    for volume in its_volumes:
        for run in volume.runs:
            its = range(run.first, run.first + run.count)
            used[run.disk].update(dict.fromkeys(its, volume.name))
    return used


def free_partitions(state: ViosState, group: VolumeGroup) -> int:
    return group.partitions - sum(its.partitions for its in volumes_of(state, group.name))


def free_runs(state: ViosState, group: VolumeGroup, disks: Sequence[str]) -> Iterator[Run]:
    """What is free, on these disks in this order."""
    used = used_partitions(group, volumes_of(state, group.name))
    sizes = {its.identifier: its.partitions for its in group.disks}
    for disk in disks:
        first = None
        for partition in range(sizes[disk] + 1):
            free = partition < sizes[disk] and partition not in used[disk]
            if free and first is None:
                first = partition
            elif not free and first is not None:
                yield Run(disk, first, partition - first)
                first = None


def allocated(state: ViosState, group: VolumeGroup, count: int, disks: Sequence[str]) -> list[Run]:
    """`count` free partitions, the first ones of these disks; raises `ViosError`."""
    runs: list[Run] = []
    rest = count
    for run in free_runs(state, group, disks) if count else ():
        runs.append(replace(run, count=min(rest, run.count)))
        rest -= runs[-1].count
        if not rest:
            return runs
    size = group.partition_mb
    raise ViosError(
        f'Volume group "{group.name}" does not have enough free space: {count * size} MB are '
        f"needed, {(count - rest) * size} MB are free."
    )


def joined(runs: Iterable[Run]) -> tuple[Run, ...]:
    """The same partitions, with neighbours as one run."""
    whole: list[Run] = []
    for run in runs:
        last = whole[-1] if whole else None
        if last is not None and last.disk == run.disk and last.first + last.count == run.first:
            whole[-1] = replace(last, count=last.count + run.count)
        else:
            whole.append(run)
    return tuple(whole)


def check_volumes(state: ViosState) -> None:
    """Raise `StateError` unless each partition is there and has one owner."""
    groups = {its.name: its for its in state.groups}
    check(len(groups) == len(state.groups), "two volume groups have one name")
    disks = [its.identifier for group in state.groups for its in group.disks]
    check(len(set(disks)) == len(disks), "a physical volume is in two groups")
    check(len({its.name for its in state.volumes}) == len(state.volumes), "a volume is there twice")
    places = []
    for volume in state.volumes:
        check(volume.group in groups, f"{volume.name} has no volume group")
        sizes = {its.identifier: its.partitions for its in groups[volume.group].disks}
        for run in volume.runs:
            check(run.first + run.count <= sizes.get(run.disk, 0), f"{volume.name} is nowhere")
            places.append((run.disk, run.first, run.first + run.count))
    places.sort()
    for (disk, _, end), (other, first, _) in pairwise(places):
        check(disk != other or end <= first, "two volumes have one physical partition")
