"""Calls of the host's C library that Python does not have, with the library's own meaning.

A call that fails raises OSError.
"""

from __future__ import annotations

import os
from typing import Any

from cffi import FFI

ffi = FFI()
ffi.cdef("""
    typedef struct { uint64_t flags, mode, resolve; } open_how;
    typedef struct { int64_t sec, nsec; } timespec_t;
    typedef struct { timespec_t interval, value; } itimerspec_t;
    long syscall(long number, ...);
    int signalfd(int file, const void *mask, int flags);
    long getdents64(int file, void *buffer, size_t length);
    int statx(int directory, const char *path, int flags, unsigned mask, void *buffer);
    int epoll_create1(int flags);
    int epoll_ctl(int epoll, int operation, int file, void *event);
    int epoll_wait(int epoll, void *events, int most, int timeout);
    int inotify_init1(int flags);
    int inotify_add_watch(int file, const char *path, uint32_t mask);
    int inotify_rm_watch(int file, int watch);
    int timer_create(int clock, const void *event, uint64_t *timer);
    int timer_settime(uint64_t timer, int flags, const itimerspec_t *value, itimerspec_t *old);
    int timer_gettime(uint64_t timer, itimerspec_t *value);
    int timer_getoverrun(uint64_t timer);
    int timer_delete(uint64_t timer);
    int timerfd_create(int clock, int flags);
    int timerfd_settime(int file, int flags, const itimerspec_t *value, itimerspec_t *old);
    int timerfd_gettime(int file, itimerspec_t *value);
    int socket(int domain, int type, int protocol);
    int socketpair(int domain, int type, int protocol, int *files);
    int bind(int file, const void *address, uint32_t length);
    int connect(int file, const void *address, uint32_t length);
    int listen(int file, int backlog);
    int accept4(int file, void *address, uint32_t *length, int flags);
    int getsockname(int file, void *address, uint32_t *length);
    int getpeername(int file, void *address, uint32_t *length);
    int shutdown(int file, int how);
    int getsockopt(int file, int level, int name, void *value, uint32_t *length);
    int setsockopt(int file, int level, int name, const void *value, uint32_t length);
    ssize_t sendto(int file, const void *data, size_t length, int flags,
                   const void *address, uint32_t address_length);
    ssize_t recvfrom(int file, void *data, size_t length, int flags,
                     void *address, uint32_t *address_length);
    ssize_t sendmsg(int file, const void *message, int flags);
    ssize_t recvmsg(int file, void *message, int flags);
    int prctl(int option, ...);
    int fallocate(int file, int mode, int64_t offset, int64_t length);
    int posix_fadvise(int file, int64_t offset, int64_t length, int advice);
    int fstatfs(int file, void *buffer);
    ssize_t tee(int source, int out, size_t length, unsigned flags);
    int sync_file_range(int file, int64_t offset, int64_t length, unsigned flags);
    int flock(int file, int operation);
    int clock_getres(int clock, timespec_t *time);
    int clock_gettime(int clock, timespec_t *time);
    int getrusage(int who, void *usage);
    int fchownat(int directory, const char *path, unsigned owner, unsigned group, int flags);
    int utimensat(int directory, const char *path, const timespec_t *times, int flags);
    int faccessat(int directory, const char *path, int mode, int flags);
    void *mremap(void *old, size_t old_length, size_t length, int flags, void *place);
    int msync(void *address, size_t length, int flags);
    int madvise(void *address, size_t length, int advice);
    int mincore(void *address, size_t length, void *vector);
""")
lib: Any = ffi.dlopen(None)

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
