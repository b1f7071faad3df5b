"""An unmodified Debian kernel and busybox for ppc64el: what `pyphyp linux` boots.

The files come from the distribution's archive once and stay in the cache:

    <cache>/linux/lock              held while anybody looks at or fills the cache
    <cache>/linux/ppc64el/          manifest.json, vmlinux, busybox, and the packages they are from
    <cache>/linux/incoming-*/       a fetch under way, or the rest of one that was killed

The directory ppc64el appears by one rename, complete.  Every use compares the files with the
manifest; one that is cut or altered is taken from its package again, and that failing, fetched.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from guests.cache import StoredPackage, cache_directory, is_intact, locked
from guests.initramfs import build_initramfs
from guests.packages import (
    ARCHITECTURE,
    Apt,
    GuestFilesError,
    Package,
    Progress,
    extract,
    sha256_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from guests import cpio
    from guests.userland import Userland

KERNEL_PACKAGES = ("linux-image-powerpc64le", "linux-image-generic")  # Debian's, Ubuntu's
FAVOURITE = "linux-image-6.1."  # bookworm's, the kernel this machine is tested with
MANIFEST_FORMAT = 1
ADVICE = "You can boot files of your own: pyphyp boot --kernel vmlinux --initrd initrd"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file taken from `member` of the package file `deb`, both named within the cache."""

    name: str
    sha256: str
    deb: str
    member: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the cache directory must hold."""

    version: str
    packages: tuple[StoredPackage, ...]
    files: tuple[StoredFile, ...]

    def dump(self) -> str:
        return json.dumps({"format": MANIFEST_FORMAT, **asdict(self)}, indent=2) + "\n"

    @classmethod
    def load(cls, text: str) -> Manifest:
        """Raises `ValueError` for anything but a manifest of this format."""
        try:
            fields = json.loads(text)
            if fields["format"] != MANIFEST_FORMAT:
                raise ValueError(f"manifest format {fields['format']}")
            return cls(
                fields["version"],
                tuple(StoredPackage(**package) for package in fields["packages"]),
                tuple(StoredFile(**file) for file in fields["files"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"no manifest: {error!r}") from error


@dataclass(frozen=True, slots=True)
class LinuxGuest:
    """A kernel (an ELF file), a busybox for it, and the packages they came in."""

    kernel: Path
    busybox: Path
    version: str  # as uname -r says it
    packages: tuple[StoredPackage, ...]

    def initramfs(
        self,
        extra: Mapping[str, bytes | cpio.Entry] | None = None,
        script: str | None = None,
        userland: Userland | None = None,
        modules: Sequence[tuple[str, bytes]] = (),
    ) -> bytes:
        """The initial file system, see `guests.initramfs.build_initramfs`."""
        packages = b"" if userland is None else userland.archive.read_bytes()
        return build_initramfs(
            self.busybox.read_bytes(),
            packages=packages,
            modules=modules,
            extra=extra,
            script=script,
        )

    def package_file(self, name: str, member: str, target: Path) -> None:
        """Write `member` of the cached package `name` (a kernel module, say) to `target`.

        Raises `GuestFilesError` if the package is not the one that was fetched.
        """
        package = next(p for p in self.packages if p.name == name)
        deb = self.kernel.parent / package.deb
        if not is_intact(deb, package.sha256):
            raise GuestFilesError(f"{deb} is damaged; remove {deb.parent} to have it fetched again")
        extract(deb, {member: target})


def fetch_linux(progress: Progress, *, cache: Path | None = None) -> LinuxGuest:
    """The kernel and busybox from the cache, fetched through apt the first time.

    Raises `GuestFilesError` if they are not there and cannot be had.
    """
    home = (cache or cache_directory()).absolute() / "linux"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with locked(home / "lock", progress):
            for leftover in home.glob("incoming-*"):
                shutil.rmtree(leftover)
            stored = home / ARCHITECTURE
            if (manifest := verify(stored)) is None:
                manifest = _fill(home, stored, progress)
    except OSError as error:
        raise GuestFilesError(f"Cannot fetch or keep files in {home}: {error}. {ADVICE}") from error
    except GuestFilesError as error:
        raise GuestFilesError(f"No Linux for {ARCHITECTURE}: {error}. {ADVICE}") from error
    return LinuxGuest(stored / "vmlinux", stored / "busybox", manifest.version, manifest.packages)


def verify(stored: Path) -> Manifest | None:
    """The manifest of the cache directory `stored` if every file is as it says, or was repaired.

    `None` if there is nothing, or nothing to repair it from.
    """
    try:
        manifest = Manifest.load((stored / "manifest.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    sums = {package.deb: package.sha256 for package in manifest.packages}
    for file in manifest.files:
        if is_intact(stored / file.name, file.sha256):
            continue
        if not is_intact(stored / file.deb, sums[file.deb]):
            return None
        replacement = stored / f"{file.name}.new"
        extract(stored / file.deb, {file.member: replacement})
        replacement.replace(stored / file.name)
    return manifest


def _fill(home: Path, stored: Path, progress: Progress) -> Manifest:
    with tempfile.TemporaryDirectory(prefix="incoming-", dir=home) as name:
        incoming = Path(name)
        apt = Apt(incoming / "apt", ARCHITECTURE, progress)
        apt.update()
        kernel, busybox = choose_kernel(apt), _first(apt, "busybox-static")
        new = incoming / "new"
        new.mkdir()
        kernel_deb, busybox_deb = apt.download([kernel, busybox], new)
        release = kernel.name.removeprefix("linux-image-")
        progress.step("Unpacking", None)
        manifest = Manifest(
            release,
            (_stored(kernel, kernel_deb), _stored(busybox, busybox_deb)),
            (
                _unpack("vmlinux", kernel_deb, f"boot/vmlinux-{release}"),
                _unpack("busybox", busybox_deb, "bin/busybox", "usr/bin/busybox"),
            ),
        )
        (new / "manifest.json").write_text(manifest.dump())
        if stored.exists():
            stored.rename(incoming / "old")
        new.rename(stored)
    return manifest


class Archive(Protocol):
    """Whatever can say which versions of a package are on offer."""

    def versions(self, name: str) -> list[Package]: ...


def choose_kernel(apt: Archive) -> Package:
    """The package with the kernel itself that the distribution's current one depends on.

    6.1 if it is on offer, else what apt prefers.
    """
    names = [
        match.group()
        for current in KERNEL_PACKAGES
        for package in apt.versions(current)
        if (match := re.search(r"linux-image-\d[^\s,(|]*", package.depends))
    ]
    names.sort(key=lambda name: not name.startswith(FAVOURITE))
    if not names:
        raise GuestFilesError(
            f"this host's package sources offer no {' or '.join(KERNEL_PACKAGES)} for "
            f"{ARCHITECTURE}; a source for Debian bookworm would"
        )
    return _first(apt, names[0])


def _first(apt: Archive, name: str) -> Package:
    versions = apt.versions(name)
    if not versions:
        raise GuestFilesError(f"this host's package sources offer no {name} for {ARCHITECTURE}")
    return versions[0]


def _stored(package: Package, deb: Path) -> StoredPackage:
    return StoredPackage(package.name, package.version, package.sha256, deb.name)


def _unpack(name: str, deb: Path, *members: str) -> StoredFile:
    """Take the first of `members` that `deb` has."""
    target = deb.parent / name
    for member in members:
        try:
            extract(deb, {member: target})
        except GuestFilesError:
            if member == members[-1]:
                raise
        else:
            break
    return StoredFile(name, sha256_of(target), deb.name, member)
