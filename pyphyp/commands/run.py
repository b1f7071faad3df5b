"""`pyphyp run`: a toy kernel, or one of your own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyphyp.messages import complain
from pyphyp.suggestions import nearest

from .options import RunOptions, run_options
from .status import STATUS_HELP, Status

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from emu.program import Program
    from pyphyp.partition import Partition

_ELF = b"\x7fELF"
_HELP = f"""Run GUEST: a toy kernel by name (pyphyp list), an assembler source, or an ELF file.

It is entered in real mode with the device tree's address in R3 and the client interface in R5,
in the byte order of its first instruction.

\b
Examples:
  pyphyp run hello
  pyphyp run ticks --trace hcall,irq
  pyphyp run smp --processors 4 --little
  pyphyp run my-kernel.s --timeout 10 --stats

{STATUS_HELP}"""


class GuestName(click.ParamType):  # type: ignore[type-arg]
    """A toy kernel's name or a file."""

    name = "guest"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from pyphyp.guest_list import sources, summary

        toys = [
            CompletionItem(name, help=summary(source))
            for name, source in sources().items()
            if name.startswith(incomplete)
        ]
        return [*toys, CompletionItem(incomplete, type="file")]


@click.command("run", help=_HELP)
@click.argument("guest", type=GuestName())
@click.option("--little", is_flag=True, help="Assemble a toy kernel or a source little-endian.")
@run_options
def run(guest: str, little: bool, **parameters: Any) -> int:
    program = _program(guest, little)
    if program is None:
        return Status.ERROR
    from .session import run_guest

    def start(partition: Partition) -> None:
        partition.load(program)

    return run_guest(RunOptions.take(parameters), start)


def _program(guest: str, little: bool) -> Program | bytes | None:
    """What to load; None if that was complained about."""
    from emu.assembler import AssemblyError
    from pyphyp.guest_list import assemble_toy, sources

    from .assembly import assemble_file

    try:
        if guest in sources():
            return assemble_toy(guest, little=little)
        path = Path(guest)
        if not path.is_file():
            complain(_unknown(guest, list(sources())))
            return None
        data = path.read_bytes()
        return data if data.startswith(_ELF) else assemble_file(path, little=little)
    except AssemblyError as wrong:
        click.echo(str(wrong), err=True)
        return None


def _unknown(guest: str, toys: list[str]) -> str:
    if guest == "linux":
        return "Linux has a command of its own: pyphyp linux"
    close = nearest(guest, toys)
    advice = f"did you mean {close[0]}?" if close else f"there are {', '.join(toys)}"
    return f"no toy kernel and no file is called {guest!r}; {advice}"


COMMANDS = {"run": run}
