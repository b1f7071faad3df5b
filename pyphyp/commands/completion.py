"""`pyphyp completion`: what a shell needs to complete our commands."""

from __future__ import annotations

import click

from .status import Status


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print the completion script for SHELL.

    \b
    Examples:
      eval "$(pyphyp completion bash)"                          in ~/.bashrc
      eval "$(pyphyp completion zsh)"                           in ~/.zshrc
      pyphyp completion fish > ~/.config/fish/completions/pyphyp.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "pyphyp", "_PYPHYP_COMPLETE").source())
    return Status.OK


COMMANDS = {"completion": completion}
