"""Commands about the server itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .records import ViosError
from .shell import Call, CommandGroup, UsageError, usage

if TYPE_CHECKING:
    from collections.abc import Iterable

commands = CommandGroup()

IO_LEVEL = "3.1.4.10"


@commands.define("ioslevel", "Shows the level of the Virtual I/O Server.", "ioslevel")
def ioslevel(call: Call) -> Iterable[str]:
    yield IO_LEVEL


@commands.define(
    "license",
    "Shows and accepts the licence.",
    "license [-ls] [-view] [-accept [-lang Language]]",
    ls=0,
    view=0,
    accept=0,
    lang=1,
)
def license_(call: Call) -> Iterable[str]:
    if call.has("view"):
        yield "pyphyp is free software: GNU General Public License, version 2 or later."
    elif call.has("ls"):
        yield "en_US"
    elif not call.has("accept"):
        yield "The license has been accepted"


@commands.define(
    "shutdown",
    "Ends the server, or starts it again.",
    "shutdown -force [-restart]",
    force=0,
    restart=0,
)
def shutdown(call: Call) -> Iterable[str]:
    if not call.has("force"):
        raise UsageError("The -force flag is required: nobody is asked whether clients mind.")
    call.vios.shut_down()
    if call.has("restart"):
        call.vios.start()
    return ()


@commands.define(
    "uname",
    "Shows what the server is and where it runs.",
    "uname [-a] [-L] [-M] [-n] [-s]",
    a=0,
    L=0,
    M=0,
    n=0,
    s=0,
)
def uname(call: Call) -> Iterable[str]:
    vios = call.vios
    facts = {"s": "AIX", "n": vios.name, "M": vios.system, "L": _partition(call)}
    wanted = [flag for flag in facts if call.has(flag) or (call.has("a") and flag in "sn")]
    yield " ".join(facts[flag] for flag in wanted or ["s"])


@commands.define("lslparinfo", "Shows the number and name of the server.", "lslparinfo")
def lslparinfo(call: Call) -> Iterable[str]:
    yield _partition(call)


def _partition(call: Call) -> str:
    return f"{call.vios.definition.number} {call.vios.name}"


@commands.define("hostname", "Shows the name of the server.", "hostname")
def hostname(call: Call) -> Iterable[str]:
    yield call.vios.name


def with_help(group: CommandGroup) -> CommandGroup:
    """`group`, and help about what is in it."""
    whole = CommandGroup(group)

    @whole.define(
        "help", "Lists the commands, or shows how one is used.", "help [Command]", words=1
    )
    def help_(call: Call) -> Iterable[str]:
        if call.words:
            command = whole.find(call.words[0])
            if command is None:
                raise ViosError(f'"{call.words[0]}" is not a command.')
            yield usage(command).rstrip("\n")
            return
        for command in sorted(whole, key=lambda its: its.name):
            yield f"{command.name:<13} {command.purpose}"

    return whole
