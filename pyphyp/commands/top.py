"""`pyphyp top`: who runs, who waits and why, second by second."""

from __future__ import annotations

import os
import re
import select
import sys
from typing import TYPE_CHECKING

import click

from pyphyp.rawmode import RawMode
from pyphyp.signals import SignalWatch

from .remote import REMOTE_STATUS_HELP, remote
from .status import SIGNAL_BASE, Status

if TYPE_CHECKING:
    from pyphyp.daemon.client import Client

_KEY = re.compile(rb"\x1b\[[0-9;]*[A-Za-z~]|\x1bO.|.", re.DOTALL)
_QUIT = frozenset((b"q", b"Q", b"\x03", b"\x04", b"\x1b"))
_PAGE = 10
_MOVES = {
    **dict.fromkeys((b"\x1b[A", b"\x1bOA", b"k"), -1),
    **dict.fromkeys((b"\x1b[B", b"\x1bOB", b"j"), 1),
    b"\x1b[5~": -_PAGE,
    b"\x1b[6~": _PAGE,
}
"""Keys, as terminals send them, and by how many partitions they move the screen."""
_TOP_HELP = f"""Show who runs, who waits and why in a machine that runs.

UNITS are what a partition is entitled to; of what it CONSUMED in the last second SPARE was beyond
that.  It WAITS while it could run and has no processor; it CEDES what it has no use for.  All are
in processors.  A core's line names who had it last, then who waits there to be next: "web/0 <
build/0" are their first virtual processors.  On a terminal q, Ctrl-C or Escape ends it, and arrow
and page keys show partitions that the screen has no room for.  What is no terminal gets the same
in lines, without end or --count times.

\b
Examples:
  pyphyp top
  pyphyp top --interval 0.5
  pyphyp top --count 1 | grep waits

{REMOTE_STATUS_HELP}"""


@click.command("top", help=_TOP_HELP)
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 3600),
    default=1.0,
    show_default=True,
    help="Seconds between looks.",
)
@click.option("--count", type=click.IntRange(1), help="So many looks, then end.")
@remote
def top(client: Client, interval: float, count: int | None) -> int:
    watch = SignalWatch(lambda: None, lambda: None, lambda: None)
    on_screen = sys.stdin.isatty() and sys.stdout.isatty()
    with watch:
        looks = _screen if on_screen else _lines
        looks(client, watch, interval, count)
    return Status.OK if watch.received is None else SIGNAL_BASE + watch.received


def _lines(client: Client, watch: SignalWatch, interval: float, count: int | None) -> None:
    from pyphyp.usage_view import plain

    first = True
    while watch.received is None:
        if not first:
            click.echo()
        first = False
        click.echo(plain(client.usage()))
        count = None if count is None else count - 1
        if count == 0:
            return
        select.select([watch.descriptor], [], [], interval)


def _screen(client: Client, watch: SignalWatch, interval: float, count: int | None) -> None:
    from rich.console import Console
    from rich.live import Live

    from pyphyp.usage_view import last_first, live

    keyboard, console = sys.stdin.fileno(), Console(highlight=False)
    raw = RawMode(keyboard)
    begins = 0
    screen = live(client.usage(), begins, console.height)
    with Live(screen, console=console, screen=True, auto_refresh=False) as view:
        raw.enter()
        try:
            while watch.received is None and (count is None or (count := count - 1) > 0):
                ready = select.select([watch.descriptor, keyboard], [], [], interval)[0]
                if keyboard in ready:
                    keys = _KEY.findall(os.read(keyboard, 1024))
                    if not keys or not _QUIT.isdisjoint(keys):
                        return
                    begins += sum(_MOVES.get(key, 0) for key in keys)
                usage = client.usage()
                begins = max(min(begins, last_first(usage, console.height)), 0)
                view.update(live(usage, begins, console.height), refresh=True)
        finally:
            raw.close()


COMMANDS = {"top": top}
