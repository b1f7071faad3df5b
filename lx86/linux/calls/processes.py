"""Processes: forks, children that end, signals to others."""

from __future__ import annotations

import errno
import os
import select
import signal
import struct
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from lx86.linux.call import CallGroup, Wait, refuse
from lx86.linux.endings import Ended, Ending
from lx86.linux.host import queue_signal
from lx86.linux.program import VFORK_STACK, Vfork
from lx86.linux.signals import LAST, Code, Signal, fields_offset, host_info, sent_by
from lx86.storage import StorageFault

from .transfer import visible

if TYPE_CHECKING:
    from lx86.linux.call import Waiting
    from lx86.linux.thread import Thread

calls = CallGroup()
_NOHANG, _UNTRACED, _EXITED, _CONTINUED, _NOWAIT = 1, 2, 4, 8, 0x0100_0000
_THREAD_BITS = 0xE000_0000
_LOOK_AGAIN = 0.02
"""Seconds between looks at children that may stop or go on: nothing on the host tells of that."""
_RUSAGE_WORDS = 18


# -- forks ---------------------------------------------------------------------------------------


def fork_process(thread: Thread, stack: int = 0) -> int:
    """A new process that goes on as this one does; gives 0 there, its number here."""
    process = thread.process
    if process.strace:
        process.strace.flush()
    pid = os.fork()
    if pid:
        process.children[pid] = -1
        return pid
    process.became_child(thread)
    if stack:
        thread.state.esp = stack
    return 0


@calls.define(2, "fork")
def fork(thread: Thread) -> int:
    return fork_process(thread)


@calls.define(190, "vfork")
def vfork(thread: Thread) -> Waiting:
    return vfork_process(thread)


def vfork_process(thread: Thread, stack: int = 0) -> Waiting:
    """As fork, but the caller waits until the child has ended or is another program.

    The child has a copy of the storage; what it wrote to the caller's stack comes back then.
    """
    process = thread.process
    ends = os.pipe2(os.O_CLOEXEC)
    reading, writing = process.reserve(ends[0]), process.reserve(ends[1])
    address = thread.state.esp
    pid = fork_process(thread, stack)
    if not pid:
        os.close(reading)
        process.vfork = Vfork(writing, address)
        return 0
    os.close(writing)
    data = b""
    try:
        while len(data) < VFORK_STACK:
            # A signal does not end this wait: the caller is as good as not there.
            if not (more := os.read(reading, 1 << 16)):
                break
            data += more
    finally:
        os.close(reading)
    if data:
        try:
            process.storage.write(address, data)
        except StorageFault:
            refuse(errno.EFAULT)
    yield from ()
    return pid


# -- children ------------------------------------------------------------------------------------


@calls.define(7, "waitpid", "dpx", restarts=True)
def waitpid(thread: Thread, pid: int, status: int, options: int) -> Waiting:
    return wait4(thread, pid, status, options, 0)


@calls.define(114, "wait4", "dpxp", restarts=True)
def wait4(thread: Thread, pid: int, status: int, options: int, usage: int) -> Waiting:
    if options & ~(_NOHANG | _UNTRACED | _CONTINUED | _THREAD_BITS):
        refuse(errno.EINVAL)
    process = thread.process
    host = options & (_NOHANG | _UNTRACED | _CONTINUED) | _NOHANG
    while True:
        found, how, used = os.wait4(pid, host)
        if found:
            break
        if options & _NOHANG:
            return 0
        yield _until_a_child(thread, pid, stops=bool(options & (_UNTRACED | _CONTINUED)))
    if os.WIFEXITED(how) or os.WIFSIGNALED(how):
        _forget(thread, found)
    if status:
        process.storage.write_word(status, how & 0xFFFF)
    if usage:
        process.storage.write(usage, rusage(used, process.storage.word))
    return found


def _forget(thread: Thread, pid: int) -> None:
    file = thread.process.children.pop(pid, -1)
    if file >= 0:
        os.close(file)


def _until_a_child(thread: Thread, pid: int, *, stops: bool) -> Wait:
    """What tells of the end of the children that are waited for."""
    process, files = thread.process, []
    for child in [pid] if pid in process.children else list(process.children):
        if process.children[child] < 0:
            try:
                process.children[child] = process.reserve(os.pidfd_open(child))
            except ProcessLookupError:
                process.children.pop(child)
                continue
            except OSError:  # too many of them for our descriptors
                stops = True
                continue
        files.append((process.children[child], select.POLLIN))
    if not files:
        stops = True
    return Wait(tuple(files), time.monotonic() + _LOOK_AGAIN if stops else None)


@calls.define(284, "waitid", "ddpxp", restarts=True)
def waitid(thread: Thread, kind: int, number: int, info: int, options: int, usage: int) -> Waiting:
    kinds = {0: os.P_ALL, 1: os.P_PID, 2: os.P_PGID}
    if kind == 3:
        number = _pid_of_pidfd(visible(thread, number))
        kind = 1
    if kind not in kinds:
        refuse(errno.EINVAL)
    if options & ~0x0100_000F or not options & (_EXITED | _UNTRACED | _CONTINUED):
        refuse(errno.EINVAL)
    storage = thread.process.storage
    while True:
        result = os.waitid(kinds[kind], number, options | _NOHANG)
        if result is not None or options & _NOHANG:
            break
        pid = number if kind == 1 else -1
        yield _until_a_child(thread, pid, stops=bool(options & (_UNTRACED | _CONTINUED)))
    if result is None:
        if info:
            storage.write(info, bytes(20 + storage.word))
        return 0
    if result.si_code in (os.CLD_EXITED, os.CLD_KILLED, os.CLD_DUMPED) and not options & _NOWAIT:
        _forget(thread, result.si_pid)
    if info:
        fields = struct.pack("<IIi", result.si_pid, result.si_uid, result.si_status)
        found = Signal(signal.SIGCHLD, result.si_code, fields)
        storage.write(info, found.pack(storage.word))
    if usage:
        storage.write(usage, bytes(_RUSAGE_WORDS * storage.word))
    return 0


def _pid_of_pidfd(file: int) -> int:
    try:
        with open(f"/proc/self/fdinfo/{file}", encoding="ascii") as info:
            for line in info:
                if line.startswith("Pid:"):
                    return int(line.split()[1])
    except FileNotFoundError:
        pass
    refuse(errno.EBADF)


def rusage(used: object, word: int) -> bytes:
    """struct rusage of what os.wait4 or resource.getrusage give."""
    times = [getattr(used, name) for name in ("ru_utime", "ru_stime")]
    halves = [int(part) for t in times for part in (t, t % 1 * 1e6)]
    names = "maxrss ixrss idrss isrss minflt majflt nswap inblock oublock msgsnd msgrcv nsignals"
    counts = [getattr(used, f"ru_{name}") for name in names.split()]
    counts += [getattr(used, name) for name in ("ru_nvcsw", "ru_nivcsw")]
    mask, letter = (1 << 8 * word) - 1, "Q" if word == 8 else "I"
    return struct.pack(f"<{_RUSAGE_WORDS}{letter}", *(n & mask for n in halves + counts))


# -- signals to processes ------------------------------------------------------------------------


def _check_signal(number: int) -> None:
    if not 0 <= number <= LAST:
        refuse(errno.EINVAL)


@calls.define(37, "kill", "dd")
def kill(thread: Thread, pid: int, number: int) -> int:
    _check_signal(number)
    process = thread.process
    if pid == process.pid and number:
        _signal_self(thread, number)
        return 0
    if pid > 0:
        _signal_other(thread, pid, 0 if number in (32, 33) else number)
        return 0
    group = None if pid == -1 else -pid or os.getpgrp()
    members = process.relatives.group(group)
    for member in members:
        if member != process.pid:
            with suppress(OSError):  # it has ended
                process.relatives.signal(member, number)
    if process.pid in members and number:
        _signal_self(thread, number)
    return 0


def _signal_other(thread: Thread, pid: int, number: int, info: bytes = b"") -> None:
    """To another process of this run, which may be a child that has ended."""
    process = thread.process
    if pid not in process.children:
        process.relatives.signal(pid, number, info)
    elif info:
        queue_signal(pid, number, info)
    else:
        os.kill(pid, number)


def _signal_self(thread: Thread, number: int) -> None:
    """A signal to this process is there before the call returns."""
    process = thread.process
    if number in (signal.SIGKILL, signal.SIGSTOP):
        os.kill(process.pid, number)
        return
    process.signals.post(process.signals.pending, sent_by(number, process.pid, os.getuid()))


@calls.define(270, "tgkill", "ddd")
def tgkill(thread: Thread, group: int, tid: int, number: int) -> int:
    _check_signal(number)
    if group <= 0 or tid <= 0:
        refuse(errno.EINVAL)
    process = thread.process
    if group != process.pid:
        _signal_other(thread, group, number)
        return 0
    return _signal_thread(thread, tid, sent_by(number, process.pid, os.getuid(), Code.TKILL))


@calls.define(238, "tkill", "dd")
def tkill(thread: Thread, tid: int, number: int) -> int:
    _check_signal(number)
    if tid <= 0:
        refuse(errno.EINVAL)
    process = thread.process
    if process.find_thread(tid) is None and tid < 1 << 22:
        _signal_other(thread, tid, number)
        return 0
    return _signal_thread(thread, tid, sent_by(number, process.pid, os.getuid(), Code.TKILL))


def _signal_thread(thread: Thread, tid: int, what: Signal) -> int:
    target = thread.process.find_thread(tid)
    if target is None:
        refuse(errno.ESRCH)
    if what.number in (signal.SIGKILL, signal.SIGSTOP):
        os.kill(thread.process.pid, what.number)
    elif what.number:
        thread.process.signals.post(target.pending, what)
    return 0


@calls.define(178, "rt_sigqueueinfo", "ddp")
def rt_sigqueueinfo(thread: Thread, pid: int, number: int, info: int) -> int:
    _queue(thread, pid, _queued(thread, number, info, to_self=pid == thread.process.pid))
    return 0


def _queue(thread: Thread, pid: int, what: Signal) -> None:
    process = thread.process
    if pid != process.pid:
        _signal_other(thread, pid, what.number, host_info(what, process.storage.word))
    elif what.number in (signal.SIGKILL, signal.SIGSTOP):
        os.kill(pid, what.number)
    elif what.number:
        process.signals.post(process.signals.pending, what)


@calls.define(335, "rt_tgsigqueueinfo", "dddp")
def rt_tgsigqueueinfo(thread: Thread, group: int, tid: int, number: int, info: int) -> int:
    if group != thread.process.pid:
        refuse(errno.EPERM)
    return _signal_thread(thread, tid, _queued(thread, number, info, to_self=True))


def _queued(thread: Thread, number: int, info: int, *, to_self: bool) -> Signal:
    _check_signal(number)
    storage = thread.process.storage
    data = storage.read(info, 128)
    _, error, code = struct.unpack_from("<iii", data)
    if not to_self and (code >= 0 or code == Code.TKILL):
        refuse(errno.EPERM)
    return Signal(number, code, data[fields_offset(storage.word) :], error)


# -- descriptors of processes --------------------------------------------------------------------


@calls.define(434, "pidfd_open", "dx")
def pidfd_open(thread: Thread, pid: int, flags: int) -> int:
    if flags & ~os.O_NONBLOCK or pid <= 0:
        refuse(errno.EINVAL)
    process = thread.process
    file = os.pidfd_open(pid, flags)
    if pid != process.pid and pid not in process.children and not process.relatives.include(pid):
        os.close(file)
        refuse(errno.EPERM)
    return process.files.give(file, inherits=False)


@calls.define(424, "pidfd_send_signal", "fdpx")
def pidfd_send_signal(thread: Thread, file: int, number: int, info: int, flags: int) -> int:
    if flags:
        refuse(errno.EINVAL)
    pid = _pid_of_pidfd(visible(thread, file))
    if pid <= 0:
        refuse(errno.ESRCH)
    if not info:
        return kill(thread, pid, number)
    what = _queued(thread, number, info, to_self=pid == thread.process.pid)
    if thread.process.storage.read_word(info) != number:
        refuse(errno.EINVAL)
    _queue(thread, pid, what)
    return 0


# -- ends ----------------------------------------------------------------------------------------


@calls.define(252, "exit_group", "d")
def exit_group(thread: Thread, status: int) -> int:
    raise Ended(Ending(status & 0xFF))
