"""Scheduling: policies of the host's processes, but none of real time."""

from __future__ import annotations

import errno
import os
import struct
from typing import TYPE_CHECKING

from lx86.linux.call import CallGroup, refuse
from lx86.linux.structures import write_time

if TYPE_CHECKING:
    from lx86.linux.thread import Thread

calls = CallGroup()
_PLAIN = (os.SCHED_OTHER, os.SCHED_BATCH, os.SCHED_IDLE)
_REAL_TIME = (os.SCHED_FIFO, os.SCHED_RR)
_RESET_ON_FORK = 0x4000_0000
_ATTRIBUTES = struct.Struct("<IIQiIQQQ")
_MOST_ATTRIBUTES = 4096


def _process(thread: Thread, pid: int) -> int:
    """The host's process that a process or thread is of, 0 for this one."""
    if pid < 0:
        refuse(errno.EINVAL)
    if not pid or pid == thread.process.pid or thread.process.find_thread(pid):
        return 0
    if pid >= 1 << 22 or not os.path.exists(f"/proc/{pid}"):
        refuse(errno.ESRCH)
    return pid


def _ours(thread: Thread, pid: int) -> int:
    """The same; raises OSError (EPERM) if it is none of this run."""
    found = _process(thread, pid)
    if found and not thread.process.relatives.include(found):
        refuse(errno.EPERM)
    return found


@calls.define(242, "sched_getaffinity", "dup")
def sched_getaffinity(thread: Thread, pid: int, size: int, result: int) -> int:
    """One processor: the threads of a program take turns."""
    storage = thread.process.storage
    if size < storage.word or size % storage.word:
        refuse(errno.EINVAL)
    _process(thread, pid)
    storage.write_long(result, 1)
    return storage.word


@calls.define(241, "sched_setaffinity", "dup")
def sched_setaffinity(thread: Thread, pid: int, size: int, mask: int) -> int:
    wanted = int.from_bytes(thread.process.storage.read(mask, min(size, 128)), "little")
    _ours(thread, pid)
    return 0 if wanted & 1 else refuse(errno.EINVAL)


@calls.define(157, "sched_getscheduler", "d")
def sched_getscheduler(thread: Thread, pid: int) -> int:
    return os.sched_getscheduler(_process(thread, pid))


def _set_policy(thread: Thread, pid: int, policy: int, priority: int) -> None:
    """Real time would be the emulator's, and hold up the host: it is refused as to any user."""
    if policy in _REAL_TIME:
        refuse(errno.EPERM if 1 <= priority <= 99 else errno.EINVAL)
    if policy not in _PLAIN or priority:
        refuse(errno.EINVAL)
    os.sched_setscheduler(_ours(thread, pid), policy, os.sched_param(0))


@calls.define(156, "sched_setscheduler", "ddp")
def sched_setscheduler(thread: Thread, pid: int, policy: int, parameters: int) -> int:
    if policy < 0 or pid < 0 or not parameters:
        refuse(errno.EINVAL)
    priority = thread.process.storage.read_word(parameters)
    _set_policy(thread, pid, policy & ~_RESET_ON_FORK, priority)
    return 0


@calls.define(155, "sched_getparam", "dp")
def sched_getparam(thread: Thread, pid: int, result: int) -> int:
    if not result:
        refuse(errno.EINVAL)
    _process(thread, pid)
    thread.process.storage.write_word(result, 0)
    return 0


@calls.define(154, "sched_setparam", "dp")
def sched_setparam(thread: Thread, pid: int, parameters: int) -> int:
    if not parameters:
        refuse(errno.EINVAL)
    priority = thread.process.storage.read_word(parameters)
    _process(thread, pid)
    return 0 if not priority else refuse(errno.EINVAL)


@calls.define(159, "sched_get_priority_max", "d")
def sched_get_priority_max(thread: Thread, policy: int) -> int:
    return os.sched_get_priority_max(policy)


@calls.define(160, "sched_get_priority_min", "d")
def sched_get_priority_min(thread: Thread, policy: int) -> int:
    return os.sched_get_priority_min(policy)


def _interval(thread: Thread, pid: int, result: int, *, wide: bool) -> int:
    length = os.sched_rr_get_interval(_process(thread, pid))
    write_time(thread.process.storage, result, round(length * 1e9), wide=wide)
    return 0


@calls.define(161, "sched_rr_get_interval", "dp")
def sched_rr_get_interval(thread: Thread, pid: int, result: int) -> int:
    return _interval(thread, pid, result, wide=False)


@calls.define(423, "sched_rr_get_interval_time64", "dp")
def sched_rr_get_interval_time64(thread: Thread, pid: int, result: int) -> int:
    return _interval(thread, pid, result, wide=True)


@calls.define(352, "sched_getattr", "dpux")
def sched_getattr(thread: Thread, pid: int, result: int, size: int, flags: int) -> int:
    if not result or flags or not _ATTRIBUTES.size <= size <= _MOST_ATTRIBUTES:
        refuse(errno.EINVAL)
    host = _process(thread, pid)
    nice = os.getpriority(os.PRIO_PROCESS, host)
    fields = (_ATTRIBUTES.size, os.sched_getscheduler(host), 0, nice, 0, 0, 0, 0)
    thread.process.storage.write(result, _ATTRIBUTES.pack(*fields))
    return 0


@calls.define(351, "sched_setattr", "dpx")
def sched_setattr(thread: Thread, pid: int, attributes: int, flags: int) -> int:
    if not attributes or flags or pid < 0:
        refuse(errno.EINVAL)
    storage = thread.process.storage
    size = storage.read_word(attributes) or _ATTRIBUTES.size
    if not _ATTRIBUTES.size <= size <= _MOST_ATTRIBUTES:
        refuse(errno.E2BIG)
    data = storage.read(attributes, _ATTRIBUTES.size)
    _, policy, options, nice, priority, _, _, _ = _ATTRIBUTES.unpack(data)
    if options & ~1:
        refuse(errno.EINVAL)
    _set_policy(thread, pid, policy, priority)
    if policy != os.SCHED_IDLE:
        os.setpriority(os.PRIO_PROCESS, _ours(thread, pid), max(-20, min(19, nice)))
    return 0
