"""fcntl, flock and ioctl."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
from typing import TYPE_CHECKING

from lx86.linux.call import CallGroup, Wait, refuse
from lx86.linux.host import checked

from .transfer import visible

if TYPE_CHECKING:
    from lx86.linux.call import Waiting
    from lx86.linux.thread import Thread

calls = CallGroup()

_PLAIN = {
    fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL, fcntl.F_SETOWN, fcntl.F_GETOWN,
    10, 11, fcntl.F_SETLEASE, fcntl.F_GETLEASE, fcntl.F_NOTIFY, 1031, 1032, 1033, 1034,
}  # fmt: skip
"""Those whose argument is a number: also F_SETSIG, F_GETSIG, pipe sizes and seals."""
_GETLK, _SETLK, _SETLKW = 5, 6, 7
_GETLK64, _SETLK64, _SETLKW64 = 12, 13, 14
_OFD_GETLK, _OFD_SETLK, _OFD_SETLKW = 36, 37, 38
_HOST_OFD = {_OFD_GETLK: 36, _OFD_SETLK: 37, _OFD_SETLKW: 37}
_LOCK, _LOCK64 = struct.Struct("<hhiii"), struct.Struct("<hhqqi")
_LOCK_OF_64 = struct.Struct("<hh4xqqi4x")
_HOST_LOCK = struct.Struct("@hhqqi4x")
_TRY_AGAIN = 0.01
"""Seconds between attempts at a lock that another process has."""


@calls.define(55, "fcntl", "fxw", restarts=True)
def fcntl_(thread: Thread, file: int, command: int, argument: int) -> Waiting:
    return _fcntl(thread, file, command, argument)


@calls.define(221, "fcntl64", "fxw", restarts=True, x64="fcntl")
def fcntl64(thread: Thread, file: int, command: int, argument: int) -> Waiting:
    return _fcntl(thread, file, command, argument)


def _fcntl(thread: Thread, file: int, command: int, argument: int) -> Waiting:
    visible(thread, file)
    if command in (fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC):
        if argument >= thread.process.files.allowed[0]:
            refuse(errno.EINVAL)
        new = fcntl.fcntl(file, command, argument)
        return thread.process.files.give(new, inherits=command == fcntl.F_DUPFD)
    if command == fcntl.F_SETOWN and not _may_own(thread, argument):
        refuse(errno.EPERM)
    if command in _PLAIN:
        number = argument & 0xFFFF_FFFF
        return int(fcntl.fcntl(file, command, number - ((number & 0x8000_0000) << 1)))
    long = thread.process.storage.word == 8
    if command in (_GETLK, _SETLK, _SETLKW):
        form = _LOCK_OF_64 if long else _LOCK
        return (yield from _lock(thread, file, command, argument, form))
    if command in (_GETLK64, _SETLK64, _SETLKW64) and not long:
        return (yield from _lock(thread, file, command - 7, argument, _LOCK64))
    if command in _HOST_OFD:
        form = _LOCK_OF_64 if long else _LOCK64
        return (yield from _lock(thread, file, command, argument, form))
    refuse(errno.EINVAL)


def _may_own(thread: Thread, owner: int) -> bool:
    """Whether signals of a file may go there: to this process, or to one of its run."""
    owner &= 0xFFFF_FFFF
    return owner in (0, thread.process.pid) or (
        owner < 0x8000_0000 and thread.process.relatives.include(owner)
    )


def _lock(thread: Thread, file: int, command: int, address: int, form: struct.Struct) -> Waiting:
    """Record locks: made without waiting in the host, again and again if it has to be."""

    storage = thread.process.storage
    kind, whence, start, length, pid = form.unpack(storage.read(address, form.size))
    lock = _HOST_LOCK.pack(kind, whence, start, length, pid)
    host = _HOST_OFD.get(command, fcntl.F_GETLK if command == _GETLK else fcntl.F_SETLK)
    while True:
        try:
            got = fcntl.fcntl(file, host, lock)
            break
        except OSError as refusal:
            waits = command in (_SETLKW, _OFD_SETLKW)
            if not waits or refusal.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        yield Wait(deadline=time.monotonic() + _TRY_AGAIN)
    if command in (_GETLK, _OFD_GETLK):
        storage.write(address, form.pack(*_HOST_LOCK.unpack(got)))
    return 0


@calls.define(143, "flock", "fx", restarts=True)
def flock(thread: Thread, file: int, operation: int) -> Waiting:

    visible(thread, file)
    while True:
        try:
            fcntl.flock(file, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            if operation & fcntl.LOCK_NB:
                raise
        else:
            return 0
        yield Wait(deadline=time.monotonic() + _TRY_AGAIN)


# -- ioctl: what is known is passed on, with as many bytes as the structure has ----------------

_INT, _TERMIOS, _WINSIZE, _TERMIOS2 = 4, 36, 8, 44
_READS = {
    0x5401: _TERMIOS, 0x802C_542A: _TERMIOS2, 0x5413: _WINSIZE, 0x540F: _INT, 0x5411: _INT,
    0x541B: _INT, 0x5424: _INT, 0x5429: _INT, 0x5419: _INT, 0x8004_5430: _INT,
    0x8004_5438: _INT, 0x8004_5439: _INT, 0x8004_6601: _INT, 0x8905: _INT, 0x5415: _INT,
}  # fmt: skip
"""TCGETS, TCGETS2, TIOCGWINSZ, TIOCGPGRP, TIOCOUTQ, FIONREAD, TIOCGETD, TIOCGSID, TIOCGSOFTCAR,
TIOCGPTN, TIOCGPKT, TIOCGPTLCK, FS_IOC_GETFLAGS, SIOCATMARK, TIOCMGET."""
_WRITES = {
    0x5402: _TERMIOS, 0x5403: _TERMIOS, 0x5404: _TERMIOS, 0x402C_542B: _TERMIOS2,
    0x402C_542C: _TERMIOS2, 0x402C_542D: _TERMIOS2, 0x5414: _WINSIZE, 0x5410: _INT,
    0x5421: _INT, 0x5452: _INT, 0x4004_5431: _INT, 0x5420: _INT, 0x541A: _INT, 0x5423: _INT,
}  # fmt: skip
"""TCSETS to TCSETSF2, TIOCSWINSZ, TIOCSPGRP, FIONBIO, FIOASYNC, TIOCSPTLCK, TIOCPKT, TIOCSSOFTCAR,
TIOCSETD."""
_NUMBERS = {0x5409, 0x540A, 0x540B, 0x540C, 0x540D, 0x540E, 0x5422, 0x5425, 0x5427, 0x5428}
"""TCSBRK, TCXONC, TCFLSH, TIOCEXCL, TIOCNXCL, TIOCSCTTY, TIOCNOTTY, TCSBRKP, TIOCSBRK, TIOCCBRK."""
_FIOCLEX, _FIONCLEX = 0x5451, 0x5450
_GET_PEER = 0x5441


@calls.define(54, "ioctl", "fxw")
def ioctl(thread: Thread, file: int, request: int, argument: int) -> int:
    visible(thread, file)
    storage = thread.process.storage
    if request in (_FIOCLEX, _FIONCLEX):
        os.set_inheritable(file, request == _FIONCLEX)
        return 0
    if request == _GET_PEER:  # TIOCGPTPEER: the terminal behind a pseudo-terminal's master
        new = checked(fcntl.ioctl(file, request, argument & ~os.O_CLOEXEC | os.O_CLOEXEC))
        return thread.process.files.give(new, inherits=not argument & os.O_CLOEXEC)
    if (size := _READS.get(request)) is not None:
        data = bytearray(storage.read(argument, size))
        result = fcntl.ioctl(file, request, data, True)
        storage.write(argument, bytes(data))
        return int(result)
    if (size := _WRITES.get(request)) is not None:
        fcntl.ioctl(file, request, storage.read(argument, size))
        return 0
    if request in _NUMBERS:
        return int(fcntl.ioctl(file, request, argument & 0x7FFF_FFFF))
    os.fstat(file)
    refuse(errno.ENOTTY)
