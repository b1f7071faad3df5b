"""The program's view of files: a root, and what is bound to places in it; nothing else.

A path is resolved here, from left to right: symbolic links lead to places in the program's view,
`..` goes no further than its root, and what comes out has neither.  Such a path is then opened
below the descriptor of the root or of a binding with openat2, which follows no link at all: if
somebody has put one there in the meantime, the call is refused.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import stat
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import terminals
from .call import refuse
from .host import RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, openat2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .proc import Proc

AT_FDCWD = -100
_MOST_LINKS = 40
_RESERVED_DESCRIPTORS = 512
_RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS
_PATH_FLAGS = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KNOWN_FLAGS = (
    os.O_ACCMODE | os.O_CREAT | os.O_EXCL | os.O_NOCTTY | os.O_TRUNC | os.O_APPEND
    | os.O_NONBLOCK | os.O_DSYNC | os.O_SYNC | os.O_ASYNC | os.O_DIRECT | os.O_DIRECTORY
    | os.O_NOFOLLOW | os.O_NOATIME | os.O_CLOEXEC | os.O_PATH | os.O_TMPFILE
)  # fmt: skip

Parts = tuple[bytes, ...]
"""A path from the program's root, without links, `.` and `..`."""
_DESCRIPTORS: dict[Parts, bytes] = {
    (b"dev", b"fd"): b"/proc/self/fd",
    (b"dev", b"stdin"): b"/proc/self/fd/0",
    (b"dev", b"stdout"): b"/proc/self/fd/1",
    (b"dev", b"stderr"): b"/proc/self/fd/2",
}
"""Links that every program finds in /dev."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory or file of the host's at a place in the program's view."""

    parts: Parts
    host: bytes
    """Its real path."""
    file: int
    """An O_PATH descriptor of it, which the program does not see."""
    is_directory: bool
    is_way: bool = False
    """It is not bound, but on the way to what is: nothing can be made or changed in it."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a path leads to, there or not."""

    parts: Parts
    as_directory: bool = False
    """It was written with a slash behind it: it must be a directory."""

    @property
    def path(self) -> bytes:
        return b"/" + b"/".join(self.parts)


def descriptor_limit() -> int:
    """The lowest descriptor the program does not see; from there on they are ours."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = soft + _RESERVED_DESCRIPTORS
    if hard != resource.RLIM_INFINITY and wanted > hard:
        wanted = hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted - _RESERVED_DESCRIPTORS


def split(path: bytes) -> list[bytes]:
    return [part for part in path.split(b"/") if part and part != b"."]


class Files:
    """What a program sees.  `limit` is the lowest descriptor it does not see.

    Directories that lead to what is bound, and are not in the root, are made in `ways`.
    """

    def __init__(
        self, root: Path, binds: Sequence[tuple[str, Path]], limit: int, ways: Path
    ) -> None:
        self.limit = limit
        self.allowed = (limit, limit)
        """RLIMIT_NOFILE of the program's, soft and hard."""
        self.proc: Proc | None = None
        self._mounts: dict[Parts, Mount] = {}
        self._ways = ways
        self._mount((), root)
        for place, host in binds:
            self.bind(place, host)
        self._directory = self._reserved(self.open_parts((), os.O_PATH | os.O_DIRECTORY))

    def bind(self, place: str, host: Path) -> None:
        """Show `host` at `place`.  Raises OSError if it is not there, or cannot be."""
        names = tuple(split(os.fsencode(place)))
        if b".." in names:
            raise ValueError(f"{place}: a place to bind to has no `..`")
        is_directory = host.is_dir()
        here: Parts = ()
        for n, name in enumerate(names[:-1]):
            try:
                found = self.place(AT_FDCWD, b"/" + b"/".join((*here, name))).parts
                self._look(found, missing_is_fine=False)
                here = found
            except FileNotFoundError:
                here = self._lead(here, names[n:], is_directory=is_directory)
                break
            except OSError as wrong:
                raise OSError(wrong.errno, os.strerror(wrong.errno or 0), place) from None
        self._mount(here + names[-1:], host)

    def _lead(self, here: Parts, names: Parts, *, is_directory: bool) -> Parts:
        """Make the way from a directory to a place below it, where there is none; its directory."""
        mount = self._mount_of(here)
        way = os.fsencode(self._ways) + b"/%d" % len(self._mounts)
        if mount.is_way:
            way = b"/".join((mount.host, *here[len(mount.parts) :], names[0]))
        end = b"/".join((way, *names[1:]))
        os.makedirs(end if is_directory else os.path.dirname(end), exist_ok=True)
        if not is_directory:
            os.close(os.open(end, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC))
        if not mount.is_way:
            self._mount(here + names[:1], Path(os.fsdecode(way)), is_way=True)
        return here + names[:-1]

    def _mount(self, parts: Parts, host: Path, *, is_way: bool = False) -> None:
        real = os.path.realpath(host)
        file = self._reserved(os.open(real, os.O_PATH | os.O_CLOEXEC))
        is_directory = stat.S_ISDIR(os.fstat(file).st_mode)
        self._mounts[parts] = Mount(parts, os.fsencode(real), file, is_directory, is_way)

    def _reserved(self, file: int) -> int:
        try:
            return fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, self.limit)
        finally:
            os.close(file)

    # -- the current directory -------------------------------------------------------------

    @property
    def current(self) -> bytes:
        """The current directory's path; raises OSError if it has none any more."""
        return b"/" + b"/".join(self._parts_of(self._directory))

    def change_directory(self, file: int) -> None:
        """Take the directory behind a descriptor, which stays open."""
        if not stat.S_ISDIR(os.fstat(file).st_mode):
            refuse(errno.ENOTDIR)
        os.stat(b".", dir_fd=file)  # it may be searched
        os.dup2(file, self._directory, inheritable=False)

    def _parts_of(self, file: int) -> Parts:
        """Where a descriptor's file is in the program's view; raises OSError if it is nowhere."""
        try:
            host = os.readlink(b"/proc/self/fd/%d" % file)
        except FileNotFoundError:
            refuse(errno.EBADF)
        parts = self.shown(host)
        if parts is None or not os.path.lexists(host):
            refuse(errno.ENOENT)
        return parts

    def shown(self, host: bytes) -> Parts | None:
        """Where the program sees a path of the host's; None if nowhere."""
        best: Parts | None = None
        longest = -1
        for mount in self._mounts.values():
            prefix = mount.host.rstrip(b"/")
            if (host == mount.host or host.startswith(prefix + b"/")) and len(prefix) > longest:
                best, longest = mount.parts + tuple(split(host[len(prefix) :])), len(prefix)
        return best

    # -- paths -----------------------------------------------------------------------------

    def place(self, at: int, path: bytes, *, follow: bool = True) -> Place:
        """Where `path` leads from the directory `at`; its last link is followed if `follow`.

        All but the last part of it is there, and directories.
        """
        if not path:
            refuse(errno.ENOENT)
        here: Parts = ()
        if not path.startswith(b"/"):
            here = self._parts_of(self._directory if at == AT_FDCWD else self._visible(at))
        as_directory = path.endswith((b"/", b"/.", b"/..")) or path in (b".", b"..")
        names = deque(split(path))
        links = 0
        while names:
            name = names.popleft()
            if name == b"..":
                here = here[:-1]
                continue
            here = (*here, name)
            last = not names
            target, is_directory = self._look(here, missing_is_fine=last)
            if target is not None and (not last or follow or as_directory):
                links += 1
                if links > _MOST_LINKS:
                    refuse(errno.ELOOP)
                if last:
                    as_directory = as_directory or target.endswith(b"/")
                here = () if target.startswith(b"/") else here[:-1]
                names.extendleft(reversed(split(target)))
            elif not last and not is_directory:
                refuse(errno.ENOTDIR)
        return Place(here, as_directory)

    def _look(self, parts: Parts, *, missing_is_fine: bool) -> tuple[bytes | None, bool]:
        """What a link says, or None where there is no link; and whether a directory is there."""
        if parts in self._mounts:
            return None, self._mounts[parts].is_directory
        if self.proc and self.proc.covers(parts):
            return self.proc.look(parts, missing_is_fine=missing_is_fine)
        if parts in _DESCRIPTORS and not self.is_mount(parts[:1]):
            return _DESCRIPTORS[parts], False
        if parts == terminals.PLACE:
            return None, True
        if len(parts[-1]) > 255:
            refuse(errno.ENAMETOOLONG)
        try:
            file = self.open_parts(parts, os.O_PATH | os.O_NOFOLLOW)
        except FileNotFoundError:
            if missing_is_fine:
                return None, False
            raise
        try:
            mode = os.fstat(file).st_mode
            if stat.S_ISLNK(mode):
                return os.readlink(b"", dir_fd=file), False
            return None, stat.S_ISDIR(mode)
        finally:
            os.close(file)

    def _mount_of(self, parts: Parts) -> Mount:
        for length in range(len(parts), -1, -1):
            if (mount := self._mounts.get(parts[:length])) is not None:
                return mount
        raise AssertionError("there is a root")

    def open_parts(self, parts: Parts, flags: int, mode: int = 0) -> int:
        """Open what is there; nothing on the way, nor the last part, may be a link."""
        mount = self._mount_of(parts)
        no_dev = mount.parts == () or mount.is_way
        if parts[:2] == terminals.PLACE and no_dev and len(parts) == 3:
            return terminals.open_terminal(parts[2], flags, self.limit)
        below = parts[len(mount.parts) :]
        if not mount.is_directory:
            if below:
                refuse(errno.ENOTDIR)
            if flags & os.O_PATH:
                return os.dup(mount.file)
            clean = flags & ~(os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW)
            return os.open(b"/proc/self/fd/%d" % mount.file, clean | os.O_CLOEXEC)
        path = b"/".join(below) or b"."
        if mount.is_way:
            new = flags & os.O_CREAT or flags & os.O_TMPFILE == os.O_TMPFILE
            there = flags & os.O_TMPFILE != os.O_TMPFILE and self._is_there(mount, path)
            if new and not there:
                refuse(errno.EROFS)
        return openat2(mount.file, path, flags | os.O_CLOEXEC, _RESOLVE, mode)

    @staticmethod
    def _is_there(mount: Mount, path: bytes) -> bool:
        try:
            os.close(openat2(mount.file, path, os.O_PATH | os.O_CLOEXEC, _RESOLVE))
        except FileNotFoundError:
            return False
        return True

    def is_mount(self, parts: Parts) -> bool:
        """Whether something is bound there."""
        return parts in self._mounts and not self._mounts[parts].is_way

    # -- what calls need -------------------------------------------------------------------

    def open(self, at: int, path: bytes, flags: int, mode: int) -> int:
        """As openat(2); the descriptor is the program's."""
        inherits = not flags & os.O_CLOEXEC
        flags &= _PATH_FLAGS if flags & os.O_PATH else _KNOWN_FLAGS
        creates = bool(flags & os.O_CREAT) or flags & os.O_TMPFILE == os.O_TMPFILE
        new_only = flags & os.O_CREAT and flags & os.O_EXCL
        place = self.place(at, path, follow=not (flags & os.O_NOFOLLOW or new_only))
        if place.as_directory:
            if flags & os.O_CREAT:
                refuse(errno.EISDIR)
            flags |= os.O_DIRECTORY
        if self.proc and self.proc.covers(place.parts):
            file = self.proc.open(place.parts, flags)
        else:
            file = self.open_parts(place.parts, flags, mode & 0o7777 if creates else 0)
        return self.give(file, inherits=inherits)

    def give(self, file: int, *, inherits: bool) -> int:
        """A new descriptor for the program: one that it may have."""
        if file >= self.allowed[0]:
            os.close(file)
            refuse(errno.EMFILE)
        if inherits:
            os.set_inheritable(file, True)
        return file

    def find(self, at: int, path: bytes, *, follow: bool = True) -> int:
        """An O_PATH descriptor of what is there, for us; the caller closes it."""
        place = self.place(at, path, follow=follow)
        if self.proc and self.proc.covers(place.parts):
            return self.proc.open(place.parts, os.O_PATH)
        file = self.open_parts(place.parts, os.O_PATH | os.O_NOFOLLOW)
        if place.as_directory and not stat.S_ISDIR(os.fstat(file).st_mode):
            os.close(file)
            refuse(errno.ENOTDIR)
        return file

    def reopen(self, file: int) -> int:
        """An O_PATH descriptor of what a descriptor of the program's is open for."""
        return os.open(b"/proc/self/fd/%d" % self._visible(file), os.O_PATH | os.O_CLOEXEC)

    def virtual_link(self, at: int, path: bytes) -> bytes | None:
        """What a link below /proc says; None for everything else."""
        if self.proc is None:
            return None
        place = self.place(at, path, follow=False)
        if not self.proc.covers(place.parts):
            return None
        return self.proc.look(place.parts, missing_is_fine=False)[0]

    def parent(self, at: int, path: bytes, *, taken: int = errno.EEXIST) -> tuple[int, bytes]:
        """An O_PATH descriptor of the directory that holds what `path` names, and its name there.

        Refused with `taken` is what no directory of the program's holds: the root, a binding.
        The name has a slash behind it if the path has.
        """
        place = self.place(at, path.rstrip(b"/") or b"/", follow=False)
        if not place.parts or place.parts in self._mounts:
            refuse(taken)
        if self.proc and self.proc.covers(place.parts):
            self.proc.look(place.parts, missing_is_fine=False)
            refuse(errno.EPERM if taken == errno.EBUSY else taken)
        if split(path)[-1:] == [b".."] or path.endswith(b"/."):
            refuse(errno.ENOTEMPTY if taken == errno.EBUSY else taken)
        directory = self.open_parts(place.parts[:-1], os.O_PATH | os.O_DIRECTORY)
        if (mount := self._mount_of(place.parts)).is_way:
            os.close(directory)
            there = self._is_there(mount, b"/".join(place.parts[len(mount.parts) :]))
            refuse(taken if there else errno.EROFS)
        return directory, place.parts[-1] + (b"/" if path.endswith(b"/") else b"")

    def _visible(self, file: int) -> int:
        if not 0 <= file < self.limit:
            refuse(errno.EBADF)
        return file
