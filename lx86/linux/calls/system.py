"""The system: names, limits, random numbers, and what a process may ask of a scheduler."""

from __future__ import annotations

import errno
import os
import resource
import struct
from typing import TYPE_CHECKING

from lx86.linux.call import CallGroup, refuse
from lx86.linux.host import checked, ffi, lib
from lx86.linux.numbers import RELEASE

if TYPE_CHECKING:
    from lx86.linux.thread import Thread

calls = CallGroup()
_LIMITS = 16
_NOFILE = resource.RLIMIT_NOFILE
_STACK = resource.RLIMIT_STACK


@calls.define(122, "uname", "p")
def uname(thread: Thread, result: int) -> int:
    host = os.uname()
    machine = "x86_64" if thread.process.storage.word == 8 else "i686"
    texts = ["Linux", host.nodename, RELEASE, "#1 SMP Lx86", machine, "(none)"]
    fields = b"".join(os.fsencode(text)[:64].ljust(65, b"\0") for text in texts)
    thread.process.storage.write(result, fields)
    return 0


@calls.define(116, "sysinfo", "p")
def sysinfo(thread: Thread, result: int) -> int:
    page = os.sysconf("SC_PAGE_SIZE")
    with open("/proc/uptime", encoding="ascii") as file:
        uptime = int(float(file.read().split()[0]))
    loads = [int(load * 65536) for load in os.getloadavg()]
    total, free = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_AVPHYS_PAGES")
    unit = page
    fields = (uptime, *loads, total, free, 0, 0, 0, 0)
    storage = thread.process.storage
    letter, mask = ("Q", (1 << 64) - 1) if storage.word == 8 else ("I", 0xFFFF_FFFF)
    words = struct.pack(f"<10{letter}", *(value & mask for value in fields))
    words += struct.pack("<HH4xQQI4x" if storage.word == 8 else "<HHIII8x", 1, 0, 0, 0, unit)
    storage.write(result, words)
    return 0


@calls.define(355, "getrandom", "pux")
def getrandom(thread: Thread, result: int, size: int, flags: int) -> int:
    if flags & ~7:
        refuse(errno.EINVAL)
    size = min(size, 1 << 20)
    thread.process.storage.write(result, thread.process.random(size))
    return size


@calls.define(386, "rseq", "pxxx")
def rseq(thread: Thread, area: int, size: int, flags: int, signature: int) -> int:
    refuse(errno.ENOSYS)


# -- limits --------------------------------------------------------------------------------------


def limit(thread: Thread, which: int) -> tuple[int, int]:
    """Soft and hard limit, 2^64-1 for none; that of descriptors is what the program may have."""
    if not 0 <= which < _LIMITS:
        refuse(errno.EINVAL)
    soft, hard = (value & (1 << 64) - 1 for value in resource.getrlimit(which))
    if which == _NOFILE:
        soft, hard = thread.process.files.allowed
    if which == _STACK:
        soft = min(soft, 8 << 20)
    return soft, hard


def _set_limit(thread: Thread, which: int, soft: int, hard: int) -> None:
    """Set a limit of the host's process; those on its storage would be ours, and are left."""
    if not 0 <= which < _LIMITS or soft > hard:
        refuse(errno.EINVAL)
    if which == _NOFILE:
        files = thread.process.files
        if hard > files.allowed[1]:
            refuse(errno.EPERM)
        files.allowed = (soft, hard)
    ours = (_NOFILE, _STACK, resource.RLIMIT_AS, resource.RLIMIT_DATA)
    if which in ours:
        return
    signed = [value - ((value & 1 << 63) << 1) for value in (soft, hard)]
    resource.setrlimit(which, (signed[0], signed[1]))


@calls.define(191, "ugetrlimit", "up", x64="getrlimit")
def ugetrlimit(thread: Thread, which: int, result: int) -> int:
    storage = thread.process.storage
    most = (1 << 8 * storage.word) - 1
    for n, value in enumerate(limit(thread, which)):
        storage.write_long(result + n * storage.word, min(value, most))
    return 0


@calls.define(76, "getrlimit", "up")
def getrlimit(thread: Thread, which: int, result: int) -> int:
    values = (min(value, 0x7FFF_FFFF) for value in limit(thread, which))
    thread.process.storage.write(result, struct.pack("<II", *values))
    return 0


@calls.define(75, "setrlimit", "up")
def setrlimit(thread: Thread, which: int, new: int) -> int:
    storage = thread.process.storage
    most = (1 << 8 * storage.word) - 1
    values = [storage.read_long(new + n * storage.word) for n in range(2)]
    soft, hard = ((1 << 64) - 1 if value == most else value for value in values)
    _set_limit(thread, which, soft, hard)
    return 0


@calls.define(340, "prlimit64", "dupp")
def prlimit64(thread: Thread, pid: int, which: int, new: int, old: int) -> int:
    storage = thread.process.storage
    if pid not in (0, thread.process.pid):
        refuse(errno.EPERM if os.path.exists(f"/proc/{pid}") else errno.ESRCH)
    before = limit(thread, which)
    if new:
        soft, hard = struct.unpack("<QQ", storage.read(new, 16))
        _set_limit(thread, which, soft, hard)
    if old:
        storage.write(old, struct.pack("<QQ", *before))
    return 0


# -- scheduling ----------------------------------------------------------------------------------


@calls.define(158, "sched_yield")
def sched_yield(thread: Thread) -> int:
    thread.process.yielded = True
    if len(thread.process.threads) == 1:
        os.sched_yield()
    return 0


@calls.define(34, "nice", "d")
def nice(thread: Thread, increment: int) -> int:
    os.nice(max(-40, min(40, increment)))
    return 0


@calls.define(96, "getpriority", "dd")
def getpriority(thread: Thread, which: int, who: int) -> int:
    return 20 - os.getpriority(which, who)


@calls.define(97, "setpriority", "ddd")
def setpriority(thread: Thread, which: int, who: int, priority: int) -> int:
    os.setpriority(which, who, max(-20, min(19, priority)))
    return 0


@calls.define(318, "getcpu", "ppp")
def getcpu(thread: Thread, processor: int, node: int, unused: int) -> int:
    for address in (processor, node):
        if address:
            thread.process.storage.write_word(address, 0)
    return 0


# -- the process's own settings ------------------------------------------------------------------

_BY_THE_HOST = {1, 29, 30, 36, 38, 39}
"""PR_SET_PDEATHSIG, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK, PR_SET_CHILD_SUBREAPER,
PR_SET_NO_NEW_PRIVS and PR_GET_NO_NEW_PRIVS: what they set is the program's alone to suffer."""
_TO_A_WORD = {2, 37}
"""PR_GET_PDEATHSIG, PR_GET_CHILD_SUBREAPER."""
_SET_NAME, _GET_NAME, _GET_DUMPABLE, _SET_DUMPABLE = 15, 16, 3, 4
_GET_KEEPCAPS, _GET_SECCOMP = 7, 21


@calls.define(172, "prctl", "dwwww")
def prctl(thread: Thread, option: int, second: int, third: int, fourth: int, fifth: int) -> int:
    storage, program = thread.process.storage, thread.process.program
    if option in _BY_THE_HOST:
        more = [ffi.cast("unsigned long", value) for value in (second, third, fourth, fifth)]
        return checked(lib.prctl(option, *more))
    if option in _TO_A_WORD:
        value = ffi.new("int *")
        checked(lib.prctl(option, value, *[ffi.cast("unsigned long", 0)] * 3))
        storage.write_word(second, int(value[0]))
    elif option == _SET_NAME:
        name = bytearray()
        while len(name) < 15 and (byte := storage.read(second + len(name), 1)) != b"\0":
            name += byte
        thread.name = bytes(name)
    elif option == _GET_NAME:
        storage.write(second, thread.name.ljust(16, b"\0"))
    elif option == _GET_DUMPABLE:
        return int(program.dumpable)
    elif option == _SET_DUMPABLE and second <= 1:
        program.dumpable = bool(second)
    elif option not in (_GET_KEEPCAPS, _GET_SECCOMP):
        refuse(errno.EINVAL)
    return 0


@calls.define(136, "personality", "x")
def personality(thread: Thread, wanted: int) -> int:
    return 0 if wanted in (0, 0xFFFF_FFFF, 8) else refuse(errno.EINVAL)


@calls.define(103, "syslog", "dpd")
def syslog(thread: Thread, kind: int, buffer: int, length: int) -> int:
    refuse(errno.EPERM)
