"""Descriptors: seeking, duplicating, pipes, what is known of the file behind one."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from lx86.linux import structures
from lx86.linux.call import CallGroup, refuse
from lx86.linux.host import checked, lib
from lx86.storage import WRITE

from .transfer import visible

if TYPE_CHECKING:
    from lx86.linux.thread import Thread

calls = CallGroup()
_MEMFD_FLAGS = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING | os.MFD_HUGETLB | 0x18
"""The last are MFD_NOEXEC_SEAL and MFD_EXEC."""


def pair(low: int, high: int) -> int:
    """A 64-bit number from two words, signed."""
    wide = low | high << 32
    return wide - ((wide & 1 << 63) << 1)


@calls.define(6, "close", "f")
def close(thread: Thread, file: int) -> int:
    os.close(visible(thread, file))
    return 0


@calls.define(19, "lseek", "fnx")
def lseek(thread: Thread, file: int, offset: int, whence: int) -> int:
    place = os.lseek(visible(thread, file), offset, whence)
    fits = place <= 0x7FFF_FFFF or thread.process.storage.word == 8
    return place if fits else refuse(errno.EOVERFLOW)


@calls.define(140, "_llseek", "fxxpu")
def llseek(thread: Thread, file: int, high: int, low: int, result: int, whence: int) -> int:
    place = os.lseek(visible(thread, file), pair(low, high), whence)
    thread.process.storage.write(result, place.to_bytes(8, "little"))
    return 0


@calls.define(41, "dup", "f")
def dup(thread: Thread, file: int) -> int:
    new = os.dup(visible(thread, file))
    return thread.process.files.give(new, inherits=True)


def _target(thread: Thread, new: int) -> int:
    return new if 0 <= new < thread.process.files.allowed[0] else refuse(errno.EBADF)


@calls.define(63, "dup2", "ff")
def dup2(thread: Thread, file: int, new: int) -> int:
    visible(thread, file)
    os.fstat(file)
    return os.dup2(file, _target(thread, new)) if file != new else new


@calls.define(330, "dup3", "ffx")
def dup3(thread: Thread, file: int, new: int, flags: int) -> int:
    if file == new or flags & ~os.O_CLOEXEC:
        refuse(errno.EINVAL)
    visible(thread, file)
    os.fstat(file)
    return os.dup2(file, _target(thread, new), inheritable=not flags & os.O_CLOEXEC)


@calls.define(42, "pipe", "p")
def pipe(thread: Thread, files: int) -> int:
    return pipe2(thread, files, 0)


@calls.define(331, "pipe2", "px")
def pipe2(thread: Thread, files: int, flags: int) -> int:
    storage, give = thread.process.storage, thread.process.files.give
    storage.view(files, 8, WRITE)
    ends = os.pipe2(flags | os.O_CLOEXEC)
    given = [give(end, inherits=not flags & os.O_CLOEXEC) for end in ends]
    storage.write(files, b"".join(end.to_bytes(4, "little") for end in given))
    return 0


@calls.define(118, "fsync", "f")
def fsync(thread: Thread, file: int) -> int:
    os.fsync(visible(thread, file))
    return 0


@calls.define(148, "fdatasync", "f")
def fdatasync(thread: Thread, file: int) -> int:
    os.fdatasync(visible(thread, file))
    return 0


@calls.define(36, "sync")
def sync(thread: Thread) -> int:
    os.sync()
    return 0


@calls.define(344, "syncfs", "f")
def syncfs(thread: Thread, file: int) -> int:
    os.fsync(visible(thread, file))
    return 0


@calls.define(93, "ftruncate", "fn")
def ftruncate(thread: Thread, file: int, length: int) -> int:
    return ftruncate64(thread, file, length)


@calls.define(194, "ftruncate64", "fl")
def ftruncate64(thread: Thread, file: int, length: int) -> int:
    os.ftruncate(visible(thread, file), length)
    thread.process.memory.files_were_cut()
    return 0


@calls.define(108, "fstat", "fp")
def fstat(thread: Thread, file: int, result: int) -> int:
    thread.process.storage.write(result, structures.stat32(os.fstat(visible(thread, file))))
    return 0


@calls.define(197, "fstat64", "fp", x64="fstat")
def fstat64(thread: Thread, file: int, result: int) -> int:
    status, storage = os.fstat(visible(thread, file)), thread.process.storage
    storage.write(result, structures.stat64(status, storage.word))
    return 0


@calls.define(250, "fadvise64", "flud")
def fadvise64(thread: Thread, file: int, offset: int, length: int, advice: int) -> int:
    return -int(lib.posix_fadvise(visible(thread, file), offset, length, advice))


@calls.define(272, "fadvise64_64", "flld", x64="fadvise64")
def fadvise64_64(thread: Thread, file: int, offset: int, length: int, advice: int) -> int:
    return -int(lib.posix_fadvise(visible(thread, file), offset, length, advice))


@calls.define(324, "fallocate", "fxll")
def fallocate(thread: Thread, file: int, mode: int, offset: int, length: int) -> int:
    return checked(lib.fallocate(visible(thread, file), mode & 0xFFFF, offset, length))


@calls.define(225, "readahead", "flu")
def readahead(thread: Thread, file: int, offset: int, count: int) -> int:
    kind = os.fstat(visible(thread, file)).st_mode
    if not stat.S_ISREG(kind) and not stat.S_ISBLK(kind):
        refuse(errno.EINVAL)
    return 0


@calls.define(356, "memfd_create", "sx")
def memfd_create(thread: Thread, name: bytes, flags: int) -> int:
    if flags & ~_MEMFD_FLAGS:
        refuse(errno.EINVAL)
    file = os.memfd_create(os.fsdecode(name), flags | os.MFD_CLOEXEC)
    return thread.process.files.give(file, inherits=not flags & 1)


@calls.define(436, "close_range", "uux")
def close_range(thread: Thread, first: int, last: int, flags: int) -> int:
    if last < first or flags & ~6:
        refuse(errno.EINVAL)
    for name in os.listdir("/proc/self/fd"):
        file = int(name)
        if first <= file <= last and file < thread.process.limit:
            try:
                if flags & 4:
                    os.set_inheritable(file, False)
                else:
                    os.close(file)
            except OSError:
                pass  # the directory's own
    return 0
