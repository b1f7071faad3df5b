"""Who the process is: users and groups, sessions and process groups."""

from __future__ import annotations

import errno
import os
import struct
from typing import TYPE_CHECKING

from lx86.linux.call import CallGroup, refuse

if TYPE_CHECKING:
    from lx86.linux.thread import Thread

calls = CallGroup()
_OVERFLOW = 65534


def _old(number: int) -> int:
    """An identity in 16 bits."""
    return number if number < 0x1_0000 else _OVERFLOW


@calls.define(20, "getpid")
def getpid(thread: Thread) -> int:
    return thread.process.pid


@calls.define(64, "getppid")
def getppid(thread: Thread) -> int:
    return os.getppid()


@calls.define(224, "gettid")
def gettid(thread: Thread) -> int:
    return thread.tid


@calls.define(24, "getuid")
def getuid(thread: Thread) -> int:
    return _old(os.getuid())


@calls.define(47, "getgid")
def getgid(thread: Thread) -> int:
    return _old(os.getgid())


@calls.define(49, "geteuid")
def geteuid(thread: Thread) -> int:
    return _old(os.geteuid())


@calls.define(50, "getegid")
def getegid(thread: Thread) -> int:
    return _old(os.getegid())


@calls.define(199, "getuid32", x64="getuid")
def getuid32(thread: Thread) -> int:
    return os.getuid()


@calls.define(200, "getgid32", x64="getgid")
def getgid32(thread: Thread) -> int:
    return os.getgid()


@calls.define(201, "geteuid32", x64="geteuid")
def geteuid32(thread: Thread) -> int:
    return os.geteuid()


@calls.define(202, "getegid32", x64="getegid")
def getegid32(thread: Thread) -> int:
    return os.getegid()


@calls.define(209, "getresuid32", "ppp", x64="getresuid")
def getresuid32(thread: Thread, real: int, effective: int, saved: int) -> int:
    for address, number in zip((real, effective, saved), os.getresuid(), strict=True):
        thread.process.storage.write_word(address, number)
    return 0


@calls.define(211, "getresgid32", "ppp", x64="getresgid")
def getresgid32(thread: Thread, real: int, effective: int, saved: int) -> int:
    for address, number in zip((real, effective, saved), os.getresgid(), strict=True):
        thread.process.storage.write_word(address, number)
    return 0


@calls.define(205, "getgroups32", "dp", x64="getgroups")
def getgroups32(thread: Thread, size: int, result: int) -> int:
    groups = os.getgroups()
    if not size:
        return len(groups)
    if size < len(groups):
        refuse(errno.EINVAL)
    thread.process.storage.write(result, struct.pack(f"<{len(groups)}I", *groups))
    return len(groups)


@calls.define(206, "setgroups32", "up", x64="setgroups")
def setgroups32(thread: Thread, size: int, groups: int) -> int:
    if size > 65536:
        refuse(errno.EINVAL)
    data = thread.process.storage.read(groups, 4 * size) if size else b""
    os.setgroups(list(struct.unpack(f"<{size}I", data)))
    return 0


@calls.define(213, "setuid32", "d", x64="setuid")
def setuid32(thread: Thread, user: int) -> int:
    os.setuid(user)
    return 0


@calls.define(214, "setgid32", "d", x64="setgid")
def setgid32(thread: Thread, group: int) -> int:
    os.setgid(group)
    return 0


@calls.define(203, "setreuid32", "dd", x64="setreuid")
def setreuid32(thread: Thread, real: int, effective: int) -> int:
    os.setreuid(real, effective)
    return 0


@calls.define(204, "setregid32", "dd", x64="setregid")
def setregid32(thread: Thread, real: int, effective: int) -> int:
    os.setregid(real, effective)
    return 0


@calls.define(208, "setresuid32", "ddd", x64="setresuid")
def setresuid32(thread: Thread, real: int, effective: int, saved: int) -> int:
    os.setresuid(real, effective, saved)
    return 0


@calls.define(210, "setresgid32", "ddd", x64="setresgid")
def setresgid32(thread: Thread, real: int, effective: int, saved: int) -> int:
    os.setresgid(real, effective, saved)
    return 0


@calls.define(215, "setfsuid32", "d", x64="setfsuid")
def setfsuid32(thread: Thread, user: int) -> int:
    return os.geteuid()


@calls.define(216, "setfsgid32", "d", x64="setfsgid")
def setfsgid32(thread: Thread, group: int) -> int:
    return os.getegid()


@calls.define(65, "getpgrp")
def getpgrp(thread: Thread) -> int:
    return os.getpgrp()


@calls.define(132, "getpgid", "d")
def getpgid(thread: Thread, pid: int) -> int:
    return os.getpgid(pid)


@calls.define(57, "setpgid", "dd")
def setpgid(thread: Thread, pid: int, group: int) -> int:
    os.setpgid(pid, group)
    return 0


@calls.define(66, "setsid")
def setsid(thread: Thread) -> int:
    os.setsid()
    return os.getpid()


@calls.define(147, "getsid", "d")
def getsid(thread: Thread, pid: int) -> int:
    return os.getsid(pid)


@calls.define(184, "capget", "pp")
def capget(thread: Thread, header: int, result: int) -> int:
    """No capabilities: what the host's process has is not the program's."""
    storage = thread.process.storage
    if storage.read_word(header) not in (0x1998_0330, 0x2007_1026, 0x2008_0522):
        storage.write_word(header, 0x2008_0522)
        refuse(errno.EINVAL)
    if result:
        storage.write(result, bytes(12 if storage.read_word(header) == 0x1998_0330 else 24))
    return 0


@calls.define(185, "capset", "pp")
def capset(thread: Thread, header: int, data: int) -> int:
    refuse(errno.EPERM)
