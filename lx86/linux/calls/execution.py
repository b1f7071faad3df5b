"""execve: another program in the same process."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from lx86.cpu import FloatingState
from lx86.linux import loader
from lx86.linux.call import CallGroup, StateSet, refuse
from lx86.linux.endings import Ended, Ending
from lx86.linux.files import AT_FDCWD
from lx86.linux.host import AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW
from lx86.linux.program import Program
from lx86.linux.structures import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lx86.linux.loader import Image
    from lx86.linux.process import Process
    from lx86.linux.thread import Thread

calls = CallGroup()
_MOST_ARGUMENTS = 1 << 18
_MOST_BYTES = 2 << 20
_MOST_SCRIPTS = 5
_LINE = 256


@calls.define(11, "execve", "spp")
def execve(thread: Thread, path: bytes, arguments: int, environment: int) -> int:
    return execveat(thread, AT_FDCWD, path, arguments, environment, 0)


@calls.define(358, "execveat", "fsppx")
def execveat(
    thread: Thread, at: int, path: bytes, arguments: int, environment: int, flags: int
) -> int:
    if flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW):
        refuse(errno.EINVAL)
    storage = thread.process.storage
    argv = [
        string_of_any_length(thread, word) for word in words(storage, arguments, _MOST_ARGUMENTS)
    ]
    envp = [
        string_of_any_length(thread, word) for word in words(storage, environment, _MOST_ARGUMENTS)
    ]
    if sum(len(text) + 5 for text in argv + envp) > _MOST_BYTES:
        refuse(errno.E2BIG)
    files = thread.process.files
    name = path
    if not path and flags & AT_EMPTY_PATH:
        name = b"/dev/fd/%d" % at
        file = files.reopen(at)
    else:
        file = files.find(at, path, follow=not flags & AT_SYMLINK_NOFOLLOW)
        if at != AT_FDCWD and not path.startswith(b"/"):
            name = b"/dev/fd/%d/" % at + path
    start(thread.process, file, name, argv or [b""], envp, thread)
    raise StateSet


def string_of_any_length(thread: Thread, address: int) -> bytes:
    text = thread.process.storage.read_string(address, _MOST_BYTES)
    if text is None:
        refuse(errno.E2BIG)
    return text


def start(
    process: Process, file: int, name: bytes, arguments: Sequence[bytes],
    environment: Sequence[bytes], caller: Thread | None = None,
) -> None:  # fmt: skip
    """Have `process` be the program behind the O_PATH descriptor `file`, which is closed.

    Raises OSError, and leaves all as it is, if that is no program, or its interpreter is none.
    """
    argv = list(arguments)
    image = linker = None
    opened: list[int] = []
    try:
        image, name_now, argv, shown = _read(process, file, name, argv, opened)
        if (path := image.interpreter()) is not None:
            linker = loader.read_image(_opened(process, process.files.find(AT_FDCWD, path), opened))
            if linker.form is not image.form:
                refuse(errno.ENOEXEC, "its interpreter is of another architecture")
        mask = caller.mask if caller else None
        _leave(process, caller)
        try:
            process.become(image.form.word)
            state = loader.load(
                process.memory,
                image,
                linker,
                loader.Arguments(argv, environment, name_now),
                process,
            )
        except (OSError, MemoryError):
            if caller is None:
                raise
            raise Ended(Ending(signal=9)) from None
    finally:
        for each in opened:
            os.close(each)
    process.program = Program(shown, tuple(argv), tuple(environment))
    thread = process.begin(state)
    if mask is not None:
        thread.mask = mask
    thread.name = os.path.basename(name_now)[:15]
    process.cpu.begin()
    process.cpu.state = state
    process.cpu.set_floating(FloatingState())
    process.signals.update(process.threads)


def _leave(process: Process, caller: Thread | None) -> None:
    """What a process loses when it becomes another program."""
    process.release_parent()
    process.signals.reset_handlers(process.threads)
    if caller is None:
        return
    for name in os.listdir("/proc/self/fd"):
        file = int(name)
        if file < process.limit:
            try:
                if not os.get_inheritable(file):
                    os.close(file)
            except OSError:
                pass  # the directory's own, which is closed by now


def _opened(process: Process, file: int, opened: list[int]) -> int:
    """A descriptor to read the program behind an O_PATH one, which is closed."""
    try:
        mode = os.fstat(file).st_mode
        if not stat.S_ISREG(mode):
            refuse(errno.EACCES)
        path = f"/proc/self/fd/{file}"
        if not os.access(path, os.X_OK):
            refuse(errno.EACCES)
        opened.append(process.reserve(os.open(path, os.O_RDONLY | os.O_CLOEXEC)))
        return opened[-1]
    finally:
        os.close(file)


def _read(
    process: Process, file: int, name: bytes, argv: list[bytes], opened: list[int]
) -> tuple[Image, bytes, list[bytes], bytes]:
    """The image, through scripts' first lines: with its name, arguments and path."""
    for _ in range(_MOST_SCRIPTS):
        readable = _opened(process, file, opened)
        head = os.pread(readable, _LINE, 0)
        if not head.startswith(b"#!"):
            parts = process.files.shown(os.readlink(b"/proc/self/fd/%d" % readable))
            path = b"/" + b"/".join(parts) if parts is not None else name
            return loader.read_image(readable), name, argv, path
        line, newline, _ = head[2:].partition(b"\n")
        if not newline and len(head) == _LINE and not line.strip().count(b" "):
            refuse(errno.ENOEXEC)
        words_of_line = line.strip(b" \t").split(None, 1)
        if not words_of_line:
            refuse(errno.ENOEXEC)
        argv = [*(word.strip(b" \t") for word in words_of_line), name, *argv[1:]]
        name = words_of_line[0]
        file = process.files.find(AT_FDCWD, name)
    refuse(errno.ELOOP)
