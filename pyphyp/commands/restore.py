"""`pyphyp restore`: a partition that was saved goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import WatchOptions, watch_options
from .status import STATUS_HELP

_HELP = f"""Go on with the partition saved in FILE, exactly where it was.

--save-to and --save-at of the other commands save one; so does Ctrl-] s on a terminal.

\b
Examples:
  pyphyp linux --save-to prompt.state --save-at 3
  pyphyp restore prompt.state

{STATUS_HELP}"""


@click.command("restore", help=_HELP)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@watch_options
def restore(file: Path, **parameters: Any) -> int:
    from threading import Thread

    from emu import unicorn_library
    from pyphyp.savefile import Opening

    opening = Opening(file)  # goes on while the next lines load most of this program
    Thread(target=unicorn_library.load).start()
    from .session import run_saved

    return run_saved(WatchOptions.take(parameters), opening)


COMMANDS = {"restore": restore}
