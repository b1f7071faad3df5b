"""Signals: what they do, which are blocked, waiting for them."""

from __future__ import annotations

import errno
import os
import select
import signal
import struct
import time
from typing import TYPE_CHECKING, NoReturn

from lx86.linux import frames
from lx86.linux.call import CallGroup, StateSet, Wait, refuse
from lx86.linux.endings import Ended, Ending
from lx86.linux.host import signal_file
from lx86.linux.signals import IGNORE, LAST, UNBLOCKABLE, Action, ActionFlag, bit
from lx86.linux.structures import NANO, read_time
from lx86.storage import StorageFault

from .transfer import visible

if TYPE_CHECKING:
    from lx86.linux.call import Waiting
    from lx86.linux.thread import Thread

calls = CallGroup()
_ACTION = {4: struct.Struct("<IIIQ"), 8: struct.Struct("<QQQQ")}
"""By the size of a word."""
_OLD_ACTION = struct.Struct("<IIII")
_STACK = {4: struct.Struct("<III"), 8: struct.Struct("<QI4xQ")}
_SETMASK = 2
_MIN_STACK = 2048


def _read_mask(thread: Thread, address: int, size: int) -> int:
    if size != 8:
        refuse(errno.EINVAL)
    return int.from_bytes(thread.process.storage.read(address, 8), "little")


# -- actions -------------------------------------------------------------------------------------


def _exchange(thread: Thread, number: int, new: Action | None) -> Action:
    """Set what a signal does, unless `new` is None; gives what it did."""
    if not 1 <= number <= LAST or (new and bit(number) & UNBLOCKABLE):
        refuse(errno.EINVAL)
    process = thread.process
    old = process.signals.action(number)
    if new is not None:
        process.signals.set_action(number, new, process.threads)
        if number in (signal.SIGSEGV, signal.SIGBUS) and new.handler > IGNORE:
            process.cpu.keep_stores_whole()
    return old


@calls.define(174, "rt_sigaction", "dppu")
def rt_sigaction(thread: Thread, number: int, new: int, old: int, size: int) -> int:
    if size != 8:
        refuse(errno.EINVAL)
    storage, action = thread.process.storage, None
    form = _ACTION[storage.word]
    if new:
        handler, flags, restorer, mask = form.unpack(storage.read(new, form.size))
        action = Action(handler, flags, mask & ~UNBLOCKABLE, restorer)
    was = _exchange(thread, number, action)
    if old:
        storage.write(old, form.pack(was.handler, was.flags, was.restorer, was.mask))
    return 0


@calls.define(67, "sigaction", "dpp")
def sigaction(thread: Thread, number: int, new: int, old: int) -> int:
    storage, action = thread.process.storage, None
    if new:
        handler, mask, flags, restorer = _OLD_ACTION.unpack(storage.read(new, _OLD_ACTION.size))
        action = Action(handler, flags, mask & ~UNBLOCKABLE, restorer)
    was = _exchange(thread, number, action)
    if old:
        word = was.mask & 0xFFFF_FFFF
        storage.write(old, _OLD_ACTION.pack(was.handler, word, was.flags, was.restorer))
    return 0


@calls.define(48, "signal", "dp")
def signal_(thread: Thread, number: int, handler: int) -> int:
    flags = ActionFlag.RESETHAND | ActionFlag.NODEFER
    return _exchange(thread, number, Action(handler, flags)).handler


# -- masks ---------------------------------------------------------------------------------------


def _change_mask(thread: Thread, how: int, mask: int) -> None:
    match how:
        case 0:
            thread.mask |= mask & ~UNBLOCKABLE
        case 1:
            thread.mask &= ~mask
        case 2:
            thread.mask = mask & ~UNBLOCKABLE
        case _:
            refuse(errno.EINVAL)
    thread.process.signals.update(thread.process.threads)


@calls.define(175, "rt_sigprocmask", "dppu")
def rt_sigprocmask(thread: Thread, how: int, new: int, old: int, size: int) -> int:
    before = thread.mask
    if size != 8:
        refuse(errno.EINVAL)
    if new:
        _change_mask(thread, how, _read_mask(thread, new, size))
    if old:
        thread.process.storage.write(old, before.to_bytes(8, "little"))
    return 0


@calls.define(126, "sigprocmask", "dpp")
def sigprocmask(thread: Thread, how: int, new: int, old: int) -> int:
    before, storage = thread.mask, thread.process.storage
    if new:
        word = storage.read_word(new)
        _change_mask(thread, how, word if how != _SETMASK else before >> 32 << 32 | word)
    if old:
        storage.write_word(old, before & 0xFFFF_FFFF)
    return 0


def _pending(thread: Thread) -> int:
    queues = thread.pending + thread.process.signals.pending
    ours = {found.number for found in queues} | {int(n) for n in signal.sigpending()}
    return sum(bit(n) for n in ours) & thread.mask


@calls.define(176, "rt_sigpending", "pu")
def rt_sigpending(thread: Thread, result: int, size: int) -> int:
    if size > 8:
        refuse(errno.EINVAL)
    thread.process.storage.write(result, _pending(thread).to_bytes(8, "little")[:size])
    return 0


@calls.define(73, "sigpending", "p")
def sigpending(thread: Thread, result: int) -> int:
    thread.process.storage.write_word(result, _pending(thread) & 0xFFFF_FFFF)
    return 0


# -- waiting -------------------------------------------------------------------------------------


def with_mask(thread: Thread, mask: int) -> None:
    """Have another mask until the call is over."""
    thread.saved_mask, thread.mask = thread.mask, mask & ~UNBLOCKABLE
    thread.process.signals.update(thread.process.threads)


def _sleep(thread: Thread) -> Waiting:
    while True:
        yield Wait()


@calls.define(179, "rt_sigsuspend", "pu")
def rt_sigsuspend(thread: Thread, mask: int, size: int) -> Waiting:
    with_mask(thread, _read_mask(thread, mask, size))
    return _sleep(thread)


@calls.define(72, "sigsuspend", "xxx")
def sigsuspend(thread: Thread, _history0: int, _history1: int, mask: int) -> Waiting:
    with_mask(thread, mask)
    return _sleep(thread)


@calls.define(29, "pause")
def pause(thread: Thread) -> Waiting:
    return _sleep(thread)


@calls.define(177, "rt_sigtimedwait", "pppu")
def rt_sigtimedwait(thread: Thread, mask: int, info: int, timeout: int, size: int) -> Waiting:
    return _sigtimedwait(thread, mask, info, timeout, size, wide=False)


@calls.define(421, "rt_sigtimedwait_time64", "pppu")
def rt_sigtimedwait_time64(
    thread: Thread, mask: int, info: int, timeout: int, size: int
) -> Waiting:
    return _sigtimedwait(thread, mask, info, timeout, size, wide=True)


def _sigtimedwait(
    thread: Thread, mask: int, info: int, timeout: int, size: int, *, wide: bool
) -> Waiting:
    process = thread.process
    wanted = _read_mask(thread, mask, size) & ~UNBLOCKABLE
    until = None
    if timeout:
        until = time.monotonic() + read_time(process.storage, timeout, wide=wide) / NANO
    file = process.reserve(signal_file(-1, wanted & ~(bit(32) | bit(33))))
    try:
        while True:
            if (found := process.signals.take(thread, wanted)) is None:
                found = process.signals.read(file)
            if found is not None:
                if info:
                    process.storage.write(info, found.pack(process.storage.word))
                return found.number
            if until is not None and time.monotonic() >= until:
                refuse(errno.EAGAIN)
            yield Wait(((file, select.POLLIN),), until, signals=wanted)
    finally:
        os.close(file)


@calls.define(321, "signalfd", "fpu")
def signalfd(thread: Thread, file: int, mask: int, size: int) -> int:
    return signalfd4(thread, file, mask, size, 0)


@calls.define(327, "signalfd4", "fpux")
def signalfd4(thread: Thread, file: int, mask: int, size: int, flags: int) -> int:
    if flags & ~(os.O_NONBLOCK | os.O_CLOEXEC):
        refuse(errno.EINVAL)
    wanted = _read_mask(thread, mask, size)
    if file >= 0:
        return signal_file(visible(thread, file), wanted)
    new = signal_file(-1, wanted)
    os.set_blocking(new, not flags & os.O_NONBLOCK)
    return thread.process.files.give(new, inherits=not flags & os.O_CLOEXEC)


# -- stacks, and the way back --------------------------------------------------------------------


@calls.define(186, "sigaltstack", "pp")
def sigaltstack(thread: Thread, new: int, old: int) -> int:
    storage = thread.process.storage
    at, _, size = thread.alternate_stack
    on_it = bool(size) and at <= thread.state.esp - 1 < at + size
    state = (frames.ONSTACK if on_it else 0) if size else frames.DISABLE
    wanted, form = None, _STACK[storage.word]
    if new:
        wanted = form.unpack(storage.read(new, form.size))
        if on_it:
            refuse(errno.EPERM)
        if wanted[1] & ~(frames.ONSTACK | frames.DISABLE | 1 << 31):
            refuse(errno.EINVAL)
        if not wanted[1] & frames.DISABLE and wanted[2] < _MIN_STACK:
            refuse(errno.ENOMEM)
    if old:
        storage.write(old, form.pack(at, state, size))
    if wanted:
        thread.alternate_stack = (
            (0, frames.DISABLE, 0) if wanted[1] & frames.DISABLE else (wanted[0], 0, wanted[2])
        )
    return 0


def _go_back(thread: Thread, *, rt: bool) -> NoReturn:
    try:
        if rt:
            frames.rt_sigreturn(thread)
        else:
            frames.sigreturn(thread)
    except StorageFault:
        raise Ended(Ending(signal=signal.SIGSEGV)) from None
    thread.process.signals.update(thread.process.threads)
    thread.process.signals.collect()
    raise StateSet


@calls.define(119, "sigreturn")
def sigreturn(thread: Thread) -> int:
    _go_back(thread, rt=False)


@calls.define(173, "rt_sigreturn")
def rt_sigreturn(thread: Thread) -> int:
    _go_back(thread, rt=True)
