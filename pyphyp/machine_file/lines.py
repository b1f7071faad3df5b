"""Where in a TOML text its keys stand: `tomllib` does not say."""

from __future__ import annotations

import tomllib
from typing import Any

Path = tuple[str | int, ...]


def key_lines(text: str) -> dict[Path, int]:
    """The line (from 1) of every table and key, by its path, in a `text` that is valid TOML.

    What stands in an inline table has that table's line.
    """
    lines = text.split("\n")
    found: dict[Path, int] = {}
    table: Path = ()
    arrays: dict[Path, int] = {}  # the last index of each array of tables
    at = 0
    while at < len(lines):
        if not lines[at].strip() or lines[at].lstrip().startswith("#"):
            at += 1
            continue
        statement, taken = _statement(lines, at)
        if lines[at].lstrip().startswith("["):
            table = _header(statement, arrays)
            found.setdefault(table, at + 1)
        else:
            for path in _paths(statement):
                found.setdefault(table + path, at + 1)
        at += taken
    return found


def _statement(lines: list[str], at: int) -> tuple[dict[str, Any], int]:
    """The statement that begins in line `at`, read by itself, and how many lines it takes."""
    for end in range(at + 1, len(lines) + 1):
        try:
            return tomllib.loads("\n".join(lines[at:end])), end - at
        except tomllib.TOMLDecodeError:
            continue  # a string or a list that goes on
    return {}, len(lines) - at


def _header(statement: dict[str, Any], arrays: dict[Path, int]) -> Path:
    """The table that `[a.b]` or `[[a.b]]` begins."""
    path: Path = ()
    inner: Any = statement
    while inner:
        if isinstance(inner, list):
            arrays[path] = arrays.get(path, -1) + 1
            return (*path, arrays[path])
        name = next(iter(inner))
        inner, path = inner[name], (*path, name)
        if path in arrays and not isinstance(inner, list):
            path = (*path, arrays[path])
    return path


def _paths(value: Any, path: Path = ()) -> list[Path]:
    found = [path] if path else []
    match value:
        case dict():
            for name, inner in value.items():
                found += _paths(inner, (*path, name))
        case list():
            for n, inner in enumerate(value):
                found += _paths(inner, (*path, n))
    return found
