"""`pyphyp nvram`: the configuration variables that an NVRAM file holds."""

from __future__ import annotations

from pathlib import Path

import click

from .status import Status


@click.command("nvram")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("variables", nargs=-1, metavar="[NAME | NAME=VALUE]...")
def nvram(file: Path, variables: tuple[str, ...]) -> int:
    """Show the firmware's variables in the NVRAM file FILE, or set some.

    NAME= forgets one.  boot-device lists the devices that firmware tries, apart by blanks;
    boot-file the arguments of what it boots.  A FILE that is not there is made.

    \b
    Examples:
      pyphyp nvram system.nvram
      pyphyp nvram system.nvram boot-device='cdrom disk1 net'
      pyphyp boot --disk system.img --nvram system.nvram
    """
    from pyphyp.messages import complain
    from pyphyp.nvram_file import NvramFile, NvramFileError

    try:
        its = NvramFile(file)
        named = [word.partition("=") for word in variables]
        for name, equals, value in named:
            if equals:
                its.nvram.set_variable(name, value or None)
        its.save()
    except (NvramFileError, ValueError) as wrong:
        complain(str(wrong))
        return Status.ERROR
    found = its.nvram.variables()
    for name, equals, _ in named:
        if not equals and name not in found:
            complain(f"there is no variable {name}")
            return Status.ERROR
    wanted = [name for name, equals, _ in named if not equals]
    for name, value in found.items():
        if name in wanted or not variables:
            click.echo(value if wanted else f"{name}={value}")
    return Status.OK


COMMANDS = {"nvram": nvram}
