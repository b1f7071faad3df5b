"""A root with x86 programs of Debian's, for `pyphyp x86`: packages with all they depend on.

    <cache>/x86/debs/<sha256>.deb       package files, shared by all roots
    <cache>/x86/roots/<key>/            manifest.json and root/, of one set of packages
    <cache>/x86/current                 a link to the set that was asked for last

A set's key is a digest of the names it was asked for by, and of their architecture.  It appears by
one rename, complete.  What is below root/ is a world of its own: programs may change it, and nobody
mends it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from guests import cpio
from guests.cache import cache_directory, fetched, locked
from guests.layout import LINKS
from guests.package_tree import package_tree
from guests.packages import Apt, GuestFilesError, Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ARCHITECTURES = I386, AMD64 = "i386", "amd64"
BASE = (
    "base-files", "bash", "coreutils", "dash", "diffutils", "findutils", "grep", "gzip", "libc-bin",
    "mawk", "sed", "tar",
)  # fmt: skip
"""What every root has: shells and the usual tools."""
_FORMAT = 1
_ALTERNATIVES = {"usr/bin/sh": "dash", "usr/bin/awk": "mawk"}
"""Links that packages' scripts would make."""
_PASSWD = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"
_GROUP = "root:x:0:\nnogroup:x:65534:\n"


@dataclass(frozen=True, slots=True)
class X86Root:
    """A root and the packages in it, as `name version`."""

    path: Path
    packages: tuple[str, ...]


def fetch_root(
    names: Iterable[str], progress: Progress, *, architecture: str = I386,
    into: Path | None = None, cache: Path | None = None,
) -> X86Root:  # fmt: skip
    """The root with the packages `names` of an architecture, fetched through apt the first time.

    With `into` it is made there, new, instead of in the cache.  Raises `GuestFilesError` if the
    packages are not there and cannot be had.
    """
    wanted = tuple(sorted({*BASE, *names}))
    home = (cache or cache_directory()).absolute() / "x86"
    asked = wanted if architecture == I386 else (architecture, *wanted)
    stored = home / "roots" / hashlib.sha256("\n".join(asked).encode()).hexdigest()[:16]
    if into is not None and into.exists() and any(into.iterdir()):
        raise GuestFilesError(f"{into} is there already, and not empty")
    try:
        for directory in (home / "debs", stored.parent):
            directory.mkdir(parents=True, exist_ok=True)
        with locked(home / "lock", progress):
            found = None if into else _stored(stored)
            if found is None:
                target = into.absolute() if into else stored
                found = _fill(home, target, architecture, wanted, progress)
            if into is None:
                _make_current(home / "current", stored)
    except OSError as error:
        raise GuestFilesError(f"Cannot make a root in {into or home}: {error}.") from error
    return found


def current_root(cache: Path | None = None) -> Path | None:
    """The root that was fetched last; None if there is none."""
    root = (cache or cache_directory()) / "x86" / "current" / "root"
    return root if root.is_dir() else None


def _stored(stored: Path) -> X86Root | None:
    try:
        fields = json.loads((stored / "manifest.json").read_text())
        if fields["format"] != _FORMAT or not (stored / "root").is_dir():
            return None
        return X86Root(stored / "root", tuple(map(str, fields["packages"])))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _make_current(link: Path, stored: Path) -> None:
    new = link.with_name(f"current.{os.getpid()}")
    new.unlink(missing_ok=True)
    new.symlink_to(stored.relative_to(link.parent))
    new.rename(link)


def _fill(
    home: Path, target: Path, architecture: str, names: tuple[str, ...], progress: Progress
) -> X86Root:
    with tempfile.TemporaryDirectory(prefix="incoming-", dir=home) as name:
        incoming = Path(name)
        apt = Apt(incoming / "apt", architecture, progress)
        apt.update()
        packages = apt.closure(names)
        debs = fetched(apt, packages, home / "debs", incoming)
        if target.parent != home / "roots":
            root = target
            root.mkdir(parents=True, exist_ok=True)
        else:
            root = incoming / "new" / "root"
            root.mkdir(parents=True)
        tree: dict[str, cpio.Entry] = dict(LINKS)
        for n, (package, deb) in enumerate(zip(packages, debs, strict=True)):
            progress.step(f"Unpacking {package.name}", n / len(packages))
            new = package_tree(deb)
            tree |= {path: entry for path, entry in new.items() if path not in LINKS}
        _write(root, tree)
        listed = tuple(f"{package.name} {package.version}" for package in packages)
        if root != target:
            manifest = {"format": _FORMAT, "names": names, "packages": listed}
            (root.parent / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
            if target.exists():
                shutil.rmtree(target)
            root.parent.rename(target)
            root = target / "root"
    return X86Root(root, listed)


def _write(root: Path, tree: Mapping[str, cpio.Entry]) -> None:
    """Write what packages hold, and what their scripts would have made of it."""
    for path, entry in sorted(tree.items()):
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        match entry:
            case cpio.Directory(mode):
                place.mkdir(exist_ok=True)
                place.chmod(mode | 0o700)
            case cpio.Symlink(target):
                if not place.is_symlink():
                    place.symlink_to(target)
            case cpio.File(content, mode):
                place.write_bytes(content)
                place.chmod(mode & 0o777 | 0o600)
    for path, name in _ALTERNATIVES.items():
        if not os.path.lexists(root / path) and (root / "usr/bin" / name).exists():
            (root / path).symlink_to(name)
    for path, text in (("etc/passwd", _PASSWD), ("etc/group", _GROUP)):
        if not (root / path).exists():
            (root / path).write_text(text)
    for path, mode in (("tmp", 0o1777), ("root", 0o700), ("dev", 0o755), ("proc", 0o755)):
        (root / path).mkdir(exist_ok=True)
        (root / path).chmod(mode)
