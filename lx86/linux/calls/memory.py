"""The address space: maps, permissions, the break."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING

from lx86.linux.call import CallGroup, refuse
from lx86.linux.host import checked, ffi, lib
from lx86.linux.memory import page_up
from lx86.linux.structures import vectors
from lx86.storage import PAGE, READ, WRITE, Page

from .transfer import visible

if TYPE_CHECKING:
    from lx86.linux.thread import Thread

calls = CallGroup()
_SHARED, _PRIVATE, _SHARED_VALIDATE = 1, 2, 3
_FIXED, _ANONYMOUS, _NO_RESERVE, _NO_REPLACE = 0x10, 0x20, 0x4000, 0x10_0000
_GROWS_DOWN = 0x0100_0000
_MOST_MAPS = 65530
"""Linux's vm.max_map_count."""
_AT_ONCE = 1 << 20
"""Bytes of a long answer that are made at a time."""
_ON_FAULT = 4
"""MCL_ONFAULT and MLOCK_ONFAULT add to the others (the second is 1)."""
_REMAP_MAYMOVE, _REMAP_FIXED, _REMAP_DONTUNMAP = 1, 2, 4
_DONTNEED, _FREE, _REMOVE = 4, 8, 9
_KNOWN_ADVICE = {0, 1, 2, 3, _DONTNEED, _FREE, _REMOVE, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
                 20, 21, 22, 23, 24, 25}  # fmt: skip


@calls.define(45, "brk", "p")
def brk(thread: Thread, address: int) -> int:
    return thread.process.memory.set_brk(address)


@calls.define(192, "mmap2", "puxxfu")
def mmap2(
    thread: Thread, address: int, length: int, protection: int, flags: int, file: int, page: int
) -> int:
    return _mmap(thread, address, length, protection, flags, file, page * PAGE)


@calls.define(None, "mmap", "puxxfu")
def mmap(
    thread: Thread, address: int, length: int, protection: int, flags: int, file: int, offset: int
) -> int:
    if offset % PAGE:
        refuse(errno.EINVAL)
    return _mmap(thread, address, length, protection, flags, file, offset)


@calls.define(90, "old_mmap", "p")
def old_mmap(thread: Thread, block: int) -> int:
    words = [thread.process.storage.read_word(block + 4 * n) for n in range(6)]
    address, length, protection, flags, file, offset = words
    file -= (file & 0x8000_0000) << 1
    if offset % PAGE:
        refuse(errno.EINVAL)
    return _mmap(thread, address, length, protection, flags, file, offset)


def _mmap(
    thread: Thread, address: int, length: int, protection: int, flags: int, file: int, offset: int
) -> int:
    memory = thread.process.memory
    length = page_up(length)
    shared = flags & 0xF in (_SHARED, _SHARED_VALIDATE)
    if not length or not (shared or flags & 0xF == _PRIVATE):
        refuse(errno.EINVAL)
    if length > memory.end or memory.storage.pieces >= _MOST_MAPS:
        refuse(errno.ENOMEM)
    kind = memory.permissions(protection)
    if kind & WRITE and not (shared or flags & _NO_RESERVE) and length > _most_reserved():
        refuse(errno.ENOMEM)
    if not flags & _ANONYMOUS:
        mode = fcntl.fcntl(visible(thread, file), fcntl.F_GETFL)
        access = mode & os.O_ACCMODE
        if mode & os.O_PATH:
            refuse(errno.EBADF)
        if access == os.O_WRONLY or (shared and kind & WRITE and access != os.O_RDWR):
            refuse(errno.EACCES)
        if not os.path.isfile(f"/proc/self/fd/{file}"):
            return _map_device(thread, address, length, kind, flags, file)
    start = _place(thread, address, length, flags)
    if flags & _ANONYMOUS:
        if shared:
            memory.map_shared(start, length, kind)
        else:
            memory.map(start, length, kind)
    else:
        memory.map_file(start, length, kind, file, offset, shared=shared)
    return start


def _most_reserved() -> int:
    """What Linux lets a program ask for at a time (vm.overcommit_memory 0): all there is."""
    return PAGE * os.sysconf("SC_PHYS_PAGES")


def _map_device(
    thread: Thread, address: int, length: int, kind: Page, flags: int, file: int
) -> int:
    """/dev/zero is anonymous storage; no other device has pages for a program."""
    zero = os.stat("/dev/zero").st_rdev
    if os.fstat(file).st_rdev != zero:
        refuse(errno.ENODEV)
    start = _place(thread, address, length, flags)
    memory = thread.process.memory
    if flags & 0xF == _PRIVATE:
        memory.map(start, length, kind)
    else:
        memory.map_shared(start, length, kind)
    return start


def _place(thread: Thread, address: int, length: int, flags: int) -> int:
    memory = thread.process.memory
    if not flags & (_FIXED | _NO_REPLACE):
        return memory.place(length, address)
    if address % PAGE:
        refuse(errno.EINVAL)
    if memory.storage.outside(address, length) or not address:
        refuse(errno.ENOMEM if address else errno.EPERM)
    if flags & _NO_REPLACE and not memory.storage.is_free(address, length):
        refuse(errno.EEXIST)
    return address


def _range(thread: Thread, address: int, length: int, too_far: int = errno.EINVAL) -> int:
    """The length in whole pages of a range that begins with a page."""
    if address % PAGE:
        refuse(errno.EINVAL)
    length = page_up(length)
    if address + length > thread.process.memory.end:
        refuse(too_far)
    return length


def _split(thread: Thread, address: int, length: int) -> None:
    """Pages become something else than those on both sides of them: not while maps are too many."""
    storage = thread.process.storage
    if (
        storage.pieces >= _MOST_MAPS
        and storage.kind(address - 1)
        and storage.kind(address + length)
    ):
        refuse(errno.ENOMEM)


@calls.define(91, "munmap", "pu")
def munmap(thread: Thread, address: int, length: int) -> int:
    length = _range(thread, address, length)
    if not length:
        refuse(errno.EINVAL)
    _split(thread, address, length)
    thread.process.memory.unmap(address, length)
    return 0


@calls.define(125, "mprotect", "pux")
def mprotect(thread: Thread, address: int, length: int, protection: int) -> int:
    if protection & ~(7 | _GROWS_DOWN):
        refuse(errno.EINVAL)
    length = _range(thread, address, length, errno.ENOMEM)
    if length:
        _split(thread, address, length)
        memory = thread.process.memory
        memory.protect(address, length, memory.permissions(protection))
    return 0


@calls.define(163, "mremap", "puuxp")
def mremap(
    thread: Thread, address: int, old_length: int, length: int, flags: int, new_address: int
) -> int:
    memory, storage = thread.process.memory, thread.process.storage
    old_length, length = _range(thread, address, old_length), page_up(length)
    if flags & ~3 or not length or length > memory.end or not old_length:
        refuse(errno.EINVAL)
    if not memory.is_mapped(address, old_length):
        refuse(errno.EFAULT)
    _split(thread, address, old_length)
    shared = {bool(kind & Page.SHARED) for _, _, kind in storage.runs(address, old_length)}
    if len(shared) > 1:
        refuse(errno.EFAULT)
    if flags & _REMAP_FIXED:
        size = _range(thread, new_address, length)
        apart = new_address + size <= address or address + old_length <= new_address
        if not flags & _REMAP_MAYMOVE or not apart or storage.outside(new_address, length):
            refuse(errno.EINVAL)
        memory.unmap(new_address, length)
        return _move(thread, address, old_length, length, new_address)
    if length <= old_length:
        if length < old_length:
            memory.unmap(address + length, old_length - length)
        return address
    if any(shared):
        refuse(errno.ENOMEM)
    more = length - old_length
    end = address + old_length
    if not storage.outside(end, more) and storage.is_free(end, more):
        memory.map(end, more, storage.kind(end - 1))
        return address
    if not flags & _REMAP_MAYMOVE:
        refuse(errno.ENOMEM)
    return _move(thread, address, old_length, length, memory.place(length))


def _move(thread: Thread, address: int, old_length: int, length: int, to: int) -> int:
    memory, storage = thread.process.memory, thread.process.storage
    common = min(old_length, length)
    if storage.kind(address) & Page.SHARED:
        if length > old_length:
            refuse(errno.ENOMEM)
        storage.move_shared(address, common, to)
    else:
        for start, size, kind in list(storage.runs(address, common)):
            memory.map(to + start - address, size, kind)
            storage.load(to + start - address, storage.raw(start, size))
        if length > common:
            last = storage.kind(address + common - 1)
            memory.map(to + common, length - common, last)
    memory.unmap(address, old_length)
    return to


@calls.define(219, "madvise", "pux")
def madvise(thread: Thread, address: int, length: int, advice: int) -> int:
    memory, storage = thread.process.memory, thread.process.storage
    length = _range(thread, address, length)
    if advice not in _KNOWN_ADVICE:
        refuse(errno.EINVAL)
    if not memory.is_mapped(address, length):
        refuse(errno.ENOMEM)
    if advice == _DONTNEED:
        # Anonymous pages are zeros again; what else there is keeps what it holds.
        for start, size, kind in list(storage.runs(address, length)):
            if not kind & Page.SHARED and not memory.is_file(start):
                storage.map(start, size, kind)
    return 0


@calls.define(144, "msync", "pux")
def msync(thread: Thread, address: int, length: int, flags: int) -> int:
    storage = thread.process.storage
    length = _range(thread, address, length, errno.ENOMEM)
    if flags & ~7 or flags & 5 == 5:
        refuse(errno.EINVAL)
    if not thread.process.memory.is_mapped(address, length):
        refuse(errno.ENOMEM)
    if length:
        checked(lib.msync(ffi.cast("void *", storage.host(address)), length, flags))
    return 0


@calls.define(218, "mincore", "pup")
def mincore(thread: Thread, address: int, length: int, result: int) -> int:
    length = _range(thread, address, length, errno.ENOMEM)
    if not thread.process.memory.is_mapped(address, length):
        refuse(errno.ENOMEM)
    view = thread.process.storage.view(result, length // PAGE, WRITE)
    for at in range(0, len(view), _AT_ONCE):
        view[at : at + _AT_ONCE] = b"\1" * min(_AT_ONCE, len(view) - at)
    thread.process.storage.written(result, len(view))
    return 0


@calls.define(150, "mlock", "pu")
def mlock(thread: Thread, address: int, length: int) -> int:
    """Nothing is locked in the host's storage; the program need not know."""
    start = address & -PAGE
    if not thread.process.memory.is_mapped(start, _range(thread, start, length + address - start)):
        refuse(errno.ENOMEM)
    return 0


@calls.define(151, "munlock", "pu")
def munlock(thread: Thread, address: int, length: int) -> int:
    return mlock(thread, address, length)


@calls.define(152, "mlockall", "x")
def mlockall(thread: Thread, flags: int) -> int:
    return 0 if 0 < flags < 8 and flags != _ON_FAULT else refuse(errno.EINVAL)


@calls.define(153, "munlockall")
def munlockall(thread: Thread) -> int:
    return 0


@calls.define(376, "mlock2", "pux")
def mlock2(thread: Thread, address: int, length: int, flags: int) -> int:
    return mlock(thread, address, length) if flags in (0, 1) else refuse(errno.EINVAL)


# -- from one place to another -------------------------------------------------------------------

_MOST_COPIED = 1 << 24


@calls.define(347, "process_vm_readv", "dpupuu")
def process_vm_readv(
    thread: Thread, pid: int, local: int, local_count: int, remote: int, remote_count: int,
    flags: int,
) -> int:  # fmt: skip
    return _copy(thread, pid, (local, local_count), (remote, remote_count), flags, to_local=True)


@calls.define(348, "process_vm_writev", "dpupuu")
def process_vm_writev(
    thread: Thread, pid: int, local: int, local_count: int, remote: int, remote_count: int,
    flags: int,
) -> int:  # fmt: skip
    return _copy(thread, pid, (local, local_count), (remote, remote_count), flags, to_local=False)


def _copy(
    thread: Thread, pid: int, local: tuple[int, int], remote: tuple[int, int], flags: int, *,
    to_local: bool,
) -> int:  # fmt: skip
    """Within this process: the storage of others is nobody's to see."""
    process, storage = thread.process, thread.process.storage
    if flags:
        refuse(errno.EINVAL)
    near = vectors(storage, *local)
    if not sum(length for _, length in near):
        return 0
    far = vectors(storage, *remote)
    if pid != process.pid and process.find_thread(pid) is None:
        refuse(errno.EPERM if 0 < pid < 1 << 22 and os.path.exists(f"/proc/{pid}") else errno.ESRCH)
    source, target = (far, near) if to_local else (near, far)
    room = min(sum(length for _, length in target), _MOST_COPIED)
    data = bytearray()
    for address, length in source:
        wanted = min(length, room - len(data))
        usable = storage.accessible(address, wanted, READ)
        data += storage.raw(address, usable)
        if usable < wanted:
            break
    done = 0
    for address, length in target:
        wanted = min(length, len(data) - done)
        usable = storage.accessible(address, wanted, WRITE)
        storage.write(address, bytes(data[done : done + usable]))
        done += usable
        if usable < wanted:
            break
    if not done and room and any(length for _, length in source):
        refuse(errno.EFAULT)
    return done
