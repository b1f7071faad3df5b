"""`pyphyp list`: the guests that can be had by name."""

from __future__ import annotations

import click


@click.command("list")
def list_() -> int:
    """List the toy kernels that ship with pyphyp, and Linux.

    \b
    Example:
      pyphyp list
    """
    from pyphyp.guest_list import sources, summary

    rows = [(f"pyphyp run {name}", summary(source)) for name, source in sources().items()]
    rows.append(("pyphyp linux", "Debian's unmodified ppc64el kernel and a busybox shell."))
    rows.append(("pyphyp linux --big-endian", "The same, big-endian, built from Debian's sources."))
    width = max(len(command) for command, _ in rows)
    for command, words in rows:
        click.echo(f"{command:<{width}}  {words}")
    return 0


COMMANDS = {"list": list_}
