"""Waiting for several files: poll, select, epoll; and files made to be waited for."""

from __future__ import annotations

import errno
import os
import select
import struct
import time
from typing import TYPE_CHECKING

from lx86.linux.call import CallGroup, Wait, refuse
from lx86.linux.host import checked, ffi, lib
from lx86.linux.structures import NANO, read_time, read_timeval, timeval, write_time
from lx86.storage import WRITE

from .paths import found, link_to
from .signals import with_mask
from .transfer import visible

if TYPE_CHECKING:
    from lx86.linux.call import Waiting
    from lx86.linux.thread import Thread

calls = CallGroup()
_MOST_FILES = 1 << 20
_FILE = struct.Struct("<ihh")
_SET_LIMIT = 1024
_READABLE = select.POLLIN | select.POLLRDNORM | select.POLLRDBAND | select.POLLHUP | select.POLLERR
_WRITABLE = select.POLLOUT | select.POLLWRNORM | select.POLLWRBAND | select.POLLERR
_SELECTS = (
    (_READABLE, select.POLLIN | select.POLLRDNORM | select.POLLRDBAND),
    (_WRITABLE, select.POLLOUT | select.POLLWRNORM | select.POLLWRBAND),
    (select.POLLPRI, select.POLLPRI),
)
"""For each of select's sets: which events count, and which are asked for."""


def _ready_now(files: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What of these descriptors is ready; POLLNVAL says that one is none."""
    poll = select.poll()
    wanted: dict[int, int] = {}
    for file, events in files:
        wanted[file] = wanted.get(file, 0) | events
    for file, events in wanted.items():
        poll.register(file, events)
    return poll.poll(0)


def _wait_for(files: list[tuple[int, int]], until: float | None) -> Waiting:
    """Wait until one is ready or the time has come."""
    if not _ready_now(files) and (until is None or until > time.monotonic()):
        yield Wait(tuple(files), until)
    return 0


def _mask(thread: Thread, address: int, size: int) -> None:
    if address:
        if size != 8:
            refuse(errno.EINVAL)
        with_mask(thread, int.from_bytes(thread.process.storage.read(address, 8), "little"))


@calls.define(168, "poll", "pud")
def poll(thread: Thread, files: int, count: int, timeout: int) -> Waiting:
    until = None if timeout < 0 else time.monotonic() + timeout / 1000
    return _poll(thread, files, count, until)


@calls.define(309, "ppoll", "puppu")
def ppoll(thread: Thread, files: int, count: int, timeout: int, mask: int, size: int) -> Waiting:
    return _ppoll(thread, files, count, timeout, mask, size, wide=False)


@calls.define(414, "ppoll_time64", "puppu")
def ppoll_time64(
    thread: Thread, files: int, count: int, timeout: int, mask: int, size: int
) -> Waiting:
    return _ppoll(thread, files, count, timeout, mask, size, wide=True)


def _ppoll(
    thread: Thread, files: int, count: int, timeout: int, mask: int, size: int, *, wide: bool
) -> Waiting:
    storage, until = thread.process.storage, None
    if timeout:
        until = time.monotonic() + read_time(storage, timeout, wide=wide) / NANO
    _mask(thread, mask, size)
    result = yield from _poll(thread, files, count, until)
    if timeout and until is not None:
        left = max(0, round((until - time.monotonic()) * NANO))
        write_time(storage, timeout, left, wide=wide)
    return result


def _poll(thread: Thread, address: int, count: int, until: float | None) -> Waiting:
    storage = thread.process.storage
    if count > _MOST_FILES:
        refuse(errno.EINVAL)
    data = bytes(storage.view(address, 8 * count, WRITE)) if count else b""
    asked = [(file, events & 0xFFFF) for file, events, _ in _FILE.iter_unpack(data)]
    files = [(file, events) for file, events in asked if 0 <= file < thread.process.limit]
    beyond = any(file >= thread.process.limit for file, _ in asked)
    if not beyond:
        yield from _wait_for(files, until)
    ready = dict(_ready_now(files))
    results = []
    for file, events in asked:
        happened = ready.get(file, 0) & (events | 0x38) if file >= 0 else 0
        if file >= thread.process.limit:
            happened = select.POLLNVAL
        results.append((file, events - ((events & 0x8000) << 1), happened))
    if count:
        storage.write(address, b"".join(_FILE.pack(*result) for result in results))
    return sum(1 for _, _, happened in results if happened)


# -- select --------------------------------------------------------------------------------------


@calls.define(82, "old_select", "p")
def old_select(thread: Thread, block: int) -> Waiting:
    words = [thread.process.storage.read_word(block + 4 * n) for n in range(5)]
    return newselect(thread, words[0] - ((words[0] & 0x8000_0000) << 1), *words[1:])


@calls.define(142, "_newselect", "dpppp", x64="select")
def newselect(
    thread: Thread, count: int, reading: int, writing: int, exceptions: int, timeout: int
) -> Waiting:
    storage, until = thread.process.storage, None
    if timeout:
        until = time.monotonic() + read_timeval(storage, timeout) / NANO
    result = yield from _select(thread, count, (reading, writing, exceptions), until)
    if timeout and until is not None:
        left = max(0, round((until - time.monotonic()) * NANO))
        storage.write(timeout, timeval(left, storage.word))
    return result


@calls.define(308, "pselect6", "dppppp")
def pselect6(
    thread: Thread, count: int, reading: int, writing: int, exceptions: int, timeout: int, mask: int
) -> Waiting:
    return _pselect(thread, count, (reading, writing, exceptions), timeout, mask, wide=False)


@calls.define(413, "pselect6_time64", "dppppp")
def pselect6_time64(
    thread: Thread, count: int, reading: int, writing: int, exceptions: int, timeout: int, mask: int
) -> Waiting:
    return _pselect(thread, count, (reading, writing, exceptions), timeout, mask, wide=True)


def _pselect(
    thread: Thread, count: int, sets: tuple[int, int, int], timeout: int, mask: int, *, wide: bool
) -> Waiting:
    storage, until = thread.process.storage, None
    if timeout:
        until = time.monotonic() + read_time(storage, timeout, wide=wide) / NANO
    if mask:
        _mask(thread, storage.read_long(mask), storage.read_long(mask + storage.word))
    result = yield from _select(thread, count, sets, until)
    if timeout and until is not None:
        left = max(0, round((until - time.monotonic()) * NANO))
        write_time(storage, timeout, left, wide=wide)
    return result


def _select(thread: Thread, count: int, sets: tuple[int, int, int], until: float | None) -> Waiting:
    storage = thread.process.storage
    if count < 0:
        refuse(errno.EINVAL)
    count = min(count, _SET_LIMIT)
    size = -(-count // (8 * storage.word)) * storage.word
    asked: list[tuple[int, int]] = []
    members: list[list[int]] = []
    for address, (_, events) in zip(sets, _SELECTS, strict=True):
        bits = int.from_bytes(storage.read(address, size), "little") if address and size else 0
        members.append([file for file in range(count) if bits >> file & 1])
        asked += [(visible(thread, file), events) for file in members[-1]]
    for file, _ in asked:
        os.get_inheritable(file)  # one that is closed is refused
    yield from _wait_for(asked, until)
    ready = dict(_ready_now(asked))
    total = 0
    for address, files, (counts, _) in zip(sets, members, _SELECTS, strict=True):
        bits = 0
        for file in files:
            if ready.get(file, 0) & counts:
                bits |= 1 << file
                total += 1
        if address and size:
            storage.write(address, bits.to_bytes(size, "little"))
    return total


# -- epoll ---------------------------------------------------------------------------------------


@calls.define(254, "epoll_create", "d")
def epoll_create(thread: Thread, size: int) -> int:
    return epoll_create1(thread, 0) if size > 0 else refuse(errno.EINVAL)


@calls.define(329, "epoll_create1", "x")
def epoll_create1(thread: Thread, flags: int) -> int:
    if flags & ~os.O_CLOEXEC:
        refuse(errno.EINVAL)
    file = checked(lib.epoll_create1(os.O_CLOEXEC))
    return thread.process.files.give(file, inherits=not flags)


@calls.define(255, "epoll_ctl", "fdfp")
def epoll_ctl(thread: Thread, epoll: int, operation: int, file: int, event: int) -> int:
    """An event is 12 bytes here as on x86-64; elsewhere the host's has a gap."""
    visible(thread, epoll)
    visible(thread, file)
    data = thread.process.storage.read(event, 12) if operation != 2 else bytes(12)
    return checked(lib.epoll_ctl(epoll, operation, file, _host_event(data)))


_PACKED = os.uname().machine == "x86_64"


def _host_event(data: bytes) -> bytes:
    return data if _PACKED else data[:4] + bytes(4) + data[4:]


def _epoll(thread: Thread, epoll: int, events: int, most: int, until: float | None) -> Waiting:
    storage = thread.process.storage
    visible(thread, epoll)
    if not 0 < most <= _MOST_FILES:
        refuse(errno.EINVAL)
    storage.view(events, 12 * most, WRITE)
    size = 12 if _PACKED else 16
    data = ffi.new("char[]", size * min(most, 1024))
    while True:
        count = checked(lib.epoll_wait(epoll, data, min(most, 1024), 0))
        if count or (until is not None and time.monotonic() >= until):
            break
        yield Wait(((epoll, select.POLLIN),), until)
    for n in range(count):
        event = bytes(ffi.buffer(data))[n * size : (n + 1) * size]
        storage.write(events + 12 * n, event if _PACKED else event[:4] + event[8:])
    return count


@calls.define(256, "epoll_wait", "fpdd")
def epoll_wait(thread: Thread, epoll: int, events: int, most: int, timeout: int) -> Waiting:
    until = None if timeout < 0 else time.monotonic() + timeout / 1000
    return _epoll(thread, epoll, events, most, until)


@calls.define(319, "epoll_pwait", "fpddpu")
def epoll_pwait(
    thread: Thread, epoll: int, events: int, most: int, timeout: int, mask: int, size: int
) -> Waiting:
    until = None if timeout < 0 else time.monotonic() + timeout / 1000
    _mask(thread, mask, size)
    return _epoll(thread, epoll, events, most, until)


@calls.define(441, "epoll_pwait2", "fpdppu")
def epoll_pwait2(
    thread: Thread, epoll: int, events: int, most: int, timeout: int, mask: int, size: int
) -> Waiting:
    until = None
    if timeout:
        wait = read_time(thread.process.storage, timeout, wide=True)
        until = time.monotonic() + wait / NANO
    _mask(thread, mask, size)
    return _epoll(thread, epoll, events, most, until)


# -- files to be waited for ----------------------------------------------------------------------


@calls.define(323, "eventfd", "u")
def eventfd(thread: Thread, value: int) -> int:
    return eventfd2(thread, value, 0)


@calls.define(328, "eventfd2", "ux")
def eventfd2(thread: Thread, value: int, flags: int) -> int:
    if flags & ~(os.O_CLOEXEC | os.O_NONBLOCK | 1):
        refuse(errno.EINVAL)
    file = os.eventfd(value, flags | os.O_CLOEXEC)
    return thread.process.files.give(file, inherits=not flags & os.O_CLOEXEC)


@calls.define(291, "inotify_init")
def inotify_init(thread: Thread) -> int:
    return inotify_init1(thread, 0)


@calls.define(332, "inotify_init1", "x")
def inotify_init1(thread: Thread, flags: int) -> int:
    file = checked(lib.inotify_init1(flags & 0x7FFF_FFFF | os.O_CLOEXEC))
    return thread.process.files.give(file, inherits=not flags & os.O_CLOEXEC)


@calls.define(292, "inotify_add_watch", "fsx")
def inotify_add_watch(thread: Thread, file: int, path: bytes, mask: int) -> int:
    flags = 0x100 if mask & 0x0200_0000 else 0
    with found(thread, path, flags) as place:
        plain = mask & ~0x0200_0000
        return checked(lib.inotify_add_watch(visible(thread, file), link_to(place), plain))


@calls.define(293, "inotify_rm_watch", "fd")
def inotify_rm_watch(thread: Thread, file: int, watch: int) -> int:
    return checked(lib.inotify_rm_watch(visible(thread, file), watch))
