"""sendmsg and recvmsg: struct msghdr and its like, from the program to the host and back."""

from __future__ import annotations

import errno
import os
import struct
from typing import TYPE_CHECKING

from lx86.linux.call import refuse
from lx86.linux.host import checked, ffi, lib
from lx86.linux.structures import vectors
from lx86.storage import READ, WRITE

from .transfer import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from lx86.linux.thread import Thread

_HEADER = {4: struct.Struct("<7I"), 8: struct.Struct("<QI4x4QI4x")}
"""By the size of a word."""
_HOST_HEADER = struct.Struct("@PI4xPNPNi4x")
_CONTROL = {4: struct.Struct("<Iii"), 8: struct.Struct("<Qii")}
_HOST_CONTROL = struct.Struct("@Nii")
_SOL_SOCKET, _RIGHTS = 1, 1
_CMSG_CLOEXEC = 0x4000_0000
_CONTROL_TRUNCATED = 8
_MOST_CONTROL = 1 << 16


def header_size(word: int) -> int:
    """Of struct msghdr."""
    return _HEADER[word].size


def _pointer(buffer: object) -> int:
    return int(ffi.cast("uintptr_t", buffer))


def _vector(views: list[memoryview]) -> object:
    """A struct iovec array of the host's."""
    words: list[int] = []
    for view in views:
        words += [_pointer(ffi.from_buffer(view)) if len(view) else 0, len(view)]
    return ffi.new("uint64_t[]", words or 2)


def send(
    thread: Thread, file: int, message: int, flags: int,
    convert: Callable[..., tuple[bytes, int]],
) -> int:  # fmt: skip
    """sendmsg; `convert` gives the host's form of an address."""
    storage = thread.process.storage
    header = _HEADER[storage.word]
    name, name_length, vector, count, control, control_length, _ = header.unpack(
        storage.read(message, header.size)
    )
    views = [storage.view(*piece, READ) for piece in vectors(storage, vector, count)]
    if control_length > _MOST_CONTROL:
        refuse(errno.ENOBUFS)
    extra = _to_host(thread, storage.read(control, control_length)) if control_length else b""
    place, used = convert(thread, name, name_length, new=False) if name else (b"", -1)
    try:
        kept, pieces = [ffi.new("char[]", part or b"\0") for part in (place, extra)], _vector(views)
        host = _HOST_HEADER.pack(
            _pointer(kept[0]) if place else 0, len(place), _pointer(pieces), len(views),
            _pointer(kept[1]) if extra else 0, len(extra), 0,
        )  # fmt: skip
        return checked(lib.sendmsg(file, host, flags & 0x7FFF_FFFF))
    finally:
        if used >= 0:
            os.close(used)


def _to_host(thread: Thread, data: bytes) -> bytes:
    """Control messages; descriptors in them must be the program's."""
    result, at, word = b"", 0, thread.process.storage.word
    form = _CONTROL[word]
    while at + form.size <= len(data):
        length, level, kind = form.unpack_from(data, at)
        if not form.size <= length <= len(data) - at:
            refuse(errno.EINVAL)
        content = data[at + form.size : at + length]
        if (level, kind) == (_SOL_SOCKET, _RIGHTS):
            for (sent,) in struct.iter_unpack("<i", content[: len(content) & -4]):
                visible(thread, sent)
        new = _HOST_CONTROL.pack(_HOST_CONTROL.size + len(content), level, kind) + content
        result += new.ljust(len(new) + 7 & -8, b"\0")
        at += length + word - 1 & -word
    return result


def receive(thread: Thread, file: int, message: int, flags: int, give: Callable[..., None]) -> int:
    """recvmsg; `give` hands an address of the host's to the program."""
    storage = thread.process.storage
    form = _HEADER[storage.word]
    name, _, vector, count, control, control_length, _ = form.unpack(
        storage.read(message, form.size)
    )
    pieces = vectors(storage, vector, count)
    views = [storage.view(address, length, WRITE) for address, length in pieces]
    host_pieces = _vector(views)
    address = ffi.new("char[]", 128)
    room = min(control_length, _MOST_CONTROL) * 2 + 64 if control_length else 0
    extra = ffi.new("char[]", max(room, 1))
    header = bytearray(
        _HOST_HEADER.pack(
            _pointer(address),
            128,
            _pointer(host_pieces),
            len(views),
            _pointer(extra) if room else 0,
            room,
            0,
        )
    )
    inherits = not flags & _CMSG_CLOEXEC
    how = flags & 0x7FFF_FFFF | _CMSG_CLOEXEC
    got = checked(lib.recvmsg(file, ffi.from_buffer(header), how))
    _, address_length, _, _, _, extra_length, result_flags = _HOST_HEADER.unpack(header)
    left = got
    for start, length in pieces:
        storage.written(start, min(left, length))
        left -= min(left, length)
    found = bytes(ffi.buffer(extra))[:extra_length]
    given, cut = _from_host(thread, found, control_length, inherits=inherits)
    if given:
        storage.write(control, given)
    word = storage.word
    storage.write_long(message + 5 * word, len(given))
    if inherits:
        result_flags &= ~_CMSG_CLOEXEC
    storage.write_word(message + 6 * word, result_flags | (_CONTROL_TRUNCATED if cut else 0))
    if name:
        give(thread, bytes(ffi.buffer(address))[: min(address_length, 128)], name, message + word)
    return got


def _from_host(thread: Thread, data: bytes, room: int, *, inherits: bool) -> tuple[bytes, bool]:
    """Control messages as the program has room for them, and whether that was too little."""
    result, at, cut, word = b"", 0, False, thread.process.storage.word
    form = _CONTROL[word]
    while at + _HOST_CONTROL.size <= len(data):
        length, level, kind = _HOST_CONTROL.unpack_from(data, at)
        if length < _HOST_CONTROL.size:
            break
        content = data[at + _HOST_CONTROL.size : at + length]
        if (level, kind) == (_SOL_SOCKET, _RIGHTS):
            fitting = max(0, (room - len(result) - form.size) // 4)
            files = [file for (file,) in struct.iter_unpack("<i", content)]
            for file in files[fitting:]:
                os.close(file)
                cut = True
            taken = [thread.process.files.give(file, inherits=inherits) for file in files[:fitting]]
            content = struct.pack(f"<{len(taken)}i", *taken)
        new = form.pack(form.size + len(content), level, kind) + content
        if len(result) + len(new) > room:
            cut = True
            break
        padded = len(new) + word - 1 & -word
        result += new.ljust(min(padded, room - len(result)), b"\0")
        at += length + 7 & -8
    return result, cut
