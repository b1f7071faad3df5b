"""The processes that came of one run: the only ones its programs may send signals to.

All of them hold a file that nobody else has, by a descriptor that programs do not see; so they
are known by it, whoever their parents are by now.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from typing import TYPE_CHECKING

from .host import queue_by

if TYPE_CHECKING:
    from collections.abc import Iterator


class Relatives:
    """`reserve` is the lowest descriptor that programs do not see."""

    def __init__(self, reserve: int) -> None:
        file = os.memfd_create("lx86", os.MFD_CLOEXEC)
        try:
            self._file = fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, reserve)
        finally:
            os.close(file)
        status = os.fstat(self._file)
        self._identity = status.st_dev, status.st_ino

    def close(self) -> None:
        os.close(self._file)

    def include(self, pid: int) -> bool:
        try:
            status = os.stat(f"/proc/{pid}/fd/{self._file}")
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def signal(self, pid: int, number: int, info: bytes = b"") -> None:
        """Send a signal to one of them, with a siginfo_t; raises `OSError` as kill does."""
        process = os.pidfd_open(pid)  # no other gets its number between the two questions
        try:
            if not self.include(pid):
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
            if info:
                queue_by(process, number, info)
            else:
                signal.pidfd_send_signal(process, number)
        finally:
            os.close(process)

    def group(self, group: int | None) -> list[int]:
        """Those in a process group; None: all others.  Raises `OSError` where there is none."""
        members = [
            pid
            for pid in _processes()
            if (pid != os.getpid() if group is None else _in(group, pid)) and self.include(pid)
        ]
        if not members:
            raise OSError(errno.ESRCH, os.strerror(errno.ESRCH))
        return members


def _processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())


def _in(group: int, pid: int) -> bool:
    try:
        return os.getpgid(pid) == group
    except OSError:  # it has ended
        return False
