"""`pyphyp x86` is a command that runs a program, and has commands of its own beside that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

RUN = "run"
"""The command that runs a program.  Nobody types its name."""


class ProgramOrCommand(click.Group):
    """What is none of the other commands is a program to run."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = [RUN, *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "[OPTIONS] PROGRAM [ARGUMENTS]...")
        formatter.write_usage(ctx.command_path, "fetch [OPTIONS] [PACKAGES]...")
        formatter.write_usage(ctx.command_path, "cache [OPTIONS]")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.commands[RUN].format_options(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        run = self.commands[RUN]
        options = run.shell_complete(ctx, incomplete) if incomplete.startswith("-") else []
        return options or super().shell_complete(ctx, incomplete)


class _RunContext(click.Context):
    @property
    def command_path(self) -> str:
        """Without the name that nobody types."""
        assert self.parent is not None
        return self.parent.command_path


class RunCommand(click.Command):
    context_class = _RunContext
