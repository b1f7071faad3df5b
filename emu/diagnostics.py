"""What the assembler says about a source that it cannot assemble."""

from __future__ import annotations

from .values import frozen


class Mistake(Exception):  # noqa: N818 - never leaves the assembler
    """Something wrong at a column (counted from 1) of the line at hand."""

    def __init__(self, message: str, column: int = 1) -> None:
        super().__init__(message)
        self.message, self.column = message, column


class Undefined(Mistake):
    """Something without a value, perhaps only so far."""


@frozen
class SourceLine:
    """One line as it is assembled; a line out of a macro knows the line that called it."""

    file: str
    number: int
    text: str
    called_from: SourceLine | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


@frozen
class Diagnostic:
    """One mistake and where it is."""

    line: SourceLine
    column: int
    message: str

    def __str__(self) -> str:
        text = self.line.text.expandtabs(1)
        lines = [f"{self.line}:{self.column}: {self.message}", f"    {text.rstrip()}"]
        lines.append("    " + " " * (self.column - 1) + "^")
        caller = self.line.called_from
        while caller is not None:
            lines.append(f"  called from {caller}: {caller.text.strip()}")
            caller = caller.called_from
        return "\n".join(lines)


class AssemblyError(ValueError):
    """A source that cannot be assembled; `diagnostics` lists all that was found wrong.

    `file`, `line`, `column` and `message` are those of the first.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n".join(str(diagnostic) for diagnostic in diagnostics))
        first = diagnostics[0]
        self.diagnostics = diagnostics
        self.file, self.line = first.line.file, first.line.number
        self.column, self.message = first.column, first.message
