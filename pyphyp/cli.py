"""The command line: `pyphyp COMMAND`.

Commands live in `pyphyp.commands` and load what they need when they run, so that help and
completion answer at once.  How a command ended is its exit status (`commands.status`).
"""

from __future__ import annotations

import gc
import importlib
import os
import sys

import click

from .commands.status import Status
from .messages import complain
from .suggestions import nearest

_EXAMPLES = """\b
Examples:
  pyphyp run hello                       a toy kernel that ships with pyphyp
  pyphyp linux                           Debian's kernel and a busybox shell
  pyphyp boot --kernel vmlinux --append console=hvc0
  pyphyp run ticks --trace hcall,irq     watch what the guest does
"""

_COMMANDS = {
    "run": "run",
    "boot": "boot",
    "linux": "linux",
    "install": "install",
    "disk": "disk",
    "nvram": "nvram",
    "tape": "tape",
    "restore": "restore",
    "up": "up",
    "ps": "ps",
    "top": "top",
    "schedule": "schedule",
    "network": "network",
    "san": "san",
    "console": "console",
    "activate": "operate",
    "shutdown": "operate",
    "crash": "operate",
    "change": "change",
    "change-pool": "change",
    "activation": "activation",
    "fail-core": "change",
    "add": "slots",
    "remove": "slots",
    "slots": "slots",
    "cdrom": "slots",
    "vios": "vios",
    "cable": "vios",
    "down": "operate",
    "what-if": "what_if",
    "check": "machine",
    "schema": "machine",
    "list": "guests",
    "tree": "tree",
    "asm": "assembly",
    "dis": "assembly",
    "x86": "x86",
    "completion": "completion",
}
"""Commands in the order help shows them, and the module of each."""


_GARBAGE_AFTER = 50_000
"""Objects made, less those gone, before the garbage collector looks at them.  What a command
imports and builds stays; at Python's own 700 it was looked at dozens of times."""


class _OutputClosedError(Exception):
    """Nobody reads what we write; click would call the same an error."""


class _Commands(click.Group):
    """The commands by name; one that is mistyped is answered with what was perhaps meant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"pyphyp.commands.{_COMMANDS[cmd_name]}")
        command: click.Command = module.COMMANDS[cmd_name]
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _OutputClosedError from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = nearest(args[0], _COMMANDS, most=2)
            if not close:
                raise
            advice = f"{error.message} Did you mean {' or '.join(close)}?"
            raise click.UsageError(advice, ctx) from None


def _version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            unicorn = version("unicorn")
        except PackageNotFoundError:
            unicorn = "not installed"
        click.echo(f"pyphyp {version('pyphyp')} (unicorn {unicorn})")
        ctx.exit()


@click.command(
    cls=_Commands,
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Print the versions of pyphyp and its engine.",
)
def cli() -> None:
    """A PowerVM machine: boot POWER guests in a logical partition and watch what they do."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    gc.set_threshold(_GARBAGE_AFTER)
    try:
        result = cli.main(arguments, prog_name="pyphyp", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return Status.INTERRUPTED
    except _OutputClosedError:
        # Python would complain about it again on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Status.OUTPUT_CLOSED
    except OSError as error:
        complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return Status.ERROR
    return result if isinstance(result, int) else Status.OK
