"""The "newc" cpio archive, the form in which Linux takes an initial file system.

An archive is made from a mapping of paths to entries and depends on nothing else: order, inode
numbers and times (all zero) are fixed, everything belongs to root, so equal trees give equal
bytes.  Device nodes are only descriptions here and need no privilege.

Format: Linux Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAGIC = b"070701"
HEADER_BYTES = 110
TRAILER = "TRAILER!!!"


@dataclass(frozen=True, slots=True)
class File:
    """A regular file; `mode` holds the permission bits."""

    content: bytes
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Directory:
    mode: int = 0o755


@dataclass(frozen=True, slots=True)
class Symlink:
    target: str


@dataclass(frozen=True, slots=True)
class CharacterDevice:
    major: int
    minor: int
    mode: int = 0o600


Entry = File | Directory | Symlink | CharacterDevice


def archive(tree: Mapping[str, Entry]) -> bytes:
    """The archive of `tree`, whose keys are paths from the root, with or without a leading `/`.

    Directories that are only implied by the paths in them are added with mode 0755.
    Raises `ValueError` for a path that names nothing, goes up, or occurs twice.
    """
    entries: dict[str, Entry] = {}
    for path, entry in tree.items():
        name = _name(path)
        if name in entries:
            raise ValueError(f"{path!r} occurs twice in the tree")
        entries[name] = entry
    for name in list(entries):
        for parent in PurePosixPath(name).parents:
            above = entries.setdefault(str(parent), Directory())
            if not isinstance(above, Directory):
                raise ValueError(f"{name!r} lies below {str(parent)!r}, which is no directory")
    # A directory sorts before what is in it, as the kernel needs.
    members = [_member(n, name, entries[name]) for n, name in enumerate(sorted(entries), start=1)]
    return b"".join([*members, _record(0, TRAILER, 0, b"")])


def file_sizes(archives: bytes) -> Iterator[int]:
    """The sizes of the regular files in one archive, or in several that follow each other."""
    at = 0
    while archives.startswith(MAGIC, at):
        mode, size, name = (
            int(archives[at + offset : at + offset + 8], 16) for offset in (14, 54, 94)
        )
        if stat.S_ISREG(mode):
            yield size
        at += _up(HEADER_BYTES + name) + _up(size)


def _name(path: str) -> str:
    parts = PurePosixPath(path.lstrip("/")).parts
    if not parts or ".." in parts or "\0" in path:
        raise ValueError(f"{path!r} is no path inside an archive")
    return "/".join(parts)


def _member(inode: int, name: str, entry: Entry) -> bytes:
    match entry:
        case File(content, mode):
            return _record(inode, name, stat.S_IFREG | mode, content)
        case Directory(mode):
            return _record(inode, name, stat.S_IFDIR | mode, b"")
        case Symlink(target):
            return _record(inode, name, stat.S_IFLNK | 0o777, target.encode())
        case CharacterDevice(major, minor, mode):
            return _record(inode, name, stat.S_IFCHR | mode, b"", (major, minor))


def _record(
    inode: int, name: str, mode: int, content: bytes, device: tuple[int, int] = (0, 0)
) -> bytes:
    path = name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (inode, mode, 0, 0, links, 0, len(content), 0, 0, *device, len(path), 0)
    header = MAGIC + b"".join(b"%08X" % field for field in fields)
    return _padded(header + path) + _padded(content)


def _padded(part: bytes) -> bytes:
    return part + bytes(_up(len(part)) - len(part))


def _up(size: int) -> int:
    return -(-size // 4) * 4
