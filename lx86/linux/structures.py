"""Structures of the program's, as its architecture lays them out (Linux's headers of both).

Which one that is the size of an address says: `word`, 4 or 8.
"""

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
_STAT_64 = struct.Struct("<3Q3I4xQ3q6Q24x")
_HOST_STATFS_SIZE = 120
_WORD = 0xFFFF_FFFF
NANO = 1_000_000_000


def stat64(status: os.stat_result, word: int) -> bytes:
    """struct stat64; a 64-bit program's struct stat."""
    if word == 8:
        return _STAT_64.pack(
            status.st_dev, status.st_ino, status.st_nlink, status.st_mode, status.st_uid,
            status.st_gid, status.st_rdev, status.st_size, status.st_blksize, status.st_blocks,
            *(part for time in _nanoseconds(status) for part in divmod(time, NANO)),
        )  # fmt: skip
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


def _nanoseconds(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns


def _times(status: os.stat_result) -> list[int]:
    return [part & _WORD for time in _nanoseconds(status) for part in divmod(time, NANO)]


def statfs(host: bytes, word: int, *, wide: bool) -> bytes:
    """struct statfs64 or statfs from a 64-bit host's struct statfs, which is all words of 64."""
    if word == 8:
        return host[:_HOST_STATFS_SIZE]
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
    form = "<qq" if storage.word == 8 else "<qi4x" if wide else "<ii"
    seconds, nanoseconds = struct.unpack(form, storage.read(address, struct.calcsize(form)))
    if seconds < 0 or not 0 <= nanoseconds < NANO:
        refuse(errno.EINVAL)
    return int(seconds) * NANO + int(nanoseconds)


def write_time(storage: Storage, address: int, nanoseconds: int, *, wide: bool) -> None:
    seconds, rest = divmod(nanoseconds, NANO)
    if wide or storage.word == 8:
        storage.write(address, struct.pack("<qq", seconds, rest))
    else:
        storage.write(address, struct.pack("<II", seconds & _WORD, rest))


def read_timeval(storage: Storage, address: int) -> int:
    """A struct timeval, in nanoseconds; raises OSError (EINVAL) if it is none."""
    form = "<qq" if storage.word == 8 else "<ii"
    seconds, microseconds = struct.unpack(form, storage.read(address, 2 * storage.word))
    if seconds < 0 or not 0 <= microseconds < 1_000_000:
        refuse(errno.EINVAL)
    return int(seconds) * NANO + int(microseconds) * 1000


def timeval(nanoseconds: int, word: int) -> bytes:
    seconds, rest = divmod(nanoseconds, NANO)
    if word == 8:
        return struct.pack("<qq", seconds, rest // 1000)
    return struct.pack("<II", seconds & _WORD, rest // 1000)


def words(storage: Storage, address: int, most: int) -> list[int]:
    """The words up to a 0, as argv has them; raises OSError (E2BIG) behind `most`."""
    found: list[int] = []
    while address and (word := storage.read_long(address)):
        found.append(word)
        address += storage.word
        if len(found) > most:
            refuse(errno.E2BIG)
    return found


def vectors(storage: Storage, address: int, count: int) -> list[tuple[int, int]]:
    """A struct iovec array: addresses and lengths."""
    if not 0 <= count <= 1024:
        refuse(errno.EINVAL)
    data = storage.read(address, 2 * storage.word * count) if count else b""
    found = list(struct.iter_unpack("<QQ" if storage.word == 8 else "<II", data))
    if sum(length for _, length in found) >= 1 << 8 * storage.word - 1:
        refuse(errno.EINVAL)
    return found
