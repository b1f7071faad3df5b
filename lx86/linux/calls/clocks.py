"""Clocks, sleeping, timers."""

from __future__ import annotations

import errno
import os
import resource
import signal
import time
from typing import TYPE_CHECKING, Any

from lx86.linux.call import CallGroup, Interrupted, Wait, refuse
from lx86.linux.host import checked, ffi, lib
from lx86.linux.structures import (
    NANO,
    read_time,
    read_timeval,
    timeval,
    write_time,
)

from .processes import rusage
from .transfer import visible

if TYPE_CHECKING:
    from lx86.linux.call import Waiting
    from lx86.linux.thread import Thread

calls = CallGroup()
_ABSTIME = 1
_MONOTONIC_ONES = {1, 4, 6, 7, 9}


def _now(clock: int) -> int:
    form = ffi.new("timespec_t *")
    checked(lib.clock_gettime(clock, form))
    return int(form.sec) * NANO + int(form.nsec)


@calls.define(13, "time", "p")
def time_(thread: Thread, result: int) -> int:
    now = int(time.time())
    if result:
        thread.process.storage.write_long(result, now)
    return now


@calls.define(78, "gettimeofday", "pp")
def gettimeofday(thread: Thread, result: int, zone: int) -> int:
    storage = thread.process.storage
    if result:
        storage.write(result, timeval(time.time_ns(), storage.word))
    if zone:
        storage.write(zone, bytes(8))
    return 0


@calls.define(265, "clock_gettime", "dp")
def clock_gettime(thread: Thread, clock: int, result: int) -> int:
    write_time(thread.process.storage, result, _now(clock), wide=False)
    return 0


@calls.define(403, "clock_gettime64", "dp")
def clock_gettime64(thread: Thread, clock: int, result: int) -> int:
    write_time(thread.process.storage, result, _now(clock), wide=True)
    return 0


def _resolution(thread: Thread, clock: int, result: int, *, wide: bool) -> int:
    form = ffi.new("timespec_t *")
    checked(lib.clock_getres(clock, form))
    if result:
        step = int(form.sec) * NANO + int(form.nsec)
        write_time(thread.process.storage, result, step, wide=wide)
    return 0


@calls.define(266, "clock_getres", "dp")
def clock_getres(thread: Thread, clock: int, result: int) -> int:
    return _resolution(thread, clock, result, wide=False)


@calls.define(406, "clock_getres_time64", "dp")
def clock_getres_time64(thread: Thread, clock: int, result: int) -> int:
    return _resolution(thread, clock, result, wide=True)


@calls.define(264, "clock_settime", "dp")
def clock_settime(thread: Thread, clock: int, new: int) -> int:
    refuse(errno.EPERM)


# -- sleeping ------------------------------------------------------------------------------------


@calls.define(162, "nanosleep", "pp")
def nanosleep(thread: Thread, wanted: int, left: int) -> Waiting:
    return _sleep(thread, 1, 0, wanted, left, wide=False)


@calls.define(267, "clock_nanosleep", "dxpp")
def clock_nanosleep(thread: Thread, clock: int, flags: int, wanted: int, left: int) -> Waiting:
    return _sleep(thread, clock, flags, wanted, left, wide=False)


@calls.define(407, "clock_nanosleep_time64", "dxpp")
def clock_nanosleep_time64(
    thread: Thread, clock: int, flags: int, wanted: int, left: int
) -> Waiting:
    return _sleep(thread, clock, flags, wanted, left, wide=True)


def _sleep(
    thread: Thread, clock: int, flags: int, wanted: int, left: int, *, wide: bool
) -> Waiting:
    storage = thread.process.storage
    length = read_time(storage, wanted, wide=wide)
    if clock not in _MONOTONIC_ONES | {0, 8, 11}:
        refuse(errno.EINVAL)
    until = length if flags & _ABSTIME else _now(clock) + length
    while (now := _now(clock)) < until:
        try:
            yield Wait(deadline=time.monotonic() + (until - now) / NANO)
        except Interrupted:
            if left and not flags & _ABSTIME:
                write_time(storage, left, max(0, until - _now(clock)), wide=wide)
            refuse(errno.EINTR)
    return 0


# -- timers --------------------------------------------------------------------------------------


@calls.define(27, "alarm", "u")
def alarm(thread: Thread, seconds: int) -> int:
    return signal.alarm(min(seconds, 0x7FFF_FFFF))


@calls.define(104, "setitimer", "dpp")
def setitimer(thread: Thread, which: int, new: int, old: int) -> int:
    storage = thread.process.storage
    values = [0.0, 0.0]
    if new:
        places = (new, new + 2 * storage.word)
        values = [read_timeval(storage, place) / NANO for place in places]
    if which not in (0, 1, 2):
        refuse(errno.EINVAL)
    was = signal.setitimer(which, values[1], values[0])
    if old:
        storage.write(old, _itimerval(was, storage.word))
    return 0


@calls.define(105, "getitimer", "dp")
def getitimer(thread: Thread, which: int, result: int) -> int:
    if which not in (0, 1, 2):
        refuse(errno.EINVAL)
    storage = thread.process.storage
    storage.write(result, _itimerval(signal.getitimer(which), storage.word))
    return 0


def _itimerval(times: tuple[float, float], word: int) -> bytes:
    value, interval = (round(t * 1e6) * 1000 for t in times)
    return timeval(interval, word) + timeval(value, word)


@calls.define(322, "timerfd_create", "dx")
def timerfd_create(thread: Thread, clock: int, flags: int) -> int:
    file = checked(lib.timerfd_create(clock, flags | os.O_CLOEXEC))
    return thread.process.files.give(file, inherits=not flags & os.O_CLOEXEC)


@calls.define(325, "timerfd_settime", "fxpp")
def timerfd_settime(thread: Thread, file: int, flags: int, new: int, old: int) -> int:
    return _timerfd_settime(thread, file, flags, new, old, wide=False)


@calls.define(411, "timerfd_settime64", "fxpp")
def timerfd_settime64(thread: Thread, file: int, flags: int, new: int, old: int) -> int:
    return _timerfd_settime(thread, file, flags, new, old, wide=True)


def _timerfd_settime(
    thread: Thread, file: int, flags: int, new: int, old: int, *, wide: bool
) -> int:
    wanted, was = read_timer(thread, new, wide=wide), ffi.new("itimerspec_t *")
    checked(lib.timerfd_settime(visible(thread, file), flags, wanted, was))
    if old:
        write_timer(thread, old, was, wide=wide)
    return 0


def read_timer(thread: Thread, address: int, *, wide: bool) -> Any:
    """The host's form of a struct itimerspec."""
    storage = thread.process.storage
    size = 16 if wide else 2 * storage.word
    interval, value = (read_time(storage, address + n * size, wide=wide) for n in range(2))
    form = ffi.new("itimerspec_t *")
    form.interval.sec, form.interval.nsec = divmod(interval, NANO)
    form.value.sec, form.value.nsec = divmod(value, NANO)
    return form


def write_timer(thread: Thread, address: int, form: object, *, wide: bool) -> None:
    size = 16 if wide else 2 * thread.process.storage.word
    for n, part in enumerate(("interval", "value")):
        time_of = getattr(form, part)
        nanoseconds = int(time_of.sec) * NANO + int(time_of.nsec)
        write_time(thread.process.storage, address + n * size, nanoseconds, wide=wide)


@calls.define(326, "timerfd_gettime", "fp")
def timerfd_gettime(thread: Thread, file: int, result: int) -> int:
    return _timerfd_gettime(thread, file, result, wide=False)


@calls.define(410, "timerfd_gettime64", "fp")
def timerfd_gettime64(thread: Thread, file: int, result: int) -> int:
    return _timerfd_gettime(thread, file, result, wide=True)


def _timerfd_gettime(thread: Thread, file: int, result: int, *, wide: bool) -> int:
    form = ffi.new("itimerspec_t *")
    checked(lib.timerfd_gettime(visible(thread, file), form))
    write_timer(thread, result, form, wide=wide)
    return 0


# -- time used -----------------------------------------------------------------------------------


@calls.define(43, "times", "p")
def times(thread: Thread, result: int) -> int:
    used, storage = os.times(), thread.process.storage
    ticks = os.sysconf("SC_CLK_TCK")
    if result:
        values = (used.user, used.system, used.children_user, used.children_system)
        for n, value in enumerate(values):
            storage.write_long(result + n * storage.word, int(value * ticks))
    return int(used.elapsed * ticks) & 0x7FFF_FFFF


@calls.define(77, "getrusage", "dp")
def getrusage(thread: Thread, who: int, result: int) -> int:
    if who not in (0, -1, 1):
        refuse(errno.EINVAL)
    storage = thread.process.storage
    storage.write(result, rusage(resource.getrusage(who), storage.word))
    return 0
