"""Volume groups of a Virtual I/O Server: whose its physical volumes are, and what lies on them.

Physical volumes are found by their labels, whatever `hdisk` they are this time.  A group is
activated with the server, when all of them are there and have their size; else it is not, and what
lies on it is `Defined`.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from hypervisor.scsi.backing import BackingError
from hypervisor.vio.configuration import Medium as MediumKind

from . import volumes
from .error_log import Event
from .records import (
    MIB,
    MOST_PARTITION_MB,
    ROOTVG,
    Label,
    LogicalVolume,
    Run,
    ViosError,
    ViosState,
    VolumeDisk,
    VolumeGroup,
    check_name,
)
from .volume_files import Piece, VolumeFile, label_of, open_disk, write_label
from .watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hypervisor.scsi.backing import Backing

    from .error_log import ErrorLog
    from .paths import Paths
    from .state_file import Kept
    from .units import PhysicalDevice


class VolumeGroups:
    """Those of `server`; `devices` are all of its own, which `paths` lead to.  `close` them.

    What cannot be activated is told to `log`.
    """

    def __init__(
        self,
        kept: Kept,
        devices: Sequence[PhysicalDevice],
        server: str,
        log: ErrorLog,
        paths: Paths,
    ) -> None:
        self._kept, self._server, self._paths = kept, server, paths
        self._devices = {its.name: its for its in devices if its.unit.medium is MediumKind.DISK}
        self._opened: dict[str, Backing] = {}
        """Of physical volumes that are there, by identifier."""
        self._names: dict[str, str] = {}
        """What they are called."""
        self._active: set[str] = set()
        for group in kept.state.groups:
            try:
                self.activate(group)
            except ViosError as wrong:
                log.log(Event.LVM_SA_PVMISS, "LVDD", str(wrong))

    def close(self) -> None:
        for backing in self._opened.values():
            backing.close()
        self._opened.clear()
        self._active.clear()

    # -- looking ---------------------------------------------------------------------------

    @property
    def all(self) -> tuple[VolumeGroup, ...]:
        return self._kept.state.groups

    def find(self, name: str) -> VolumeGroup | None:
        return next((group for group in self.all if group.name == name), None)

    def group(self, name: str) -> VolumeGroup:
        if (group := self.find(name)) is None:
            raise ViosError(f'Volume group "{name}" does not exist.')
        return group

    def is_active(self, group: VolumeGroup) -> bool:
        return group.name in self._active

    def is_there(self, disk: VolumeDisk) -> bool:
        return disk.identifier in self._opened

    def name_of(self, identifier: str) -> str:
        """What a physical volume is called; its identifier where it was never found."""
        return self._names.get(identifier, identifier)

    def identifier_of(self, device: str) -> str | None:
        """The identifier of a physical volume that is in a group."""
        of_groups = {disk.identifier for group in self.all for disk in group.disks}
        its = (one for one, name in self._names.items() if name == device and one in of_groups)
        return next(its, None)

    def group_with(self, device: str) -> VolumeGroup | None:
        """The group that a physical volume belongs to."""
        its = self.identifier_of(device)
        for group in self.all:
            if any(disk.identifier == its for disk in group.disks):
                return group
        return None

    def owner(self, device: str) -> str | None:
        """The name of the group that has a physical volume."""
        if device == "hdisk0":
            return ROOTVG
        group = self.group_with(device)
        return None if group is None else group.name

    def volume(self, name: str) -> LogicalVolume | None:
        return next((its for its in self._kept.state.volumes if its.name == name), None)

    # -- going and coming ------------------------------------------------------------------

    def activate(self, group: VolumeGroup, *, force: bool = False) -> None:
        """Open its physical volumes; `force`: as many as are there, but one at least."""
        wanted = {disk.identifier: disk for disk in group.disks}
        wrong = self._open(wanted, group)
        missing = [its for its in wanted if its not in self._opened]
        if missing and (not force or len(missing) == len(wanted)):
            for identifier in wanted:
                self._close(identifier)
            why = "; ".join(wrong) or "no disk of this server has their labels"
            names = ", ".join(self.name_of(its) for its in missing)
            raise ViosError(f'Volume group "{group.name}" misses {names}: {why}.')
        self._active.add(group.name)

    def _open(self, wanted: dict[str, VolumeDisk], group: VolumeGroup) -> list[str]:
        """Look for physical volumes by their labels; gives what is wrong with them."""
        wrong = []
        copied = set()
        in_use = {self.name_of(its) for its in self._opened}
        for name, device in self._devices.items():
            if name in in_use or device.unit.shared or device.unit.read_only:
                continue
            try:
                backing = self._open_disk(device)
            except ViosError as failed:
                wrong.append(str(failed))
                continue
            try:
                label, _ = label_of(name, backing)
                its = wanted.get(label.disk) if label is not None else None
                if its is not None and its.identifier in self._opened:
                    copied.add(its.identifier)
                    other = self.name_of(its.identifier)
                    raise ViosError(f"{other} and {name} have one label: one is a copy")
                if its is not None:
                    self._names[its.identifier] = name
                    self._take(its, name, backing, group)
            except ViosError as failed:
                wrong.append(str(failed))
            if backing not in self._opened.values():
                backing.close()
        for identifier in copied:
            self._close(identifier)
        return wrong

    def _open_disk(self, device: PhysicalDevice) -> Backing:
        return Watched(open_disk(device), lambda: self._paths.check(device.name))

    def _take(self, disk: VolumeDisk, name: str, backing: Backing, group: VolumeGroup) -> None:
        room = volumes.partitions_of(backing.size, group.partition_mb)
        if room < disk.partitions:
            raise ViosError(
                f"{name}: {self._devices[name].unit.path} has {backing.size} bytes, which is room "
                f"for {room} of its {disk.partitions} physical partitions: it was cut"
            )
        self._opened[disk.identifier] = backing

    def deactivate(self, group: VolumeGroup) -> None:
        self._active.discard(group.name)
        for disk in group.disks:
            self._close(disk.identifier)

    def _close(self, identifier: str) -> None:
        if (backing := self._opened.pop(identifier, None)) is not None:
            backing.close()

    # -- physical volumes ------------------------------------------------------------------

    def make(self, name: str | None, devices: Sequence[str], *, force: bool) -> VolumeGroup:
        """A group of physical volumes; `force`: whatever is on them."""
        taken = {ROOTVG, *(group.name for group in self.all)}
        if name is None:
            name = next(f"vg{n:02}" for n in range(len(taken) + 1) if f"vg{n:02}" not in taken)
        if check_name(name) in taken:
            raise ViosError(f'Volume group "{name}" already exists.')
        count = self._kept.state.volume_count
        identifier = volumes.identifier(self._server, "group", name, count, digits=32)
        opened = self._checked(devices, force=force)
        size = volumes.partition_size(its.size for its in opened.values())
        if size > MOST_PARTITION_MB:
            self._give_back(opened)
            raise ViosError(f'"{devices[0]}" is too large for a volume group.')
        return self._add(None, VolumeGroup(name, identifier, size, ()), opened)

    def extend(self, group: VolumeGroup, devices: Sequence[str], *, force: bool) -> VolumeGroup:
        self.check_active(group)
        return self._add(group, group, self._checked(devices, force=force))

    def _checked(self, devices: Sequence[str], *, force: bool) -> dict[str, Backing]:
        """The files of physical volumes that a group may have."""
        opened: dict[str, Backing] = {}
        try:
            if not devices:
                raise ViosError("A physical volume is required.")
            for name in devices:
                if (owner := self.owner(name)) is not None:
                    raise ViosError(f'"{name}" belongs to volume group "{owner}".')
                if name in opened:
                    raise ViosError(f'"{name}" is named twice.')
                if name not in self._devices:
                    raise ViosError(f'Device "{name}" is not a physical volume.')
                opened[name] = self._open_disk(self._devices[name])
                label, other = label_of(name, opened[name])
                if label is not None and not force:
                    raise ViosError(
                        f'"{name}" has the label of volume group "{label.name}" of '
                        f"{label.server}; -f takes it anyway."
                    )
                if other and not force:
                    raise ViosError(f'"{name}" has content; -f takes it anyway.')
        except ViosError:
            self._give_back(opened)
            raise
        return opened

    @staticmethod
    def _give_back(opened: dict[str, Backing]) -> None:
        for backing in opened.values():
            backing.close()

    def _add(
        self, old: VolumeGroup | None, group: VolumeGroup, opened: dict[str, Backing]
    ) -> VolumeGroup:
        """Have the disks be the group's: first their labels say so, then `vios.json`."""
        state, count = self._kept.state, self._kept.state.volume_count + 1
        added = []
        try:
            for number, (name, backing) in enumerate(opened.items(), start=count):
                room = volumes.partitions_of(backing.size, group.partition_mb)
                if not room:
                    raise ViosError(
                        f'"{name}" has {backing.size} bytes, which is too small for a physical '
                        f"partition of {group.partition_mb} MB and a label."
                    )
                identifier = volumes.identifier(self._server, group.identifier, number)
                added.append(VolumeDisk(identifier, room))
            for disk, (name, backing) in zip(added, opened.items(), strict=True):
                label = Label(disk.identifier, group.identifier, group.name, self._server)
                write_label(name, backing, volumes.label_bytes(label))
            whole = replace(group, disks=(*group.disks, *added))
            groups = (*(its for its in state.groups if its is not old), whole)
            if old is not None:
                groups = tuple(whole if its is old else its for its in state.groups)
            changed = replace(state, groups=groups, volume_count=count + len(added))
            self._kept.keep(changed)
        except ViosError:
            self._give_back(opened)
            raise
        for disk, (name, backing) in zip(added, opened.items(), strict=True):
            self._opened[disk.identifier], self._names[disk.identifier] = backing, name
        self._active.add(whole.name)
        return whole

    def volumes_on(self, group: VolumeGroup, devices: Iterable[str]) -> list[LogicalVolume]:
        """What lies there, if only in part."""
        disks = {self.identifier_in(group, name) for name in devices}
        its = volumes.volumes_of(self._kept.state, group.name)
        return [one for one in its if any(run.disk in disks for run in one.runs)]

    def identifier_in(self, group: VolumeGroup, device: str) -> str:
        """A physical volume of the group; it may be named by its identifier."""
        for disk in group.disks:
            if device in (self.name_of(disk.identifier), disk.identifier):
                return disk.identifier
        raise ViosError(f'"{device}" does not belong to volume group "{group.name}".')

    def reduce(self, group: VolumeGroup, devices: Sequence[str]) -> bool:
        """Take physical volumes out that nothing lies on; gives whether the group is gone."""
        if self.volumes_on(group, devices):
            raise ViosError(f'"{", ".join(devices)}" has logical volumes.')
        gone = {self.identifier_in(group, name) for name in devices}
        rest = tuple(disk for disk in group.disks if disk.identifier not in gone)
        state = self._kept.state
        others = tuple(its for its in state.groups if its is not group)
        if rest:
            smaller = replace(group, disks=rest)
            groups = tuple(smaller if its is group else its for its in state.groups)
            self._kept.keep(replace(state, groups=groups))
        else:
            default = ROOTVG if state.default_pool == group.name else state.default_pool
            self._kept.keep(replace(state, groups=others, default_pool=default))
            self._active.discard(group.name)
        for identifier in gone:
            if (backing := self._opened.get(identifier)) is not None:
                with contextlib.suppress(ViosError):  # what is left there is nobody's
                    write_label(group.name, backing, bytes(volumes.LABEL_BYTES))
                self._close(identifier)
        return not rest

    # -- logical volumes -------------------------------------------------------------------

    def check_active(self, group: VolumeGroup) -> None:
        if not self.is_active(group):
            raise ViosError(f'Volume group "{group.name}" is not active.')

    def with_room(
        self,
        name: str,
        group: VolumeGroup,
        megabytes: int,
        *,
        kind: str = "jfs",
        on: Sequence[str] = (),
    ) -> ViosState:
        """The state with a volume that is larger by so much, or new; its new part is zeros.

        `on`: only on these physical volumes.
        """
        self.check_active(group)
        state, count = self._kept.state, -(-megabytes // group.partition_mb)
        disks = [self.identifier_in(group, its) for its in on]
        disks = disks or [its.identifier for its in group.disks if self.is_there(its)]
        runs = volumes.allocated(state, group, count, disks)
        old = self.volume(name)
        try:
            for piece in self._pieces(group, runs):
                piece.backing.discard(piece.offset, piece.length)
        except BackingError as wrong:
            raise ViosError(str(wrong)) from None
        if old is None:
            made = LogicalVolume(name, group.name, kind, volumes.joined(runs))
            return replace(state, volumes=(*state.volumes, made))
        made = replace(old, runs=volumes.joined((*old.runs, *runs)))
        return replace(state, volumes=tuple(made if its is old else its for its in state.volumes))

    def _pieces(self, group: VolumeGroup, runs: Iterable[Run]) -> list[Piece]:
        size = group.partition_mb * MIB
        pieces = []
        for run in runs:
            if (backing := self._opened.get(run.disk)) is None:
                raise ViosError(
                    f'Physical volume "{self.name_of(run.disk)}" of volume group '
                    f'"{group.name}" is missing.'
                )
            pieces.append(Piece(backing, volumes.offset_of(group, run.first), run.count * size))
        return pieces

    def pieces(self, volume: LogicalVolume) -> list[Piece]:
        """Where a volume's bytes are; raises `ViosError`."""
        group = self.group(volume.group)
        self.check_active(group)
        return self._pieces(group, volume.runs)

    def open(self, volume: LogicalVolume) -> VolumeFile:
        return VolumeFile(volume.name, self.pieces(volume))
