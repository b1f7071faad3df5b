"""`pyphyp activate`, `shutdown`, `crash` and `down`: requests to a running machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pyphyp.messages import report

from .remote import REMOTE_STATUS_HELP, complete_either, either_argument, remote
from .status import Status

if TYPE_CHECKING:
    from pyphyp.daemon.client import Client

_ACTIVATE_HELP = f"""Start PARTITION, which is off, in a machine that runs.

\b
Examples:
  pyphyp activate web
  pyphyp activate web --profile night
  pyphyp activate --system-profile evening

{REMOTE_STATUS_HELP}"""


@click.command("activate", help=_ACTIVATE_HELP)
@click.argument("partition", required=False, shell_complete=complete_either)
@click.option("--profile", metavar="NAME", help="With this profile, not its default one.")
@click.option(
    "--system-profile",
    metavar="NAME",
    help="Instead of one partition: all of a system profile, in its order.",
)
@remote
def activate(
    client: Client, partition: str | None, profile: str | None, system_profile: str | None
) -> int:
    from pyphyp.actions import ActivatePartition, ActivateSystemProfile

    if (partition is None) == (system_profile is None):
        raise click.UsageError("either a partition's name or --system-profile NAME")
    if system_profile is not None:
        if profile is not None:
            raise click.UsageError("a system profile says itself which profiles are meant")
        report(client.perform(ActivateSystemProfile(system_profile)))
    else:
        assert partition is not None
        report(client.perform(ActivatePartition(partition, profile)))
    return Status.OK


_SHUTDOWN_HELP = f"""Have PARTITION power off in order: its operating system is asked to.

A toy kernel does not hear that, nor does a kernel that is not up yet; --now ends any partition at
once.

\b
Examples:
  pyphyp shutdown web
  pyphyp shutdown ticks --now
  pyphyp shutdown web --restart

{REMOTE_STATUS_HELP}"""


@click.command("shutdown", help=_SHUTDOWN_HELP)
@either_argument
@click.option("--now", is_flag=True, help="As pulling its plug.")
@click.option("--restart", is_flag=True, help="Pull its plug, and boot it again.")
@remote
def shutdown(client: Client, partition: str, now: bool, restart: bool) -> int:
    from pyphyp.actions import ResetPartition, ShutdownPartition

    action = ResetPartition(partition) if restart else ShutdownPartition(partition, now)
    report(client.perform(action))
    return Status.OK


_CRASH_HELP = f"""Give PARTITION a system reset: the interrupt that has a kernel dump itself.

A kernel without a dump restarts or stops, as it is set up; a debugger in it wakes up. A guest that
has no handler for it, like most toy kernels, has crashed by that: its state is Error, and a dump of
it lies beside the machine's log.

\b
Example:
  pyphyp crash web

{REMOTE_STATUS_HELP}"""


@click.command("crash", help=_CRASH_HELP)
@either_argument
@remote
def crash(client: Client, partition: str) -> int:
    from pyphyp.actions import CrashPartition

    report(client.perform(CrashPartition(partition)))
    return Status.OK


_DOWN_HELP = f"""End a running machine: all its partitions, and then its daemon.

Operating systems are asked to power off in order, and have --seconds for it; then their plugs are
pulled, as are those of guests that do not hear the power button.

\b
Examples:
  pyphyp down
  pyphyp down --now
  pyphyp down -m desk --seconds 60

{REMOTE_STATUS_HELP}"""


@click.command("down", help=_DOWN_HELP)
@click.option("--now", is_flag=True, help="Pull all plugs at once.")
@click.option(
    "--seconds",
    type=click.IntRange(0, 1_000_000),
    default=20,
    show_default=True,
    help="How long operating systems have, on the host's clock.",
)
@remote
def down(client: Client, now: bool, seconds: int) -> int:
    from pyphyp.daemon.protocol import Notice, PowerOff

    events = client.follow(PowerOff(immediate=now, seconds=seconds))
    while True:
        try:
            event = next(events)
        except StopIteration as end:
            report(str(end.value))
            return Status.OK
        if isinstance(event, Notice):
            report(f"{event.partition or client.machine}: {event.text}")


COMMANDS = {"activate": activate, "shutdown": shutdown, "crash": crash, "down": down}
