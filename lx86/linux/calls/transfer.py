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
MOST = 0x7FFF_F000
"""Linux's limit of one transfer."""
_PIPE_PIECE = 4096
"""A pipe that can be written takes this much without waiting (PIPE_BUF)."""


_KNOWN_FLAGS = 0x1F
"""RWF_HIPRI to RWF_APPEND."""


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


def views_of(thread: Thread, pieces: list[tuple[int, int]], need: int) -> list[memoryview]:
    """The program's bytes themselves; as many pieces as may be used, at least one."""
    storage, views = thread.process.storage, []
    left = MOST
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


_LEAST = {b"anon_inode:[timerfd]": 8, b"anon_inode:[eventfd]": 8, b"anon_inode:[signalfd]": 128}
"""What is refused at once if it is less."""


def _too_short(file: int, pieces: list[tuple[int, int]]) -> bool:
    length = sum(length for _, length in pieces)
    return length < 128 and length < _LEAST.get(os.readlink(b"/proc/self/fd/%d" % file), 0)


def _read(thread: Thread, file: int, pieces: list[tuple[int, int]]) -> Waiting:
    if not _too_short(visible(thread, file), pieces):
        yield from until(thread, file, select.POLLIN)
    return _written(thread, pieces, os.readv(file, views_of(thread, pieces, WRITE)))


def _write(thread: Thread, file: int, pieces: list[tuple[int, int]]) -> Waiting:
    yield from until(thread, file, select.POLLOUT)
    views = views_of(thread, pieces, READ)
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
    views = views_of(thread, pieces, WRITE)
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
    return os.pwritev(visible(thread, file), views_of(thread, [(address, count)], READ), offset)


@calls.define(333, "preadv", "fpul")
def preadv(thread: Thread, file: int, vector: int, count: int, offset: int) -> int:
    return _read_at(thread, file, vectors(thread.process.storage, vector, count), offset)


@calls.define(334, "pwritev", "fpul")
def pwritev(thread: Thread, file: int, vector: int, count: int, offset: int) -> int:
    pieces = vectors(thread.process.storage, vector, count)
    return os.pwritev(visible(thread, file), views_of(thread, pieces, READ), offset)


def _offset(thread: Thread, low: int, high: int) -> int:
    """Of preadv2 and pwritev2: two words, of which a 64-bit program fills the first."""
    wide = low if thread.process.storage.word == 8 else low | high << 32
    return wide - ((wide & 1 << 63) << 1)


@calls.define(378, "preadv2", "fpuwwx")
def preadv2(
    thread: Thread, file: int, vector: int, count: int, low: int, high: int, flags: int
) -> Waiting:
    pieces, offset = vectors(thread.process.storage, vector, count), _offset(thread, low, high)
    yield from _until_flagged(thread, file, select.POLLIN, offset, flags)
    got = os.preadv(visible(thread, file), views_of(thread, pieces, WRITE), offset, flags)
    return _written(thread, pieces, got)


@calls.define(379, "pwritev2", "fpuwwx")
def pwritev2(
    thread: Thread, file: int, vector: int, count: int, low: int, high: int, flags: int
) -> Waiting:
    pieces, offset = vectors(thread.process.storage, vector, count), _offset(thread, low, high)
    yield from _until_flagged(thread, file, select.POLLOUT, offset, flags)
    return os.pwritev(visible(thread, file), views_of(thread, pieces, READ), offset, flags)


def _until_flagged(thread: Thread, file: int, ready: int, offset: int, flags: int) -> Waiting:
    """Without an offset, -1, they wait as readv and writev do."""
    if flags & ~_KNOWN_FLAGS:
        refuse(errno.EOPNOTSUPP)
    if offset == -1 and not flags & os.RWF_NOWAIT:
        yield from until(thread, file, ready)
    return 0


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
    count = min(count, MOST)
    if not offset:
        return os.sendfile(out, source, None, count)
    start = int.from_bytes(storage.view(offset, size, WRITE), "little")
    sent = os.sendfile(out, source, start, count)
    storage.write(offset, (start + sent).to_bytes(size, "little"))
    return sent
