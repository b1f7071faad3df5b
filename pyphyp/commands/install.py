"""`pyphyp install`: a system onto a disk, unattended."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyphyp.messages import complain, report

from .progress import ProgressBar
from .status import Status
from .values import DiskSize, MemorySize

if TYPE_CHECKING:
    from pyphyp.installing import Parts

_HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@click.group("install")
def install() -> None:
    """Install a system onto a disk, unattended."""


def _password(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and (not value or not value.isprintable()):
        raise click.BadParameter("a password has one printable character or more")
    return value


def _hostname(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not _HOSTNAME.fullmatch(value):
        raise click.BadParameter(f"{value!r} is no host name: small letters, digits, hyphens")
    return value


@install.command("debian")
@click.argument("disk", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--size", type=DiskSize(), default="4G", show_default=True, help="The disk's size.")
@click.option(
    "--memory",
    type=MemorySize(),
    default="2G",
    show_default=True,
    help="Memory of the partition that installs.",
)
@click.option(
    "--hostname", default="debian", show_default=True, callback=_hostname, help="Its name."
)
@click.option(
    "--password",
    metavar="PASSWORD",
    callback=_password,
    help="Root's password.  Without one, root logs in on the console without being asked for any.",
)
@click.option(
    "--package",
    "packages",
    multiple=True,
    metavar="NAME",
    help="Install a package more, with all it depends on (openssh-server, say).",
)
@click.option("-v", "--verbose", is_flag=True, help="Show the installer's console.")
def debian(
    disk: Path,
    size: int,
    memory: int,
    hostname: str,
    password: str | None,
    packages: tuple[str, ...],
    verbose: bool,
) -> int:
    """Install Debian for ppc64el onto DISK, a new file.

    The packages come from the distribution's archive, through the host's apt, and are kept in the
    cache.  A partition partitions the disk, unpacks and sets up the packages, and installs GRUB,
    all with Debian's own tools.  Interrupted (Ctrl-C), the same command goes on from there.

    \b
    Examples:
      pyphyp install debian disk.img
      pyphyp install debian disk.img --size 8G --hostname lpar1 --package openssh-server
      pyphyp boot --disk disk.img
    """
    from guests.packages import GuestFilesError
    from pyphyp.installing import InstallError, Settings, growing, install
    from pyphyp.raw_file import MediaError

    begin = time.monotonic()
    try:
        settings = Settings(hostname, password or "")
        with growing(disk, size) as part, ProgressBar(told=True) as progress:
            if part.stat().st_blocks:
                report(f"going on with {part}; remove it to begin anew")
            parts = _parts(packages, progress)
            show = (lambda line: click.echo(line, err=True)) if verbose else (lambda line: None)
            install(part, parts, settings, progress, memory=memory, show=show)
    except (GuestFilesError, InstallError, MediaError) as wrong:
        complain(str(wrong))
        return Status.ERROR
    except KeyboardInterrupt:
        complain("interrupted; the same command goes on from here")
        raise
    report(f"{disk}: Debian is installed, in {time.monotonic() - begin:.0f} s")
    if not password:
        report("root logs in on the console without a password")
    report(f"boot it: pyphyp boot --disk {disk}")
    return Status.OK


def _parts(packages: tuple[str, ...], progress: ProgressBar) -> Parts:
    from guests.debian.medium import build_medium
    from guests.linux import fetch_linux
    from guests.modules import kernel_modules
    from guests.userland import fetch_userland
    from pyphyp.installing import TOOLS, Parts

    linux = fetch_linux(progress)
    return Parts(
        linux,
        fetch_userland(TOOLS, progress),
        kernel_modules(linux, progress),
        build_medium(packages, progress),
    )


COMMANDS = {"install": install}
