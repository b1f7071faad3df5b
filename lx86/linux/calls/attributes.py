"""Extended attributes.  Links have none that a program may set or see."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from lx86.linux.call import CallGroup, refuse, string
from lx86.linux.host import AT_SYMLINK_NOFOLLOW

from .paths import found, link_to
from .transfer import visible

if TYPE_CHECKING:
    from lx86.linux.thread import Thread

calls = CallGroup()
_LONGEST_NAME, _LARGEST = 255, 65536


def _name(thread: Thread, address: int) -> str:
    name = string(thread.process.storage, address)
    if not 0 < len(name) <= _LONGEST_NAME:
        refuse(errno.ERANGE)
    return os.fsdecode(name)


@calls.define(229, "getxattr", "sppu")
def getxattr(thread: Thread, path: bytes, name: int, result: int, size: int) -> int:
    with found(thread, path) as file:
        return _getxattr(thread, file, name, result, size)


@calls.define(230, "lgetxattr", "sppu")
def lgetxattr(thread: Thread, path: bytes, name: int, result: int, size: int) -> int:
    with found(thread, path, AT_SYMLINK_NOFOLLOW) as file:
        return _getxattr(thread, file, name, result, size)


@calls.define(231, "fgetxattr", "fppu")
def fgetxattr(thread: Thread, file: int, name: int, result: int, size: int) -> int:
    return _getxattr(thread, visible(thread, file), name, result, size)


def _getxattr(thread: Thread, file: int, name: int, result: int, size: int) -> int:
    if stat.S_ISLNK(os.fstat(file).st_mode):
        refuse(errno.ENODATA)
    value = os.getxattr(link_to(file), _name(thread, name))
    return _given(thread, value, result, size)


def _given(thread: Thread, value: bytes, result: int, size: int) -> int:
    if not size:
        return len(value)
    if len(value) > size:
        refuse(errno.ERANGE)
    thread.process.storage.write(result, value)
    return len(value)


@calls.define(232, "listxattr", "spu")
def listxattr(thread: Thread, path: bytes, result: int, size: int) -> int:
    with found(thread, path) as file:
        return _listxattr(thread, file, result, size)


@calls.define(233, "llistxattr", "spu")
def llistxattr(thread: Thread, path: bytes, result: int, size: int) -> int:
    with found(thread, path, AT_SYMLINK_NOFOLLOW) as file:
        return _listxattr(thread, file, result, size)


@calls.define(234, "flistxattr", "fpu")
def flistxattr(thread: Thread, file: int, result: int, size: int) -> int:
    return _listxattr(thread, visible(thread, file), result, size)


def _listxattr(thread: Thread, file: int, result: int, size: int) -> int:
    if stat.S_ISLNK(os.fstat(file).st_mode):
        return 0
    names = os.listxattr(link_to(file))
    value = b"".join(os.fsencode(name) + b"\0" for name in names)
    return _given(thread, value, result, size)


# -- changing ------------------------------------------------------------------------------------


@calls.define(226, "setxattr", "sppux")
def setxattr(thread: Thread, path: bytes, name: int, value: int, size: int, flags: int) -> int:
    with found(thread, path) as file:
        return _setxattr(thread, file, name, value, size, flags)


@calls.define(227, "lsetxattr", "sppux")
def lsetxattr(thread: Thread, path: bytes, name: int, value: int, size: int, flags: int) -> int:
    with found(thread, path, AT_SYMLINK_NOFOLLOW) as file:
        return _setxattr(thread, file, name, value, size, flags)


@calls.define(228, "fsetxattr", "fppux")
def fsetxattr(thread: Thread, file: int, name: int, value: int, size: int, flags: int) -> int:
    return _setxattr(thread, visible(thread, file), name, value, size, flags)


def _may_change(file: int, name: str) -> None:
    """Attributes of the system's (capabilities, ACLs) would be the host's to honour."""
    if stat.S_ISLNK(os.fstat(file).st_mode):
        refuse(errno.EPERM)
    if os.fsencode(name).startswith((b"security.", b"trusted.", b"system.")):
        refuse(errno.EPERM)


def _setxattr(thread: Thread, file: int, name: int, value: int, size: int, flags: int) -> int:
    if flags & ~(os.XATTR_CREATE | os.XATTR_REPLACE):
        refuse(errno.EINVAL)
    named = _name(thread, name)
    if size > _LARGEST:
        refuse(errno.E2BIG)
    data = thread.process.storage.read(value, size) if size else b""
    _may_change(file, named)
    os.setxattr(link_to(file), named, data, flags)
    return 0


@calls.define(235, "removexattr", "sp")
def removexattr(thread: Thread, path: bytes, name: int) -> int:
    with found(thread, path) as file:
        return _removexattr(thread, file, name)


@calls.define(236, "lremovexattr", "sp")
def lremovexattr(thread: Thread, path: bytes, name: int) -> int:
    with found(thread, path, AT_SYMLINK_NOFOLLOW) as file:
        return _removexattr(thread, file, name)


@calls.define(237, "fremovexattr", "fp")
def fremovexattr(thread: Thread, file: int, name: int) -> int:
    return _removexattr(thread, visible(thread, file), name)


def _removexattr(thread: Thread, file: int, name: int) -> int:
    named = _name(thread, name)
    _may_change(file, named)
    os.removexattr(link_to(file), named)
    return 0
