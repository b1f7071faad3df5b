"""`pyphyp tree`: the device tree a guest would see."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from pyphyp.messages import complain

from .boot import FILE, direct_option
from .options import MachineOptions, machine_options
from .status import Status


@click.command("tree")
@click.option("--dtb", type=click.Path(path_type=Path), help="Write the flattened tree there.")
@click.option("--kernel", type=FILE, help="Show what booting this kernel would add.")
@click.option("--initrd", type=FILE, help="Its initial file system.")
@click.option("--append", default="", metavar="ARGS", help="Arguments for the kernel.")
@direct_option
@machine_options
def tree(
    dtb: Path | None,
    kernel: Path | None,
    initrd: Path | None,
    append: str,
    direct: bool,
    **parameters: Any,
) -> int:
    """Print a partition's device tree as source text.

    \b
    Examples:
      pyphyp tree --memory 2G
      pyphyp tree --dtb partition.dtb
    """
    from emu.unicorn_library import EngineError
    from firmware.device_tree import flatten, source
    from firmware.elf import BootError
    from pyphyp.api import Machine

    try:
        options = MachineOptions.take(parameters)
        with Machine(epoch=options.epoch, seed=options.seed) as machine:
            partition = options.add_partition(machine)
            if kernel is not None:
                partition.boot(kernel, initrd, append, direct=direct)
            root = partition.composition.firmware.tree
            if dtb is None:
                click.echo(source(root), nl=False)
            elif str(dtb) == "-":
                sys.stdout.buffer.write(flatten(root))
            else:
                dtb.write_bytes(flatten(root))
    except (BootError, EngineError, MemoryError) as wrong:
        complain(str(wrong) or "the host has not enough memory")
        return Status.ERROR
    return Status.OK


COMMANDS = {"tree": tree}
