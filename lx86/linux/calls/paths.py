"""Files by their paths: opening, asking, and changing what is known of them."""

from __future__ import annotations

import errno
import os
import stat
import struct
from typing import TYPE_CHECKING

from lx86.linux import structures
from lx86.linux.call import CallGroup, refuse, string
from lx86.linux.files import AT_FDCWD
from lx86.linux.host import AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, checked, ffi, lib
from lx86.storage import WRITE

from .transfer import visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from lx86.linux.thread import Thread

from contextlib import contextmanager

calls = CallGroup()
_STATX_SIZE = 256
_NO_AUTOMOUNT, _SYNC_AS = 0x800, (0x2000, 0x4000)
_EMPTY = b""


@contextmanager
def _found(thread: Thread, at: int, path: bytes, flags: int) -> Iterator[int]:
    """A descriptor of what `path` names, as the flags AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW say."""
    files = thread.process.files
    if not path and flags & AT_EMPTY_PATH:
        if at != AT_FDCWD:
            yield visible(thread, at)
            return
        path = b"."
    file = files.find(at, path, follow=not flags & AT_SYMLINK_NOFOLLOW)
    try:
        yield file
    finally:
        os.close(file)


def known(flags: int, *more: int) -> int:
    """Flags of a path: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH and the call's own.

    Raises OSError (EINVAL) for others.
    """
    if flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | sum(more)):
        refuse(errno.EINVAL)
    return flags


def found(
    thread: Thread, path: bytes, flags: int = 0, at: int = AT_FDCWD
) -> AbstractContextManager[int]:
    return _found(thread, at, path, flags)


def link_to(file: int) -> bytes:
    """A path of the host's by which a descriptor's file can be had; never shown to the program."""
    return b"/proc/self/fd/%d" % file


# -- opening -----------------------------------------------------------------------------------


@calls.define(5, "open", "sxo")
def open_(thread: Thread, path: bytes, flags: int, mode: int) -> int:
    return openat(thread, AT_FDCWD, path, flags, mode)


@calls.define(8, "creat", "so")
def creat(thread: Thread, path: bytes, mode: int) -> int:
    return openat(thread, AT_FDCWD, path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)


@calls.define(295, "openat", "fsxo")
def openat(thread: Thread, at: int, path: bytes, flags: int, mode: int) -> int:
    file = thread.process.files.open(at, path, flags, mode)
    if flags & os.O_TRUNC:
        thread.process.memory.files_were_cut()
    return file


# -- asking ------------------------------------------------------------------------------------


@calls.define(195, "stat64", "sp", x64="stat")
def stat64(thread: Thread, path: bytes, result: int) -> int:
    return fstatat64(thread, AT_FDCWD, path, result, 0)


@calls.define(196, "lstat64", "sp", x64="lstat")
def lstat64(thread: Thread, path: bytes, result: int) -> int:
    return fstatat64(thread, AT_FDCWD, path, result, AT_SYMLINK_NOFOLLOW)


@calls.define(300, "fstatat64", "fspx", x64="newfstatat")
def fstatat64(thread: Thread, at: int, path: bytes, result: int, flags: int) -> int:
    storage = thread.process.storage
    with found(thread, path, known(flags, _NO_AUTOMOUNT), at) as file:
        storage.write(result, structures.stat64(os.fstat(file), storage.word))
    return 0


@calls.define(106, "stat", "sp")
def stat_(thread: Thread, path: bytes, result: int) -> int:
    with found(thread, path) as file:
        thread.process.storage.write(result, structures.stat32(os.fstat(file)))
    return 0


@calls.define(107, "lstat", "sp")
def lstat(thread: Thread, path: bytes, result: int) -> int:
    with found(thread, path, AT_SYMLINK_NOFOLLOW) as file:
        thread.process.storage.write(result, structures.stat32(os.fstat(file)))
    return 0


@calls.define(383, "statx", "fsxxp")
def statx(thread: Thread, at: int, path: bytes, flags: int, mask: int, result: int) -> int:
    storage = thread.process.storage
    if mask & 1 << 31:
        refuse(errno.EINVAL)
    storage.view(result, _STATX_SIZE, WRITE)
    known(flags, _NO_AUTOMOUNT, *_SYNC_AS)
    with found(thread, path, flags, at) as file:
        data = ffi.new("char[]", _STATX_SIZE)
        how = AT_EMPTY_PATH | flags & 0x6000
        checked(lib.statx(file, _EMPTY, how, mask, data))
    storage.write(result, bytes(ffi.buffer(data)))
    return 0


@calls.define(33, "access", "sx")
def access(thread: Thread, path: bytes, mode: int) -> int:
    return faccessat2(thread, AT_FDCWD, path, mode, 0)


@calls.define(307, "faccessat", "fsx")
def faccessat(thread: Thread, at: int, path: bytes, mode: int) -> int:
    return faccessat2(thread, at, path, mode, 0)


@calls.define(439, "faccessat2", "fsxx")
def faccessat2(thread: Thread, at: int, path: bytes, mode: int, flags: int) -> int:
    if mode & ~7 or flags & ~0x1300:
        refuse(errno.EINVAL)
    with found(thread, path, flags, at) as file:
        if stat.S_ISLNK(os.fstat(file).st_mode):
            return 0
        if not os.access(link_to(file), mode, effective_ids=bool(flags & 0x200)):
            refuse(errno.EROFS if mode & 2 and _read_only(file) else errno.EACCES)
    return 0


def _read_only(file: int) -> bool:
    return bool(os.fstatvfs(file).f_flag & os.ST_RDONLY)


@calls.define(85, "readlink", "spu")
def readlink(thread: Thread, path: bytes, result: int, size: int) -> int:
    return readlinkat(thread, AT_FDCWD, path, result, size)


@calls.define(305, "readlinkat", "fspu")
def readlinkat(thread: Thread, at: int, path: bytes, result: int, size: int) -> int:
    if not 0 < size <= 0x7FFF_FFFF:
        refuse(errno.EINVAL)
    flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH
    files = thread.process.files
    target = files.virtual_link(at, path) if path else None
    if target is None:
        with found(thread, path, flags, at) as file:
            if not stat.S_ISLNK(os.fstat(file).st_mode):
                refuse(errno.EINVAL if path else errno.ENOENT)
            target = os.readlink(_EMPTY, dir_fd=file)
    thread.process.storage.write(result, target[:size])
    return min(size, len(target))


def _statfs(thread: Thread, file: int, result: int, *, wide: bool) -> int:
    data = ffi.new("char[]", 256)
    checked(lib.fstatfs(file, data))
    storage = thread.process.storage
    storage.write(result, structures.statfs(bytes(ffi.buffer(data)), storage.word, wide=wide))
    return 0


@calls.define(99, "statfs", "sp")
def statfs(thread: Thread, path: bytes, result: int) -> int:
    with found(thread, path) as file:
        return _statfs(thread, file, result, wide=False)


@calls.define(268, "statfs64", "sup")
def statfs64(thread: Thread, path: bytes, size: int, result: int) -> int:
    if size not in (84, 88):
        refuse(errno.EINVAL)
    with found(thread, path) as file:
        return _statfs(thread, file, result, wide=True)


@calls.define(100, "fstatfs", "fp")
def fstatfs(thread: Thread, file: int, result: int) -> int:
    return _statfs(thread, visible(thread, file), result, wide=False)


@calls.define(269, "fstatfs64", "fup")
def fstatfs64(thread: Thread, file: int, size: int, result: int) -> int:
    if size not in (84, 88):
        refuse(errno.EINVAL)
    return _statfs(thread, visible(thread, file), result, wide=True)


# -- changing ----------------------------------------------------------------------------------


@calls.define(15, "chmod", "so")
def chmod(thread: Thread, path: bytes, mode: int) -> int:
    return fchmodat(thread, AT_FDCWD, path, mode)


@calls.define(306, "fchmodat", "fso")
def fchmodat(thread: Thread, at: int, path: bytes, mode: int) -> int:
    with found(thread, path, 0, at) as file:
        os.chmod(link_to(file), mode & 0o7777)
    return 0


@calls.define(452, "fchmodat2", "fsox")
def fchmodat2(thread: Thread, at: int, path: bytes, mode: int, flags: int) -> int:
    with found(thread, path, known(flags), at) as file:
        if stat.S_ISLNK(os.fstat(file).st_mode):
            refuse(errno.EOPNOTSUPP)
        os.chmod(link_to(file), mode & 0o7777)
    return 0


@calls.define(94, "fchmod", "fo")
def fchmod(thread: Thread, file: int, mode: int) -> int:
    os.fchmod(visible(thread, file), mode & 0o7777)
    return 0


@calls.define(298, "fchownat", "fsddx")
def fchownat(thread: Thread, at: int, path: bytes, owner: int, group: int, flags: int) -> int:
    with found(thread, path, known(flags), at) as file:
        ids = owner & 0xFFFF_FFFF, group & 0xFFFF_FFFF
        return checked(lib.fchownat(file, _EMPTY, *ids, AT_EMPTY_PATH))


@calls.define(212, "chown32", "sdd", x64="chown")
def chown32(thread: Thread, path: bytes, owner: int, group: int) -> int:
    return fchownat(thread, AT_FDCWD, path, owner, group, 0)


@calls.define(198, "lchown32", "sdd", x64="lchown")
def lchown32(thread: Thread, path: bytes, owner: int, group: int) -> int:
    return fchownat(thread, AT_FDCWD, path, owner, group, AT_SYMLINK_NOFOLLOW)


@calls.define(207, "fchown32", "fdd", x64="fchown")
def fchown32(thread: Thread, file: int, owner: int, group: int) -> int:
    os.fchown(visible(thread, file), owner, group)
    return 0


def _times(thread: Thread, at: int, path: bytes | None, times: list[int] | None, flags: int) -> int:
    """Set times in nanoseconds; UTIME_NOW and UTIME_OMIT stand for themselves below them."""
    form = None
    if times is not None:
        form = ffi.new("timespec_t[2]")
        for n in range(2):
            form[n].sec, form[n].nsec = times[2 * n], times[2 * n + 1]
    known(flags)
    empty = ffi.NULL if form is None else form
    if path is None:
        path, flags = _EMPTY, flags | AT_EMPTY_PATH
    with found(thread, path, flags, at) as file:
        if stat.S_ISLNK(os.fstat(file).st_mode):
            return checked(lib.utimensat(file, _EMPTY, empty, AT_EMPTY_PATH))
        return checked(lib.utimensat(AT_FDCWD, link_to(file), empty, 0))


@calls.define(320, "utimensat", "fppx")
def utimensat(thread: Thread, at: int, path: int, times: int, flags: int) -> int:
    form = "<qqqq" if thread.process.storage.word == 8 else "<iiii"
    return _utimensat(thread, at, path, times, flags, form)


@calls.define(412, "utimensat_time64", "fppx")
def utimensat_time64(thread: Thread, at: int, path: int, times: int, flags: int) -> int:
    return _utimensat(thread, at, path, times, flags, "<qi4xqi4x")


def _utimensat(thread: Thread, at: int, path: int, times: int, flags: int, form: str) -> int:
    storage = thread.process.storage
    values = None
    if times:
        values = list(struct.unpack(form, storage.read(times, struct.calcsize(form))))
    return _times(thread, at, string(storage, path) if path else None, values, flags)


@calls.define(30, "utime", "sp")
def utime(thread: Thread, path: bytes, times: int) -> int:
    storage, values = thread.process.storage, None
    if times:
        values = [storage.read_long(times), 0, storage.read_long(times + storage.word), 0]
    return _times(thread, AT_FDCWD, path, values, 0)


@calls.define(271, "utimes", "sp")
def utimes(thread: Thread, path: bytes, times: int) -> int:
    return futimesat(thread, AT_FDCWD, path, times)


@calls.define(299, "futimesat", "fsp")
def futimesat(thread: Thread, at: int, path: bytes, times: int) -> int:
    storage, values = thread.process.storage, None
    if times:
        values = []
        for where in (times, times + 2 * storage.word):
            seconds, rest = divmod(structures.read_timeval(storage, where), structures.NANO)
            values += [seconds, rest]
    return _times(thread, at, path, values, 0)


@calls.define(92, "truncate", "sn")
def truncate(thread: Thread, path: bytes, length: int) -> int:
    return truncate64(thread, path, length)


@calls.define(193, "truncate64", "sl")
def truncate64(thread: Thread, path: bytes, length: int) -> int:
    with found(thread, path) as file:
        os.truncate(link_to(file), length)
    thread.process.memory.files_were_cut()
    return 0
