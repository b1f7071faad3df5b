"""Calls of the host's C library that Python does not have, with the library's own meaning.

A call that fails raises OSError.
"""

from __future__ import annotations

import os

from lx86 import libc

ffi, lib = libc.ffi, libc.library

OPENAT2, PIDFD_SEND_SIGNAL = 437, 424
"""Newer calls have one number on all architectures."""
AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW = 0x1000, 0x100
RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH = 2, 4, 8


def checked(result: int) -> int:
    """What a library call gave, or its error as OSError."""
    if result < 0:
        error = ffi.errno
        raise OSError(error, os.strerror(error))
    return result


def openat2(directory: int, path: bytes, flags: int, resolve: int, mode: int = 0) -> int:
    how = ffi.new("open_how *", {"flags": flags, "mode": mode, "resolve": resolve})
    place = ffi.new("char[]", path)
    size = ffi.cast("size_t", ffi.sizeof("open_how"))
    return checked(
        lib.syscall(OPENAT2, ffi.cast("int", directory), ffi.cast("char *", place), how, size)
    )


def signal_file(file: int, mask: int) -> int:
    """A signalfd for the signals in `mask` (bit 0 is signal 1); `file` is one to change, or -1."""
    nonblocking_cloexec = os.O_NONBLOCK | os.O_CLOEXEC
    return checked(
        lib.signalfd(file, mask.to_bytes(8, "little").ljust(128, b"\0"), nonblocking_cloexec)
    )


def queue_signal(pid: int, number: int, info: bytes) -> None:
    """Send a process a signal with what `info`, a siginfo_t, says."""
    process = os.pidfd_open(pid)
    try:
        queue_by(process, number, info)
    finally:
        os.close(process)


def queue_by(process: int, number: int, info: bytes) -> None:
    """The same by a descriptor of the process."""
    data, none = ffi.new("char[]", info), ffi.cast("unsigned", 0)
    file, what = ffi.cast("int", process), ffi.cast("int", number)
    checked(lib.syscall(PIDFD_SEND_SIGNAL, file, what, ffi.cast("char *", data), none))


def delete_timer(timer: int) -> None:
    lib.timer_delete(timer)
