"""Pools, backing devices and media of a Virtual I/O Server, and the files they are kept in.

    <directory>/vios.json            what there is (`state_file`)
    <directory>/pools/POOL/NAME      backing devices of rootvg and of file pools
    <directory>/VMLibrary/NAME       virtual optical media

A pool's size bounds what its devices have together; files need room of the host where something
was written to them.  Logical volumes of other groups lie on physical volumes (`groups`); what a
file pool or the repository has of such a group is theirs there, although their files lie here.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from pyphyp.raw_file import MediaError, RawFile

from .records import (
    ALLOCATION_MB,
    MIB,
    ROOTVG,
    BackingDevice,
    FullError,
    Medium,
    Pool,
    PoolKind,
    Repository,
    ViosError,
    check_name,
)
from .volumes import free_partitions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hypervisor.scsi.backing import Backing

    from .groups import VolumeGroups
    from .records import ViosState
    from .state_file import Kept

_SECTOR = 2048
LIBRARY = "VMLibrary"
_DEVICE_NAME = re.compile(r"(hdisk|cd|rmt|vhost|vfchost|vtscsi|vtopt|vttape|sas|fcs|fscsi|ent)\d+")


class Storage:
    """What is kept in `kept`; `rootvg` has so many mebibytes.  Raises `ViosError`."""

    def __init__(self, kept: Kept, groups: VolumeGroups, rootvg: int) -> None:
        self._kept, self.groups = kept, groups
        self._directory = kept.directory
        self._rootvg = rootvg

    @property
    def state(self) -> ViosState:
        return self._kept.state

    def keep(self, state: ViosState) -> None:
        """Have `state` be what there is, now and after a restart."""
        self._kept.keep(state)

    def close(self) -> None:
        self.groups.close()
        self._kept.close()

    # -- pools -----------------------------------------------------------------------------

    @property
    def pools(self) -> tuple[Pool, ...]:
        """All of them, rootvg first."""
        whole = {ROOTVG: self._rootvg}
        whole |= {its.name: its.partitions * its.partition_mb for its in self.groups.all}
        kind = PoolKind.LOGICAL_VOLUMES
        of_volumes = (Pool(name, kind, size, name) for name, size in whole.items())
        return (*of_volumes, *self.state.pools)

    @property
    def names(self) -> set[str]:
        """Those of pools and backing devices."""
        return {its.name for its in self.pools} | {its.name for its in self.state.devices}

    def step(self, pool: Pool) -> int:
        """What is made in a pool has so many mebibytes, or a multiple."""
        group = self.groups.find(pool.parent)
        return ALLOCATION_MB if group is None else group.partition_mb

    def pool(self, name: str | None) -> Pool:
        """The pool `name`, or the default one."""
        wanted = name or self.state.default_pool
        for pool in self.pools:
            if pool.name == wanted:
                return pool
        raise ViosError(f'Storage pool "{wanted}" does not exist.')

    def free(self, pool: Pool) -> int:
        """Mebibytes of a pool that nothing has."""
        if (group := self.groups.find(pool.name)) is not None:
            return free_partitions(self.state, group) * group.partition_mb
        taken = sum(its.size for its in self.devices_of(pool))
        taken += sum(its.size for its in self.state.pools if its.parent == pool.name)
        if (repository := self.state.repository) is not None and repository.parent == pool.name:
            taken += repository.size
        return pool.size - taken

    def devices_of(self, pool: Pool) -> list[BackingDevice]:
        return [device for device in self.state.devices if device.pool == pool.name]

    def _room(self, pool: Pool, size: int) -> int:
        """`size` in the pool's steps, if it has so much."""
        if pool.kind is PoolKind.LOGICAL_VOLUMES:
            step = self.step(pool)
            size = -(-size // step) * step
        if size > self.free(pool):
            raise ViosError(
                f'Storage pool "{pool.name}" does not have enough free space: '
                f"{size} MB are needed, {self.free(pool)} MB are free."
            )
        return size

    def make_pool(self, name: str, parent: str, size: int) -> Pool:
        """A file pool within a pool of logical volumes."""
        self._check_new(name)
        within = self._parent(parent)
        pool = Pool(name, PoolKind.FILES, self._room(within, size), within.name)
        state = self._with_volume(name, within, pool.size, "jfs2")
        self._make_directory(self._path(pool))
        self.keep(replace(state, pools=(*state.pools, pool)))
        return pool

    def grow_pool(self, name: str, size: int) -> Pool:
        """Let a file pool have so many mebibytes more."""
        pool = self.pool(name)
        if pool.kind is not PoolKind.FILES:
            raise ViosError(f'Storage pool "{name}" is not a file storage pool.')
        within = self.pool(pool.parent)
        grown = replace(pool, size=pool.size + self._room(within, size))
        state = self._with_volume(name, within, grown.size - pool.size, "jfs2")
        pools = tuple(grown if its is pool else its for its in state.pools)
        self.keep(replace(state, pools=pools))
        return grown

    def _check_new(self, name: str) -> None:
        """Raise `ViosError` unless a pool or logical volume may have the name."""
        check_name(name)
        if any(pool.name == name for pool in self.pools):
            raise ViosError(f'Storage pool "{name}" already exists.')
        if any(its.name == name for its in self.state.devices):
            raise ViosError(f'Backing device "{name}" already exists.')
        if name == LIBRARY or _DEVICE_NAME.fullmatch(name):
            raise ViosError(f'"{name}" is the name of a device.')

    def _with_volume(
        self, name: str, pool: Pool, size: int, kind: str, on: Sequence[str] = ()
    ) -> ViosState:
        """The state with so much more of a volume group, where the pool is one."""
        if (group := self.groups.find(pool.name)) is not None:
            return self.groups.with_room(name, group, size, kind=kind, on=on)
        if on:
            raise ViosError(f'Volume group "{pool.name}" has one physical volume.')
        return self.state

    def _without_volume(self, name: str) -> ViosState:
        """The state without what `name` has of a volume group, if anything."""
        state = self.state
        return replace(state, volumes=tuple(its for its in state.volumes if its.name != name))

    def remove_pool(self, name: str) -> None:
        pool = self.pool(name)
        if pool.name == ROOTVG:
            raise ViosError(f'Storage pool "{ROOTVG}" cannot be removed.')
        if pool.kind is not PoolKind.FILES:
            raise ViosError(
                f'Storage pool "{name}" is not a file storage pool: chsp -rm takes its physical '
                "volumes, and with the last one it is gone."
            )
        if self.devices_of(pool):
            raise ViosError(f'Storage pool "{name}" contains backing devices.')
        default = self.state.default_pool
        default = ROOTVG if default == name else default
        pools = tuple(its for its in self.state.pools if its.name != name)
        self.keep(replace(self._without_volume(name), pools=pools, default_pool=default))
        shutil.rmtree(self._path(pool), ignore_errors=True)

    def make_default(self, name: str) -> None:
        self.keep(replace(self.state, default_pool=self.pool(name).name))

    def _parent(self, name: str) -> Pool:
        pool = self.pool(name)
        if pool.kind is not PoolKind.LOGICAL_VOLUMES:
            raise ViosError(f'Storage pool "{name}" is not a logical volume storage pool.')
        return pool

    # -- backing devices -------------------------------------------------------------------

    def device(self, name: str, pool: str | None = None) -> BackingDevice:
        """A backing device, of whatever pool if none is named."""
        for device in self.state.devices:
            if device.name == name and pool in (None, device.pool):
                return device
        raise ViosError(f'Backing device "{name}" does not exist.')

    def make_device(
        self, name: str, pool: Pool, size: int, *, kind: str = "jfs", on: Sequence[str] = ()
    ) -> BackingDevice:
        """A file, or a logical volume; `on`: only on these physical volumes."""
        self._check_new(name)
        device = BackingDevice(name, pool.name, self._room(pool, size))
        state = self._with_volume(name, pool, device.size, kind, on)
        if self.groups.find(pool.name) is None:
            self._make_file(self.path_of(device), device.size * MIB)
        self.keep(replace(state, devices=(*state.devices, device)))
        return device

    def grow_device(
        self, device: BackingDevice, size: int, *, on: Sequence[str] = ()
    ) -> BackingDevice:
        """Let it have so many mebibytes more, which are zeros."""
        pool = self.pool(device.pool)
        grown = replace(device, size=device.size + self._room(pool, size))
        state = self._with_volume(device.name, pool, grown.size - device.size, "", on)
        if self.groups.find(pool.name) is None:
            path = self.path_of(device)
            try:
                os.truncate(path, grown.size * MIB)
            except OSError as wrong:
                raise ViosError(f"{path}: {wrong.strerror}") from None
        devices = tuple(grown if its is device else its for its in state.devices)
        self.keep(replace(state, devices=devices))
        return grown

    def remove_device(self, device: BackingDevice) -> None:
        devices = tuple(its for its in self.state.devices if its is not device)
        self.keep(replace(self._without_volume(device.name), devices=devices))
        if self.groups.find(device.pool) is None:
            self._remove(self.path_of(device))

    def content(self, device: BackingDevice) -> Backing:
        """What is in it, open; raises `ViosError`."""
        if (volume := self.groups.volume(device.name)) is not None:
            return self.groups.open(volume)
        try:
            return RawFile(self.path_of(device))
        except MediaError as wrong:
            raise ViosError(str(wrong)) from None

    def path_of(self, device: BackingDevice) -> Path:
        return self._directory / "pools" / device.pool / device.name

    def _path(self, pool: Pool) -> Path:
        return self._directory / "pools" / pool.name

    # -- the repository --------------------------------------------------------------------

    @property
    def repository(self) -> Repository:
        if (repository := self.state.repository) is None:
            raise ViosError("The virtual media repository does not exist.")
        return repository

    @property
    def repository_free(self) -> int:
        return self.repository.size - sum(self.size_of(its) for its in self.state.media)

    def make_repository(self, parent: str, size: int) -> None:
        if self.state.repository is not None:
            raise ViosError("The virtual media repository already exists.")
        within = self._parent(parent)
        repository = Repository(within.name, self._room(within, size))
        state = self._with_volume(LIBRARY, within, repository.size, "jfs2")
        self._make_directory(self._directory / LIBRARY)
        self.keep(replace(state, repository=repository))

    def grow_repository(self, size: int) -> None:
        had = self.repository
        within = self.pool(had.parent)
        more = self._room(within, size)
        state = self._with_volume(LIBRARY, within, more, "jfs2")
        self.keep(replace(state, repository=Repository(had.parent, had.size + more)))

    def remove_repository(self, *, force: bool) -> None:
        _ = self.repository
        if self.state.media and not force:
            raise ViosError("The virtual media repository contains media; -f removes it with them.")
        self.keep(replace(self._without_volume(LIBRARY), repository=None, media=()))
        shutil.rmtree(self._directory / LIBRARY, ignore_errors=True)

    def medium(self, name: str) -> Medium:
        for medium in self.state.media:
            if medium.name == name:
                return medium
        raise ViosError(f'Virtual optical media "{name}" does not exist.')

    def medium_path(self, medium: Medium) -> Path:
        return self._directory / LIBRARY / medium.name

    def size_of(self, medium: Medium) -> int:
        """In mebibytes, the last begun one included."""
        try:
            return -(-self.medium_path(medium).stat().st_size // MIB)
        except OSError:
            return 0

    def make_medium(self, name: str, *, source: Path | None, size: int, read_only: bool) -> Medium:
        """A copy of the image `source`, or a blank one of `size` mebibytes."""
        check_name(name)
        _ = self.repository
        if any(its.name == name for its in self.state.media):
            raise ViosError(f'Virtual optical media "{name}" already exists.')
        if source is not None:
            size = -(-self._image_size(source) // MIB)
        if size > self.repository_free:
            raise FullError(
                f"The virtual media repository does not have enough free space: {size} MB are "
                f"needed, {self.repository_free} MB are free."
            )
        medium = Medium(name, read_only)
        path = self.medium_path(medium)
        if source is None:
            self._make_file(path, size * MIB)
        else:
            try:
                shutil.copyfile(source, path)
            except OSError as wrong:
                self._remove(path)
                raise ViosError(f"{source}: {wrong.strerror}") from None
        self.keep(replace(self.state, media=(*self.state.media, medium)))
        return medium

    @staticmethod
    def _image_size(source: Path) -> int:
        try:
            size = source.stat().st_size if source.is_file() else 0
        except OSError as wrong:
            raise ViosError(f"{source}: {wrong.strerror}") from None
        if not size or size % _SECTOR:
            raise ViosError(f"{source} is not an image of a disc.")
        return size

    def change_medium(self, medium: Medium, changed: Medium) -> None:
        check_name(changed.name)
        if changed.name != medium.name:
            if any(its.name == changed.name for its in self.state.media):
                raise ViosError(f'Virtual optical media "{changed.name}" already exists.')
            self.medium_path(medium).rename(self.medium_path(changed))
        media = tuple(changed if its is medium else its for its in self.state.media)
        self.keep(replace(self.state, media=media))

    def remove_medium(self, medium: Medium) -> None:
        media = tuple(its for its in self.state.media if its is not medium)
        self.keep(replace(self.state, media=media))
        self._remove(self.medium_path(medium))

    # -- files -----------------------------------------------------------------------------

    def _make_file(self, path: Path, size: int) -> None:
        self._make_directory(path.parent)
        try:
            with path.open("xb") as file:
                os.truncate(file.fileno(), size)
        except OSError as wrong:
            raise ViosError(f"{path}: {wrong.strerror}") from None

    @staticmethod
    def _make_directory(path: Path) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as wrong:
            raise ViosError(f"{path}: {wrong.strerror}") from None

    @staticmethod
    def _remove(path: Path) -> None:
        with contextlib.suppress(OSError):
            path.unlink()
