"""Threads: clone, thread-local storage, ends."""

from __future__ import annotations

import errno
import os
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from lx86.cpu import TLS_ENTRIES
from lx86.linux import frames
from lx86.linux.call import CallGroup, StateSet, refuse
from lx86.linux.endings import Ended, Ending
from lx86.segments import LDT_ENTRIES, Descriptor
from lx86.storage import WRITE

from .processes import fork_process, vfork_process

if TYPE_CHECKING:
    from collections.abc import Callable

    from lx86.cpu import X86State
    from lx86.linux.call import Waiting
    from lx86.linux.thread import Thread

calls = CallGroup()
_VM, _FS, _FILES, _SIGHAND = 0x100, 0x200, 0x400, 0x800
_PIDFD, _VFORK, _PARENT, _THREAD = 0x1000, 0x4000, 0x8000, 0x1_0000
_NEWNS, _SYSVSEM, _SETTLS = 0x2_0000, 0x4_0000, 0x8_0000
_PARENT_SETTID, _CHILD_CLEARTID, _CHILD_SETTID = 0x10_0000, 0x20_0000, 0x0100_0000
_NAMESPACES = _NEWNS | 0x7E00_0000 | 0x80
_OF_A_THREAD = _VM | _FS | _FILES | _SIGHAND | _THREAD
_DESCRIPTOR = struct.Struct("<IIII")
_BIG, _CODE, _NOT_PRESENT, _USABLE = 1, 4, 0x20, 0x40


@calls.define(120, "clone", "wpppp")
def clone(
    thread: Thread, flags: int, stack: int, parent_tid: int, tls: int, child_tid: int
) -> int | Waiting:
    if thread.process.storage.word == 8:
        tls, child_tid = child_tid, tls
    return _clone(thread, flags & ~0xFF, stack, parent_tid, tls, child_tid, parent_tid)


@calls.define(435, "clone3", "pu")
def clone3(thread: Thread, arguments: int, size: int) -> int | Waiting:
    if not 64 <= size <= 4096:
        refuse(errno.EINVAL)
    data = thread.process.storage.read(arguments, min(size, 88))
    flags, pidfd, child_tid, parent_tid, _, stack, stack_size, tls = struct.unpack_from("<8Q", data)
    if flags & 0xFF or any(data[64:]) or stack + stack_size > thread.process.storage.end:
        refuse(errno.EINVAL)
    return _clone(
        thread, flags, stack + stack_size if stack else 0, parent_tid, tls, child_tid, pidfd
    )


def _clone(
    thread: Thread, flags: int, stack: int, parent_tid: int, tls: int, child_tid: int, pidfd: int
) -> int | Waiting:
    if flags & _NAMESPACES:
        refuse(errno.EPERM)
    if flags & _THREAD:
        if flags & _OF_A_THREAD != _OF_A_THREAD or flags & _VFORK:
            refuse(errno.EINVAL)
        return _new_thread(thread, flags, stack, parent_tid, tls, child_tid)
    if (flags & _VM and not flags & _VFORK) or (flags & _SIGHAND and not flags & _VM):
        refuse(errno.EINVAL)
    if flags & _PIDFD and flags & _VFORK:
        refuse(errno.EINVAL)
    if flags & _PIDFD:
        thread.process.storage.view(pidfd, 4, WRITE)
    tls_of_child = _local_storage(thread, tls) if flags & _SETTLS else None
    if flags & _VFORK:
        return _and_tids(
            thread, vfork_process(thread, stack), flags, parent_tid, child_tid, tls_of_child
        )
    pid = fork_process(thread, stack)
    if flags & _PIDFD and pid:
        file = thread.process.files.give(os.pidfd_open(pid), inherits=False)
        thread.process.storage.write_word(pidfd, file)
    _note_tids(thread, pid, flags, parent_tid, child_tid, tls_of_child)
    return pid


def _and_tids(
    thread: Thread, forking: Waiting, flags: int, parent_tid: int, child_tid: int,
    tls: Callable[[X86State], None] | None,
) -> Waiting:  # fmt: skip
    pid = yield from forking
    _note_tids(thread, pid, flags, parent_tid, child_tid, tls)
    return pid


def _note_tids(
    thread: Thread, pid: int, flags: int, parent_tid: int, child_tid: int,
    tls: Callable[[X86State], None] | None,
) -> None:  # fmt: skip
    storage = thread.process.storage
    if pid:
        if flags & _PARENT_SETTID:
            storage.write_word(parent_tid, pid)
        return
    if tls:
        tls(thread.state)
    if flags & _PARENT_SETTID:
        storage.write_word(parent_tid, thread.tid)
    if flags & _CHILD_SETTID:
        storage.write_word(child_tid, thread.tid)
    thread.clear_child_tid = child_tid if flags & _CHILD_CLEARTID else 0


def _new_thread(
    thread: Thread, flags: int, stack: int, parent_tid: int, tls: int, child_tid: int
) -> int:
    process, storage = thread.process, thread.process.storage
    local = _local_storage(thread, tls) if flags & _SETTLS else None
    state = replace(thread.state, eax=0, tls=list(thread.state.tls))
    if stack:
        state.esp = stack
    if local:
        local(state)
    new = process.add_thread(state)
    new.alternate_stack = (0, frames.DISABLE, 0)
    new.floating = process.cpu.floating()
    new.mask = thread.mask
    new.name = thread.name
    new.clear_child_tid = child_tid if flags & _CHILD_CLEARTID else 0
    if flags & _PARENT_SETTID:
        storage.write_word(parent_tid, new.tid)
    if flags & _CHILD_SETTID:
        storage.write_word(child_tid, new.tid)
    process.signals.update(process.threads)
    return new.tid


# -- thread-local storage ------------------------------------------------------------------------


def _local_storage(thread: Thread, tls: int) -> Callable[[X86State], None]:
    """What CLONE_SETTLS changes in a state: FS's base, or an entry of the global table."""
    if thread.process.storage.word == 8:
        _check_base(thread, tls)
        return lambda state: setattr(state, "fs_base", tls)
    number, descriptor = _descriptor(thread, tls)
    return lambda state: _set_entry(state, number, descriptor)


def _check_base(thread: Thread, base: int) -> None:
    if base >= thread.process.storage.end:
        refuse(errno.EPERM)


@calls.define(None, "arch_prctl", "dp")
def arch_prctl(thread: Thread, code: int, address: int) -> int:
    """ARCH_SET_GS, ARCH_SET_FS, ARCH_GET_FS and ARCH_GET_GS: the bases of both."""
    state, storage = thread.state, thread.process.storage
    match code:
        case 0x1001:
            _check_base(thread, address)
            state.gs, state.gs_base = 0, address
        case 0x1002:
            _check_base(thread, address)
            state.fs, state.fs_base = 0, address
        case 0x1003:
            storage.write_long(address, state.fs_base)
        case 0x1004:
            storage.write_long(address, state.gs_base)
        case _:
            refuse(errno.EINVAL)
    return 0


def _descriptor(thread: Thread, address: int) -> tuple[int, Descriptor | None]:
    """A struct user_desc for the global table: the entry, 2^32-1 for any, and its descriptor."""
    number, base, limit, flags = _DESCRIPTOR.unpack(
        thread.process.storage.read(address, _DESCRIPTOR.size)
    )
    empty = not base and not limit and flags & 0x7F in (0x28, 0)
    if not empty and (not flags & _BIG or flags & (_CODE | _NOT_PRESENT)):
        refuse(errno.EINVAL)
    if number != 0xFFFF_FFFF and number not in TLS_ENTRIES:
        refuse(errno.EINVAL)
    return number, None if empty else Descriptor.of_user(base, limit, flags)


def _set_entry(state: X86State, number: int, descriptor: Descriptor | None) -> None:
    state.tls[number - TLS_ENTRIES.start] = descriptor
    state.use_tables()


@calls.define(243, "set_thread_area", "p")
def set_thread_area(thread: Thread, address: int) -> int:
    number, descriptor = _descriptor(thread, address)
    if number == 0xFFFF_FFFF:
        free = [n for n in TLS_ENTRIES if thread.state.tls[n - TLS_ENTRIES.start] is None]
        if not free:
            refuse(errno.ESRCH)
        number = free[0]
        thread.process.storage.write_word(address, number)
    _set_entry(thread.state, number, descriptor)
    return 0


@calls.define(244, "get_thread_area", "p")
def get_thread_area(thread: Thread, address: int) -> int:
    storage = thread.process.storage
    number = storage.read_word(address)
    if number not in TLS_ENTRIES:
        refuse(errno.EINVAL)
    found = thread.state.tls[number - TLS_ENTRIES.start]
    fields = (0, 0, 0x28) if found is None else (found.base, found.limit, found.user_flags)
    storage.write(address, _DESCRIPTOR.pack(number, *fields))
    return 0


@calls.define(123, "modify_ldt", "dpu")
def modify_ldt(thread: Thread, function: int, address: int, size: int) -> int:
    """0 reads the local table, 2 the default one, 1 and 0x11 write an entry."""
    storage, table = thread.process.storage, thread.state.ldt
    if function in (0, 2):
        if not table and not function:
            return 0
        entries = max(table) + 1 if not function else 16
        image = bytearray(min(size, 8 * (LDT_ENTRIES if not function else entries)))
        if not function:
            whole = b"".join(table[n].packed() if n in table else bytes(8) for n in range(entries))
            image[: len(whole)] = whole[: len(image)]
        storage.write(address, bytes(image))
        return len(image)
    if function not in (1, 0x11):
        refuse(errno.ENOSYS)
    if size != _DESCRIPTOR.size:
        refuse(errno.EINVAL)
    number, base, limit, flags = _DESCRIPTOR.unpack(storage.read(address, _DESCRIPTOR.size))
    old, conforming = function == 1, flags & 6 == 6
    if number >= LDT_ENTRIES or (conforming and (old or not flags & _NOT_PRESENT)):
        refuse(errno.EINVAL)
    if not base and not limit and (old or flags & 0x7F in (0x28, 0)):
        table.pop(number, None)
    else:
        table[number] = Descriptor.of_user(base, limit, flags & ~_USABLE if old else flags)
    for other in thread.process.threads:
        other.state.use_tables()
    return 0


# -- names and ends ------------------------------------------------------------------------------


@calls.define(258, "set_tid_address", "p")
def set_tid_address(thread: Thread, address: int) -> int:
    thread.clear_child_tid = address
    return thread.tid


@calls.define(1, "exit", "d")
def exit_(thread: Thread, status: int) -> int:
    process = thread.process
    if len(process.threads) == 1:
        raise Ended(Ending(status & 0xFF))
    process.end_thread(thread)
    process.signals.update(process.threads)
    raise StateSet
