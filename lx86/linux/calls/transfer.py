"""Reading and writing files."""

from __future__ import annotations

import errno
import os
import select
import stat
from typing import TYPE_CHECKING

from lx86.linux.call import CallGroup, Wait, refuse
from lx86.linux.structures import vectors
from lx86.storage import READ, WRITE

if TYPE_CHECKING:
    from lx86.linux.call import Waiting
    from lx86.linux.thread import Thread

calls = CallGroup()
_MOST = 0x7FFF_F000
"""Linux's limit of one transfer."""
_PIPE_PIECE = 4096
"""A pipe that can be written takes this much without waiting (PIPE_BUF)."""


def visible(thread: Thread, file: int) -> int:
    """A descriptor that the program may use: our own are none."""
    if not 0 <= file < thread.process.limit:
        refuse(errno.EBADF)
    return file


def until(thread: Thread, file: int, events: int) -> Waiting:
    """Wait until a descriptor is ready, unless it never waits."""
    if not os.get_blocking(visible(thread, file)):
        return 0
    if not stat.S_ISREG(os.fstat(file).st_mode):
        yield Wait(((file, events),))
    return 0


def _views(thread: Thread, pieces: list[tuple[int, int]], need: int) -> list[memoryview]:
    """The program's bytes themselves; as many pieces as may be used, at least one."""
    storage, views = thread.process.storage, []
    left = _MOST
    for address, length in pieces:
        length = min(length, left)
        usable = storage.accessible(address, length, WRITE if need == WRITE else READ)
        if usable or not length:
            views.append(storage.raw(address, usable))
        elif not any(len(view) for view in views):
            refuse(errno.EFAULT)
        left -= usable
        if usable < length or not left:
            break
    return views


def _written(thread: Thread, pieces: list[tuple[int, int]], length: int) -> int:
    left = length
    for address, size in pieces:
        thread.process.storage.written(address, min(size, left))
        left -= min(size, left)
        if not left:
            break
    return length


def _read(thread: Thread, file: int, pieces: list[tuple[int, int]]) -> Waiting:
    yield from until(thread, file, select.POLLIN)
    return _written(thread, pieces, os.readv(file, _views(thread, pieces, WRITE)))


def _write(thread: Thread, file: int, pieces: list[tuple[int, int]]) -> Waiting:
    yield from until(thread, file, select.POLLOUT)
    views = _views(thread, pieces, READ)
    others = len(thread.process.threads) > 1 and os.get_blocking(file)
    if not others or not stat.S_ISFIFO(os.fstat(file).st_mode):
        return os.writev(file, views)
    # Who reads the pipe may be another thread, which could not while we wait in the host.
    data, done = b"".join(views), 0
    while done < len(data):
        if done:
            yield from until(thread, file, select.POLLOUT)
        done += os.write(file, data[done : done + _PIPE_PIECE])
    return done


@calls.define(3, "read", "fpu", restarts=True)
def read(thread: Thread, file: int, address: int, count: int) -> Waiting:
    return _read(thread, file, [(address, count)])


@calls.define(4, "write", "fbu", restarts=True)
def write(thread: Thread, file: int, address: int, count: int) -> Waiting:
    return _write(thread, file, [(address, count)])


@calls.define(145, "readv", "fpu", restarts=True)
def readv(thread: Thread, file: int, vector: int, count: int) -> Waiting:
    return _read(thread, file, vectors(thread.process.storage, vector, count))


@calls.define(146, "writev", "fpu", restarts=True)
def writev(thread: Thread, file: int, vector: int, count: int) -> Waiting:
    return _write(thread, file, vectors(thread.process.storage, vector, count))


def _read_at(thread: Thread, file: int, pieces: list[tuple[int, int]], offset: int) -> int:
    views = _views(thread, pieces, WRITE)
    return _written(thread, pieces, os.preadv(visible(thread, file), views, offset))


@calls.define(180, "pread64", "fpul")
def pread64(thread: Thread, file: int, address: int, count: int, offset: int) -> int:
    if offset < 0:
        refuse(errno.EINVAL)
    return _read_at(thread, file, [(address, count)], offset)


@calls.define(181, "pwrite64", "fbul")
def pwrite64(thread: Thread, file: int, address: int, count: int, offset: int) -> int:
    if offset < 0:
        refuse(errno.EINVAL)
    return os.pwritev(visible(thread, file), _views(thread, [(address, count)], READ), offset)


@calls.define(333, "preadv", "fpul")
def preadv(thread: Thread, file: int, vector: int, count: int, offset: int) -> int:
    return _read_at(thread, file, vectors(thread.process.storage, vector, count), offset)


@calls.define(334, "pwritev", "fpul")
def pwritev(thread: Thread, file: int, vector: int, count: int, offset: int) -> int:
    pieces = vectors(thread.process.storage, vector, count)
    return os.pwritev(visible(thread, file), _views(thread, pieces, READ), offset)


@calls.define(187, "sendfile", "ffpu")
def sendfile(thread: Thread, out: int, source: int, offset: int, count: int) -> Waiting:
    return _sendfile(thread, out, source, offset, count, 4)


@calls.define(239, "sendfile64", "ffpu", x64="sendfile")
def sendfile64(thread: Thread, out: int, source: int, offset: int, count: int) -> Waiting:
    return _sendfile(thread, out, source, offset, count, 8)


def _sendfile(thread: Thread, out: int, source: int, offset: int, count: int, size: int) -> Waiting:
    storage = thread.process.storage
    visible(thread, source)
    yield from until(thread, out, select.POLLOUT)
    count = min(count, _MOST)
    if not offset:
        return os.sendfile(out, source, None, count)
    start = int.from_bytes(storage.view(offset, size, WRITE), "little")
    sent = os.sendfile(out, source, start, count)
    storage.write(offset, (start + sent).to_bytes(size, "little"))
    return sent


@calls.define(313, "splice", "fpfpux")
def splice(
    thread: Thread, source: int, source_offset: int, out: int, offset: int, count: int, flags: int
) -> Waiting:
    storage = thread.process.storage
    places = [
        int.from_bytes(storage.view(at, 8, WRITE), "little") if at else None
        for at in (source_offset, offset)
    ]
    visible(thread, out)
    yield from until(thread, source, select.POLLIN)
    try:
        done = os.splice(source, out, min(count, _MOST), places[0], places[1], flags & 0xF)
    except OverflowError:
        refuse(errno.EINVAL)
    for at, start in zip((source_offset, offset), places, strict=True):
        if start is not None:
            storage.write(at, (start + done).to_bytes(8, "little"))
    return done


@calls.define(377, "copy_file_range", "fpfpux")
def copy_file_range(
    thread: Thread, source: int, source_offset: int, out: int, offset: int, count: int, flags: int
) -> int:
    if flags:
        refuse(errno.EINVAL)
    storage = thread.process.storage
    places = [
        int.from_bytes(storage.view(at, 8, WRITE), "little") if at else None
        for at in (source_offset, offset)
    ]
    try:
        done = os.copy_file_range(
            visible(thread, source), visible(thread, out), min(count, _MOST), *places
        )
    except OverflowError:
        refuse(errno.EINVAL)
    for at, start in zip((source_offset, offset), places, strict=True):
        if start is not None:
            storage.write(at, (start + done).to_bytes(8, "little"))
    return done
