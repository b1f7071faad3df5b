"""`pyphyp what-if`: the same partitions in a machine as it is and in one that was changed."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from pyphyp.messages import complain

from .boot import FILE
from .machine import read_machine
from .progress import ProgressBar
from .status import Status
from .up import starts_of

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.machine_file import Change, MachineFile
    from pyphyp.what_if import Run

_WHAT_IF_HELP = """Run the machine that FILE describes twice, as it is and changed, and compare.

Both start from power-on with the same guests, time of day and seed; nobody types, idle time is
skipped.  --set names a partition, a pool (pool1, or by its name) or machine, and a key of the
machine file.  Both tables stand side by side, in processors on the average of the time a partition
was activated: what it CONSUMED, what of it was SPARE time beyond its units, how long it WAITED
though it could run; and when it ENDED.

\b
Examples:
  pyphyp what-if machine.toml --set lpar1.weight=200
  pyphyp what-if machine.toml --set lpar1.units=0.8 --set lpar2.units=0.2 --seconds 20
  pyphyp what-if machine.toml --set machine.cores=2

\b
Exit status:
  0    both have run
  1    the machine, or the changed one, cannot be; why stands on standard error
  2    the command was not understood
  130, 143    Ctrl-C, SIGTERM
"""


class _ChangeType(click.ParamType):  # type: ignore[type-arg]
    name = "change"

    def convert(
        self, value: str | Change, param: click.Parameter | None, ctx: click.Context | None
    ) -> Change:
        from pyphyp.machine_file import Change, ChangeError

        if isinstance(value, Change):
            return value
        try:
            return Change.parse(value)
        except ChangeError as wrong:
            self.fail(str(wrong), param, ctx)


@click.command("what-if", help=_WHAT_IF_HELP)
@click.argument("file", type=FILE)
@click.option(
    "--set",
    "changes",
    type=_ChangeType(),
    multiple=True,
    required=True,
    metavar="NAME.KEY=VALUE",
    help="What is different in the changed machine; as often as you like.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, 1_000_000, min_open=True),
    default=10.0,
    show_default=True,
    help="Run each for so long in its own time, or until all partitions have ended.",
)
@click.option(
    "--host-threads",
    type=click.IntRange(1, 1024),
    help="As many of the host's processors at most; the outcome is the same with any number.",
)
def what_if(
    file: Path, changes: tuple[Change, ...], seconds: float, host_threads: int | None
) -> int:
    from pyphyp.machine_file import ChangeError
    from pyphyp.what_if import compare

    try:
        before, after = read_machine(file), read_machine(file, changes)
    except ChangeError as wrong:
        complain(str(wrong))
        return Status.ERROR
    if before is None or after is None:
        return Status.ERROR
    now = int(time.time())
    runs: list[Run] = []
    for words, described in (("as it is", before), ("changed", after)):
        fixed = described if described.epoch is not None else replace(described, epoch=now)
        run = _run(words, fixed, seconds, host_threads)
        if run is None:
            return Status.ERROR
        runs.append(run)
    click.echo(compare(*runs))
    return Status.OK


def _run(words: str, described: MachineFile, seconds: float, threads: int | None) -> Run | None:
    from hypervisor.system.errors import ManagementError
    from pyphyp.what_if import run

    if (starts := starts_of(described.system)) is None:
        return None
    with ProgressBar() as bar:
        progress = partial(bar.step, words)
        try:
            return run(described, starts, seconds, host_threads=threads, progress=progress)
        except ManagementError as wrong:
            complain(str(wrong))
            return None


COMMANDS = {"what-if": what_if}
