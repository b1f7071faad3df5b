"""The pseudo-terminals of a process: the places /dev/pts/N of what its descriptors are open for.

No other is shown: the host's other terminals belong to other people, or to other programs of this
one.  What is opened is opened by way of the descriptor, not by its name on the host (pts(4)); that
serves where the terminal is only looked at, which for a master would count as opening it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = (b"dev", b"pts")
_TERMINALS, _EACH = range(136, 144), 256
"""Major numbers of pseudo-terminals (devices.txt), and how many terminals each has."""
_MASTER = os.makedev(5, 2)
_NUMBER, _PEER = 0x8004_5430, 0x5441
"""TIOCGPTN and TIOCGPTPEER."""


def terminal(file: int) -> int | None:
    """The number of the terminal that a descriptor is open for; None if it is open for none."""
    found = os.fstat(file)
    major = os.major(found.st_rdev)
    if not stat.S_ISCHR(found.st_mode) or major not in _TERMINALS:
        return None
    return (major - _TERMINALS.start) * _EACH + os.minor(found.st_rdev)


def open_terminal(name: bytes, flags: int, limit: int) -> int:
    """Open a terminal by its name in /dev/pts, as open(2).  `limit` is the first hidden descriptor.

    Raises FileNotFoundError where no descriptor below is open for it or for its master.
    """
    for file, number in _open_here(limit):
        if name == b"%d" % number:
            if terminal(file) is not None:
                return _again(file, flags)
            if flags & os.O_PATH:
                return _looked_at(number, flags)
            return int(fcntl.ioctl(file, _PEER, flags | os.O_CLOEXEC))
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _looked_at(number: int, flags: int) -> int:
    file = os.open(b"/dev/pts/%d" % number, flags | os.O_NOFOLLOW | os.O_CLOEXEC)
    if terminal(file) == number:
        return file
    os.close(file)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _again(file: int, flags: int) -> int:
    clean = flags & ~(os.O_NOFOLLOW | os.O_CREAT | os.O_EXCL)
    return os.open(b"/proc/self/fd/%d" % file, clean | os.O_CLOEXEC)


def _open_here(limit: int) -> Iterator[tuple[int, int]]:
    """Descriptors of terminals and of masters, and the terminals' numbers."""
    for file in sorted(map(int, os.listdir("/proc/self/fd"))):
        if file >= limit:
            return
        try:
            number = terminal(file)
            if number is None and os.fstat(file).st_rdev == _MASTER:
                number = int.from_bytes(fcntl.ioctl(file, _NUMBER, bytes(4)), "little")
        except OSError:  # the listing's own descriptor, or a master without a terminal
            continue
        if number is not None:
            yield file, number
