"""Futexes: among the threads of a process by their address, among processes by looking again."""

from __future__ import annotations

import errno
import struct
import time
from typing import TYPE_CHECKING

from lx86.linux.call import CallGroup, FutexKey, Wait, refuse
from lx86.linux.structures import NANO, read_time
from lx86.storage import WRITE, Page

if TYPE_CHECKING:
    from lx86.linux.call import Waiting
    from lx86.linux.thread import Thread

calls = CallGroup()
_WAIT, _WAKE, _REQUEUE, _CMP_REQUEUE, _WAKE_OP = 0, 1, 3, 4, 5
_LOCK_PI, _UNLOCK_PI, _TRYLOCK_PI, _WAIT_BITSET, _WAKE_BITSET = 6, 7, 8, 9, 10
_LOCK_PI2 = 13
_PRIVATE, _REALTIME = 128, 256
_ALL = 0xFFFF_FFFF
_WAITERS, _TID = 0x8000_0000, 0x3FFF_FFFF
_LOOK_AGAIN = 0.002
"""Seconds between looks at a futex that another process may change."""


@calls.define(240, "futex", "pxxppx", restarts=True)
def futex(
    thread: Thread, address: int, operation: int, value: int, timeout: int, second: int, third: int
) -> int | Waiting:
    return _futex(thread, address, operation, value, timeout, second, third, wide=False)


@calls.define(422, "futex_time64", "pxxppx", restarts=True)
def futex_time64(
    thread: Thread, address: int, operation: int, value: int, timeout: int, second: int, third: int
) -> int | Waiting:
    return _futex(thread, address, operation, value, timeout, second, third, wide=True)


def _futex(
    thread: Thread, address: int, operation: int, value: int, timeout: int, second: int,
    third: int, *, wide: bool,
) -> int | Waiting:  # fmt: skip
    process = thread.process
    command = operation & ~(_PRIVATE | _REALTIME)
    if address % 4:
        refuse(errno.EINVAL)
    match command:
        case 0 | 9:
            bits = third if command == _WAIT_BITSET else _ALL
            if not bits:
                refuse(errno.EINVAL)
            until = None
            if timeout:
                until = read_time(process.storage, timeout, wide=wide) / NANO
                if command == _WAIT or operation & _REALTIME:
                    # One is a duration, the other a time of day: both become monotonic times.
                    now = 0.0 if command == _WAIT else time.time()
                    until += time.monotonic() - now
            if command == _WAIT and operation & _REALTIME:
                refuse(errno.ENOSYS)
            return _wait(thread, address, value, bits, until)
        case 1 | 10:
            bits = third if command == _WAKE_BITSET else _ALL
            if not bits:
                refuse(errno.EINVAL)
            return process.wake(address, value, bits)
        case 3 | 4:
            if command == _CMP_REQUEUE and process.storage.read_word(address) != third:
                refuse(errno.EAGAIN)
            woken = process.wake(address, value)
            return woken + process.requeue(address, second, timeout)
        case 5:
            return _wake_op(thread, address, value, timeout, second, third)
        case 6 | 8 | 13:
            return _lock_pi(thread, address, trying=command == _TRYLOCK_PI)
        case 7:
            word = process.storage.read_word(address)
            if word & _TID != thread.tid & _TID:
                refuse(errno.EPERM)
            process.storage.write_word(address, 0)
            process.wake(address, 1)
            return 0
        case _:
            refuse(errno.ENOSYS)


def _wait(thread: Thread, address: int, value: int, bits: int, until: float | None) -> Waiting:
    process = thread.process
    if process.storage.read_word(address) != value:
        refuse(errno.EAGAIN)
    shared = bool(process.storage.kind(address) & Page.SHARED)
    key = FutexKey(address, bits)
    while True:
        deadline = until
        if shared:
            again = time.monotonic() + _LOOK_AGAIN
            deadline = again if until is None else min(until, again)
        yield Wait(deadline=deadline, futex=key)
        if not key.bits:  # woken
            return 0
        if until is not None and time.monotonic() >= until:
            refuse(errno.ETIMEDOUT)
        if process.storage.read_word(key.address) != value:
            return 0


def _lock_pi(thread: Thread, address: int, *, trying: bool) -> Waiting:
    storage = thread.process.storage
    while True:
        word = storage.read_word(address)
        if not word & _TID:
            storage.write_word(address, word & _WAITERS | thread.tid & _TID)
            return 0
        if word & _TID == thread.tid & _TID:
            refuse(errno.EDEADLK)
        if trying:
            refuse(errno.EAGAIN)
        storage.write_word(address, word | _WAITERS)
        yield Wait(deadline=time.monotonic() + _LOOK_AGAIN, futex=FutexKey(address, _ALL))


def _wake_op(
    thread: Thread, address: int, most: int, most_second: int, second: int, encoded: int
) -> int:
    """FUTEX_WAKE_OP: change the second word, wake waiters of the first, and perhaps of it."""
    storage = thread.process.storage
    operation, comparison = encoded >> 28 & 15, encoded >> 24 & 15
    argument, against = encoded >> 12 & 0xFFF, encoded & 0xFFF
    argument -= (argument & 0x800) << 1
    against -= (against & 0x800) << 1
    if operation & 8:
        argument, operation = 1 << (argument & 31), operation & 7
    storage.view(second, 4, WRITE)
    old = struct.unpack("<i", storage.read(second, 4))[0]
    changes = {0: argument, 1: old + argument, 2: old | argument, 3: old & ~argument,
               4: old ^ argument}  # fmt: skip
    holds = {0: old == against, 1: old != against, 2: old < against, 3: old <= against,
             4: old > against, 5: old >= against}  # fmt: skip
    if operation not in changes or comparison not in holds:
        refuse(errno.ENOSYS)
    storage.write_word(second, changes[operation] & _ALL)
    woken = thread.process.wake(address, most)
    return woken + (thread.process.wake(second, most_second) if holds[comparison] else 0)


@calls.define(311, "set_robust_list", "pu")
def set_robust_list(thread: Thread, head: int, size: int) -> int:
    if size != 3 * thread.process.storage.word:
        refuse(errno.EINVAL)
    thread.robust_list = head
    return 0


@calls.define(312, "get_robust_list", "dpp")
def get_robust_list(thread: Thread, tid: int, head: int, size: int) -> int:
    target = thread.process.find_thread(tid) if tid else thread
    if target is None:
        refuse(errno.ESRCH)
    storage = thread.process.storage
    storage.write_long(head, target.robust_list)
    storage.write_long(size, 3 * storage.word)
    return 0


# -- barriers ------------------------------------------------------------------------------------

_QUERY, _REGISTRATIONS = 0, {8: 16, 32: 64}
_KNOWN_BARRIERS = 0x7F


@calls.define(375, "membarrier", "dxd")
def membarrier(thread: Thread, command: int, flags: int, processor: int) -> int:
    """Threads take turns on one processor, which sees what it did: nothing has to be done.

    Private barriers have to be asked for first.
    """
    memory = thread.process.memory
    if flags or command < 0:
        refuse(errno.EINVAL)
    if command == _QUERY:
        return _KNOWN_BARRIERS
    if not command & _KNOWN_BARRIERS or command & command - 1:
        refuse(errno.EINVAL)
    if command in (8, 32) and not memory.barriers & _REGISTRATIONS[command]:
        refuse(errno.EPERM)
    memory.barriers |= command
    return 0
