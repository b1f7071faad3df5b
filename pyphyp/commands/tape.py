"""`pyphyp tape`: what tape images hold, and tapes of machines that run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .remote import REMOTE_STATUS_HELP, partition_argument, remote
from .status import Status
from .tape_values import TapeFileName
from .values import ByteCount

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyphyp.daemon.client import Client
    from pyphyp.tapes import TapeName

_IMAGE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("tape")
def tape() -> None:
    """Look into tape images, write them, and load them where a machine runs.

    An image is a file in the SIMH magnetic tape format.  What lies between two filemarks is a
    file of the tape, the first one is file 0; an empty image is a blank tape.
    """


@tape.command("list")
@click.argument("image", type=_IMAGE)
def list_(image: Path) -> int:
    """Say what is on the tape: for each of its files, blocks and bytes.

    \b
    Example:
      pyphyp tape list backup.tap
    """
    from pyphyp.tape_contents import TapeContents

    def say() -> None:
        with TapeContents(image) as contents:
            click.echo("FILE  BLOCKS         BYTES  LONGEST")
            for number, its in enumerate(contents.files()):
                click.echo(f"{number:4}  {its.blocks:6}  {its.size:12}  {its.longest:7}")
            if contents.damaged:
                click.echo("what follows cannot be read: the image is damaged or cut")

    return _complaining(say)


@tape.command("extract")
@click.argument("image", type=_IMAGE)
@click.argument("number", type=click.IntRange(0), default=0)
def extract(image: Path, number: int) -> int:
    """Write file NUMBER (0) of the tape to standard output, its blocks one behind the other.

    \b
    Example:
      pyphyp tape extract backup.tap 1 | tar -xv
    """
    from pyphyp.tape_contents import TapeContents

    def write() -> None:
        with TapeContents(image) as contents:
            for block in contents.blocks_of(number):
                sys.stdout.buffer.write(block)
            sys.stdout.buffer.flush()

    return _complaining(write)


@tape.command("append")
@click.argument("image", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--block",
    type=ByteCount(1, 8 << 20),
    default="10K",
    show_default=True,
    help="Bytes of a block: tar's -b 20 are 10K.",
)
def append(image: Path, block: int) -> int:
    """Write standard input behind what is on the tape, and a filemark; the image is made.

    \b
    Example:
      tar -c files | pyphyp tape append backup.tap
    """
    from pyphyp.tape_contents import append_file

    return _complaining(lambda: append_file(image, sys.stdin.buffer, block))


_LOAD_HELP = f"""Put IMAGE into a tape drive of PARTITION, which runs; what was in it is taken out.

A drive whose tape the guest has locked in refuses.

\b
Examples:
  pyphyp tape load web backup.tap
  pyphyp tape load web archive.tap,ro --drive 1

{REMOTE_STATUS_HELP}"""
_DRIVE = click.option("--drive", type=click.IntRange(0, 63), default=0, help="The drive; else 0.")


@tape.command("load", help=_LOAD_HELP)
@partition_argument
@click.argument("image", type=TapeFileName(), metavar="IMAGE[,ro][,SIZE]")
@_DRIVE
@remote
def load(client: Client, partition: str, image: TapeName, drive: int) -> int:
    from pyphyp.actions import LoadTape
    from pyphyp.messages import report

    if image.path is None:
        raise click.UsageError("an image")
    path, capacity = str(image.path), image.capacity
    report(client.perform(LoadTape(partition, path, drive, image.read_only, capacity)))
    return Status.OK


_UNLOAD_HELP = f"""Take the tape out of a drive of PARTITION, which runs.

\b
Example:
  pyphyp tape unload web

{REMOTE_STATUS_HELP}"""


@tape.command("unload", help=_UNLOAD_HELP)
@partition_argument
@_DRIVE
@remote
def unload(client: Client, partition: str, drive: int) -> int:
    from pyphyp.actions import UnloadTape
    from pyphyp.messages import report

    report(client.perform(UnloadTape(partition, drive)))
    return Status.OK


def _complaining(act: Callable[[], None]) -> int:
    from hypervisor.scsi.backing import BackingError
    from pyphyp.messages import complain
    from pyphyp.raw_file import MediaError

    try:
        act()
    except (MediaError, BackingError) as wrong:
        complain(str(wrong))
        return Status.ERROR
    return Status.OK


COMMANDS = {"tape": tape}
