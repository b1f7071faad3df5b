"""`pyphyp change` and `fail-core`: another share of processors, and fewer processors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pyphyp.messages import report

from .remote import REMOTE_STATUS_HELP, partition_argument, remote
from .status import Status

if TYPE_CHECKING:
    from pyphyp.daemon.client import Client

_CHANGE_HELP = f"""Give PARTITION, which runs, another share of the shared processors.

Its units stay within its profile's minimum and maximum, and need to be free.  It takes effect with
the next dispatch window; the next activation goes by the profile again.

\b
Examples:
  pyphyp change web --units 0.4
  pyphyp change web --weight 200
  pyphyp change web --uncapped --weight 128

{REMOTE_STATUS_HELP}"""


class Units(click.ParamType):  # type: ignore[type-arg]
    """Processing units, in hundredths."""

    name = "units"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        from hypervisor.system.units import ProcUnits

        if isinstance(value, int):
            return value
        try:
            return int(ProcUnits.parse(value))
        except ValueError as wrong:
            self.fail(str(wrong), param, ctx)


@click.command("change", help=_CHANGE_HELP)
@partition_argument
@click.option("--units", type=Units(), help="Processing units: 0.25, for example.")
@click.option("--weight", type=click.IntRange(0, 255), help="Its claim to unused time; uncapped.")
@click.option(
    "--capped/--uncapped", default=None, help="Whether it never gets more than its units."
)
@remote
def change(
    client: Client, partition: str, units: int | None, weight: int | None, capped: bool | None
) -> int:
    from pyphyp.actions import ChangeProcessors

    if units is None and weight is None and capped is None:
        raise click.UsageError("nothing to change: --units, --weight, --capped or --uncapped")
    if weight is not None and capped is None:
        capped = False
    report(client.perform(ChangeProcessors(partition, units=units, weight=weight, capped=capped)))
    return Status.OK


_FAIL_HELP = f"""Have physical processor CORE of a machine that runs break down.

What it had to do moves to the others, and guests go on.  A dedicated processor is replaced from the
shared ones while there are any.  Nothing repairs it but a new start of the machine.

\b
Example:
  pyphyp fail-core 1

{REMOTE_STATUS_HELP}"""


@click.command("fail-core", help=_FAIL_HELP)
@click.argument("core", type=click.IntRange(0, (1 << 16) - 1))
@remote
def fail_core(client: Client, core: int) -> int:
    from pyphyp.actions import FailCore

    report(client.perform(FailCore(core)))
    return Status.OK


COMMANDS = {"change": change, "fail-core": fail_core}
