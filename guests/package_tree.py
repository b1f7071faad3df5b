"""What a package puts into a file system, as dpkg would unpack it; its scripts do not run.

Everything belongs to root.  Documentation and translations stay out: the guest pays for each byte
with memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guests import cpio
from guests.layout import LINKS, placed
from guests.packages import GuestFilesError, members

if TYPE_CHECKING:
    import tarfile
    from pathlib import Path

_LEFT_OUT = tuple(
    f"usr/share/{name}/" for name in ("doc", "man", "info", "locale", "lintian", "doc-base", "bug")
)


def package_tree(deb: Path) -> dict[str, cpio.Entry]:
    """The files of the package file `deb`, by path.

    Raises `GuestFilesError` if it cannot be read.
    """
    tree: dict[str, cpio.Entry] = {}
    for member, content in members(deb):
        path = placed(member.name)
        if path and path not in LINKS and not f"{path}/".startswith(_LEFT_OUT):
            entry = _entry(member, content, tree)
            # A link between two directories that are one here would point at itself.
            if entry != cpio.Symlink(f"/{path}"):
                tree[path] = entry
    return tree


def _entry(member: tarfile.TarInfo, content: bytes, tree: dict[str, cpio.Entry]) -> cpio.Entry:
    if member.isdir():
        return cpio.Directory(member.mode)
    if member.isreg():
        return cpio.File(content, member.mode)
    if member.issym():
        target = member.linkname
        return cpio.Symlink(f"/{placed(target)}" if target.startswith("/") else target)
    if member.islnk() and (linked := tree.get(placed(member.linkname))):
        return linked
    raise GuestFilesError(f"{member.name} is neither file, directory nor link")
