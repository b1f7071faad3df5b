"""`pyphyp ps`: the machines that run, and what their partitions have and do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pyphyp.messages import complain

from .remote import REMOTE_STATUS_HELP, ReachError, refusals_told, which_machine
from .status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.daemon.locations import Location
    from pyphyp.usage import MachineUsage

_PS_HELP = f"""Show the machines that run, and their partitions.

CONSUMED is in processing units, in the last second of the machine's time.

\b
Examples:
  pyphyp ps
  pyphyp ps -m desk --json

{REMOTE_STATUS_HELP}"""


@click.command("ps", help=_PS_HELP)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a machine, with all of it.")
@which_machine
def ps(machine: str | None, socket: Path | None, as_json: bool) -> int:
    return refusals_told(lambda: _shown(wanted_machines(machine, socket), as_json))


def wanted_machines(machine: str | None, socket: Path | None) -> list[Location]:
    from pyphyp.daemon import locations

    from .remote import where

    if machine is not None or socket is not None:
        return [where(machine, socket)]
    found = list(locations.running().values())
    if not found:
        raise ReachError("no machine runs; pyphyp up machine.toml starts one")
    return found


def _shown(places: list[Location], as_json: bool) -> int:
    from emu.state import plain
    from pyphyp.usage_table import machine_line, partitions_table, reasons

    for number, place in enumerate(places):
        usage = usage_of(place)
        if as_json:
            click.echo(json.dumps(plain(usage)))
            continue
        click.echo("\n" * (number > 0) + machine_line(usage))
        click.echo(partitions_table(usage))
        for reason in reasons(usage):
            complain(reason)
    return Status.OK


def usage_of(place: Location) -> MachineUsage:
    from pyphyp.daemon.client import Client

    with Client.connect(place) as client:
        return client.usage()


COMMANDS = {"ps": ps}
