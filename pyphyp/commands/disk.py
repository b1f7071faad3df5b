"""`pyphyp disk`: making, describing and converting the files of virtual disks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .status import Status
from .values import DiskFileName, DiskSize

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyphyp.disk_files import DiskFile

_FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["raw", "qcow2"]),
    help="Default: qcow2 for names that end in .qcow2, else raw.",
)
_NEW = click.Path(path_type=Path)


@click.group("disk")
def disk() -> None:
    """Make, describe and convert files of virtual disks.

    A raw file holds a disk's content byte for byte, and needs room for what was written, where
    the host's file system knows holes.  A qcow2 image needs it everywhere, can be copied without
    care for holes, and wants qemu-utils.
    """


@disk.command("create")
@click.argument("file", type=_NEW)
@click.argument("size", type=DiskSize())
@_FORMAT
def create(file: Path, size: int, form: str | None) -> int:
    """Make an empty disk of SIZE (4G) in FILE.

    \b
    Examples:
      pyphyp disk create disk.img 4G
      pyphyp disk create disk.qcow2 4G
    """
    from hypervisor.vio.configuration import DiskFormat
    from pyphyp.disk_files import create_disk
    from pyphyp.qcow2 import SUFFIX

    chosen = form or ("qcow2" if file.suffix == SUFFIX else "raw")
    return _complaining(lambda: create_disk(file, size, DiskFormat(chosen)))


@disk.command("info")
@click.argument("file", type=DiskFileName())
@click.option("--check", is_flag=True, help="Read the tables of an image, and say if they fit.")
def info(file: DiskFile, check: bool) -> int:
    """Say the format and the sizes of FILE[,raw|,qcow2].

    \b
    Example:
      pyphyp disk info disk.qcow2
    """
    from pyphyp.disk_files import check_disk, disk_facts

    def say() -> None:
        if check:
            check_disk(file)
        facts = disk_facts(file)
        click.echo(f"{facts.path}: {facts.format.value}")
        click.echo(f"size     {_size(facts.size)}")
        click.echo(f"on host  {_size(facts.on_host)}")

    return _complaining(say)


@disk.command("convert")
@click.argument("source", type=DiskFileName())
@click.argument("target", type=_NEW)
@_FORMAT
def convert(source: DiskFile, target: Path, form: str | None) -> int:
    """Copy the disk SOURCE[,raw|,qcow2] to a new file TARGET, in its format.

    \b
    Examples:
      pyphyp disk convert disk.img disk.qcow2
      pyphyp disk convert old,qcow2 disk.img
    """
    from hypervisor.vio.configuration import DiskFormat
    from pyphyp.disk_files import convert_disk
    from pyphyp.qcow2 import SUFFIX

    chosen = form or ("qcow2" if target.suffix == SUFFIX else "raw")
    return _complaining(lambda: convert_disk(source, target, DiskFormat(chosen)))


def _size(size: int) -> str:
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size} bytes, {size / unit:.2f} {name}"
    return f"{size} bytes"


def _complaining(act: Callable[[], None]) -> int:
    from pyphyp.messages import complain
    from pyphyp.raw_file import MediaError

    try:
        act()
    except MediaError as wrong:
        complain(str(wrong))
        return Status.ERROR
    return Status.OK


COMMANDS = {"disk": disk}
