"""The cache of what was fetched for guests, shared by every pyphyp of a user.

Whoever looks at it or fills it holds its lock; what is in it is believed only with its SHA-256.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from guests.packages import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from guests.packages import Apt, Package, Progress


@dataclass(frozen=True, slots=True)
class StoredPackage:
    """A package file in the cache; its SHA-256 is the one the archive's signed index gave."""

    name: str
    version: str
    sha256: str
    deb: str


def cache_directory() -> Path:
    """Where fetched files are kept: $PYPHYP_CACHE, or the user's cache directory."""
    override = os.environ.get("PYPHYP_CACHE")
    return Path(override) if override else platformdirs.user_cache_path("pyphyp")


def is_intact(file: Path, sha256: str) -> bool:
    return file.is_file() and sha256_of(file) == sha256


def fetched(apt: Apt, packages: Sequence[Package], debs: Path, incoming: Path) -> list[Path]:
    """The files of `packages`, SHA256.deb in `debs`; those that are there are not fetched again.

    They come by way of `incoming`, a directory of the same file system.
    """
    files = [debs / f"{package.sha256}.deb" for package in packages]
    pairs = zip(packages, files, strict=True)
    missing = [(package, file) for package, file in pairs if not is_intact(file, package.sha256)]
    if missing:
        landing = incoming / "landing"
        landing.mkdir()
        came = apt.download([package for package, _ in missing], landing)
        for (_, file), deb in zip(missing, came, strict=True):
            deb.rename(file)
    return files


@contextmanager
def locked(file: Path, progress: Progress) -> Iterator[None]:
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.step("Waiting for another pyphyp that is fetching", None)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
