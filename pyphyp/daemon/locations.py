"""Where a machine's socket, lock, log and saved consoles are.

Sockets stand in the user's runtime directory, logs and consoles in his state directory.  Nobody
else may enter the first: it may lie in /tmp, where anyone could have made it before us.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import stat
import warnings
from typing import TYPE_CHECKING

from emu.values import frozen

if TYPE_CHECKING:
    from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SOCKET = ".sock"
_LONGEST_ADDRESS = 107
"""Bytes of a Unix socket's path (unix(7))."""


class LocationError(Exception):
    """A socket cannot be where it should."""


@frozen
class Location:
    """One machine's socket, and what belongs to it."""

    socket: Path

    @property
    def lock(self) -> Path:
        """Held locked by the daemon as long as it lives."""
        return self.socket.with_name(f"{self.socket.name}.lock")

    def owner(self) -> int | None:
        """The process id of the daemon that holds the lock, if one does."""
        try:
            file = open(self.lock, "rb")  # noqa: SIM115 - closed below, whatever happens
        except FileNotFoundError:
            return None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read(20)
                return int(text) if text.isdigit() else 0
        return None


def location(name: str) -> Location:
    """Where machine `name` is found; raises `LocationError`."""
    if not NAME.fullmatch(name):
        raise LocationError(
            f"{name!r} cannot name a socket: letters, digits, '.', '_' and '-', at most 64 "
            "characters would be right; or choose one with --socket PATH"
        )
    return at(runtime_directory() / f"{name}{_SOCKET}")


def at(path: Path) -> Location:
    """A machine whose socket is `path`; raises `LocationError`."""
    path = path.absolute()
    if (length := len(os.fsencode(path))) > _LONGEST_ADDRESS:
        raise LocationError(
            f"{path}: a socket's path has at most {_LONGEST_ADDRESS} bytes, this one {length}; "
            "choose another with --socket PATH"
        )
    return Location(path)


def runtime_directory() -> Path:
    """The directory of sockets, ours alone; made if need be.  Raises `LocationError`."""
    from platformdirs import user_runtime_path

    with warnings.catch_warnings():  # platformdirs warns where it falls back to /tmp
        warnings.simplefilter("ignore")
        directory = user_runtime_path("pyphyp")
    try:
        for each in (directory.parent, directory):
            each.mkdir(mode=0o700, exist_ok=True, parents=True)
    except OSError as wrong:
        raise LocationError(f"{wrong.filename}: {wrong.strerror}") from None
    for each in (directory.parent, directory):
        _check_ours(each)
    return directory


def _check_ours(directory: Path) -> None:
    found = directory.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    if not ours or found.st_mode & 0o022:
        raise LocationError(
            f"{directory} is not yours alone; set XDG_RUNTIME_DIR to a directory that is, or "
            "choose a socket with --socket PATH"
        )


def state_directory(name: str) -> Path:
    """Where machine `name` keeps its log, consoles and dumps; made if need be."""
    from platformdirs import user_state_path

    directory = user_state_path("pyphyp") / (name if NAME.fullmatch(name) else "unnamed")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def running() -> dict[str, Location]:
    """The machines whose daemons answer, by name; those at sockets of their own are not here."""
    found = {}
    for path in sorted(runtime_directory().glob(f"*{_SOCKET}")):
        if answers(path):
            found[path.name.removesuffix(_SOCKET)] = Location(path)
    return found


def answers(path: Path) -> bool:
    """Whether a process listens at `path`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(1)
        try:
            trial.connect(os.fspath(path))
        except OSError:
            return False
    return True
