"""A big-endian kernel and busybox, built on this host: what `pyphyp linux --big-endian` boots.

Debian has no packages for big-endian ppc64, but it has the sources and the compiler.  From its
linux-source and its busybox the cache gets

    <cache>/linux/ppc64-<recipe>/           manifest.json, vmlinux, busybox
    <cache>/linux/ppc64-<recipe>.building/  a build under way, or what was cut, to be resumed
        sources/                            as they were fetched, with a list that is written last
        linux/ busybox/                     unpacked; each appears by one rename
        objects/                            the kernel's; make knows how far it came
        log                                 what the tools said

where <recipe> is a digest of the kernel's configuration and of how things are built.  The first
directory appears by one rename, complete, and the second goes then.  Every use compares the files
with the manifest; if one is cut or altered, all is built again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from guests.cache import cache_directory, is_intact, locked
from guests.cross_build import PREFIX, Tools, check_tools
from guests.linux import ADVICE, LinuxGuest
from guests.packages import Apt, GuestFilesError, extract, sha256_of

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from guests.packages import Progress

ARCHITECTURE = "ppc64"
KERNEL_SOURCE = "linux-source-6.1"  # bookworm's
RECIPE_FORMAT = 1  # of the manifest, and of all below that makes a difference
CROSS = ("ARCH=powerpc", f"CROSS_COMPILE={PREFIX}")
# Equal sources and tools give equal bytes, wherever and whenever.
IDENTITY = (
    "KBUILD_BUILD_TIMESTAMP=1970-01-01",
    "KBUILD_BUILD_USER=pyphyp",
    "KBUILD_BUILD_HOST=pyphyp",
    "SOURCE_DATE_EPOCH=0",
)
KERNEL_STEPS, BUSYBOX_STEPS = 1000, 640  # lines that tell of a step: for the progress bar
BUSYBOX_CONFIGURATION = "debian/config/pkg/static"
PRODUCTS = ("vmlinux", "busybox")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the cache directory must hold, and the files of source that it was built from."""

    version: str
    sources: dict[str, str]
    files: dict[str, str]

    def dump(self) -> str:
        return json.dumps({"format": RECIPE_FORMAT, **asdict(self)}, indent=2) + "\n"

    @classmethod
    def load(cls, text: str) -> Manifest:
        """Raises `ValueError` for anything but a manifest of this format."""
        try:
            fields = json.loads(text)
            if fields["format"] != RECIPE_FORMAT:
                raise ValueError(f"manifest format {fields['format']}")
            return cls(str(fields["version"]), dict(fields["sources"]), dict(fields["files"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"no manifest: {error!r}") from error


def stored_big_endian_linux(cache: Path | None = None) -> LinuxGuest | None:
    """What was built earlier, if it is there and intact."""
    stored = _home(cache) / f"{ARCHITECTURE}-{recipe()}"
    try:
        manifest = Manifest.load((stored / "manifest.json").read_text())
    except (OSError, ValueError):
        return None
    if not all(is_intact(stored / name, manifest.files.get(name, "")) for name in PRODUCTS):
        return None
    return LinuxGuest(stored / "vmlinux", stored / "busybox", manifest.version, ())


def build_big_endian_linux(progress: Progress, *, cache: Path | None = None) -> LinuxGuest:
    """The kernel and busybox from the cache, built the first time, which takes minutes.

    Raises `GuestFilesError` if they are not there and cannot be built.
    """
    home = _home(cache)
    try:
        home.mkdir(parents=True, exist_ok=True)
        with locked(home / f"{ARCHITECTURE}.lock", progress):
            if (guest := stored_big_endian_linux(cache)) is None:
                check_tools()
                _Build(home / f"{ARCHITECTURE}-{recipe()}", progress).run()
                guest = stored_big_endian_linux(cache)
    except OSError as error:
        raise GuestFilesError(f"Cannot build or keep files in {home}: {error}. {ADVICE}") from error
    except GuestFilesError as error:
        raise GuestFilesError(f"No big-endian Linux: {error}. {ADVICE}") from error
    if guest is None:
        raise GuestFilesError(f"{home} was changed while Linux was built. {ADVICE}")
    return guest


def recipe() -> str:
    """What tells one build from another: the configuration and how it is built."""
    parts = (str(RECIPE_FORMAT), KERNEL_SOURCE, *IDENTITY, BUSYBOX_CONFIGURATION)
    text = "\n".join((*parts, _configuration().read_text()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _home(cache: Path | None) -> Path:
    return (cache or cache_directory()).absolute() / "linux"


def _configuration() -> Traversable:
    return files("guests").joinpath("big_endian.config")


class _Build:
    """The steps from nothing to the directory `stored`; each is skipped if it was done before."""

    def __init__(self, stored: Path, progress: Progress) -> None:
        self._stored, self._progress = stored, progress
        self._directory = stored.with_name(f"{stored.name}.building")
        self._sources = self._directory / "sources"
        self._objects = self._directory / "objects"
        self._directory.mkdir(exist_ok=True)
        self._tools = Tools(self._directory / "log", progress)

    def run(self) -> None:
        sources = self._fetched() or self._fetch()
        linux, busybox = self._unpack(sources)
        release = self._build_kernel(linux)
        self._build_busybox(busybox)
        new = self._directory / "new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        shutil.copyfile(self._objects / "vmlinux", new / "vmlinux")
        shutil.copyfile(busybox / "busybox", new / "busybox")
        sums = {name: sha256_of(new / name) for name in PRODUCTS}
        (new / "manifest.json").write_text(Manifest(release, sources, sums).dump())
        if self._stored.exists():  # damaged
            shutil.rmtree(self._stored)
        new.rename(self._stored)
        self._progress.step("Removing what is needed no longer", None)
        shutil.rmtree(self._directory)

    # -- sources -----------------------------------------------------------------------------

    def _fetched(self) -> dict[str, str] | None:
        """The fetched files with their SHA-256, if all are there."""
        try:
            sources: dict[str, str] = json.loads((self._sources / "list.json").read_text())
        except (OSError, ValueError):
            return None
        whole = all(is_intact(self._sources / name, sha256) for name, sha256 in sources.items())
        return sources if whole else None

    def _fetch(self) -> dict[str, str]:
        shutil.rmtree(self._directory)
        self._sources.mkdir(parents=True)
        apt_directory = self._directory / "apt"
        own = subprocess.run(
            ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
        ).stdout.strip()
        apt = Apt(apt_directory, own, self._progress, source_packages=True)
        apt.update()
        if not (versions := apt.versions(KERNEL_SOURCE)):
            raise GuestFilesError(
                f"this host's package sources offer no {KERNEL_SOURCE}; "
                "a source for Debian bookworm would"
            )
        (linux,) = apt.download(versions[:1], self._sources)
        busybox = apt.source("busybox")
        apt.download_source(busybox, self._sources)
        sources = {linux.name: versions[0].sha256, **busybox.files}
        (self._directory / "list.json").write_text(json.dumps(sources))
        (self._directory / "list.json").rename(self._sources / "list.json")
        shutil.rmtree(apt_directory)
        return sources

    def _unpack(self, sources: dict[str, str]) -> tuple[Path, Path]:
        linux, busybox = self._directory / "linux", self._directory / "busybox"
        new = self._directory / "unpacking"
        for target in (target for target in (linux, busybox) if not target.exists()):
            self._progress.step(f"Unpacking the source of {target.name}", None)
            shutil.rmtree(new, ignore_errors=True)
            if target is linux:
                archive = self._directory / "linux.tar.xz"
                deb = next(name for name in sources if name.endswith(".deb"))
                extract(self._sources / deb, {f"usr/src/{KERNEL_SOURCE}.tar.xz": archive})
                new.mkdir()
                self._tools.run("tar", "-xJf", archive, "-C", new, "--strip-components=1")
                archive.unlink()
            else:
                description = next(name for name in sources if name.endswith(".dsc"))
                self._tools.run("dpkg-source", "-x", self._sources / description, new)
            new.rename(target)
        return linux, busybox

    # -- building ----------------------------------------------------------------------------

    def _build_kernel(self, source: Path) -> str:
        """Configure and compile; gives the release, as `uname -r` says it."""
        objects = f"O={self._objects}"
        with as_file(_configuration()) as configuration:
            self._tools.run(
                "make", "-C", source, objects, *CROSS,
                f"KCONFIG_ALLCONFIG={configuration}", "allnoconfig",
            )  # fmt: skip
        self._check_configuration()
        what = "Building the kernel"
        self._tools.make(what, KERNEL_STEPS, source, objects, *CROSS, *IDENTITY, "vmlinux")
        return (self._objects / "include/config/kernel.release").read_text().strip()

    def _check_configuration(self) -> None:
        """Refuse a source in which an option of ours has another name or another condition."""
        chosen = set((self._objects / ".config").read_text().splitlines())
        wanted = _configuration().read_text().splitlines()
        if lost := [line for line in wanted if line.startswith("CONFIG_") and line not in chosen]:
            raise GuestFilesError(f"{KERNEL_SOURCE} does not take {', '.join(lost)}")

    def _build_busybox(self, source: Path) -> None:
        shutil.copyfile(source / BUSYBOX_CONFIGURATION, source / ".config")
        # Questions about what the file does not name are answered with "as usual".
        arguments = (*CROSS, *IDENTITY)
        self._tools.run("make", "-C", source, *arguments, "oldconfig", answers="\n" * 1000)
        self._tools.make("Building busybox", BUSYBOX_STEPS, source, *arguments, "busybox")
