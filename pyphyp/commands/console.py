"""`pyphyp console`: a partition's terminal on the command's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pyphyp.daemon.protocol import LONGEST_HISTORY
from pyphyp.messages import report

from .remote import partition_argument, remote
from .status import SIGNAL_BASE, Status

if TYPE_CHECKING:
    from pyphyp.daemon.client import Client

_CONSOLE_HELP = """Join the console of PARTITION in a machine that runs.

Keys go to the guest one by one, Ctrl-C too; Ctrl-] is the escape key: Ctrl-] d detaches, Ctrl-] ?
shows the others.  Any number of terminals can be at one console.  With input that is no terminal
the command sends all of it, and ends when the partition does.

A partition's first console is meant, or the CONSOLE in that virtual slot or at that unit address.

\b
Examples:
  pyphyp console web
  pyphyp console web 1
  pyphyp console web 0x30000001 --lines 1000
  echo poweroff | pyphyp console web

\b
Exit status:
  0    detached; or the partition, or the machine, has ended
  1    the console was not reached, or the machine is gone; why stands on standard error
  2    the command was not understood
  3    the partition has crashed
  129, 130, 143    hang-up, Ctrl-C (where it does not go to the guest), SIGTERM
  141  nobody reads the output any more
"""


class ConsoleNumber(click.ParamType):  # type: ignore[type-arg]
    """A virtual slot, or the unit address of what is in it."""

    name = "slot"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        from hypervisor.vio.adapter import FIRST_UNIT, SLOTS

        try:
            number = int(value, 0)
        except ValueError:
            number = -1
        number -= FIRST_UNIT if number >= FIRST_UNIT else 0
        if not 0 <= number < SLOTS:
            self.fail(f"{value!r} is no slot: 1 or {FIRST_UNIT + 1:#x} would be one", param, ctx)
        return number


@click.command("console", help=_CONSOLE_HELP)
@partition_argument
@click.argument("console", type=ConsoleNumber(), required=False)
@click.option(
    "--lines",
    type=click.IntRange(0, LONGEST_HISTORY - 1),
    default=50,
    show_default=True,
    help="Begin with so many lines of what was written before.",
)
@remote
def console(client: Client, partition: str, console: int | None, lines: int) -> int:
    from pyphyp.daemon.attached import AttachedConsole, Leaving

    with AttachedConsole(client, partition, console) as attached:
        leaving = attached.run(lines)
    match leaving:
        case Leaving.DETACHED:
            which = partition if console is None else f"{partition} {console}"
            report(f"detached; pyphyp console {which} comes back")
        case Leaving.MACHINE_OFF:
            report(f"{client.machine} is off")
        case Leaving.SIGNAL:
            assert attached.signal is not None
            return SIGNAL_BASE + attached.signal
        case Leaving.OUTPUT_CLOSED:
            return Status.OUTPUT_CLOSED
    return Status.CRASH if attached.crashed else Status.OK


COMMANDS = {"console": console}
