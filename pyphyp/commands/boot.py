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
_HELP = f"""Boot a kernel (an ELF file such as vmlinux) in a partition.

\b
Examples:
  pyphyp boot --kernel vmlinux --initrd initrd.img --append console=hvc0
  pyphyp boot --kernel vmlinux --direct --memory 2G --timeout 60 --stats

{STATUS_HELP}"""


def kernel_options(command: CommandT) -> CommandT:
    """What to boot."""
    for option in reversed(
        (
            click.option("--kernel", type=FILE, required=True, help="The kernel, an ELF file."),
            click.option("--initrd", type=FILE, help="Its initial file system."),
            click.option("--append", default="", metavar="ARGS", help="Arguments for the kernel."),
            direct_option,
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
def boot(kernel: Path, initrd: Path | None, append: str, direct: bool, **parameters: Any) -> int:
    from .session import run_guest

    def start(partition: Partition) -> None:
        partition.boot(kernel, initrd, append, direct=direct)

    return run_guest(RunOptions.take(parameters), start)


COMMANDS = {"boot": boot}
