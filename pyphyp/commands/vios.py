"""`pyphyp vios`: the command line of a Virtual I/O Server of a machine that runs."""

from __future__ import annotations

import contextlib
import shlex
import sys
from typing import TYPE_CHECKING

import click

from pyphyp.messages import report

from .remote import REMOTE_STATUS_HELP, complete_server, remote
from .status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyphyp.daemon.client import Client
    from pyphyp.vios.shell import Answer

PROMPT = "$ "
LONGEST_COMMAND = 4096
_HISTORY = 1000
"""Lines that are kept."""
_HELP = f"""Run COMMAND on the Virtual I/O Server NAME, or its command line.

Without a command, lines are read until Ctrl-D or exit: at a terminal with history and completion,
else from standard input, up to the first that fails.  `help` lists the commands.

\b
Examples:
  pyphyp vios vios1 lsmap -all
  pyphyp vios vios1 'lsdev | grep disk'
  pyphyp vios vios1 mkbdsp -sp rootvg 4g -bd web_disk -vadapter vhost0
  pyphyp vios vios1

The exit status is the command's.

{REMOTE_STATUS_HELP}"""


@click.command(
    "vios",
    help=_HELP,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("name", shell_complete=complete_server)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@remote
def vios(client: Client, name: str, command: tuple[str, ...]) -> int:
    if command:
        line = command[0] if len(command) == 1 else shlex.join(command)
        return _show(_ask(client, name, line))
    if not sys.stdin.isatty():
        return _batch(client, name)
    return _interactive(client, name)


def _ask(client: Client, name: str, line: str) -> Answer:
    from pyphyp.daemon.protocol import AskVios
    from pyphyp.vios.shell import Answer

    return client.told(Answer, AskVios(name, line))


def _show(answer: Answer) -> int:
    click.echo(answer.out, nl=False)
    click.echo(answer.err, nl=False, err=True)
    return answer.status


def _batch(client: Client, name: str) -> int:
    for line in sys.stdin:
        if line.strip() == "exit":
            break
        if status := _show(_ask(client, name, line.strip())):
            return status
    return Status.OK


class _Completer:
    """Completes commands, flags and names of devices by asking the server."""

    def __init__(self, client: Client, name: str) -> None:
        self._client, self._name = client, name
        self._found: list[str] = []

    def complete(self, text: str, state: int) -> str | None:
        import readline

        from pyphyp.daemon.protocol import AskViosWords

        if state == 0:
            before = readline.get_line_buffer()[: readline.get_begidx()][-LONGEST_COMMAND:]
            words = self._client.ask(AskViosWords(self._name, before))
            listed = [str(word) for word in words] if isinstance(words, list) else []
            self._found = [word for word in listed if word.startswith(text)]
        return self._found[state] + " " if state < len(self._found) else None


def _interactive(client: Client, name: str) -> int:
    """A terminal; the status is that of the last command.

    Ctrl-C leaves a line, or a command that is waited for, which the server carries out all the
    same.
    """
    import readline

    _ask(client, name, "")  # whether there is such a server
    readline.set_completer(_Completer(client, name).complete)
    readline.set_completer_delims(" ")
    readline.parse_and_bind("tab: complete")
    status: int = Status.OK
    with _history(client):
        while True:
            try:
                line = input(PROMPT).strip()
                if line in ("exit", "quit", "logout"):
                    return status
                status = _show(_ask(client, name, line))
            except EOFError:
                click.echo()
                return status
            except KeyboardInterrupt:
                click.echo()
                status = Status.INTERRUPTED


@contextlib.contextmanager
def _history(client: Client) -> Iterator[None]:
    """What was typed before at this machine's servers, kept with the machine's other files."""
    import readline

    from pyphyp.daemon.locations import state_directory

    file = state_directory(client.machine) / "vios_history"
    with contextlib.suppress(OSError):
        readline.read_history_file(file)
    readline.set_history_length(_HISTORY)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            readline.write_history_file(file)


_CABLE_HELP = f"""Pull the cable of an Ethernet or SAS adapter of the Virtual I/O Server NAME.

Or plug it in again.  A Shared Ethernet Adapter without a link leaves its work to another one; disks
are used by their other paths, if they have any.

\b
Examples:
  pyphyp cable v1 ent0 --pull
  pyphyp cable v1 ent0 --plug
  pyphyp cable v1 sas1 --pull

{REMOTE_STATUS_HELP}"""


@click.command("cable", help=_CABLE_HELP)
@click.argument("name", shell_complete=complete_server)
@click.argument("adapter")
@click.option("--plug/--pull", "plugged", required=True, help="Which of the two.")
@remote
def cable(client: Client, name: str, adapter: str, plugged: bool) -> int:
    from pyphyp.actions import PlugCable

    report(client.perform(PlugCable(name, adapter, plugged)))
    return Status.OK


COMMANDS = {"vios": vios, "cable": cable}
