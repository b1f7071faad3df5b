"""Directories: what is in them, making and removing names, where the process is."""

from __future__ import annotations

import errno
import os
import stat
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lx86.linux.call import CallGroup, refuse
from lx86.linux.files import AT_FDCWD
from lx86.linux.host import AT_SYMLINK_NOFOLLOW, checked, ffi, lib
from lx86.storage import WRITE

from .paths import found, link_to
from .transfer import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lx86.linux.thread import Thread

calls = CallGroup()
_AT_REMOVEDIR, _AT_SYMLINK_FOLLOW, _AT_EMPTY_PATH = 0x200, 0x400, 0x1000
_RENAMEAT2 = 316 if os.uname().machine == "x86_64" else 276
_MOST_ENTRIES = 1 << 20


@contextmanager
def _parent(
    thread: Thread, at: int, path: bytes, taken: int = errno.EEXIST
) -> Iterator[tuple[int, bytes]]:
    directory, name = thread.process.files.parent(at, path, taken=taken)
    try:
        yield directory, name
    finally:
        os.close(directory)


@calls.define(220, "getdents64", "fpu")
def getdents64(thread: Thread, file: int, result: int, size: int) -> int:
    storage = thread.process.storage
    size = min(size, _MOST_ENTRIES)
    view = storage.view(result, size, WRITE)
    length = checked(lib.getdents64(visible(thread, file), ffi.from_buffer(view), size))
    storage.written(result, length)
    return length


@calls.define(141, "getdents", "fpu")
def getdents(thread: Thread, file: int, result: int, size: int) -> int:
    """The old form; an inode number that does not fit loses its upper half."""
    storage, size = thread.process.storage, min(size, _MOST_ENTRIES)
    form = struct.Struct("<QQH" if storage.word == 8 else "<IIH")
    most = (1 << 8 * storage.word) - 1
    data = ffi.new("char[]", size)
    length = checked(lib.getdents64(visible(thread, file), data, size))
    entries, source, at = bytearray(), bytes(ffi.buffer(data, length)), 0
    while at < length:
        inode, offset, record, kind = struct.unpack_from("<QqHB", source, at)
        name = source[at + 19 : at + record].split(b"\0")[0]
        new = form.size + len(name) + 2 + storage.word - 1 & -storage.word
        entry = form.pack(inode & most, offset & most, new) + name
        entries += entry.ljust(new - 1, b"\0") + bytes([kind])
        at += record
    storage.write(result, bytes(entries))
    return len(entries)


@calls.define(39, "mkdir", "so")
def mkdir(thread: Thread, path: bytes, mode: int) -> int:
    return mkdirat(thread, AT_FDCWD, path, mode)


@calls.define(296, "mkdirat", "fso")
def mkdirat(thread: Thread, at: int, path: bytes, mode: int) -> int:
    with _parent(thread, at, path) as (directory, name):
        os.mkdir(name, mode & 0o7777, dir_fd=directory)
    return 0


@calls.define(10, "unlink", "s")
def unlink(thread: Thread, path: bytes) -> int:
    return unlinkat(thread, AT_FDCWD, path, 0)


@calls.define(40, "rmdir", "s")
def rmdir(thread: Thread, path: bytes) -> int:
    return unlinkat(thread, AT_FDCWD, path, _AT_REMOVEDIR)


@calls.define(301, "unlinkat", "fsx")
def unlinkat(thread: Thread, at: int, path: bytes, flags: int) -> int:
    if flags & ~_AT_REMOVEDIR:
        refuse(errno.EINVAL)
    if path.startswith(b"/") and not path.strip(b"/"):
        refuse(errno.EBUSY if flags else errno.EISDIR)
    last = path.rstrip(b"/").rpartition(b"/")[2]
    if last in (b".", b".."):
        refuse((errno.EINVAL if last == b"." else errno.ENOTEMPTY) if flags else errno.EISDIR)
    with _parent(thread, at, path, errno.EBUSY) as (directory, name):
        if flags:
            os.rmdir(name, dir_fd=directory)
        else:
            os.unlink(name, dir_fd=directory)
    return 0


@calls.define(38, "rename", "ss")
def rename(thread: Thread, old: bytes, new: bytes) -> int:
    return renameat2(thread, AT_FDCWD, old, AT_FDCWD, new, 0)


@calls.define(302, "renameat", "fsfs")
def renameat(thread: Thread, old_at: int, old: bytes, new_at: int, new: bytes) -> int:
    return renameat2(thread, old_at, old, new_at, new, 0)


@calls.define(353, "renameat2", "fsfsx")
def renameat2(thread: Thread, old_at: int, old: bytes, new_at: int, new: bytes, flags: int) -> int:
    if flags & ~7 or (flags & 2 and flags & 5):
        refuse(errno.EINVAL)
    if {path.rstrip(b"/").rpartition(b"/")[2] for path in (old, new)} & {b".", b".."}:
        refuse(errno.EBUSY)
    with (
        _parent(thread, old_at, old, errno.EBUSY) as (old_directory, old_name),
        _parent(thread, new_at, new, errno.EBUSY) as (new_directory, new_name),
    ):
        if not flags:
            os.rename(old_name, new_name, src_dir_fd=old_directory, dst_dir_fd=new_directory)
            return 0
        names = ffi.new("char[]", old_name), ffi.new("char[]", new_name)
        return checked(
            lib.syscall(
                _RENAMEAT2, ffi.cast("int", old_directory), names[0],
                ffi.cast("int", new_directory), names[1], ffi.cast("unsigned", flags),
            )
        )  # fmt: skip


@calls.define(9, "link", "ss")
def link(thread: Thread, old: bytes, new: bytes) -> int:
    return linkat(thread, AT_FDCWD, old, AT_FDCWD, new, 0)


@calls.define(303, "linkat", "fsfsx")
def linkat(thread: Thread, old_at: int, old: bytes, new_at: int, new: bytes, flags: int) -> int:
    if flags & ~(_AT_SYMLINK_FOLLOW | _AT_EMPTY_PATH):
        refuse(errno.EINVAL)
    follow = 0 if flags & _AT_SYMLINK_FOLLOW else AT_SYMLINK_NOFOLLOW
    with (
        found(thread, old, follow | flags & _AT_EMPTY_PATH, old_at) as file,
        _parent(thread, new_at, new) as (directory, name),
    ):
        os.link(link_to(file), name, dst_dir_fd=directory, follow_symlinks=True)
    return 0


@calls.define(83, "symlink", "ss")
def symlink(thread: Thread, target: bytes, path: bytes) -> int:
    return symlinkat(thread, target, AT_FDCWD, path)


@calls.define(304, "symlinkat", "sfs")
def symlinkat(thread: Thread, target: bytes, at: int, path: bytes) -> int:
    with _parent(thread, at, path) as (directory, name):
        os.symlink(target, name, dir_fd=directory)
    return 0


@calls.define(14, "mknod", "sox")
def mknod(thread: Thread, path: bytes, mode: int, device: int) -> int:
    return mknodat(thread, AT_FDCWD, path, mode, device)


@calls.define(297, "mknodat", "fsox")
def mknodat(thread: Thread, at: int, path: bytes, mode: int, device: int) -> int:
    """Files, FIFOs and sockets; a device would be a way past the root."""
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFIFO, stat.S_IFSOCK):
        real = stat.S_IFMT(mode) in (stat.S_IFDIR, stat.S_IFCHR, stat.S_IFBLK)
        refuse(errno.EPERM if real else errno.EINVAL)
    with _parent(thread, at, path) as (directory, name):
        os.mknod(name, mode & 0xFFFF, dir_fd=directory)
    return 0


# -- where the process is ------------------------------------------------------------------------


@calls.define(12, "chdir", "s")
def chdir(thread: Thread, path: bytes) -> int:
    with found(thread, path) as file:
        thread.process.files.change_directory(file)
    return 0


@calls.define(133, "fchdir", "f")
def fchdir(thread: Thread, file: int) -> int:
    thread.process.files.change_directory(visible(thread, file))
    return 0


@calls.define(183, "getcwd", "pu")
def getcwd(thread: Thread, result: int, size: int) -> int:
    path = thread.process.files.current + b"\0"
    if len(path) > size:
        refuse(errno.ERANGE)
    thread.process.storage.write(result, path)
    return len(path)


@calls.define(60, "umask", "o")
def umask(thread: Thread, mask: int) -> int:
    return os.umask(mask & 0o777)


@calls.define(61, "chroot", "s")
def chroot(thread: Thread, path: bytes) -> int:
    refuse(errno.EPERM)
