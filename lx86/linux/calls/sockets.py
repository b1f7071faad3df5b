"""Sockets: the host's, with addresses and messages as a 32-bit program has them.

A socket in the file system is reached as any other file, through the program's view.
"""

from __future__ import annotations

import errno
import os
import select
import socket as host_sockets
import struct
import time
from typing import TYPE_CHECKING

from lx86.linux.call import CallGroup, Wait, refuse
from lx86.linux.files import AT_FDCWD
from lx86.linux.host import checked, ffi, lib
from lx86.storage import READ, WRITE

from .messages import receive, send
from .transfer import MOST, visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from lx86.linux.call import Waiting
    from lx86.linux.thread import Thread

calls = CallGroup()
_CLOEXEC, _NONBLOCK = os.O_CLOEXEC, os.O_NONBLOCK
_MOST_ADDRESS = 128
_MOST_DATA = 1 << 24
_DONTWAIT = host_sockets.MSG_DONTWAIT
_UNIX = host_sockets.AF_UNIX
_SOL_SOCKET = host_sockets.SOL_SOCKET
_RCVTIMEO, _SNDTIMEO = (20, 66), (21, 67)
"""SO_RCVTIMEO and SO_SNDTIMEO, the old ones and those with 64-bit times."""


def _flags(kind: int) -> int:
    return kind | _CLOEXEC


def _inherits(kind: int) -> bool:
    return not kind & _CLOEXEC


@calls.define(359, "socket", "ddd")
def socket(thread: Thread, domain: int, kind: int, protocol: int) -> int:
    file = checked(lib.socket(domain, _flags(kind), protocol))
    return thread.process.files.give(file, inherits=_inherits(kind))


@calls.define(360, "socketpair", "dddp")
def socketpair(thread: Thread, domain: int, kind: int, protocol: int, result: int) -> int:
    thread.process.storage.view(result, 8, WRITE)
    files = ffi.new("int[2]")
    checked(lib.socketpair(domain, _flags(kind), protocol, files))
    give = thread.process.files.give
    given = [give(int(file), inherits=_inherits(kind)) for file in files]
    thread.process.storage.write(result, struct.pack("<2i", *given))
    return 0


# -- addresses -----------------------------------------------------------------------------------


def _address(thread: Thread, address: int, length: int, *, new: bool) -> tuple[bytes, int]:
    """The host's form of an address; and a descriptor to be closed behind its use, or -1."""
    if length > _MOST_ADDRESS:
        refuse(errno.EINVAL)
    data = thread.process.storage.read(address, length) if length else b""
    if len(data) < 3 or int.from_bytes(data[:2], "little") != _UNIX or not data[2]:
        return data, -1
    path = data[2:].split(b"\0")[0]
    files = thread.process.files
    if new:
        file, name = files.parent(AT_FDCWD, path, taken=errno.EADDRINUSE)
        host = b"/proc/self/fd/%d/" % file + name
    else:
        file = files.find(AT_FDCWD, path)
        host = b"/proc/self/fd/%d" % file
    if len(host) > 107:
        os.close(file)
        refuse(errno.ENAMETOOLONG)
    thread.process.socket_names[host] = path
    return data[:2] + host + b"\0", file


def _give_address(thread: Thread, data: bytes, address: int, length_at: int) -> None:
    storage = thread.process.storage
    if not address:
        return
    if data[:2] == _UNIX.to_bytes(2, "little") and data[2:3] == b"/":
        name = data[2:].split(b"\0")[0]
        shown = thread.process.socket_names.get(name)
        data = data[:2] + (shown + b"\0" if shown is not None else b"")
    room = storage.read_word(length_at)
    if room > 0x7FFF_FFFF:
        refuse(errno.EINVAL)
    storage.write(address, data[:room])
    storage.write_word(length_at, len(data))


def _asked(function: Callable[..., int], file: int, *more: int) -> tuple[int, bytes]:
    """What a library call gives with an address it fills in."""
    buffer, length = ffi.new("char[]", _MOST_ADDRESS), ffi.new("uint32_t *", _MOST_ADDRESS)
    result = checked(function(file, buffer, length, *more))
    return result, bytes(ffi.buffer(buffer))[: min(length[0], _MOST_ADDRESS)]


@calls.define(361, "bind", "fpu")
def bind(thread: Thread, file: int, address: int, length: int) -> int:
    data, used = _address(thread, address, length, new=True)
    try:
        return checked(lib.bind(visible(thread, file), data, len(data)))
    finally:
        if used >= 0:
            os.close(used)


@calls.define(362, "connect", "fpu")
def connect(thread: Thread, file: int, address: int, length: int) -> Waiting:
    visible(thread, file)
    data, used = _address(thread, address, length, new=False)
    waits = os.get_blocking(file) and data[:2] != _UNIX.to_bytes(2, "little")
    try:
        if waits:
            os.set_blocking(file, False)
        try:
            return checked(lib.connect(file, data, len(data)))
        except BlockingIOError as begun:
            if not waits or begun.errno != errno.EINPROGRESS:
                raise
        finally:
            if waits:
                os.set_blocking(file, True)
    finally:
        if used >= 0:
            os.close(used)
    yield Wait(((file, select.POLLOUT),))
    value, size = ffi.new("int *"), ffi.new("uint32_t *", 4)
    checked(lib.getsockopt(file, _SOL_SOCKET, host_sockets.SO_ERROR, value, size))
    return -int(value[0])


@calls.define(363, "listen", "fd")
def listen(thread: Thread, file: int, backlog: int) -> int:
    return checked(lib.listen(visible(thread, file), backlog))


@calls.define(364, "accept4", "fppx", restarts=True)
def accept4(thread: Thread, file: int, address: int, length: int, flags: int) -> Waiting:
    if flags & ~(_CLOEXEC | _NONBLOCK):
        refuse(errno.EINVAL)
    if os.get_blocking(visible(thread, file)) and _listens(file):
        yield Wait(((file, select.POLLIN),), _time_limit(file, _RCVTIMEO))
    new, data = _asked(lib.accept4, file, flags | _CLOEXEC)
    given = thread.process.files.give(new, inherits=not flags & _CLOEXEC)
    _give_address(thread, data, address, length)
    return given


def _listens(file: int) -> bool:
    value, size = ffi.new("int *"), ffi.new("uint32_t *", 4)
    lib.getsockopt(file, _SOL_SOCKET, host_sockets.SO_ACCEPTCONN, value, size)
    return bool(value[0])


@calls.define(None, "accept", "fpp", restarts=True)
def accept(thread: Thread, file: int, address: int, length: int) -> Waiting:
    return accept4(thread, file, address, length, 0)


@calls.define(367, "getsockname", "fpp")
def getsockname(thread: Thread, file: int, address: int, length: int) -> int:
    _give_address(thread, _asked(lib.getsockname, visible(thread, file))[1], address, length)
    return 0


@calls.define(368, "getpeername", "fpp")
def getpeername(thread: Thread, file: int, address: int, length: int) -> int:
    _give_address(thread, _asked(lib.getpeername, visible(thread, file))[1], address, length)
    return 0


@calls.define(373, "shutdown", "fd")
def shutdown(thread: Thread, file: int, how: int) -> int:
    return checked(lib.shutdown(visible(thread, file), how))


# -- options -------------------------------------------------------------------------------------


def _is_time(level: int, name: int) -> bool:
    return level == _SOL_SOCKET and name in _RCVTIMEO + _SNDTIMEO


@calls.define(365, "getsockopt", "fddpp")
def getsockopt(
    thread: Thread, file: int, level: int, name: int, result: int, length_at: int
) -> int:
    storage = thread.process.storage
    room = storage.read_word(length_at)
    if room > 0x7FFF_FFFF:
        refuse(errno.EINVAL)
    size = max(16, min(room, 1 << 16))
    data, length = ffi.new("char[]", size), ffi.new("uint32_t *", min(room, size))
    is_time = _is_time(level, name)
    if is_time:
        length[0] = 16
    checked(lib.getsockopt(visible(thread, file), level, name, data, length))
    value = bytes(ffi.buffer(data))[: length[0]]
    if is_time:
        wide = name in (66, 67) or storage.word == 8
        value = value if wide else struct.pack("<ii", *struct.unpack("<qq", value))
        value = value[:room]
    storage.write(result, value)
    storage.write_word(length_at, len(value))
    return 0


@calls.define(366, "setsockopt", "fddpu")
def setsockopt(thread: Thread, file: int, level: int, name: int, value: int, length: int) -> int:
    if length > 1 << 16:
        refuse(errno.EINVAL)
    data = thread.process.storage.read(value, length) if length else b""
    long = thread.process.storage.word == 8
    if _is_time(level, name) and name not in (66, 67) and not long:
        if length < 8:
            refuse(errno.EINVAL)
        data = struct.pack("<qq", *struct.unpack("<ii", data[:8]))
    if level == _SOL_SOCKET and name in (26, 50):  # a filter holds addresses
        refuse(errno.ENOPROTOOPT)
    return checked(lib.setsockopt(visible(thread, file), level, name, data, len(data)))


def _time_limit(file: int, options: tuple[int, int]) -> float | None:
    """When a call on this socket gives up (SO_RCVTIMEO, SO_SNDTIMEO)."""
    data, length = ffi.new("char[16]"), ffi.new("uint32_t *", 16)
    if lib.getsockopt(file, _SOL_SOCKET, options[0], data, length):
        return None
    seconds, microseconds = struct.unpack("<qq", bytes(ffi.buffer(data)))
    if not seconds and not microseconds:
        return None
    return time.monotonic() + float(seconds) + float(microseconds) / 1e6


# -- data ----------------------------------------------------------------------------------------


def _until_done(
    thread: Thread, file: int, flags: int, events: int, attempt: Callable[[], int]
) -> Waiting:
    """Try without waiting, and wait before trying again if the caller would."""
    visible(thread, file)
    limit: float | None = None
    first = True
    while True:
        try:
            return attempt()
        except BlockingIOError:
            if flags & _DONTWAIT or not os.get_blocking(file):
                raise
        if first:
            options = _RCVTIMEO if events == select.POLLIN else _SNDTIMEO
            first, limit = False, _time_limit(file, options)
        elif limit is not None and time.monotonic() >= limit:
            refuse(errno.EAGAIN)
        yield Wait(((file, events),), limit)


@calls.define(369, "sendto", "fbuxpu", restarts=True)
def sendto(
    thread: Thread, file: int, address: int, length: int, flags: int, to: int, to_length: int
) -> Waiting:
    storage = thread.process.storage
    length = min(length, MOST)
    storage.view(address, length, READ)
    place, used = _address(thread, to, to_length, new=False) if to else (b"", -1)

    def attempt() -> int:
        view = storage.view(address, length, READ)
        data, where = ffi.from_buffer(view) if length else b"", place or ffi.NULL
        return checked(
            lib.sendto(file, data, length, flags & 0x7FFF_FFFF | _DONTWAIT, where, len(place))
        )

    try:
        return (yield from _until_done(thread, file, flags, select.POLLOUT, attempt))
    finally:
        if used >= 0:
            os.close(used)


@calls.define(371, "recvfrom", "fpuxpp", restarts=True)
def recvfrom(
    thread: Thread, file: int, address: int, length: int, flags: int, source: int, source_at: int
) -> Waiting:
    storage = thread.process.storage
    length = min(length, _MOST_DATA)

    def attempt() -> int:
        view = storage.view(address, length, WRITE)
        buffer, size = ffi.new("char[]", _MOST_ADDRESS), ffi.new("uint32_t *", _MOST_ADDRESS)
        where = ffi.from_buffer(view) if length else ffi.new("char[1]")
        how = flags & 0x7FFF_FFFF | _DONTWAIT
        got = checked(lib.recvfrom(file, where, length, how, buffer, size))
        storage.written(address, min(got, length))
        if source:
            data = bytes(ffi.buffer(buffer))[: min(size[0], _MOST_ADDRESS)]
            _give_address(thread, data, source, source_at)
        return got

    return _until_done(thread, file, flags, select.POLLIN, attempt)


@calls.define(370, "sendmsg", "fpx", restarts=True)
def sendmsg(thread: Thread, file: int, message: int, flags: int) -> Waiting:
    return _until_done(
        thread, file, flags, select.POLLOUT,
        lambda: send(thread, file, message, flags | _DONTWAIT, _address),
    )  # fmt: skip


@calls.define(372, "recvmsg", "fpx", restarts=True)
def recvmsg(thread: Thread, file: int, message: int, flags: int) -> Waiting:
    return _until_done(
        thread, file, flags, select.POLLIN,
        lambda: receive(thread, file, message, flags | _DONTWAIT, _give_address),
    )  # fmt: skip
