"""Pools, backing devices and media of a Virtual I/O Server, and the files they are kept in.

    <directory>/vios.json            what there is
    <directory>/pools/POOL/NAME      backing devices
    <directory>/VMLibrary/NAME       virtual optical media

A pool's size bounds what its devices have together; files need room of the host where something
was written to them.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from emu.state import StateError, plain, rebuild

from .records import (
    ALLOCATION_MB,
    MIB,
    ROOTVG,
    BackingDevice,
    Medium,
    Pool,
    PoolKind,
    Repository,
    ViosError,
    ViosState,
    check_name,
)

if TYPE_CHECKING:
    from pathlib import Path

_FORMAT = 1
_SECTOR = 2048


class Storage:
    """What is kept in `directory`; `rootvg` has so many mebibytes.  Raises `ViosError`.

    No other machine has it meanwhile; `close` it.
    """

    def __init__(self, directory: Path, rootvg: int) -> None:
        self._directory = directory
        self._rootvg = rootvg
        self.state = ViosState()
        self._lock = _locked(directory)
        try:
            self._read(directory / "vios.json")
        except ViosError:
            self.close()
            raise

    def close(self) -> None:
        """Others may have it."""
        os.close(self._lock)

    def _read(self, file: Path) -> None:
        try:
            text = file.read_bytes()
        except FileNotFoundError:
            return
        except OSError as wrong:
            raise ViosError(f"{file}: {wrong.strerror}") from None
        try:
            content = json.loads(text)
            if not isinstance(content, dict) or content.pop("format", None) != _FORMAT:
                raise StateError("another format")
            self.state = rebuild(ViosState, content, "vios")
            for names in (self.state.pools, self.state.devices, self.state.media):
                for its in names:
                    check_name(its.name)
        except (ValueError, StateError, RecursionError, ViosError) as wrong:
            raise ViosError(f"{file} does not describe a Virtual I/O Server: {wrong}") from None

    def keep(self, state: ViosState) -> None:
        """Have `state` be what there is, now and after a restart."""
        content = plain(state)
        assert isinstance(content, dict)
        file, part = self._directory / "vios.json", self._directory / "vios.json.new"
        try:
            with part.open("w", encoding="utf-8") as new:
                new.write(json.dumps({"format": _FORMAT, **content}, indent=1) + "\n")
                new.flush()
                os.fsync(new.fileno())
            part.replace(file)
        except OSError as wrong:
            raise ViosError(f"{file}: {wrong.strerror}") from None
        self.state = state

    # -- pools -----------------------------------------------------------------------------

    @property
    def pools(self) -> tuple[Pool, ...]:
        """All of them, rootvg first."""
        root = Pool(ROOTVG, PoolKind.LOGICAL_VOLUMES, self._rootvg, ROOTVG)
        return (root, *self.state.pools)

    def pool(self, name: str | None) -> Pool:
        """The pool `name`, or the default one."""
        wanted = name or self.state.default_pool
        for pool in self.pools:
            if pool.name == wanted:
                return pool
        raise ViosError(f'Storage pool "{wanted}" does not exist.')

    def free(self, pool: Pool) -> int:
        """Mebibytes of a pool that nothing has."""
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
            size = -(-size // ALLOCATION_MB) * ALLOCATION_MB
        if size > self.free(pool):
            raise ViosError(
                f'Storage pool "{pool.name}" does not have enough free space: '
                f"{size} MB are needed, {self.free(pool)} MB are free."
            )
        return size

    def make_pool(self, name: str, parent: str, size: int) -> Pool:
        """A file pool within a pool of logical volumes."""
        check_name(name)
        if any(pool.name == name for pool in self.pools):
            raise ViosError(f'Storage pool "{name}" already exists.')
        within = self._parent(parent)
        pool = Pool(name, PoolKind.FILES, self._room(within, size), within.name)
        self._make_directory(self._path(pool))
        self.keep(replace(self.state, pools=(*self.state.pools, pool)))
        return pool

    def remove_pool(self, name: str) -> None:
        pool = self.pool(name)
        if pool.name == ROOTVG:
            raise ViosError(f'Storage pool "{ROOTVG}" cannot be removed.')
        if self.devices_of(pool):
            raise ViosError(f'Storage pool "{name}" contains backing devices.')
        default = self.state.default_pool
        default = ROOTVG if default == name else default
        pools = tuple(its for its in self.state.pools if its.name != name)
        self.keep(replace(self.state, pools=pools, default_pool=default))
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

    def make_device(self, name: str, pool: Pool, size: int) -> BackingDevice:
        check_name(name)
        if any(its.name == name for its in self.state.devices):
            raise ViosError(f'Backing device "{name}" already exists.')
        device = BackingDevice(name, pool.name, self._room(pool, size))
        self._make_file(self.path_of(device), device.size * MIB)
        self.keep(replace(self.state, devices=(*self.state.devices, device)))
        return device

    def remove_device(self, device: BackingDevice) -> None:
        devices = tuple(its for its in self.state.devices if its is not device)
        self.keep(replace(self.state, devices=devices))
        self._remove(self.path_of(device))

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
        self._make_directory(self._directory / "VMLibrary")
        self.keep(replace(self.state, repository=repository))

    def grow_repository(self, size: int) -> None:
        had = self.repository
        more = self._room(self.pool(had.parent), size)
        grown = Repository(had.parent, had.size + more)
        self.keep(replace(self.state, repository=grown))

    def remove_repository(self, *, force: bool) -> None:
        _ = self.repository
        if self.state.media and not force:
            raise ViosError("The virtual media repository contains media; -f removes it with them.")
        self.keep(replace(self.state, repository=None, media=()))
        shutil.rmtree(self._directory / "VMLibrary", ignore_errors=True)

    def medium(self, name: str) -> Medium:
        for medium in self.state.media:
            if medium.name == name:
                return medium
        raise ViosError(f'Virtual optical media "{name}" does not exist.')

    def medium_path(self, medium: Medium) -> Path:
        return self._directory / "VMLibrary" / medium.name

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
            raise ViosError(
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


def _locked(directory: Path) -> int:
    """The directory, made if need be, which nobody else has locked."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as wrong:
        raise ViosError(f"{directory}: {wrong.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise ViosError(f"{directory} is in use by another machine") from None
    return lock
