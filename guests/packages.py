"""Packages for another architecture through the host's own apt, without telling the host.

Everything apt writes goes to one private directory, where the architecture asked for is the only
one and nothing is installed; /var/lib/apt and dpkg are neither read nor written and no privilege
is needed.  What comes is authenticated twice: by apt, through the archive's signed Release files,
and here, by the SHA-256 that the signed index gives for the package.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import platform
import re
import shutil
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from guests.apt_sources import distribution_sources, host_sources, stanzas

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ARCHITECTURE = "ppc64el"
# deb-control(5).  To apt-get a word that ends in "-" would mean "remove".
PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]*[a-z0-9.+]")
# Read after the host's own configuration, whose hooks are for the host's own packages.
APT_CONFIGURATION = """\
#clear APT::Update;
#clear APT::Architectures;
#clear DPkg;
Acquire::Languages { "none"; };
Acquire::Retries "2";
"""


class GuestFilesError(Exception):
    """The files of a guest cannot be had; the text says why and what the operator can do."""


class Progress(Protocol):
    """Told what is going on; `fraction` runs from 0 to 1, `None` when nobody knows."""

    def step(self, description: str, fraction: float | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Package:
    """One version of a package as the archive's signed index describes it."""

    name: str
    version: str
    architecture: str
    sha256: str
    depends: str = ""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A package is unpacked, or configured."""

    package: Package
    configures: bool


@dataclass(frozen=True, slots=True)
class SourcePackage:
    """A source package: the SHA-256 of each of its files, as the signed index gives it."""

    name: str
    files: Mapping[str, str]

    @property
    def description(self) -> str:
        """The file that describes the others."""
        return next(name for name in self.files if name.endswith(".dsc"))


class Apt:
    """apt for `architecture`, with all its state below `directory`, which the caller removes.

    `source_packages` says whether it shall know those, too.
    """

    def __init__(
        self,
        directory: Path,
        architecture: str,
        progress: Progress,
        *,
        source_packages: bool = False,
    ) -> None:
        if not all(shutil.which(tool) for tool in ("apt-get", "apt-cache", "dpkg-deb")):
            raise GuestFilesError("this host has no apt to fetch Debian packages with")
        self._progress = progress
        self._directory = directory
        sources = directory / "sources.d"
        for new in (sources, directory / "lists" / "partial", directory / "archives" / "partial"):
            new.mkdir(parents=True)
        (directory / "status").touch()
        configuration = directory / "apt.conf"
        configuration.write_text(APT_CONFIGURATION)
        settings = {
            "APT::Architecture": architecture,
            "APT::Architectures::": architecture,
            "Dir::State": directory,
            "Dir::State::lists": directory / "lists",
            "Dir::State::status": directory / "status",
            "Dir::Cache": directory,
            "Dir::Cache::archives": directory / "archives",
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": sources,
        }
        self._options = [f"--config-file={configuration}"]
        self._options += [f"--option={name}={value}" for name, value in settings.items()]
        self.sources = self._host_sources(source_packages)
        """The archive's places, as sources.list(5) has them in the deb822 form."""
        (sources / "host.sources").write_text(self.sources)

    def update(self) -> None:
        """Fetch the package lists; a source that fails is passed over, as apt does itself.

        Raises `GuestFilesError` if no list came at all.
        """
        complaints = self._get("update", description="Fetching package lists")
        if not any((self._directory / "lists").glob("*_Packages*")):
            raise GuestFilesError(f"no package list could be fetched: {complaints}")

    def versions(self, name: str) -> list[Package]:
        """The versions of package `name` on offer, apt's favourite first; none if unknown."""
        return self._show([name])

    def closure(self, names: Iterable[str]) -> list[Package]:
        """The packages `names` and all they depend on, recommendations left out.

        Raises `GuestFilesError` for a name that is not on offer, or packages that exclude another.
        """
        return [step.package for step in self.plan(names) if not step.configures]

    def plan(self, names: Iterable[str]) -> list[PlannedStep]:
        """In which order apt would unpack and configure `names` and all they depend on.

        Raises as `closure`.
        """
        wanted = list(names)
        if bad := [name for name in wanted if not PACKAGE_NAME.fullmatch(name)]:
            raise GuestFilesError(f"{bad[0]!r} is no name of a package")
        done = self._run("apt-get", "install", "--simulate", "--no-install-recommends", *wanted)
        if done.returncode:
            raise GuestFilesError(self._explain(done))
        lines = re.findall(r"^(Inst|Conf) (\S+) (?:\[\S+\] )?\((\S+)", done.stdout, re.MULTILINE)
        steps = [(name.partition(":")[0], version, word == "Conf") for word, name, version in lines]
        known = {
            (package.name, package.version): package
            for package in self._show({f"{name}={version}" for name, version, _ in steps})
        }
        return [PlannedStep(known[name, version], conf) for name, version, conf in steps]

    def required(self) -> list[str]:
        """The names of the packages that every system has."""
        shown = self._run("apt-cache", "dumpavail")
        return sorted(
            {
                stanza["package"]
                for stanza in stanzas(shown.stdout)
                if stanza.get("priority") == "required" or stanza.get("essential") == "yes"
            }
        )

    def download(self, packages: Sequence[Package], into: Path) -> list[Path]:
        """Fetch the .deb of each package into the directory `into` and check it."""
        what = " ".join((packages[0].name, packages[0].version))
        if len(packages) > 1:
            what += f" and {len(packages) - 1} more"
        with tempfile.TemporaryDirectory(dir=self._directory) as landing:
            complaints = self._get(
                "download", *(f"{package.name}={package.version}" for package in packages),
                description=f"Fetching {what}", directory=Path(landing),
            )  # fmt: skip
            # The name of a file is the archive's to choose; its digest says which package it is.
            landed = {sha256_of(deb): deb for deb in Path(landing).glob("*.deb")}
            fetched = []
            for package in packages:
                if package.sha256 not in landed:
                    raise GuestFilesError(
                        f"{package.name} {package.version} could not be fetched with the SHA-256 "
                        f"of the archive's index, {package.sha256}: {complaints or 'others came'}"
                    )
                target = into / f"{package.name}_{package.architecture}.deb"
                fetched.append(Path(shutil.copyfile(landed[package.sha256], target)))
            return fetched

    def _show(self, names: Iterable[str]) -> list[Package]:
        shown = self._run("apt-cache", "show", *names)
        return [
            Package(
                stanza["package"], stanza["version"], stanza["architecture"],
                stanza["sha256"].lower(), stanza.get("depends", ""),
            )
            for stanza in stanzas(shown.stdout)
            if {"package", "version", "architecture", "sha256"} <= stanza.keys()
        ]  # fmt: skip

    def _explain(self, done: subprocess.CompletedProcess[str]) -> str:
        """Why apt-get installs nothing, in a line."""
        unknown = re.findall(r"Unable to locate package (\S+)", done.stderr)
        if not unknown:
            providers = re.findall(r"^  (\S+) \S+$", done.stdout, re.MULTILINE)
            reason = "; ".join(re.findall(r"^E: (.*?)\.?$", done.stderr, re.MULTILINE))
            return f"{reason} (take one of {', '.join(providers)})" if providers else reason
        names = self._run("apt-cache", "pkgnames").stdout.split()
        close = difflib.get_close_matches(unknown[0], names, n=3, cutoff=0.75)
        advice = f"; did you mean {' or '.join(close)}?" if close else ""
        return f"this host's package sources offer no {', '.join(unknown)}{advice}"

    def _run(self, tool: str, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [tool, *self._options, *command],
            capture_output=True, text=True, check=False, env=_environment(),
        )  # fmt: skip

    def source(self, name: str) -> SourcePackage:
        """The version of source package `name` that apt prefers."""
        shown = self._run("apt-get", "source", "--print-uris", "--only-source", name)
        files = re.findall(r"^'\S+' (\S+) \d+ SHA256:([0-9a-f]{64})", shown.stdout, re.MULTILINE)
        if not any(file.endswith(".dsc") for file, _ in files):
            raise GuestFilesError(f"this host's package sources offer no source of {name}")
        return SourcePackage(name, dict(files))

    def download_source(self, package: SourcePackage, into: Path) -> None:
        """Fetch the files of `package` into the directory `into` and check them."""
        complaints = self._get(
            "source", "--download-only", "--only-source", package.name,
            description=f"Fetching the source of {package.name}", directory=into,
        )  # fmt: skip
        for name, sha256 in package.files.items():
            if not (into / name).is_file():
                raise GuestFilesError(f"{name} could not be fetched: {complaints}")
            if (found := sha256_of(into / name)) != sha256:
                raise GuestFilesError(f"{name} has SHA-256 {found}, not the index's {sha256}")

    def _host_sources(self, source_packages: bool) -> str:
        shown = subprocess.run(
            ["apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f", "PARTS",
             "Dir::Etc::sourceparts/d"],
            capture_output=True, text=True, check=False, env=_environment(),
        )  # fmt: skip
        if shown.returncode:
            raise GuestFilesError(f"apt-config fails: {shown.stderr.strip()}")
        places = dict(line.split("=", 1) for line in shown.stdout.splitlines())
        parts = Path(places["PARTS"].strip("'\""))
        files = [Path(places["LIST"].strip("'\""))]
        files += sorted(p for p in parts.glob("*") if p.suffix in (".list", ".sources"))
        sources = distribution_sources(
            host_sources(files),
            platform.freedesktop_os_release(),
            source_packages=source_packages,
        )
        if not sources:
            raise GuestFilesError(f"no source of Debian or a derivative in {files[0]} or {parts}")
        return sources

    def _get(self, *command: str, description: str, directory: Path | None = None) -> str:
        """Run apt-get with progress; gives its warnings and errors.  Any end stops apt-get too."""
        self._progress.step(description, None)
        reader, writer = os.pipe()
        with (
            open(reader, encoding="utf-8", errors="replace") as status,
            tempfile.TemporaryFile("w+", errors="replace") as complaints,
        ):
            try:
                options = [*self._options, f"--option=APT::Status-Fd={writer}"]
                process = subprocess.Popen(
                    ["apt-get", "-q", *options, *command],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=complaints,
                    pass_fds=(writer,), cwd=directory or self._directory, env=_environment(),
                )  # fmt: skip
            finally:
                os.close(writer)
            try:
                for line in status:  # dlstatus:<files>:<percent>:<text>
                    match line.split(":"):
                        case ["dlstatus", _, percent, *_]:
                            self._progress.step(description, float(percent) / 100)
            except BaseException:
                process.terminate()
                raise
            finally:
                process.wait()
            complaints.seek(0)
            # As root apt remarks that its own user cannot look into this directory: expected.
            lines = (line.strip().rstrip(".") for line in complaints if "unsandboxed" not in line)
            return "; ".join(line for line in lines if line)


def extract(deb: Path, wanted: Mapping[str, Path]) -> None:
    """Write members of the package file `deb` to the paths `wanted` maps them to.

    Members are named from the root (`boot/vmlinux`).  Raises `GuestFilesError` if one is missing
    or no regular file.
    """
    missing = dict(wanted)
    with _files(deb) as archive:
        for member in archive:
            target = missing.pop(member.name.removeprefix("./"), None)
            content = archive.extractfile(member) if target and member.isreg() else None
            if target and content:
                with target.open("wb") as file:
                    shutil.copyfileobj(content, file, 1 << 20)
            elif target:
                missing[member.name] = target
            if not missing:
                return
    raise GuestFilesError(f"{deb.name} holds no file {', '.join(missing)}")


def members(deb: Path) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Everything in `deb` with its content, which is empty for what is no file.

    Raises `GuestFilesError` if it cannot be read.
    """
    with _files(deb) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isreg() else None
            yield member, stream.read() if stream else b""


@contextmanager
def _files(deb: Path) -> Iterator[tarfile.TarFile]:
    """The files of a package, as they come out of dpkg-deb."""
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as unpacker:
        assert unpacker.stdout is not None
        try:
            with tarfile.open(fileobj=unpacker.stdout, mode="r|") as archive:
                yield archive
        except (tarfile.TarError, EOFError) as error:
            raise GuestFilesError(f"{deb.name} is damaged: {error}") from error
        finally:
            unpacker.kill()


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
