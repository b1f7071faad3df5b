"""Calls that do several calls of sockets: many messages at once, and i386's old socketcall."""

from __future__ import annotations

import errno
import socket as host_sockets
import time
from typing import TYPE_CHECKING

from lx86.linux.call import CallGroup, refuse
from lx86.linux.structures import NANO, read_time

from .messages import header_size
from .sockets import (
    accept4,
    bind,
    connect,
    getpeername,
    getsockname,
    getsockopt,
    listen,
    recvfrom,
    recvmsg,
    sendmsg,
    sendto,
    setsockopt,
    shutdown,
    socket,
    socketpair,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from lx86.linux.call import Waiting
    from lx86.linux.thread import Thread

calls = CallGroup()
_DONTWAIT = host_sockets.MSG_DONTWAIT
_WAITFORONE = 0x1_0000


@calls.define(345, "sendmmsg", "fpux", restarts=True)
def sendmmsg(thread: Thread, file: int, messages: int, count: int, flags: int) -> Waiting:
    done, length = 0, header_size(thread.process.storage.word)
    step = length + thread.process.storage.word
    for n in range(min(count, 1024)):
        at = messages + step * n
        try:
            sent = yield from sendmsg(thread, file, at, flags)
        except OSError:
            if done:
                break
            raise
        thread.process.storage.write_word(at + length, sent)
        done += 1
    return done


@calls.define(337, "recvmmsg", "fpuxp", restarts=True)
def recvmmsg(
    thread: Thread, file: int, messages: int, count: int, flags: int, timeout: int
) -> Waiting:
    return _recvmmsg(thread, file, messages, count, flags, timeout, wide=False)


@calls.define(417, "recvmmsg_time64", "fpuxp", restarts=True)
def recvmmsg_time64(
    thread: Thread, file: int, messages: int, count: int, flags: int, timeout: int
) -> Waiting:
    return _recvmmsg(thread, file, messages, count, flags, timeout, wide=True)


def _recvmmsg(
    thread: Thread, file: int, messages: int, count: int, flags: int, timeout: int, *, wide: bool
) -> Waiting:
    """The time is looked at behind each message, as Linux does."""
    storage, until = thread.process.storage, None
    if timeout:
        until = time.monotonic() + read_time(storage, timeout, wide=wide) / NANO
    done, length = 0, header_size(storage.word)
    step = length + storage.word
    for n in range(min(count, 1024)):
        at = messages + step * n
        try:
            got = yield from recvmsg(thread, file, at, flags & ~_WAITFORONE)
        except OSError:
            if done:
                break
            raise
        storage.write_word(at + length, got)
        done += 1
        if flags & _WAITFORONE:
            flags |= _DONTWAIT
        if until is not None and time.monotonic() >= until:
            break
    return done


# -- the one call that stood for all of them -----------------------------------------------------

_BY_SOCKETCALL: dict[int, tuple[int, Callable[..., int | Waiting]]] = {
    1: (3, socket), 2: (3, bind), 3: (3, connect), 4: (2, listen), 6: (3, getsockname),
    7: (3, getpeername), 8: (4, socketpair), 11: (6, sendto), 12: (6, recvfrom),
    13: (2, shutdown), 14: (5, setsockopt), 15: (5, getsockopt), 16: (3, sendmsg),
    17: (3, recvmsg), 18: (4, accept4), 19: (5, recvmmsg), 20: (4, sendmmsg),
}  # fmt: skip


@calls.define(102, "socketcall", "dp", restarts=True)
def socketcall(thread: Thread, which: int, arguments: int) -> int | Waiting:
    storage = thread.process.storage
    short = {5: 3, 9: 4, 10: 4}
    if which in short:  # accept, send, recv: with nothing for what the longer ones have more
        count = short[which]
        words = [storage.read_word(arguments + 4 * n) for n in range(count)]
        words[0] -= (words[0] & 0x8000_0000) << 1
        if which == 5:
            return accept4(thread, words[0], words[1], words[2], 0)
        transfer = sendto if which == 9 else recvfrom
        return transfer(thread, words[0], words[1], words[2], words[3], 0, 0)
    if which not in _BY_SOCKETCALL:
        refuse(errno.EINVAL)
    count, handler = _BY_SOCKETCALL[which]
    words = [storage.read_word(arguments + 4 * n) for n in range(count)]
    signed = 3 if which in (1, 8, 14, 15) else 1
    words[:signed] = [word - ((word & 0x8000_0000) << 1) for word in words[:signed]]
    return handler(thread, *words)
