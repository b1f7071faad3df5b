"""`pyphyp activation`: capacity on demand and editions of a machine that runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pyphyp.messages import report

from .remote import REMOTE_STATUS_HELP, reach, refusals_told, remote, which_machine
from .status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from hypervisor.system.capacity_on_demand import Grant
    from pyphyp.activated import Activated
    from pyphyp.daemon.client import Client


@click.group("activation")
def activation() -> None:
    """Capacity on demand and editions of a machine that runs.

    Codes activate installed processors and memory, for ever or for a number of days of the
    machine's time, or another edition.  Each is made for one serial number, and good once.

    \b
    Examples:
      pyphyp activation list
      pyphyp activation code processors 1 --days 30
      pyphyp activation enter TCP-000001-030-0000-5C6778D7ED90
    """


_LIST_HELP = f"""Show what is activated, until when, and the codes that were entered.

Refused codes are recorded too, with the reason.

\b
Examples:
  pyphyp activation list
  pyphyp activation list --json

{REMOTE_STATUS_HELP}"""


@activation.command("list", help=_LIST_HELP)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with all of it.")
@remote
def list_(client: Client, as_json: bool) -> int:
    from emu.state import plain

    told = client.activation()
    click.echo(json.dumps(plain(told)) if as_json else "\n".join(_lines(told)))
    return Status.OK


def _lines(its: Activated) -> list[str]:
    from emu.engine import TIME_BASE_HZ

    features = (
        ("shared processor pools", its.shared_pools),
        ("memory sharing", its.memory_sharing),
        ("partition mobility", its.mobility),
    )
    has = [word if there else f"no {word}" for word, there in features]
    lines = [
        f"{its.machine}: serial number {its.serial}, {its.now / TIME_BASE_HZ:.0f} s",
        f"edition     {its.edition}: {its.most_partitions} partitions, {', '.join(has)}",
        f"processors  {its.cores.activated} of {its.cores.installed} activated",
        f"memory      {its.memory_mib.activated} of {its.memory_mib.installed} MiB activated",
    ]
    for lasting in its.lasting:
        until = "" if lasting.ends is None else f" until second {lasting.ends}"
        lines.append(f"by code     {lasting.what}{until}")
    if its.entered:
        lines.append("SECOND  CODE  OUTCOME")
    for entered in its.entered:
        outcome = f"refused: {entered.refused}" if entered.refused else "accepted"
        lines.append(f"{entered.second:6}  {entered.code!r}  {outcome}")
    return lines


_ENTER_HELP = f"""Enter activation CODEs, one after the other up to the first that is refused.

\b
Examples:
  pyphyp activation enter TCP-000001-030-0000-5C6778D7ED90

{REMOTE_STATUS_HELP}"""


@activation.command("enter", help=_ENTER_HELP)
@click.argument("codes", nargs=-1, required=True, metavar="CODE...")
@remote
def enter(client: Client, codes: tuple[str, ...]) -> int:
    from pyphyp.actions import EnterActivationCode

    for code in codes:
        report(client.perform(EnterActivationCode(code)))
    return Status.OK


_CODE_HELP = f"""Make the code for AMOUNT of WHAT, in the place of the maker's web site.

WHAT is processors, with a number; memory, with a size such as 512M; or edition, with express,
standard or enterprise.  It is for the machine that runs, or for any by its serial number.

\b
Examples:
  pyphyp activation code processors 2
  pyphyp activation code memory 4G --days 30
  pyphyp activation code edition standard --serial PYP0001

{REMOTE_STATUS_HELP}"""


@activation.command("code", help=_CODE_HELP)
@click.argument("what", type=click.Choice(["processors", "memory", "edition"]))
@click.argument("amount")
@click.option("--days", type=click.IntRange(1, 999), help="For so long; else for ever.")
@click.option("--on-off", is_flag=True, help="With --days: an on/off activation, no trial.")
@click.option(
    "--sequence",
    type=click.IntRange(0, (1 << 16) - 1),
    default=0,
    show_default=True,
    help="Tells codes for the same apart.",
)
@click.option("--serial", metavar="NUMBER", help="Of a machine that need not run.")
@which_machine
def code(
    what: str,
    amount: str,
    days: int | None,
    on_off: bool,
    sequence: int,
    serial: str | None,
    machine: str | None,
    socket: Path | None,
) -> int:
    from hypervisor.system.capacity_on_demand import code_for

    if on_off and days is None:
        raise click.UsageError("an on/off activation is for a number of --days")
    grant = _grant(what, amount, days, on_off, sequence)

    def make() -> int:
        number = serial
        if number is None:
            with reach(machine, socket) as client:
                number = client.activation().serial
        click.echo(code_for(number, grant))
        return Status.OK

    return refusals_told(make)


def _grant(what: str, amount: str, days: int | None, on_off: bool, sequence: int) -> Grant:
    from emu.memory import MIB
    from hypervisor.system.capacity_on_demand import MOST_AMOUNT, Grant, Kind, Resource
    from hypervisor.system.editions import Edition
    from pyphyp.memory_size import memory_size

    kind = Kind.PERMANENT if days is None else Kind.ON_OFF if on_off else Kind.TRIAL
    try:
        if what == "edition":
            if days is not None:
                raise ValueError("an edition is activated for ever")
            place = tuple(Edition).index(Edition(amount))
            return Grant(Kind.EDITION, Resource.EDITION, place, sequence=sequence)
        resource = Resource.PROCESSORS if what == "processors" else Resource.MEMORY
        count = int(amount) if resource is Resource.PROCESSORS else memory_size(amount) // MIB
        if not 1 <= count <= MOST_AMOUNT:
            raise ValueError(f"1 to {MOST_AMOUNT} can be activated")
    except ValueError as wrong:
        raise click.UsageError(f"{what} {amount!r}: {wrong}") from None
    return Grant(kind, resource, count, days or 0, sequence)


COMMANDS = {"activation": activation}
