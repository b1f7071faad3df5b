"""`pyphyp boot`: a kernel of your own, as firmware boots it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import RunOptions, run_options
from .status import STATUS_HELP

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from pyphyp.partition import Partition

    CommandT = TypeVar("CommandT", bound=Callable[..., Any])

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_HELP = f"""Boot a kernel (an ELF file such as vmlinux), or what a disk, disc or server holds.

Without --kernel, firmware looks for a boot loader as on a real machine: in the PReP partition of
a disk, or where \\ppc\\bootinfo.txt of a disc says; then it asks the network.

\b
Examples:
  pyphyp boot --kernel vmlinux --initrd initrd.img --append console=hvc0
  pyphyp boot --kernel vmlinux --direct --memory 2G --timeout 60 --stats
  pyphyp boot --disk system.img --nvram system.nvram
  pyphyp boot --disk new.img --cdrom installer.iso --boot-device cdrom
  pyphyp boot --netboot /srv/tftp

{STATUS_HELP}"""


def kernel_options(command: CommandT) -> CommandT:
    """What to boot."""
    for option in reversed(
        (
            click.option("--kernel", type=FILE, help="The kernel, an ELF file."),
            click.option("--initrd", type=FILE, help="Its initial file system."),
            click.option("--append", metavar="ARGS", help="Arguments for what is booted."),
            direct_option,
            click.option(
                "--boot-device",
                metavar="DEVICES",
                help="Without a kernel: the devices to try, such as 'cdrom disk1'.  Else "
                "boot-device in NVRAM says which, or all are tried.",
            ),
        )
    ):
        command = option(command)
    return command


direct_option = click.option(
    "--direct",
    is_flag=True,
    help="Enter the kernel with a flattened device tree, not as a client of Open Firmware.",
)


@click.command("boot", help=_HELP)
@kernel_options
@run_options
def boot(
    kernel: Path | None,
    initrd: Path | None,
    append: str | None,
    direct: bool,
    boot_device: str | None,
    **parameters: Any,
) -> int:
    from .session import run_guest

    options = RunOptions.take(parameters)
    if kernel is None:
        its = options.machine
        if not (its.disk or its.fc or its.cdrom or its.netboot or its.net):
            raise click.UsageError(
                "give a --kernel, or --disk, --fc, --cdrom or --netboot to boot from"
            )
        if initrd is not None or direct:
            raise click.UsageError("--initrd and --direct go with a --kernel")
    elif boot_device is not None:
        raise click.UsageError("--boot-device is for booting without a --kernel")

    def start(partition: Partition) -> None:
        if kernel is None:
            partition.boot_from_device(boot_device or "", append)
        else:
            partition.boot(kernel, initrd, append or "", direct=direct)

    return run_guest(options, start)


COMMANDS = {"boot": boot}
