"""Volume groups as commands show them: rootvg, with its files, looks like the others."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from emu.values import frozen

from . import volumes
from .records import ALLOCATION_MB, ROOTVG, LogicalVolume, Run, VolumeDisk, VolumeGroup
from .storage import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .engine import Vios


@frozen
class View:
    """A volume group as it is shown."""

    group: VolumeGroup
    volumes: tuple[LogicalVolume, ...]
    active: bool
    names: dict[str, str]
    """Of its physical volumes, by identifier."""
    missing: frozenset[str]

    def used(self) -> dict[str, dict[int, str]]:
        return volumes.used_partitions(self.group, self.volumes)

    @property
    def free(self) -> int:
        return self.group.partitions - sum(its.partitions for its in self.volumes)

    def size(self, partitions: int) -> str:
        return f"{partitions} ({partitions * self.group.partition_mb} megabytes)"

    @property
    def state(self) -> str:
        return "active" if self.active else "inactive"


def volume_id(vios: Vios, place: int) -> str:
    """Sixteen digits that a volume is known by which is in no group but rootvg."""
    return volumes.identifier(vios.system, vios.name, place)


def view(vios: Vios, name: str) -> View:
    storage = vios.storage
    if name != ROOTVG:
        group = storage.groups.group(name)
        its = tuple(volumes.volumes_of(storage.state, name))
        names = {disk.identifier: storage.groups.name_of(disk.identifier) for disk in group.disks}
        missing = {disk.identifier for disk in group.disks if not storage.groups.is_there(disk)}
        return View(group, its, storage.groups.is_active(group), names, frozenset(missing))
    disk = VolumeDisk(volume_id(vios, 0), vios.definition.rootvg_mib // ALLOCATION_MB)
    identifier = volumes.identifier(vios.system, vios.name, ROOTVG, digits=32)
    group = VolumeGroup(ROOTVG, identifier, ALLOCATION_MB, (disk,))
    return View(group, _of_rootvg(vios, disk), True, {disk.identifier: "hdisk0"}, frozenset())


def _of_rootvg(vios: Vios, disk: VolumeDisk) -> tuple[LogicalVolume, ...]:
    """Its files as if they lay one behind the other."""
    state = vios.storage.state
    sizes = [(its.name, "jfs", its.size) for its in state.devices if its.pool == ROOTVG]
    sizes += [(its.name, "jfs2", its.size) for its in state.pools if its.parent == ROOTVG]
    if state.repository is not None and state.repository.parent == ROOTVG:
        sizes.append((LIBRARY, "jfs2", state.repository.size))
    found, first = [], 0
    for name, kind, size in sizes:
        run = Run(disk.identifier, first, size // ALLOCATION_MB)
        found.append(LogicalVolume(name, ROOTVG, kind, (run,)))
        first += run.count
    return tuple(found)


def group_names(vios: Vios) -> list[str]:
    return [ROOTVG, *(group.name for group in vios.storage.groups.all)]


def is_open(vios: Vios, volume: LogicalVolume) -> bool:
    """Whether a client has it, or files lie in it."""
    target = vios.target_of(volume.name)
    if target is not None:
        return vios.is_available(target)
    return volume.kind == "jfs2" and mount_point(vios, volume) != "N/A"


def mount_point(vios: Vios, volume: LogicalVolume) -> str:
    if volume.name == LIBRARY:
        return "/var/vio/VMLibrary"
    if any(pool.name == volume.name for pool in vios.storage.state.pools):
        return f"/var/vio/storagepools/{volume.name}"
    return "N/A"


def volume_state(vios: Vios, volume: LogicalVolume) -> str:
    return ("open" if is_open(vios, volume) else "closed") + "/syncd"


def regions(partitions: Iterable[int], total: int) -> list[int]:
    """How many of a disk's partitions lie in each region."""
    counts = Counter(volumes.region_of(its, total) for its in partitions)
    return [counts[n] for n in range(5)]


def distribution(partitions: Iterable[int], total: int) -> str:
    return "..".join(f"{count:02}" for count in regions(partitions, total))


def in_pairs(*pairs: tuple[str, object, str, object]) -> Iterator[str]:
    """Two columns of titles and values."""
    for title, value, other, its in pairs:
        yield f"{title:<19} {value:<24} {other:<16} {its}".rstrip()
