"""`pyphyp change`, `change-pool` and `fail-core`: other shares, other pools, fewer processors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pyphyp.messages import report

from .remote import REMOTE_STATUS_HELP, partition_argument, remote
from .status import Status

if TYPE_CHECKING:
    from pyphyp.daemon.client import Client

_CHANGE_HELP = f"""Give PARTITION, which runs, another share of the shared processors.

Its units stay within its profile's minimum and maximum, and need to be free.  Pools other than pool
0 are for editions that have them.  It takes effect with the next dispatch window; the next
activation goes by the profile again.

\b
Examples:
  pyphyp change web --units 0.4
  pyphyp change web --weight 200
  pyphyp change web --uncapped --weight 128
  pyphyp change web --pool 1

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
@click.option("--pool", type=click.IntRange(0, 63), help="Another shared processor pool.")
@remote
def change(
    client: Client,
    partition: str,
    units: int | None,
    weight: int | None,
    capped: bool | None,
    pool: int | None,
) -> int:
    from pyphyp.actions import ChangeProcessors

    if units is None and weight is None and capped is None and pool is None:
        nothing = "nothing to change: --units, --weight, --capped, --uncapped or --pool"
        raise click.UsageError(nothing)
    if weight is not None and capped is None:
        capped = False
    action = ChangeProcessors(partition, units=units, weight=weight, capped=capped, pool=pool)
    report(client.perform(action))
    return Status.OK


_POOL_HELP = f"""Give shared processor pool NUMBER of a machine that runs other limits, or make it.

The maximum stays above what its members are entitled to and what is reserved; what is reserved
needs to be free.  The Express edition has pool 0 alone, which has no limits.

\b
Examples:
  pyphyp change-pool 1 --maximum 0.8
  pyphyp change-pool 2 --maximum 1.5 --reserved 0.2

{REMOTE_STATUS_HELP}"""


@click.command("change-pool", help=_POOL_HELP)
@click.argument("number", type=click.IntRange(0, 63))
@click.option("--maximum", type=Units(), help="Units its members together never exceed.")
@click.option("--reserved", type=Units(), help="Units kept for its uncapped members.")
@remote
def change_pool(client: Client, number: int, maximum: int | None, reserved: int | None) -> int:
    from pyphyp.actions import ChangePool

    if maximum is None and reserved is None:
        raise click.UsageError("nothing to change: --maximum or --reserved")
    report(client.perform(ChangePool(number, maximum, reserved)))
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


COMMANDS = {"change": change, "change-pool": change_pool, "fail-core": fail_core}
