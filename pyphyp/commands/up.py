"""`pyphyp up`: run the machine that a machine file describes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyphyp.messages import complain, report

from .boot import FILE
from .machine import read_machine
from .progress import ProgressBar
from .status import SIGNAL_BASE, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypervisor.system.definition import ManagedSystem
    from pyphyp.daemon.process import End, Plan
    from pyphyp.starts import Start

_UP_HELP = """Run the machine that the machine file FILE describes, with all its partitions.

Operators reach it from other terminals: pyphyp ps, top, console, activate, shutdown, crash, down.
With --detach it runs in the background; without, it goes on there too when this terminal dies.
Idle time lasts as long as it says, on the host's clock; with --seconds or --until-idle, which are
for batch jobs, it is skipped.

Ctrl-C and SIGTERM have operating systems power off in order; a second one pulls their plugs.
The machine's log, its journal, what its consoles showed and dumps of partitions that crashed are in
~/.local/state/pyphyp/NAME.

\b
Examples:
  pyphyp up machine.toml
  pyphyp up machine.toml --detach && pyphyp console lpar1
  pyphyp up machine.toml --until-idle
  pyphyp up machine.toml --seconds 5 --epoch 0

\b
Exit status:
  0    the machine was powered off, or its time was up, or all its partitions had ended
  1    the machine could not be run
  2    the command was not understood
  3    as 0, but a partition had crashed
  130, 143    Ctrl-C, SIGTERM
"""


@click.command("up", help=_UP_HELP)
@click.argument("file", type=FILE)
@click.option("-d", "--detach", is_flag=True, help="Run it in the background.")
@click.option("--name", metavar="NAME", help="Call the machine so, not as its file does.")
@click.option(
    "--socket",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Have operators reach it here, not in the user's runtime directory.",
)
@click.option("--epoch", type=int, metavar="SECONDS", help="Time of day at power-on, since 1970.")
@click.option("--seed", type=click.IntRange(0), help="Seed of all that is random.")
@click.option(
    "--host-threads",
    type=click.IntRange(1, 1024),
    help="As many of the host's processors at most; the run is the same with any number.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    help="Run for so many seconds of the machine's time, idle time skipped, and power off.",
)
@click.option(
    "--until-idle",
    is_flag=True,
    help="Run until all partitions have ended, or waited for two seconds of the machine's time, "
    "and power off.",
)
def up(
    file: Path,
    detach: bool,
    name: str | None,
    socket: Path | None,
    epoch: int | None,
    seed: int | None,
    host_threads: int | None,
    seconds: float | None,
    until_idle: bool,
) -> int:
    from hypervisor.system.errors import ManagementError
    from pyphyp.daemon.claim import RunningError
    from pyphyp.daemon.locations import LocationError, at, location
    from pyphyp.daemon.process import Plan, StartError
    from pyphyp.idle import Idle

    described = read_machine(file)
    if described is None:
        return Status.ERROR
    system = described.system if name is None else replace(described.system, name=name)
    try:
        place = location(system.name) if socket is None else at(socket)
        if place.owner() is not None:
            raise RunningError
        if (starts := starts_of(system)) is None:
            return Status.ERROR
        plan = Plan(
            system,
            place,
            epoch=described.epoch if epoch is None else epoch,
            seed=described.seed if seed is None else seed,
            starts=starts,
            host_threads=host_threads,
            paced=seconds is None and not until_idle,
            until=None if seconds is None else ticks(seconds),
        )
        if until_idle:
            plan = replace(plan, enough=Idle())
        return _detached(plan) if detach else _here(plan)
    except RunningError:
        owner = place.owner()
        which = f"process {owner}" if owner else "a process"
        complain(f"{system.name} runs already, {which}; pyphyp down -m {system.name} ends it")
    except (LocationError, ManagementError, StartError) as wrong:
        complain(str(wrong))
    return Status.ERROR


def ticks(seconds: float) -> int:
    from emu.engine import TIME_BASE_HZ

    return round(seconds * TIME_BASE_HZ)


def starts_of(system: ManagedSystem) -> Mapping[str, Start] | None:
    """What those partitions boot that start with the machine; None, after a complaint."""
    from guests.packages import GuestFilesError
    from pyphyp.guest_starts import start_of

    found: dict[str, Start] = {}
    by_guest: dict[object, Start] = {}
    with ProgressBar() as progress:
        for partition in system.partitions:
            if not partition.start:
                continue
            try:
                if partition.guest not in by_guest:
                    by_guest[partition.guest] = start_of(partition.guest, progress)
            except GuestFilesError as wrong:
                complain(f"{partition.name}: {wrong}")
                return None
            found[partition.name] = by_guest[partition.guest]
    return found


def _detached(plan: Plan) -> int:
    from pyphyp.daemon.process import in_background

    refused = in_background(plan)
    for line in refused:
        complain(line)
    report(f"{plan.system.name} runs; pyphyp ps shows it, pyphyp down ends it")
    return Status.OK


def _here(plan: Plan) -> int:
    from pyphyp.daemon.process import host

    from .up_watcher import Screen

    screen = Screen(plan)
    end = host(plan, screen)
    screen.end(end)
    return _status(end)


def _status(end: End) -> int:
    if end.signal is not None:
        return SIGNAL_BASE + end.signal
    return Status.CRASH if end.failed else Status.OK


COMMANDS = {"up": up}
