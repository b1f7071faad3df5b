"""What commands share that speak with a running machine: which one, how it is reached, refusals.

Names are completed by asking the machine, so this loads as little as it can.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyphyp.messages import complain

from .status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyphyp.daemon.client import Client
    from pyphyp.daemon.locations import Location

_COMPLETION_SECONDS = 1.0

REMOTE_STATUS_HELP = """\b
Exit status:
  0    it is done
  1    it was refused, or no machine was reached; why stands on standard error
  2    the command was not understood
  129, 130, 143    hang-up, Ctrl-C, SIGTERM
"""


class ReachError(Exception):
    """It cannot be told which machine is meant."""


def where(machine: str | None, path: Path | None) -> Location:
    """The machine that is meant: by its socket, by its name, or the only one that runs."""
    from pyphyp.daemon import locations

    if path is not None:
        return locations.at(path)
    if machine is not None:
        return locations.location(machine)
    running = locations.running()
    if not running:
        raise ReachError("no machine runs; pyphyp up machine.toml starts one")
    if len(running) > 1:
        raise ReachError(f"several machines run; --machine says which: {', '.join(running)}")
    return next(iter(running.values()))


def reach(machine: str | None, path: Path | None, *, seconds: float | None = None) -> Client:
    """Connect to it; raises what `where` and `Client.connect` do."""
    from pyphyp.daemon.client import Client

    return Client.connect(where(machine, path), seconds=seconds)


def which_machine(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which machine is meant."""
    named = click.option(
        "-m",
        "--machine",
        metavar="NAME",
        envvar="PYPHYP_MACHINE",
        shell_complete=_complete_machine,
        help="Which machine, where several run.  [env: PYPHYP_MACHINE]",
    )
    by_socket = click.option(
        "--socket",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="The socket of a machine that was started with --socket.",
    )
    return named(by_socket(command))


def remote(command: Callable[..., int]) -> Callable[..., int]:
    """Give `command` a client, made from the options of `which_machine`; refusals are told."""

    @functools.wraps(command)
    def ask(*, machine: str | None, socket: Path | None, **parameters: Any) -> int:
        return refusals_told(lambda: _asked(command, machine, socket, parameters))

    return which_machine(ask)


def _asked(
    command: Callable[..., int], machine: str | None, socket: Path | None, parameters: Any
) -> int:
    with reach(machine, socket) as client:
        return command(client, **parameters)


def refusals_told(ask: Callable[[], int]) -> int:
    """The status of `ask`; what it raises because a machine refuses or is gone is told."""
    from hypervisor.system.errors import ManagementError
    from pyphyp.daemon.client import DaemonError, NotRunningError
    from pyphyp.daemon.locations import LocationError

    try:
        return ask()
    except NotRunningError as wrong:
        complain(f"{wrong}; pyphyp ps shows those that run, pyphyp up machine.toml starts one")
    except (DaemonError, LocationError, ManagementError, ReachError) as wrong:
        complain(str(wrong))
    return Status.ERROR


# -- completion ------------------------------------------------------------------------------


def complete_partition(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of the machine's partitions; none where it cannot be reached."""
    return _completed(ctx, incomplete, lambda client: client.names())


def complete_server(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of its Virtual I/O Servers."""
    return _completed(ctx, incomplete, _servers)


def complete_either(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    return _completed(ctx, incomplete, lambda client: [*client.names(), *_servers(client)])


def _servers(client: Client) -> list[str]:
    return [server.name for server in client.usage().io_servers]


def _completed(
    ctx: click.Context, incomplete: str, ask: Callable[[Client], list[str]]
) -> list[str]:
    from hypervisor.system.errors import ManagementError
    from pyphyp.daemon.client import DaemonError
    from pyphyp.daemon.locations import LocationError

    machine, path = ctx.params.get("machine"), ctx.params.get("socket")
    try:
        with reach(machine, path, seconds=_COMPLETION_SECONDS) as client:
            return [name for name in ask(client) if name.startswith(incomplete)]
    except (DaemonError, LocationError, ManagementError, ReachError):
        return []


def _complete_machine(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from pyphyp.daemon import locations

    try:
        running = locations.running()
    except locations.LocationError:
        return []
    return [name for name in running if name.startswith(incomplete)]


partition_argument = click.argument("partition", shell_complete=complete_partition)
either_argument = click.argument("partition", shell_complete=complete_either)
"""A partition or a Virtual I/O Server."""
