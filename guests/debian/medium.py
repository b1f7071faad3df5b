"""What a Debian system is installed from: one archive, on a disk of its own in the guest.

    <cache>/linux/debian/<key>.tar      by a digest of the packages, in their order of installation

It holds the files of the base system, unpacked, so that its programs can run; all packages, as
files without compression; and the plan of what dpkg has to do, in the order apt would have it
done.  The plan is made on the host, where apt knows the archive's index; in the guest dpkg alone is
at work.
"""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from guests.cache import cache_directory, fetched, locked
from guests.packages import ARCHITECTURE, Apt, GuestFilesError, members

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from guests.packages import Package, PlannedStep, Progress

SYSTEM = (
    "dbus",
    "grub-ieee1275",
    "iproute2",
    "iputils-ping",
    "kmod",
    "less",
    "linux-image-powerpc64le",
    "netbase",
    "powerpc-ibm-utils",
    "systemd-sysv",
    "udev",
    "usr-is-merged",
)
"""What every system gets beside the archive's required packages."""
FIRST = ("base-passwd", "base-files", "dpkg", "libc6", "perl-base", "mawk", "debconf")
"""Others' scripts use them without saying so (as debootstrap knows): first, one by one."""
WORK = "var/cache/pyphyp"
FORMAT = 1
_MERGED = ("bin", "sbin", "lib", "lib64")
"""Directories at the root that are links to those below usr."""


@dataclass(frozen=True, slots=True)
class Medium:
    """An archive to install from, and how many packages are in it."""

    archive: Path
    packages: int


def build_medium(names: Iterable[str], progress: Progress, *, cache: Path | None = None) -> Medium:
    """The archive for a system with packages `names`, from the cache or fetched through apt.

    Raises `GuestFilesError` where that cannot be.
    """
    home = (cache or cache_directory()).absolute() / "linux"
    try:
        (home / "debs").mkdir(parents=True, exist_ok=True)
        (home / "debian").mkdir(exist_ok=True)
        with (
            locked(home / "lock", progress),
            tempfile.TemporaryDirectory(prefix="incoming-", dir=home) as incoming,
        ):
            return _fill(home, Path(incoming), tuple(names), progress)
    except OSError as error:
        raise GuestFilesError(f"Cannot fetch or keep packages in {home}: {error}.") from error


def _fill(home: Path, incoming: Path, names: tuple[str, ...], progress: Progress) -> Medium:
    apt = Apt(incoming / "apt", ARCHITECTURE, progress)
    apt.update()
    required = apt.required()
    base = {step.package.name for step in apt.plan(required)}
    steps = apt.plan((*required, *SYSTEM, *names))
    packages = [step.package for step in steps if not step.configures]
    text = plan(steps, base)
    digest = hashlib.sha256(f"{FORMAT}\n{text}".encode())
    for package in packages:
        digest.update(f"{package.name} {package.sha256}\n".encode())
    archive = home / "debian" / f"{digest.hexdigest()[:16]}.tar"
    if not archive.exists():
        files = fetched(apt, packages, home / "debs", incoming)
        debs = {package.name: deb for package, deb in zip(packages, files, strict=True)}
        fresh = incoming / archive.name
        with tarfile.open(fresh, "w", format=tarfile.GNU_FORMAT) as tar:
            write(tar, packages, debs, base, progress)
            _add(tar, f"{WORK}/plan", text.encode())
            _add(tar, f"{WORK}/debian.sources", without_keys(apt.sources).encode())
        for other in archive.parent.glob("*.tar"):  # of an older state of the archive
            other.unlink()
        fresh.rename(archive)
    return Medium(archive, len(packages))


def plan(steps: Sequence[PlannedStep], base: set[str]) -> str:
    """What dpkg does, a line each: an action, and names of packages.

    `base` names what the archive holds unpacked: once more as dpkg does it, all together and
    whatever depends on what; the rest follows as apt has it.
    """
    unpacked = [step.package.name for step in steps if not step.configures]
    lines = [f"install {name}" for name in FIRST if name in base]
    lines.append("unpack-base " + " ".join(name for name in unpacked if name in base))
    lines.append("configure-base")
    rest = [step for step in steps if step.package.name not in base]
    for configures, group in groupby(rest, key=lambda step: step.configures):
        action = "configure" if configures else "unpack"
        lines.append(f"{action} {' '.join(step.package.name for step in group)}")
    lines.append("configure-all")
    return "\n".join(lines) + "\n"


def write(
    tar: tarfile.TarFile,
    packages: Sequence[Package],
    debs: dict[str, Path],
    base: set[str],
    progress: Progress,
) -> None:
    """Fill the archive from the files `debs` of `packages`; those in `base` are unpacked too."""
    for name in _MERGED:
        _add(tar, name, kind=tarfile.SYMTYPE, target=f"usr/{name}")
        _add(tar, f"usr/{name}", kind=tarfile.DIRTYPE)
    for n, package in enumerate(p for p in packages if p.name in base):
        progress.step(f"Unpacking {package.name}", n / len(base))
        for member, content in members(debs[package.name]):
            if (path := _placed(member.name)) and path not in _MERGED:
                member.name = path
                if member.islnk():
                    member.linkname = _placed(member.linkname)
                member.uname = member.gname = ""
                tar.addfile(member, io.BytesIO(content) if member.isreg() else None)
    for name in ("var/lib/dpkg", "var/lib/dpkg/info", "var/lib/dpkg/updates", WORK, f"{WORK}/debs"):
        _add(tar, name, kind=tarfile.DIRTYPE)
    for name in ("status", "available"):
        _add(tar, f"var/lib/dpkg/{name}")
    for n, package in enumerate(packages):
        progress.step("Writing the installation disk", n / len(packages))
        _add(tar, f"{WORK}/debs/{package.name}.deb", unpressed(debs[package.name]))


def unpressed(deb: Path) -> bytes:
    """The package with its parts not compressed (deb(5)): the guest has less to do."""
    parts = [("debian-binary", b"2.0\n")]
    for name, option in (("control.tar", "--ctrl-tarfile"), ("data.tar", "--fsys-tarfile")):
        done = subprocess.run(["dpkg-deb", option, deb], capture_output=True, check=False)
        if done.returncode:
            raise GuestFilesError(f"{deb.name} is damaged: {done.stderr.decode().strip()}")
        parts.append((name, done.stdout))
    archive = [b"!<arch>\n"]
    for name, content in parts:
        archive.append(f"{name:<16}{0:<12}{0:<6}{0:<6}{0o100644:<8o}{len(content):<10}`\n".encode())
        archive.append(content + b"\n" * (len(content) % 2))
    return b"".join(archive)


def without_keys(sources: str) -> str:
    """The installed system has the archive's keys where apt looks for them itself."""
    return re.sub(r"(?mi)^signed-by:.*\n([ \t].*\n)*", "", sources)


def _placed(path: str) -> str:
    """Where a package's file goes where /bin, /sbin and /lib are links."""
    path = path.removeprefix(".").strip("/")
    first, slash, rest = path.partition("/")
    return f"usr/{first}/{rest}" if slash and first in _MERGED else path


def _add(
    tar: tarfile.TarFile,
    name: str,
    content: bytes = b"",
    *,
    kind: bytes = tarfile.REGTYPE,
    target: str = "",
) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, target, len(content)
    member.mode = 0o644 if kind == tarfile.REGTYPE else 0o755
    tar.addfile(member, io.BytesIO(content))
