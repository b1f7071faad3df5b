"""What Lx86 calls of the host's C library, and `libc_types.py` as cffi makes it of that.

cffi's parser takes longer than many a program, so what it makes is kept: run
`python -m lx86.libc_declarations` after a change here.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

DECLARATIONS = """
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
    void *mmap(void *address, size_t length, int protection, int flags, int file, long offset);
    struct iovec { void *base; size_t length; };
    ssize_t process_vm_readv(int pid, const struct iovec *here, unsigned long here_count,
                             const struct iovec *there, unsigned long there_count,
                             unsigned long flags);
"""
_MADE = Path(__file__).with_name("libc_types.py")
_HEAD = "# Made by libc_declarations.py.\n# ruff: noqa\n# fmt: off\n# mypy: ignore-errors\n"


def made() -> str:
    """The text of `libc_types.py`."""
    from cffi import FFI

    builder = FFI()
    builder.cdef(DECLARATIONS)
    builder.set_source("lx86.libc_types", None)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "made.py"
        builder.emit_python_code(str(file))
        return _HEAD + file.read_text().partition("\n")[2]


if __name__ == "__main__":
    _MADE.write_text(made())
