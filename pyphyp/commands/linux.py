"""`pyphyp linux`: an unmodified Debian kernel with a busybox shell."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyphyp.messages import complain, report

from .boot import direct_option
from .options import RunOptions, run_options
from .progress import ProgressBar
from .status import STATUS_HELP, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guests.cpio import Entry
    from guests.linux import LinuxGuest
    from pyphyp.partition import Partition

_BOOT_ARGUMENTS = "console=hvc0"
_HELP = f"""Boot Debian's ppc64el kernel and a busybox shell.

Kernel and busybox come from the distribution's archive, through the host's apt, once; then from
the cache.  With --big-endian both are built here from Debian's sources, once, which takes some
minutes and a cross compiler.  `poweroff` or Ctrl-D in the shell ends the command.

\b
Examples:
  pyphyp linux
  pyphyp linux -c 'cat /proc/cpuinfo' --epoch 0 --stats
  pyphyp linux --package python3 --package bc -c 'python3 -c "print(6 * 7)"'
  pyphyp linux --big-endian -c 'uname -m'
  pyphyp linux --script setup.sh --initrd-add ./tools --memory 2G

{STATUS_HELP}"""


@click.command("linux", help=_HELP)
@click.option("--append", default="", metavar="ARGS", help="More arguments for the kernel.")
@click.option(
    "--script",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A shell script to run in the guest before the shell.",
)
@click.option(
    "-c",
    "--command",
    metavar="COMMAND",
    help="Run that in the guest instead of a shell, quietly, and power off.",
)
@click.option(
    "--initrd-add",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    metavar="DIR",
    help="Add what is below DIR to the guest's file system.",
)
@click.option(
    "--package",
    "packages",
    multiple=True,
    metavar="NAME",
    help="Add a Debian package and what it depends on to the guest's file system.",
)
@click.option(
    "--module",
    "modules",
    multiple=True,
    metavar="NAME",
    help="Load a module of Debian's kernel, and what it depends on, before the shell.  Those that "
    "--disk, --cdrom, --tape, --fc and --net need are loaded anyway.",
)
@click.option(
    "--big-endian",
    is_flag=True,
    help="Boot a small big-endian kernel and busybox, built from Debian's sources the first time.",
)
@direct_option
@run_options
def linux(
    append: str,
    script: Path | None,
    command: str | None,
    initrd_add: tuple[Path, ...],
    packages: tuple[str, ...],
    modules: tuple[str, ...],
    big_endian: bool,
    direct: bool,
    **parameters: Any,
) -> int:
    from emu.memory import MIB
    from guests.initramfs import KERNEL_ARGUMENTS, memory_needed
    from guests.packages import GuestFilesError
    from guests.userland import fetch_userland

    from .session import run_guest

    if big_endian and packages:
        raise click.UsageError("--package gives programs for ppc64el; --big-endian takes none")
    options = RunOptions.take(parameters)
    try:
        with ProgressBar() as progress:
            guest = _guest(big_endian, progress)
            userland = fetch_userland(packages, progress) if packages else None
            drivers = _drivers(guest, modules, packages, options, progress)
    except GuestFilesError as wrong:
        complain(str(wrong))
        return Status.ERROR
    extra = dict(entry for directory in initrd_add for entry in _below(directory))
    initrd = guest.initramfs(extra, _script(script, command), userland, drivers)
    if options.machine.memory < (needed := memory_needed(initrd, direct=direct)):
        complain(f"Linux with these files needs more storage: --memory {-(-needed // MIB)}M")
        return Status.ERROR
    arguments = " ".join(
        filter(None, (_BOOT_ARGUMENTS, KERNEL_ARGUMENTS, "quiet" if command else "", append))
    )
    if options.watch.verbose:
        report(f"Linux {guest.version}: {arguments}")

    def start(partition: Partition) -> None:
        partition.boot(guest.kernel, initrd, arguments, direct=direct)

    return run_guest(options, start)


def _guest(big_endian: bool, progress: ProgressBar) -> LinuxGuest:
    from guests.big_endian import build_big_endian_linux, stored_big_endian_linux
    from guests.linux import fetch_linux

    if not big_endian:
        return fetch_linux(progress)
    if (guest := stored_big_endian_linux()) is not None:
        return guest
    report("building a big-endian Linux from Debian's sources: once, some minutes; Ctrl-C pauses")
    return build_big_endian_linux(progress)


def _drivers(
    guest: LinuxGuest,
    modules: tuple[str, ...],
    packages: tuple[str, ...],
    options: RunOptions,
    progress: ProgressBar,
) -> list[tuple[str, bytes]]:
    """The modules to load, in their order."""
    from guests.modules import (
        DISK_MODULES,
        ETHERNET_MODULES,
        FC_MODULES,
        OPTICAL_MODULES,
        SLOT_MODULES,
        SLOT_PACKAGE,
        TAPE_MODULES,
        kernel_modules,
    )

    wanted = [*modules, *(SLOT_MODULES if SLOT_PACKAGE in packages else ())]
    if options.machine.disk:
        wanted += DISK_MODULES
    if options.machine.cdrom:
        wanted += OPTICAL_MODULES
    if options.machine.net or options.machine.netboot:
        wanted += ETHERNET_MODULES
    if options.machine.tape:
        wanted += TAPE_MODULES
    if options.machine.fc:
        wanted += FC_MODULES
    return kernel_modules(guest, progress).load_order(wanted) if wanted else []


def _script(script: Path | None, command: str | None) -> str | None:
    """What the guest runs before its shell; a command is the last thing it does."""
    parts = []
    if script is not None:
        parts.append(script.read_text(encoding="utf-8"))
    if command is not None:
        parts.append(f"{command}\npoweroff -f\n")
    return "\n".join(parts) if parts else None


def _below(directory: Path) -> Iterator[tuple[str, Entry]]:
    """What is below a directory, by path, for the guest's file system."""
    from guests import cpio

    for path in sorted(directory.rglob("*")):
        name, status = str(path.relative_to(directory)), path.lstat()
        if stat.S_ISLNK(status.st_mode):
            yield name, cpio.Symlink(str(path.readlink()))
        elif stat.S_ISDIR(status.st_mode):
            yield name, cpio.Directory(stat.S_IMODE(status.st_mode))
        elif stat.S_ISREG(status.st_mode):
            yield name, cpio.File(path.read_bytes(), stat.S_IMODE(status.st_mode))


COMMANDS = {"linux": linux}
