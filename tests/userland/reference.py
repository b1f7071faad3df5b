"""The programs under QEMU's user emulation, with the packages' files as their root."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from guests.cpio import Directory, File, Symlink
from guests.layout import LINKS
from guests.package_tree import package_tree

from .words import said, script

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from guests.cpio import Entry
    from guests.userland import Userland

    from .programs import Program

QEMU = "qemu-ppc64le"
_RUN = """\
run() {
    name=$1; shift
    "$QEMU" -cpu "$CPU" -L "$TREE" -0 "/usr/bin/$name" "$TREE/usr/bin/$name" "$@"
}
"""


def unpack(userland: Userland, root: Path) -> None:
    """Write the packages' files below `root`, links such that they stay inside."""
    tree: dict[str, Entry] = dict(LINKS)
    for deb in userland.debs:
        tree |= package_tree(deb)
    for path, entry in sorted(tree.items()):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        match entry:
            case Directory():
                file.mkdir(exist_ok=True)
            case Symlink(target):
                inside = os.path.relpath(root / target[1:], file.parent)
                file.symlink_to(inside if target.startswith("/") else target)
            case File(content, mode):
                file.write_bytes(content)
                file.chmod(mode)


def run(
    programs: Iterable[Program],
    tree: Path,
    work: Path,
    files: Mapping[str, bytes],
    cpu: str = "power9",
) -> dict[str, str]:
    """What each program says, by name."""
    qemu = shutil.which(QEMU)
    assert qemu is not None
    for name, content in files.items():
        (work / name).write_bytes(content)
    done = subprocess.run(
        ["sh", "-c", script(programs, _RUN)],
        cwd=work,
        env={"PATH": "/usr/bin:/bin", "QEMU": qemu, "TREE": str(tree), "CPU": cpu},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    return said(done.stdout.decode(errors="replace"))
