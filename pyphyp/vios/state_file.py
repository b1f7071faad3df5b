"""What a Virtual I/O Server keeps over restarts of its machine: `vios.json` in its directory.

The file is written anew and takes the old one's place, so whoever is killed leaves one of them.
"""

from __future__ import annotations

import fcntl
import json
import os
from typing import TYPE_CHECKING

from emu.state import StateError, rebuild

from .record_files import keep
from .records import ViosError, ViosState, check_name
from .volumes import check_volumes

if TYPE_CHECKING:
    from pathlib import Path

_FORMAT = 2
_BEFORE_VOLUMES = 1
"""The format of those who knew no volume groups."""


class Kept:
    """What is kept in `directory`, which no other machine has meanwhile; `close` it.

    Raises `ViosError`.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
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
            form = content.pop("format", None) if isinstance(content, dict) else None
            if form == _BEFORE_VOLUMES:
                content |= {"groups": [], "volumes": [], "volume_count": 0}
            elif form != _FORMAT:
                raise StateError("another format")
            self.state = rebuild(ViosState, content, "vios")
            state = self.state
            for names in (state.pools, state.devices, state.media, state.groups, state.volumes):
                for its in names:
                    check_name(its.name)
            check_volumes(state)
        except (ValueError, StateError, RecursionError, ViosError) as wrong:
            raise ViosError(f"{file} does not describe a Virtual I/O Server: {wrong}") from None

    def keep(self, state: ViosState) -> None:
        """Have `state` be what there is, now and after a restart."""
        keep(self.directory / "vios.json", state, _FORMAT)
        self.state = state


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
