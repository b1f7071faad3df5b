"""Debian packages for the guest's file system, with all they depend on.

    <cache>/linux/debs/<sha256>.deb     package files, shared by all sets
    <cache>/linux/sets/<key>/           manifest.json and tree.cpio of one set of packages

A set is what `fetch_userland` was asked for, by names; its key is a digest of them.  As with the
kernel, a set appears by one rename, complete, and every use compares it with its manifest; a
damaged tree is built again from its packages, and that failing, fetched.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from guests import cpio
from guests.cache import StoredPackage, cache_directory, fetched, is_intact, locked
from guests.package_tree import package_tree
from guests.packages import ARCHITECTURE, Apt, GuestFilesError, Progress, sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterable

SHELL = "bash"  # busybox's prefers its own programs to installed ones
ALWAYS = {SHELL, "libc-bin"}  # the latter: the locale C.UTF-8 among others
SET_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Userland:
    """Packages for the guest: `archive` is a cpio archive of their files."""

    archive: Path
    packages: tuple[StoredPackage, ...]
    debs: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the directory of a set must hold."""

    names: tuple[str, ...]
    packages: tuple[StoredPackage, ...]
    sha256: str  # of the archive

    def dump(self) -> str:
        return json.dumps({"format": SET_FORMAT, **asdict(self)}, indent=2) + "\n"

    @classmethod
    def load(cls, text: str) -> Manifest:
        """Raises `ValueError` for anything but a manifest of this format."""
        try:
            fields = json.loads(text)
            if fields["format"] != SET_FORMAT:
                raise ValueError(f"set format {fields['format']}")
            packages = tuple(StoredPackage(**package) for package in fields["packages"])
            return cls(tuple(fields["names"]), packages, fields["sha256"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"no manifest: {error!r}") from error


def fetch_userland(
    names: Iterable[str], progress: Progress, *, cache: Path | None = None
) -> Userland:
    """The packages `names` from the cache, fetched through apt the first time.

    Raises `GuestFilesError` if they are not there and cannot be had.
    """
    wanted = tuple(sorted({*ALWAYS, *names}))
    home = (cache or cache_directory()).absolute() / "linux"
    stored = home / "sets" / hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:16]
    debs = home / "debs"
    try:
        debs.mkdir(parents=True, exist_ok=True)
        stored.parent.mkdir(exist_ok=True)
        with locked(home / "lock", progress):
            manifest = _verify(stored, debs, progress)
            if manifest is None:
                manifest = _fill(home, stored, debs, wanted, progress)
    except OSError as error:
        raise GuestFilesError(f"Cannot fetch or keep packages in {home}: {error}.") from error
    return Userland(
        stored / "tree.cpio", manifest.packages, tuple(debs / p.deb for p in manifest.packages)
    )


def _verify(stored: Path, debs: Path, progress: Progress) -> Manifest | None:
    """The manifest of the set in `stored` if its tree is as it says, or was built again."""
    try:
        manifest = Manifest.load((stored / "manifest.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    if is_intact(stored / "tree.cpio", manifest.sha256):
        return manifest
    if not all(is_intact(debs / package.deb, package.sha256) for package in manifest.packages):
        return None
    _build(stored, manifest.names, manifest.packages, debs, progress)
    return manifest


def _fill(
    home: Path, stored: Path, debs: Path, names: tuple[str, ...], progress: Progress
) -> Manifest:
    with tempfile.TemporaryDirectory(prefix="incoming-", dir=home) as name:
        incoming = Path(name)
        apt = Apt(incoming / "apt", ARCHITECTURE, progress)
        apt.update()
        packages = apt.closure(names)
        fetched(apt, packages, debs, incoming)
        new = incoming / "new"
        new.mkdir()
        records = tuple(
            StoredPackage(p.name, p.version, p.sha256, f"{p.sha256}.deb") for p in packages
        )
        manifest = _build(new, names, records, debs, progress)
        if stored.exists():
            stored.rename(incoming / "old")
        new.rename(stored)
    return manifest


def _build(
    into: Path,
    names: tuple[str, ...],
    packages: tuple[StoredPackage, ...],
    debs: Path,
    progress: Progress,
) -> Manifest:
    """Write the tree of `packages` and the manifest of the set to `into`."""
    tree: dict[str, cpio.Entry] = {}
    for n, package in enumerate(packages):
        progress.step(f"Unpacking {package.name}", n / len(packages))
        tree |= package_tree(debs / package.deb)
    tree.setdefault("usr/bin/sh", cpio.Symlink(SHELL))
    archive = into / "tree.cpio"
    archive.write_bytes(cpio.archive(tree))
    manifest = Manifest(names, packages, sha256_of(archive))
    (into / "manifest.json").write_text(manifest.dump())
    return manifest
