"""Holding a machine's place: one daemon at a socket, whatever its predecessors left there.

The lock says who runs: the kernel frees it when its process dies, however that happens.  So a
socket without a locked lock is stale, and is replaced.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from typing import TYPE_CHECKING

from .locations import LocationError
from .server import listen

if TYPE_CHECKING:
    import socket
    from pathlib import Path
    from typing import Self

    from .locations import Location


class RunningError(Exception):
    """Another process has the place."""


class Claim:
    """A location that is this process's until `release`, with the socket that listens there."""

    def __init__(self, location: Location, lock: int, listening: socket.socket) -> None:
        self.location, self.listening = location, listening
        self._lock = lock

    @classmethod
    def take(cls, location: Location) -> Self:
        """Raises `RunningError` where a daemon runs, `LocationError` where there can be none."""
        try:
            lock = os.open(location.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as wrong:
            raise LocationError(f"{location.lock}: {wrong.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            _remove_stale(location.socket)
            return cls(location, lock, listen(location.socket))
        except BlockingIOError:
            os.close(lock)
            raise RunningError(f"a machine runs at {location.socket} already") from None
        except OSError as wrong:
            os.close(lock)
            raise LocationError(f"{location.socket}: {wrong.strerror}") from None
        except BaseException:
            os.close(lock)
            raise

    def release(self) -> None:
        """The socket goes; the lock's file stays: who removes one may remove another's."""
        with contextlib.suppress(FileNotFoundError):
            self.location.socket.unlink()
        os.ftruncate(self._lock, 0)
        os.close(self._lock)


def _remove_stale(path: Path) -> None:
    """A socket that a dead daemon left; anything else stays, and is complained about."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise LocationError(f"{path} is there and is no socket; choose another --socket PATH")
        path.unlink()
