"""The padmin command line: words in, text and an exit status out.

A command is declared with its flags; `help` shows the same declaration.  It takes a `Call`, which
has the engine and what was given, and gives the lines it prints, or raises `ViosError`.
"""

from __future__ import annotations

import shlex
from dataclasses import field
from typing import TYPE_CHECKING

from emu.state import record
from emu.values import frozen, slotted

from .records import ViosError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .engine import Vios

LONGEST_COMMAND = 4096
OPTIONAL = -1
"""Of a flag: it takes a value, or none."""
_NO_COMMAND = "rksh: 0403-057 Syntax error: `|' is not expected.\n"
_UNCLOSED = "rksh: 0403-057 Syntax error: a quote is not closed.\n"


class UsageError(Exception):
    """The command was not understood; the message says what is wrong."""


@record
class Answer:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


@frozen
class Call:
    """A command as it was given."""

    vios: Vios
    flags: dict[str, list[str]]
    words: list[str]
    """What belongs to no flag."""

    def has(self, flag: str) -> bool:
        return flag in self.flags

    def value(self, flag: str) -> str | None:
        """The value of a flag that takes one."""
        values = self.flags.get(flag)
        return values[0] if values else None

    def needed(self, flag: str) -> str:
        if (value := self.value(flag)) is None:
            raise UsageError(f"The -{flag} flag is required.")
        return value


def check_one_of(call: Call, first: str, second: str) -> None:
    """Raise `UsageError` unless one of two flags is given."""
    if call.has(first) == call.has(second):
        raise UsageError(f"One of the -{first} and -{second} flags is required.")


def check_at_most_one(call: Call, *flags: str) -> None:
    """Raise `UsageError` where flags are given that exclude each other."""
    given = [f"-{flag}" for flag in flags if call.has(flag)]
    if len(given) > 1:
        raise UsageError(f"The {given[0]} and {given[1]} flags exclude each other.")


if TYPE_CHECKING:
    Handler = Callable[[Call], Iterable[str]]
    Filter = Callable[[list[str], list[str]], tuple[list[str], int]]
    """Takes the words behind its name, and lines; gives lines, and the exit status."""


@frozen
class Command:
    """`flags` are the numbers of values by flag; None: as many as there are; or `OPTIONAL`."""

    name: str
    purpose: str
    usage: tuple[str, ...]
    flags: dict[str, int | None]
    words: int
    """How many words that belong to no flag it takes at most."""
    handler: Handler


class CommandGroup:
    """Commands by name."""

    def __init__(self, *others: CommandGroup) -> None:
        self._commands = {command.name: command for other in others for command in other}

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    def define(
        self,
        name: str,
        purpose: str,
        /,
        *usage: str,
        words: int = 0,
        **flags: int | None,
    ) -> Callable[[Handler], Handler]:
        """Declare the handler of a command."""

        def declare(handler: Handler) -> Handler:
            self._commands[name] = Command(name, purpose, usage, dict(flags), words, handler)
            return handler

        return declare

    def find(self, name: str) -> Command | None:
        return self._commands.get(name)


def parsed(command: Command, given: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Flags and words of a command line; raises `UsageError`."""
    flags: dict[str, list[str]] = {}
    words: list[str] = []
    rest = list(given)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            words.append(word)
            continue
        flag = word[1:]
        if flag not in command.flags:
            raise UsageError(f"Invalid flag: {word}")
        if flag in flags:
            raise UsageError(f"The flag {word} is given twice.")
        takes = command.flags[flag]
        values = flags[flag] = []
        most = None if takes is None else abs(takes)
        while rest and not rest[0].startswith("-") and (most is None or len(values) < most):
            values.append(rest.pop(0))
        if (takes is None and not values) or (takes is not None and len(values) < takes):
            raise UsageError(f"The flag {word} needs a value.")
    if len(words) > command.words:
        raise UsageError(f"Unexpected argument: {words[command.words]}")
    return flags, words


def run(
    vios: Vios, line: str, commands: CommandGroup, filters: Mapping[str, Filter] | None = None
) -> Answer:
    """Carry out one command line, with what is behind pipes; the status is the last one's."""
    first, *others = pieces(line)
    if others and not first.strip():
        return Answer(1, "", _NO_COMMAND)
    answer = _run_one(vios, first, commands)
    for other in others:
        answer = _filtered(answer, other, filters or {})
    return answer


def pieces(line: str) -> list[str]:
    """The parts of a line between pipes that are not quoted."""
    found, quote, letters = [""], "", iter(line)
    for letter in letters:
        if letter == "|" and not quote:
            found.append("")
            continue
        found[-1] += letter
        if letter == "\\" and quote != "'":
            found[-1] += next(letters, "")
        elif letter in ("'", '"') and quote in ("", letter):
            quote = "" if quote else letter
    return found


def _filtered(before: Answer, line: str, filters: Mapping[str, Filter]) -> Answer:
    """What a command behind a pipe makes of what one before it printed."""
    try:
        given = shlex.split(line)
    except ValueError:
        return Answer(1, "", f"{before.err}{_UNCLOSED}")
    if not given:
        return Answer(1, "", f"{before.err}{_NO_COMMAND}")
    if (filter_ := filters.get(given[0])) is None:
        return Answer(127, "", f"{before.err}rksh: {given[0][:80]}: not found.\n")
    try:
        lines, status = filter_(given[1:], before.out.splitlines())
    except UsageError as wrong:
        return Answer(1, "", f"{before.err}{wrong}\n")
    return Answer(status, "".join(f"{its}\n" for its in lines), before.err)


def _run_one(vios: Vios, line: str, commands: CommandGroup) -> Answer:
    try:
        given = shlex.split(line)
    except ValueError:
        return Answer(1, "", _UNCLOSED)
    given = given[1:] if given[:1] == ["ioscli"] else given
    if not given:
        return Answer(0, "", "")
    if (command := commands.find(given[0])) is None:
        return Answer(127, "", f"rksh: {given[0][:80]}: not found.\n")
    vios.settle()
    out: list[str] = []
    try:
        flags, words = parsed(command, given[1:])
        out.extend(f"{text}\n" for text in command.handler(Call(vios, flags, words)))
    except UsageError as wrong:
        return Answer(1, "".join(out), f"{wrong}\n\n{usage(command)}")
    except ViosError as wrong:
        return Answer(wrong.status, "".join(out), f"{wrong}\n")
    return Answer(0, "".join(out), "")


def usage(command: Command) -> str:
    """As `help NAME` prints it."""
    lines = [f"Usage: {command.usage[0]}", *(f"       {more}" for more in command.usage[1:])]
    return "\n".join([*lines, "", command.purpose]) + "\n"


@slotted
class Listing:
    """Rows of fields, as a table, or as -field and -fmt want them."""

    fields: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def chosen(self, call: Call) -> list[str] | None:
        """The lines that -field and -fmt ask for; None: neither was given."""
        if not (call.has("field") or call.has("fmt")):
            return None
        names = call.flags.get("field") or list(self.fields)
        wrong = next((name for name in names if name not in self.fields), None)
        if wrong is not None:
            raise UsageError(f"Invalid field: {wrong}")
        between = call.value("fmt")
        if between is not None and len(between) != 1:
            raise UsageError("The delimiter is one character.")
        places = [self.fields.index(name) for name in names]
        lines = []
        for row in self.rows:
            values = [row[place] for place in places]
            lines.append(
                " ".join(value.ljust(16) for value in values).rstrip()
                if between is None
                else between.join(value or " " for value in values)
            )
        return lines
