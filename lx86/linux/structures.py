"""Structures of the program's, as i386 lays them out (Linux's headers of that architecture)."""

from __future__ import annotations

import errno
import struct
from typing import TYPE_CHECKING

from .call import refuse

if TYPE_CHECKING:
    import os

    from lx86.storage import Storage

_STAT64 = struct.Struct("<Q4xIIIIIQ4xqIQ6IQ")
_STAT = struct.Struct("<II4H4I6I8x")
_STATFS64 = struct.Struct("<2I5Q2I3I16x")
_STATFS = struct.Struct("<2I5I2I3I16x")
_WORD = 0xFFFF_FFFF
NANO = 1_000_000_000


def stat64(status: os.stat_result) -> bytes:
    """struct stat64."""
    return _STAT64.pack(
        status.st_dev, status.st_ino & _WORD, status.st_mode, status.st_nlink, status.st_uid,
        status.st_gid, status.st_rdev, status.st_size, status.st_blksize, status.st_blocks,
        *_times(status), status.st_ino,
    )  # fmt: skip


def stat32(status: os.stat_result) -> bytes:
    """struct stat; raises OSError (EOVERFLOW) if something does not fit in it."""
    if status.st_size > 0x7FFF_FFFF or status.st_ino > _WORD:
        refuse(errno.EOVERFLOW)
    return _STAT.pack(
        status.st_dev & _WORD, status.st_ino, status.st_mode, status.st_nlink & 0xFFFF,
        min(status.st_uid, 0xFFFE), min(status.st_gid, 0xFFFE), status.st_rdev & _WORD,
        status.st_size, status.st_blksize, status.st_blocks & _WORD, *_times(status),
    )  # fmt: skip


def _times(status: os.stat_result) -> list[int]:
    times = (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)
    return [part & _WORD for time in times for part in divmod(time, NANO)]


def statfs(host: bytes, *, wide: bool) -> bytes:
    """struct statfs64 or statfs from a 64-bit host's struct statfs, which is all words of 64."""
    (kind, block, blocks, free, available, files, files_free, one, two, name, fragment, flags) = (
        struct.unpack_from("<2q5Q2i3q", host)
    )
    counts = [blocks, free, available, files, files_free]
    if not wide:
        if any(count > _WORD and count != (1 << 64) - 1 for count in counts):
            refuse(errno.EOVERFLOW)
        counts = [count & _WORD for count in counts]
    form = _STATFS64 if wide else _STATFS
    return form.pack(
        kind & _WORD, block & _WORD, *counts, one & _WORD, two & _WORD, name, fragment, flags
    )


def read_time(storage: Storage, address: int, *, wide: bool) -> int:
    """A struct timespec, or that of time64 calls, in nanoseconds.

    Raises OSError (EINVAL) for one that is negative or has too many nanoseconds.
    """
    form = "<qi4x" if wide else "<ii"
    seconds, nanoseconds = struct.unpack(form, storage.read(address, struct.calcsize(form)))
    if seconds < 0 or not 0 <= nanoseconds < NANO:
        refuse(errno.EINVAL)
    return int(seconds) * NANO + int(nanoseconds)


def write_time(storage: Storage, address: int, nanoseconds: int, *, wide: bool) -> None:
    seconds, rest = divmod(nanoseconds, NANO)
    if wide:
        storage.write(address, struct.pack("<qq", seconds, rest))
    else:
        storage.write(address, struct.pack("<II", seconds & _WORD, rest))


def read_timeval(storage: Storage, address: int) -> int:
    """A struct timeval, in nanoseconds; raises OSError (EINVAL) if it is none."""
    seconds, microseconds = struct.unpack("<ii", storage.read(address, 8))
    if seconds < 0 or not 0 <= microseconds < 1_000_000:
        refuse(errno.EINVAL)
    return int(seconds) * NANO + int(microseconds) * 1000


def timeval(nanoseconds: int) -> bytes:
    seconds, rest = divmod(nanoseconds, NANO)
    return struct.pack("<II", seconds & _WORD, rest // 1000)


def words(storage: Storage, address: int, most: int) -> list[int]:
    """The words up to a 0, as argv has them; raises OSError (E2BIG) behind `most`."""
    found: list[int] = []
    while address and (word := storage.read_word(address)):
        found.append(word)
        address += 4
        if len(found) > most:
            refuse(errno.E2BIG)
    return found


def vectors(storage: Storage, address: int, count: int) -> list[tuple[int, int]]:
    """A struct iovec array: addresses and lengths."""
    if not 0 <= count <= 1024:
        refuse(errno.EINVAL)
    data = storage.read(address, 8 * count) if count else b""
    found = list(struct.iter_unpack("<II", data))
    if sum(length for _, length in found) > 0x7FFF_FFFF:
        refuse(errno.EINVAL)
    return found
