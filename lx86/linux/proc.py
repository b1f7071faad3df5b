"""/proc as a program needs it: about itself, and a few facts of the system.

The host's own /proc is not shown: through it a process could reach files outside its root, and the
translator's storage.  Nothing here can be written.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import tempfile
from signal import sigpending
from typing import TYPE_CHECKING

from lx86.cpuid import description

from .call import refuse
from .numbers import RELEASE
from .signals import bit
from .terminals import PLACE, terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .files import Files, Parts
    from .process import Process

_PROC = b"proc"
_PASSED_ON = {
    b"meminfo", b"stat", b"uptime", b"loadavg", b"version", b"filesystems", b"sys/kernel/pid_max",
    b"sys/kernel/hostname", b"sys/kernel/ostype", b"sys/kernel/ngroups_max",
    b"sys/kernel/cap_last_cap", b"sys/kernel/random/uuid", b"sys/kernel/random/boot_id",
    b"sys/vm/overcommit_memory", b"sys/vm/max_map_count", b"sys/fs/file-max",
    b"sys/fs/pipe-max-size", b"sys/net/core/somaxconn",
}  # fmt: skip
"""Files of the host's that say nothing of files."""


_ALL_OF_SYS = sorted({*(name for name in _PASSED_ON if b"/" in name), b"sys/kernel/osrelease"})
_DIRECTORIES = {
    tuple(name.split(b"/")[:depth])
    for name in _ALL_OF_SYS
    for depth in range(1, name.count(b"/") + 1)
}


def _below(directory: Parts) -> list[str]:
    """What there is in a directory below sys, with a slash behind directories."""
    rest = [n.split(b"/")[len(directory) :] for n in _ALL_OF_SYS if _starts(n, directory)]
    return sorted({parts[0].decode() + ("/" if len(parts) > 1 else "") for parts in rest})


def _starts(name: bytes, directory: Parts) -> bool:
    return tuple(name.split(b"/")[: len(directory)]) == directory


class Proc:
    """The files below /proc, made when they are opened."""

    def __init__(self, process: Process, files: Files, scratch: Path) -> None:
        self._process, self._files, self._scratch = process, files, scratch
        self._self: dict[bytes, Callable[[], bytes]] = {
            b"cmdline": self._cmdline,
            b"environ": self._environ,
            b"maps": self._maps,
            b"comm": self._comm,
            b"stat": self._stat,
            b"statm": self._statm,
            b"status": self._status,
            b"auxv": lambda: process.memory.auxiliary,
            b"mounts": lambda: b"root / rootfs rw 0 0\n",
            b"mountinfo": lambda: b"1 1 0:1 / / rw - rootfs root rw\n",
            b"limits": lambda: b"",
        }
        self._links: dict[bytes, Callable[[], bytes]] = {
            b"exe": lambda: process.program.path,
            b"cwd": lambda: files.current,
            b"root": lambda: b"/",
        }

    def covers(self, parts: Parts) -> bool:
        return parts[:1] == (_PROC,) and not self._files.is_mount((_PROC,))

    def _ours(self, parts: Parts) -> Parts | None:
        """What is left of a path behind this process's directory."""
        names = {b"self", b"thread-self", str(self._process.pid).encode()}
        return parts[2:] if len(parts) > 1 and parts[1] in names else None

    def look(self, parts: Parts, *, missing_is_fine: bool) -> tuple[bytes | None, bool]:
        """What a link says, or None; and whether it is a directory."""
        inside = self._ours(parts)
        if parts == (_PROC, b"self"):
            return b"%d" % self._process.pid, False
        if parts[1:] in _DIRECTORIES:
            return None, True
        if parts == (_PROC,) or inside in ((), (b"fd",), (b"fdinfo",), (b"task",)):
            return None, True
        if inside is not None:
            if len(inside) == 1 and inside[0] in self._links:
                return self._links[inside[0]](), False
            if len(inside) == 2 and inside[0] == b"fd" and inside[1].isdigit():
                return self._descriptor(int(inside[1])), False
        elif parts[1:] == (b"mounts",):
            return b"self/mounts", False
        if self._content(parts) is None and not missing_is_fine:
            refuse(errno.ENOENT)
        return None, False

    def _descriptor(self, file: int) -> bytes | None:
        """Where a link in fd leads: None for what has no path, which is opened as it is."""
        if file >= self._process.limit:
            refuse(errno.ENOENT)
        try:
            host = os.readlink(b"/proc/self/fd/%d" % file)
        except OSError:
            refuse(errno.ENOENT)
        shown = self._files.shown(host)
        if shown is None and (number := terminal(file)) is not None:
            shown = (*PLACE, b"%d" % number)
        return b"/" + b"/".join(shown) if shown is not None else None

    def open(self, parts: Parts, flags: int) -> int:
        inside = self._ours(parts)
        if inside is not None and inside[:1] == (b"fd",) and inside[-1].isdigit():
            return self._open_descriptor(int(inside[1]), flags)
        names = self._names(parts)
        if names is not None or parts[1:] in _DIRECTORIES:
            return self._directory(names or _below(parts[1:]), flags)
        content = self._content(parts)
        if content is None:
            link = inside is not None and len(inside) == 1 and inside[0] in self._links
            refuse(errno.ELOOP if link else errno.ENOENT)
        if flags & os.O_ACCMODE != os.O_RDONLY or flags & os.O_TRUNC:
            refuse(errno.EACCES)
        if flags & os.O_DIRECTORY:
            refuse(errno.ENOTDIR)
        file = os.memfd_create("proc")
        try:
            os.write(file, content)
            os.fchmod(file, stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
            return os.open(f"/proc/self/fd/{file}", flags & ~os.O_NOFOLLOW | os.O_CLOEXEC)
        finally:
            os.close(file)

    def _open_descriptor(self, file: int, flags: int) -> int:
        """Open what a descriptor is open for, with no more rights than it has."""
        if file >= self._process.limit:
            refuse(errno.ENOENT)
        try:
            has = fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE
        except OSError:
            refuse(errno.ENOENT)
        wants = flags & os.O_ACCMODE
        if not flags & os.O_PATH and has != os.O_RDWR and wants != has:
            refuse(errno.EACCES)
        clean = flags & ~(os.O_NOFOLLOW | os.O_CREAT | os.O_EXCL)
        return os.open(f"/proc/self/fd/{file}", clean | os.O_CLOEXEC)

    def _names(self, parts: Parts) -> list[str] | None:
        """What a directory holds, with `/` behind directories and `@` behind links."""
        inside = self._ours(parts)
        if parts == (_PROC,):
            plain = {name for name in _PASSED_ON if b"/" not in name}
            files = sorted(name.decode() for name in plain | {b"cpuinfo"})
            return ["self@", "sys/", f"{self._process.pid}/", "mounts@", *files]
        if inside == ():
            return [
                "fd/",
                "fdinfo/",
                "task/",
                *(f"{n.decode()}@" for n in self._links),
                *map(bytes.decode, self._self),
            ]
        if inside == (b"fd",):
            here = (int(name) for name in os.listdir("/proc/self/fd"))
            return [f"{n}@" for n in sorted(here) if n < self._process.limit]
        if inside == (b"fdinfo",):
            here = (int(name) for name in os.listdir("/proc/self/fd"))
            return [str(n) for n in sorted(here) if n < self._process.limit]
        if inside == (b"task",):
            return [f"{thread.tid}/" for thread in self._process.threads]
        return None

    def _directory(self, names: list[str], flags: int) -> int:
        """A directory with these names, among what goes when the program has ended."""
        if flags & os.O_ACCMODE != os.O_RDONLY:
            refuse(errno.EISDIR)
        place = tempfile.mkdtemp(dir=self._scratch)
        for name in names:
            path = os.path.join(place, name.rstrip("/@"))
            if name.endswith("/"):
                os.mkdir(path)
            elif name.endswith("@"):
                os.symlink("?", path)
            else:
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o444))
        return os.open(place, flags & ~os.O_NOFOLLOW | os.O_CLOEXEC)

    def _content(self, parts: Parts) -> bytes | None:
        inside = self._ours(parts)
        if inside is not None:
            if len(inside) == 2 and inside[0] == b"fdinfo" and inside[1].isdigit():
                return self._fdinfo(int(inside[1]))
            if len(inside) == 3 and inside[0] == b"task" and inside[1].isdigit():
                inside = inside[2:]
            make = self._self.get(inside[0]) if len(inside) == 1 else None
            return make() if make else None
        if parts[1:] == (b"cpuinfo",):
            long = self._process.storage.word == 8
            return description(self._process.cpu.model, long=long).encode()
        if parts[1:] == (b"sys", b"kernel", b"osrelease"):
            return f"{RELEASE}\n".encode()
        if b"/".join(parts[1:]) in _PASSED_ON:
            with open(b"/proc/" + b"/".join(parts[1:]), "rb") as file:
                return file.read()
        return None

    # -- about the process ---------------------------------------------------------------------

    def _cmdline(self) -> bytes:
        return b"".join(text + b"\0" for text in self._process.program.arguments)

    def _environ(self) -> bytes:
        return b"".join(text + b"\0" for text in self._process.program.environment)

    def _maps(self) -> bytes:
        lines = []
        for start, end, kind, label in self._process.memory.maps():
            letters = "".join(
                letter if kind & bit else "-" for letter, bit in (("r", 1), ("w", 2), ("x", 4))
            )
            shared = "s" if kind & 32 else "p"
            line = f"{start:08x}-{end:08x} {letters}{shared} "
            line += f"{label.offset if label else 0:08x} 00:00 0"
            name = self._shown_name(label.name) if label else b""
            wide = 73 if self._process.storage.word == 8 else 49
            lines.append(line.ljust(wide).encode() + name if name else line.encode())
        return b"".join(line + b"\n" for line in lines)

    def _shown_name(self, name: bytes) -> bytes:
        if not name.startswith(b"/"):
            return name
        parts = self._files.shown(name)
        return b"/" + b"/".join(parts) if parts is not None else name.rpartition(b"/")[2]

    def _name(self) -> bytes:
        return self._process.threads[0].name if self._process.threads else b""

    def _comm(self) -> bytes:
        return self._name() + b"\n"

    def _size(self) -> int:
        return sum(length for _, length, _ in self._process.storage.runs())

    def _stat(self) -> bytes:
        with open("/proc/self/stat", "rb") as file:
            rest = file.read().rpartition(b")")[2].split()
        rest[20] = str(self._size()).encode()  # vsize
        return b"%d (%s) %s\n" % (self._process.pid, self._name(), b" ".join(rest))

    def _fdinfo(self, file: int) -> bytes | None:
        """The host's word about a descriptor, but for its mount, which is the host's."""
        if file >= self._process.limit or file not in _open_descriptors():
            return None
        with open(f"/proc/self/fdinfo/{file}", "rb") as info:
            return b"".join(line for line in info if not line.startswith((b"mnt_id:", b"ino:")))

    def _statm(self) -> bytes:
        pages = self._size() // 4096
        return f"{pages} {pages} 0 0 0 {pages} 0\n".encode()

    def _status(self) -> bytes:
        uid = "\t".join(str(n) for n in (*os.getresuid(), os.geteuid()))
        gid = "\t".join(str(n) for n in (*os.getresgid(), os.getegid()))
        size, signals = self._size() // 1024, self._process.signals
        pending = {found.number for found in signals.pending} | {int(n) for n in sigpending()}
        blocked = self._process.threads[0].mask if self._process.threads else 0
        lines = [
            f"Name:\t{os.fsdecode(self._name())}", "State:\tR (running)",
            f"Tgid:\t{self._process.pid}", f"Pid:\t{self._process.pid}", f"PPid:\t{os.getppid()}",
            f"Uid:\t{uid}", f"Gid:\t{gid}", "Groups:\t" + " ".join(map(str, os.getgroups())),
            f"VmPeak:\t{size:8} kB", f"VmSize:\t{size:8} kB", f"VmRSS:\t{size:8} kB",
            f"Threads:\t{len(self._process.threads)}", f"SigPnd:\t{0:016x}",
            f"ShdPnd:\t{sum(bit(n) for n in pending):016x}", f"SigBlk:\t{blocked:016x}",
            f"SigIgn:\t{signals.ignored:016x}", f"SigCgt:\t{signals.handled:016x}",
            *(f"{name}:\t{0:016x}" for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")),
            "NoNewPrivs:\t0", "Seccomp:\t0", "Cpus_allowed:\t1", "Cpus_allowed_list:\t0",
        ]  # fmt: skip
        return os.fsencode("\n".join(lines) + "\n")


def _open_descriptors() -> set[int]:
    return {int(name) for name in os.listdir("/proc/self/fd")}
