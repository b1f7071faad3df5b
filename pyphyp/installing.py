"""Installing Debian onto a disk: a partition runs Debian's own tools, this watches its console.

The disk grows as FILE.part beside its later place.  A run that is interrupted leaves it there, and
the next goes on from it: the guest's file system has a journal, and dpkg knows what it has done.
"""

from __future__ import annotations

import contextlib
import os
import re
from importlib import resources
from typing import TYPE_CHECKING

from emu.memory import MIB
from emu.values import frozen
from hypervisor.vio.configuration import FIRST_FREE_SLOT, Medium, ScsiAdapter, ScsiUnit

from .api import Machine
from .qcow2 import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from guests.debian.medium import Medium as InstallationMedium
    from guests.linux import LinuxGuest
    from guests.modules import Modules
    from guests.packages import Progress
    from guests.userland import Userland

    from .partition import Partition

LEAST_BYTES = 2 << 30
"""A smaller disk has no room for Debian's base system and kernel."""
TOOLS = ("e2fsprogs", "fdisk")
_SAID = re.compile(r"pyphyp-install: (.*)")
_DPKG = re.compile(r"(Unpacking|Setting up|Processing triggers for) ([a-z0-9][a-z0-9.+-]*)")
_STEP = re.compile(r"step (\d+) of (\d+)")
_LOG_LINES = 15


class InstallError(Exception):
    """The system could not be installed; the message says why and what would help."""


@frozen
class Settings:
    """What the system is told of itself; `password` is root's, or none."""

    hostname: str = "debian"
    password: str = ""

    def files(self) -> dict[str, bytes]:
        """As the guest's scripts read them."""
        return {
            "install/hostname": f"{self.hostname}\n".encode(),
            "install/password": f"{self.password}\n".encode(),
        }


class Watcher:
    """Follows the installation by what the console shows."""

    def __init__(self, packages: int, progress: Progress, show: Callable[[str], None]) -> None:
        self._progress, self._show = progress, show
        # Each package is unpacked and set up; the base system's are unpacked twice, almost.
        self._expected = 2 * packages
        self._seen: set[tuple[str, str]] = set()
        self._line = ""
        self.finished = False
        self.failure: str | None = None
        self.log: list[str] = []

    def __call__(self, text: bytes) -> None:
        *lines, self._line = (self._line + text.decode("utf-8", "replace")).split("\n")
        for line in lines:
            self._take(line.rstrip("\r"))

    def _take(self, line: str) -> None:
        self.log = [*self.log[1 - _LOG_LINES :], line]
        self._show(line)
        if said := _SAID.search(line):
            words = said[1]
            if words == "finished":
                self.finished = True
            elif words.startswith("failed: "):
                self.failure = words.removeprefix("failed: ")
            elif not _STEP.fullmatch(words):
                self._progress.step(words, self._fraction)
        elif found := _DPKG.match(line):
            self._seen.add((found[1], found[2]))
            self._progress.step(f"{found[1]} {found[2]}", self._fraction)

    @property
    def _fraction(self) -> float:
        return min(0.99, len(self._seen) / self._expected)


@frozen
class Parts:
    """All that is needed: kernel, tools, drivers, and the archive to install from."""

    linux: LinuxGuest
    tools: Userland
    modules: Modules
    medium: InstallationMedium


@contextlib.contextmanager
def growing(disk: Path, size: int) -> Iterator[Path]:
    """The file that becomes `disk` if all goes well; raises `InstallError`."""
    if disk.exists():
        raise InstallError(f"{disk} exists already: remove it, or choose another name")
    if disk.suffix == SUFFIX:
        raise InstallError(
            f"systems are installed onto raw disks; pyphyp disk convert makes {disk.name} of one"
        )
    if size < LEAST_BYTES:
        raise InstallError(f"a disk of {size // MIB} MiB is too small: 2G at least")
    part = disk.with_name(disk.name + ".part")
    try:
        with part.open("ab"):
            os.truncate(part, max(size, part.stat().st_size))
    except OSError as wrong:
        raise InstallError(f"{part}: {wrong.strerror}") from None
    yield part
    part.rename(disk)


def install(
    part: Path,
    parts: Parts,
    settings: Settings,
    progress: Progress,
    *,
    memory: str | int = "2G",
    show: Callable[[str], None] = lambda line: None,
) -> None:
    """Install onto the disk `part`; raises `InstallError`, with the last lines of the console."""
    units = (
        ScsiUnit(Medium.DISK, str(part)),
        ScsiUnit(Medium.DISK, str(parts.medium.archive), 1, read_only=True),
    )
    with Machine() as machine:
        partition = machine.add_partition(
            "installer",
            memory=memory,
            reboot=False,
            clock="host",
            scsi=[ScsiAdapter(FIRST_FREE_SLOT, units)],
        )
        watcher = Watcher(parts.medium.packages, progress, show)
        partition.console.transcript.listeners.append(watcher)
        progress.step("Booting the installer", 0.0)
        _boot(partition, parts, settings)
        partition.run()
    if not watcher.finished:
        why = watcher.failure or "the installer ended too early"
        shown = "\n  ".join(watcher.log)
        raise InstallError(f"{why}; run the same command to go on.  The console's end:\n  {shown}")


def _boot(partition: Partition, parts: Parts, settings: Settings) -> None:
    from guests.initramfs import KERNEL_ARGUMENTS, SLOTS
    from guests.modules import DISK_MODULES

    scripts = resources.files("guests.debian")
    extra = settings.files() | {
        "install/system.sh": (scripts / "system.sh").read_bytes(),
        "install/slots": SLOTS.encode(),
    }
    initrd = parts.linux.initramfs(
        extra,
        (scripts / "disk.sh").read_text(),
        parts.tools,
        parts.modules.load_order(DISK_MODULES),
    )
    arguments = f"console=hvc0 {KERNEL_ARGUMENTS} quiet"
    partition.boot(parts.linux.kernel, initrd, arguments)
