"""`pyphyp schedule`: who had which core, window by window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyphyp.daemon.protocol import WINDOWS_AT_ONCE
from pyphyp.messages import report

from .remote import REMOTE_STATUS_HELP, remote
from .status import Status

if TYPE_CHECKING:
    from pyphyp.daemon.client import Client

_SCHEDULE_HELP = f"""Show who had which core in a machine that runs, window by window of 10 ms.

Each line is a window, each character half a millisecond of a core.  With --svg a picture is drawn
that a browser shows; there each turn tells what it is when it is pointed at.

\b
Examples:
  pyphyp schedule
  pyphyp schedule --windows 40 --svg schedule.svg
  pyphyp schedule --first 100 --windows 5

{REMOTE_STATUS_HELP}"""


@click.command("schedule", help=_SCHEDULE_HELP)
@click.option(
    "--windows",
    type=click.IntRange(1, WINDOWS_AT_ONCE),
    default=20,
    show_default=True,
    help="So many windows.",
)
@click.option("--first", type=click.IntRange(0), help="From this window on; else the last ones.")
@click.option(
    "--svg",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw it into FILE instead.",
)
@remote
def schedule(client: Client, windows: int, first: int | None, svg: Path | None) -> int:
    from pyphyp.replacing import replacing
    from pyphyp.timeline import lines
    from pyphyp.timeline_svg import timeline_svg

    timeline = client.schedule(first, windows)
    if svg is None:
        for line in lines(timeline):
            click.echo(line)
        return Status.OK
    with replacing(svg) as file:
        file.write(timeline_svg(timeline).encode())
    report(f"windows {timeline.first} to {timeline.last} are drawn in {svg}")
    return Status.OK


COMMANDS = {"schedule": schedule}
