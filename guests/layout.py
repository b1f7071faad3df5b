"""Where files go in the guest's file system: Debian's merged layout, with one place for programs.

/bin, /sbin and /usr/sbin are /usr/bin, /lib is /usr/lib.  Packages (and people) name files by
either path; in an archive each must stand under its real one, or its directory replaces the link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guests.cpio import Symlink

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guests.cpio import Entry

LINKS: Mapping[str, Entry] = {
    "bin": Symlink("usr/bin"),
    "sbin": Symlink("usr/bin"),
    "usr/sbin": Symlink("bin"),
    "lib": Symlink("usr/lib"),
    "lib64": Symlink("usr/lib64"),
}

_MOVES = {
    "bin/": "usr/bin/",
    "sbin/": "usr/bin/",
    "usr/sbin/": "usr/bin/",
    "lib/": "usr/lib/",
    "lib64/": "usr/lib64/",
}


def placed(path: str) -> str:
    """The real path, from the root, of what is called `path`; empty for the root itself."""
    path = path.removeprefix(".").strip("/")
    for prefix, replacement in _MOVES.items():
        if path.startswith(prefix):
            return replacement + path.removeprefix(prefix)
    return path
