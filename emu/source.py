"""From the text of a source to its statements: comments go, lines are cut at semicolons."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from .diagnostics import SourceLine

if TYPE_CHECKING:
    from pathlib import Path

Include = Callable[[str], str]


class Statement(NamedTuple):
    """Text to parse, at its columns of the line it stands on."""

    line: SourceLine
    text: str


def include_from(directory: Path) -> Include:
    """A resolver for `.include` that finds files in and below `directory` and nowhere else."""

    def read(name: str) -> str:
        path = (directory / name).resolve()
        if not path.is_relative_to(directory.resolve()):
            raise FileNotFoundError(f"{name} lies outside {directory}")
        return path.read_text()

    return read


_SPLIT = re.compile(r"""("(?:\\.|[^"\\])*"?|'(?:\\.|[^\\])'?)|(/\*)|(//.*|\#.*)|(;)""")


def statements(name: str, text: str) -> Iterator[Statement]:
    """The statements of a text, without its comments."""
    in_comment = False
    for number, raw in enumerate(text.splitlines(), start=1):
        line, at, start, out = SourceLine(name, number, raw), 0, 0, ""
        while True:
            if in_comment:
                end = raw.find("*/", at)
                if end < 0:
                    break
                out += " " * (end + 2 - at)
                at, in_comment = end + 2, False
            found = _SPLIT.search(raw, at)
            if found is None:
                out += raw[at:]
                break
            literal, block, _, semicolon = found.groups()
            out += raw[at : found.end()] if literal else raw[at : found.start()]
            at = found.end()
            if block:
                out += "  "
                in_comment = True
            elif semicolon:
                yield Statement(line, " " * start + out[start:])
                out += " "
                start = at
            elif not literal:
                break
        yield Statement(line, " " * start + out[start:])


_PIECE = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^\\])'?|[^,()"']+|.)""", re.DOTALL)


def split_arguments(text: str) -> list[str]:
    """`text` at its commas, those in parentheses and strings aside."""
    parts, depth = [""], 0
    for piece in _PIECE.findall(text):
        if piece == "," and depth == 0:
            parts.append("")
            continue
        depth += (piece == "(") - (piece == ")")
        parts[-1] += piece
    stripped = [part.strip() for part in parts]
    return [] if stripped == [""] else stripped
