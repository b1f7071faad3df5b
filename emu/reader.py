"""Macros, repetitions, conditionals and includes: which statements are to be assembled.

All of this is done on text, line by line, before a statement is parsed; a condition may ask for
symbols that the lines before it have defined.  Whatever a source does is bounded: how many
lines it may grow to, how deep its macros and includes may nest, how long a line may become.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from .diagnostics import Mistake, SourceLine
from .source import Include, Statement, split_arguments, statements
from .syntax import MAXIMUM_LINE, unescape
from .values import frozen, slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAXIMUM_LINES = 100_000  # after macros and repetitions
MAXIMUM_CHARACTERS = 2 * 2**20
MAXIMUM_NESTING = 64  # of macros, repetitions and includes

_HEAD = re.compile(r"(\s*(?:[\w.$]+\s*:\s*)*)([A-Za-z_.$][\w.$]*)?(.*)", re.DOTALL)
_REFERENCE = re.compile(r"\\(?:\(\)|(@)|([A-Za-z_]\w*))")


class Context(Protocol):
    """What the reader asks of the assembler while it reads."""

    def evaluate(self, text: str, column: int) -> int: ...
    def defined(self, name: str) -> bool: ...
    def report(self, line: SourceLine, mistake: Mistake) -> None: ...


@frozen
class Parameter:
    name: str
    default: str
    required: bool = False
    takes_rest: bool = False


@frozen
class Macro:
    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]


@slotted
class _Conditional:
    """One open `.if`: whether its lines count now, and whether a later branch still can."""

    line: SourceLine
    frame: int
    active: bool
    undecided: bool


class TooMuch(Exception):  # noqa: N818 - caught in this file
    """A bound was reached; reading stops."""


def _bounded(text: str) -> str:
    if len(text) > MAXIMUM_LINE:
        raise TooMuch(f"a line grows beyond {MAXIMUM_LINE} characters")
    return text


class Reader:
    """The statements that are to be assembled, one after another."""

    def __init__(self, context: Context, include: Include | None) -> None:
        self._context, self._include = context, include
        self._macros: dict[str, Macro] = {}
        self._frames: list[Iterator[Statement]] = []
        self._conditionals: list[_Conditional] = []
        self._lines = self._characters = self._calls = 0
        self._directives: dict[str, Callable[[Statement, str, int], None]] = {
            ".macro": self._define,
            ".purgem": self._purge,
            ".rept": self._repeat,
            ".irp": self._repeat_for_each,
            ".include": self._read_file,
            ".endm": self._stray,
            ".endr": self._stray,
        }

    def read(self, name: str, text: str) -> Iterator[Statement]:
        """All statements of `text` and of what it includes and calls."""
        self._frames.append(statements(name, text))
        statement = Statement(SourceLine(name, 1, ""), "")
        try:
            while self._frames:
                following = next(self._frames[-1], None)
                if following is None:
                    self._leave_frame()
                    continue
                statement = following
                self._count(statement.text)
                yield from self._step(statement)
        except TooMuch as bound:
            self._context.report(statement.line, Mistake(str(bound)))

    def _step(self, statement: Statement) -> Iterator[Statement]:
        found = _HEAD.match(statement.text)
        assert found is not None
        before, word, rest = found.group(1), (found.group(2) or "").lower(), found.group(3)
        column = found.start(3) + 1
        try:
            if word in _CONDITIONS or word in (".else", ".elseif", ".endif"):
                self._condition(statement, word, rest, column)
            elif not self._active:
                return
            elif word in self._macros and not rest.lstrip().startswith("="):
                yield Statement(statement.line, before)
                self._call(self._macros[word], statement, rest)
            elif word in self._directives:
                yield Statement(statement.line, before)
                self._directives[word](statement, rest, column)
            else:
                yield statement
        except Mistake as mistake:
            self._context.report(statement.line, mistake)

    @property
    def _active(self) -> bool:
        return not self._conditionals or self._conditionals[-1].active

    def _count(self, text: str = "") -> None:
        self._lines += 1
        self._characters += len(text)
        if self._lines > MAXIMUM_LINES:
            raise TooMuch(f"the source grows beyond {MAXIMUM_LINES} lines")
        if self._characters > MAXIMUM_CHARACTERS:
            raise TooMuch(f"the source grows beyond {MAXIMUM_CHARACTERS} characters")

    def _enter_frame(self, frame: Iterator[Statement]) -> None:
        if len(self._frames) >= MAXIMUM_NESTING:
            raise TooMuch(f"macros and includes nest more than {MAXIMUM_NESTING} deep")
        self._frames.append(frame)

    def _leave_frame(self) -> None:
        while self._conditionals and self._conditionals[-1].frame == len(self._frames):
            self._context.report(self._conditionals.pop().line, Mistake(".if without .endif"))
        self._frames.pop()

    # Conditionals

    def _condition(self, statement: Statement, word: str, rest: str, column: int) -> None:
        if word in _CONDITIONS:
            holds = False
            enclosing = self._active
            # An error in the condition must not hide the .endif that belongs to it.
            entry = _Conditional(statement.line, len(self._frames), False, False)
            self._conditionals.append(entry)
            if enclosing:
                holds = self._holds(word, rest, column)
            entry.active, entry.undecided = holds, enclosing and not holds
            return
        if not self._conditionals or self._conditionals[-1].frame != len(self._frames):
            raise Mistake(f"{word} without .if")
        entry = self._conditionals[-1]
        if word == ".endif":
            self._conditionals.pop()
            return
        entry.active = entry.undecided and (word == ".else" or self._holds(".if", rest, column))
        entry.undecided = entry.undecided and not entry.active

    def _holds(self, word: str, rest: str, column: int) -> bool:
        text = rest.strip()
        match word:
            case ".ifdef":
                return self._context.defined(text)
            case ".ifndef" | ".ifnotdef":
                return not self._context.defined(text)
            case ".ifb":
                return not text
            case ".ifnb":
                return bool(text)
            case ".ifc" | ".ifnc":
                pair = split_arguments(text)
                if len(pair) != 2:
                    raise Mistake(f"{word} compares two strings: {word} a, b", column)
                return (pair[0] == pair[1]) == (word == ".ifc")
        return self._context.evaluate(rest, column) != 0

    # Macros and repetitions

    def _body(
        self, statement: Statement, opening: tuple[str, ...], closing: str
    ) -> list[Statement]:
        """The statements up to the `closing` that belongs to `statement`."""
        body: list[Statement] = []
        depth = 1
        for inner in self._frames[-1]:
            self._count(inner.text)
            found = _HEAD.match(inner.text)
            word = (found.group(2) or "").lower() if found else ""
            depth += (word in opening) - (word == closing)
            if depth == 0:
                return body
            body.append(inner)
        raise Mistake(f"{opening[0]} without {closing}")

    def _define(self, statement: Statement, rest: str, column: int) -> None:
        body = self._body(statement, (".macro",), ".endm")
        found = re.match(r"\s*([A-Za-z_.$][\w.$]*)\s*,?(.*)", rest)
        if found is None:
            raise Mistake(".macro wants a name: .macro NAME a, b=default", column)
        name = found.group(1).lower()
        listed = found.group(2)
        texts = split_arguments(listed) if "," in listed else re.split(r"\s+(?!=)", listed.strip())
        parameters = tuple(self._parameter(text, column) for text in texts if text)
        self._macros[name] = Macro(name, parameters, tuple(body))

    def _parameter(self, text: str, column: int) -> Parameter:
        declared, _, default = text.partition("=")
        name, _, qualifier = declared.strip().partition(":")
        if not re.fullmatch(r"[A-Za-z_]\w*", name) or qualifier not in ("", "req", "vararg"):
            raise Mistake(f"'{text}' is no parameter: a, b=default, c:req or d:vararg", column)
        return Parameter(name, default.strip(), qualifier == "req", qualifier == "vararg")

    def _purge(self, statement: Statement, rest: str, column: int) -> None:
        if self._macros.pop(rest.strip().lower(), None) is None:
            raise Mistake(f"no macro '{rest.strip()}'", column)

    def _call(self, macro: Macro, statement: Statement, rest: str) -> None:
        values = self._bind(macro, split_arguments(rest))
        self._calls += 1
        self._enter_frame(self._expand(macro.body, values, statement.line))

    def _bind(self, macro: Macro, arguments: list[str]) -> dict[str, str]:
        values: dict[str, str] = {}
        waiting = list(macro.parameters)
        for index, argument in enumerate(arguments):
            name, equals, value = argument.partition("=")
            named = [p for p in macro.parameters if equals and p.name == name.strip()]
            if named:
                values[named[0].name] = value.strip()
                waiting = [p for p in waiting if p is not named[0]]
            elif not waiting:
                most = len(macro.parameters)
                raise Mistake(f"{macro.name} takes up to {most} arguments, not {len(arguments)}")
            elif waiting[0].takes_rest:
                values[waiting.pop(0).name] = ", ".join(arguments[index:])
                break
            else:
                values[waiting.pop(0).name] = argument
        for parameter in macro.parameters:
            if not values.get(parameter.name):
                if parameter.required:
                    raise Mistake(f"{macro.name} needs its argument '{parameter.name}'")
                values[parameter.name] = parameter.default
        return values

    def _expand(
        self, body: tuple[Statement, ...], values: dict[str, str], caller: SourceLine
    ) -> Iterator[Statement]:
        call = str(self._calls)

        def replace(found: re.Match[str]) -> str:
            if found.group(1):
                return call
            return values.get(found.group(2), found.group()) if found.group(2) else ""

        for line, text in body:
            if "\\" in text:
                text = _bounded(_REFERENCE.sub(replace, text))
            yield Statement(SourceLine(line.file, line.number, text, caller), text)

    def _repeat(self, statement: Statement, rest: str, column: int) -> None:
        body = tuple(self._body(statement, (".rept", ".irp"), ".endr"))
        count = self._context.evaluate(rest, column)
        if count < 0:
            raise Mistake(f".rept {count}: a count is wanted", column)

        def repeated() -> Iterator[Statement]:
            for _ in range(count):
                self._count()
                yield from body

        self._enter_frame(repeated())

    def _repeat_for_each(self, statement: Statement, rest: str, column: int) -> None:
        body = tuple(self._body(statement, (".rept", ".irp"), ".endr"))
        name, *values = split_arguments(rest) or [""]
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise Mistake(".irp wants a name and values: .irp n, 1, 2, 3", column)

        def repeated() -> Iterator[Statement]:
            for value in values:
                self._count()
                for line, text in body:
                    pattern = rf"\\{name}(?!\w)(\\\(\))?"
                    out = re.sub(pattern, lambda _: value, text)  # noqa: B023 - used at once
                    yield Statement(line, _bounded(out))

        self._enter_frame(repeated())

    def _read_file(self, statement: Statement, rest: str, column: int) -> None:
        found = re.fullmatch(r'\s*"((?:\\.|[^"\\])*)"\s*', rest)
        if found is None:
            raise Mistake('.include wants a file name in quotes: .include "hcalls.inc"', column)
        name = unescape(found.group(1)).decode(errors="replace")
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or not name:
            raise Mistake(f"'{name}' leads outside; a name below the source is wanted", column)
        if self._include is None:
            raise Mistake("this source is assembled without files to include", column)
        try:
            text = self._include(name)
        except (OSError, LookupError, UnicodeError) as error:
            raise Mistake(f"'{name}' cannot be read: {error}", column) from None
        self._enter_frame(statements(name, text))

    def _stray(self, statement: Statement, rest: str, column: int) -> None:
        opening = ".macro" if ".endm" in statement.text.lower() else ".rept"
        raise Mistake(f"{statement.text.strip()} without {opening}")


_CONDITIONS = frozenset((".if", ".ifdef", ".ifndef", ".ifnotdef", ".ifb", ".ifnb", ".ifc", ".ifnc"))
