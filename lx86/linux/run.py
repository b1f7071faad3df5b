"""A program run from its file to its end: the parts put together."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lx86.storage import Storage

from . import loader
from .calls import all_calls
from .calls.execution import start
from .endings import RunError
from .files import AT_FDCWD, Files, descriptor_limit
from .proc import Proc
from .process import Process
from .scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lx86.cpu import Cpu
    from lx86.spaces import Space

    from .call import CallTable
    from .endings import Ending
    from .strace import Strace

DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx")
"""Those of the host's that every program sees."""
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class World:
    """What a program finds: its root (None for an empty one), bindings, where it begins."""

    root: Path | None
    binds: tuple[tuple[str, Path], ...] = ()
    directory: str = "/"
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the program ended, and the calls it made: a table for each architecture."""

    ending: Ending
    calls: tuple[CallTable, ...]


class Maker(Protocol):
    """Makes processors."""

    def space(self, word: int) -> Space:
        """The addresses it gives programs with words of so many bytes."""
        ...

    def __call__(self, storage: Storage) -> Cpu: ...


class Watcher(Protocol):
    """Who looks at a process; the same in the processes it forks, but for `finish`."""

    def begin(self, process: Process) -> None: ...
    def finish(self) -> None: ...


def run(
    program: str,
    arguments: Sequence[str],
    world: World,
    maker: Maker,
    strace: Strace | None = None,
    limit: int | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Run `program`, a path in the world or a name to be looked for in its PATH, to its end.

    In the processes it forks this does not return.  The process is the program's from then on, its
    signals' actions and masks with it: who has another use for it runs this in one of its own.
    `limit` is the lowest descriptor the program does not see, if `descriptor_limit` was asked.
    `watcher` is shown the process before it runs, and told when it has.
    Raises `RunError`.
    """
    if limit is None:
        limit = descriptor_limit()
    if strace is not None:
        strace.move_above(limit)
    with scratch_directory(limit) as scratch:
        (scratch / "ways").mkdir()
        if world.root is None:
            (scratch / "root").mkdir()
        files = _files(world, scratch, limit)
        process = Process(_Machines(maker), files, limit, strace)
        files.proc = Proc(process, files, scratch)
        _start(
            process, program, arguments, dict(world.environment), has_root=world.root is not None
        )
        if watcher is not None:
            watcher.begin(process)
        try:
            ending = process.run()
        finally:
            if watcher is not None:
                watcher.finish()
        process.cpu.close()
        process.storage.close()
    return Outcome(ending, tuple(process.tables.values()))


class _Machines:
    """`process.Machines`."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self.calls = all_calls

    def make(self, word: int) -> tuple[Cpu, Storage]:
        storage = Storage(self._maker.space(word))
        return self._maker(storage), storage


def _files(world: World, scratch: Path, limit: int) -> Files:
    binds = list(world.binds)
    bound = {place for place, _ in binds}
    if not any(place.rstrip("/") == "/dev" for place in bound):
        for name in DEVICES:
            device = Path("/dev") / name
            if device.exists() and str(device) not in bound:
                binds.append((str(device), device))
        if "/dev/shm" not in bound:  # shared among the processes of this run
            (shared := scratch / "shm").mkdir()
            shared.chmod(0o1777)
            binds.append(("/dev/shm", shared))
    try:
        files = Files(world.root or scratch / "root", binds, limit, scratch / "ways")
    except OSError as missing:
        raise RunError(f"{missing.filename}: {missing.strerror}") from missing
    try:
        directory = files.find(AT_FDCWD, os.fsencode(world.directory))
        try:
            files.change_directory(directory)
        finally:
            os.close(directory)
    except OSError as missing:
        raise RunError(
            f"no directory {world.directory} in the program's view: {missing.strerror}"
        ) from missing
    return files


def _start(
    process: Process, program: str, arguments: Sequence[str], environment: Mapping[str, str],
    *, has_root: bool,
) -> None:  # fmt: skip
    texts = [os.fsencode(f"{name}={value}") for name, value in environment.items()]
    try:
        path, file = _find(process.files, program, environment.get("PATH", _DEFAULT_PATH))
    except RunError as missing:
        if has_root:
            raise
        raise RunError(f"{missing}.  There is no root yet: `pyphyp x86 fetch` makes one") from None
    argv = [os.fsencode(text) for text in (program, *arguments)]
    again = os.dup(file)
    try:
        start(process, file, path, argv, texts)
    except OSError as refusal:
        raise RunError(_explain(process.files, program, again, refusal)) from refusal
    finally:
        os.close(again)


def _find(files: Files, program: str, path: str) -> tuple[bytes, int]:
    """The path of a program, and an O_PATH descriptor of it."""
    places = [program] if "/" in program else [f"{d or '.'}/{program}" for d in path.split(":")]
    why = os.strerror(errno.ENOENT)
    for place in places:
        try:
            return os.fsencode(place), files.find(AT_FDCWD, os.fsencode(place))
        except OSError as missing:
            why = missing.strerror or why
    where = "" if "/" in program else f" in {path}"
    raise RunError(
        f"no program {program}{where}: {why}.  A program is looked for in its root (--root) and "
        "in what is bound to it (--bind)"
    )


def _explain(files: Files, program: str, file: int, refusal: OSError) -> str:
    """Why a program was refused, and what would help."""
    link = f"/proc/self/fd/{file}"
    mode = os.fstat(file).st_mode
    if not stat.S_ISREG(mode):
        return f"{program} is {'a directory' if stat.S_ISDIR(mode) else 'no regular file'}"
    try:
        reading = os.open(link, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return f"{program} cannot be read: {refusal.strerror}"
    try:
        head = os.pread(reading, 20, 0)
        if refusal.errno == errno.EACCES:
            return f"{program} is no executable file: chmod +x?"
        if head[:2] == b"#!":
            return f"the interpreter that {program} names cannot be run: {refusal.strerror}"
        try:
            linker = loader.read_image(reading).interpreter()
        except OSError as wrong:
            return f"{program} cannot be run: {wrong.strerror}"
        if linker is not None:
            return (
                f"{program} needs {os.fsdecode(linker)}, which its root does not have: "
                "`pyphyp x86 fetch` makes a root, --root DIR names one"
            )
        return f"{program} cannot be run: {refusal.strerror}"
    finally:
        os.close(reading)
