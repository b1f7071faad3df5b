"""`pyphyp network`: the virtual switches of the machines that run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from .ps import usage_of, wanted_machines
from .remote import REMOTE_STATUS_HELP, refusals_told, which_machine
from .status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.daemon.locations import Location

_NETWORK_HELP = f"""Show the ports of the virtual switches of machines, and what they carried.

A PORT is a partition's adapter with its slot, or where a Shared Ethernet Adapter leads.  Frames and
bytes count since it was plugged in; of what it SENT nobody took what was DROPPED, and for what was
LOST of what it RECEIVED its guest had no room.

\b
Examples:
  pyphyp network
  pyphyp network -m desk --json

{REMOTE_STATUS_HELP}"""


@click.command("network", help=_NETWORK_HELP)
@click.option("--json", "as_json", is_flag=True, help="One JSON list of switches a machine.")
@which_machine
def network(machine: str | None, socket: Path | None, as_json: bool) -> int:
    return refusals_told(lambda: _shown(wanted_machines(machine, socket), as_json))


def _shown(places: list[Location], as_json: bool) -> int:
    from emu.state import plain
    from pyphyp.network_usage import ports_table

    for number, place in enumerate(places):
        usage = usage_of(place)
        if as_json:
            click.echo(json.dumps([plain(switch) for switch in usage.switches]))
            continue
        if len(places) > 1:
            click.echo("\n" * (number > 0) + usage.name)
        click.echo(ports_table(usage.switches) or "no switches")
    return Status.OK


COMMANDS = {"network": network}
