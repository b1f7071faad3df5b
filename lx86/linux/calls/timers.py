"""Timers that send signals (timer_create): the host's, with the host's numbers."""

from __future__ import annotations

import errno
import struct
from typing import TYPE_CHECKING

from lx86.linux.call import CallGroup, refuse
from lx86.linux.host import checked, delete_timer, ffi, lib
from lx86.linux.signals import LAST
from lx86.storage import WRITE

from .clocks import read_timer, write_timer

if TYPE_CHECKING:
    from lx86.linux.thread import Thread

calls = CallGroup()
_EVENT = {4: struct.Struct("<Iiii"), 8: struct.Struct("<Qiii")}
"""The value, the signal, how it comes, and to which thread; by the size of a word."""
_SIGNAL, _NONE, _THREAD, _TO_THREAD = 0, 1, 2, 4
_OF_THE_C_LIBRARY = (32, 33)


@calls.define(259, "timer_create", "dpp")
def timer_create(thread: Thread, clock: int, event: int, result: int) -> int:
    """One for a thread (SIGEV_THREAD_ID) sends its signal to the process."""
    process, storage = thread.process, thread.process.storage
    storage.view(result, 4, WRITE)
    host = ffi.NULL
    if event:
        form = _EVENT[storage.word]
        value, number, how, tid = form.unpack(storage.read(event, form.size))
        if how not in (_SIGNAL, _NONE, _THREAD, _TO_THREAD):
            refuse(errno.EINVAL)
        if how != _NONE and (not 1 <= number <= LAST or number in _OF_THE_C_LIBRARY):
            refuse(errno.EINVAL)
        if how == _TO_THREAD and process.find_thread(tid) is None:
            refuse(errno.EINVAL)
        plain = _NONE if how == _NONE else _SIGNAL
        host = ffi.new("char[64]", struct.pack("<Qii", value, number, plain))
    number_at = ffi.new("uint64_t *")
    checked(lib.timer_create(clock, host, number_at))
    timer = int(number_at[0])
    process.signals.timers.add(timer)
    storage.write_word(result, timer)
    return 0


def _known(thread: Thread, timer: int) -> int:
    return timer if timer in thread.process.signals.timers else refuse(errno.EINVAL)


def _set(thread: Thread, timer: int, flags: int, new: int, old: int, *, wide: bool) -> int:
    wanted, was = read_timer(thread, new, wide=wide), ffi.new("itimerspec_t *")
    checked(lib.timer_settime(_known(thread, timer), flags, wanted, was))
    if old:
        write_timer(thread, old, was, wide=wide)
    return 0


@calls.define(260, "timer_settime", "dxpp")
def timer_settime(thread: Thread, timer: int, flags: int, new: int, old: int) -> int:
    return _set(thread, timer, flags, new, old, wide=False)


@calls.define(409, "timer_settime64", "dxpp")
def timer_settime64(thread: Thread, timer: int, flags: int, new: int, old: int) -> int:
    return _set(thread, timer, flags, new, old, wide=True)


def _get(thread: Thread, timer: int, result: int, *, wide: bool) -> int:
    form = ffi.new("itimerspec_t *")
    checked(lib.timer_gettime(_known(thread, timer), form))
    write_timer(thread, result, form, wide=wide)
    return 0


@calls.define(261, "timer_gettime", "dp")
def timer_gettime(thread: Thread, timer: int, result: int) -> int:
    return _get(thread, timer, result, wide=False)


@calls.define(408, "timer_gettime64", "dp")
def timer_gettime64(thread: Thread, timer: int, result: int) -> int:
    return _get(thread, timer, result, wide=True)


@calls.define(262, "timer_getoverrun", "d")
def timer_getoverrun(thread: Thread, timer: int) -> int:
    return checked(lib.timer_getoverrun(_known(thread, timer)))


@calls.define(263, "timer_delete", "d")
def timer_delete(thread: Thread, timer: int) -> int:
    delete_timer(_known(thread, timer))
    thread.process.signals.timers.discard(timer)
    return 0
