"""Commands behind a pipe on the padmin command line: grep, head, tail, wc, sort and more.

Patterns of grep are words with ^ and $ at their ends, a dot for any character, a backslash before
one that means itself, and with -E several of them with | between: what takes no more time than
the text is long.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .shell import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .shell import Filter

_LONGEST_PATTERN = 200


def _flags(given: Sequence[str], known: str, name: str) -> tuple[set[str], list[str]]:
    """Letters, and the other words."""
    letters: set[str] = set()
    words: list[str] = []
    for word in given:
        if word.startswith("-") and len(word) > 1 and not words:
            letters |= set(word[1:])
        else:
            words.append(word)
    if wrong := sorted(letters - set(known)):
        raise UsageError(f"{name}: Not a recognized flag: {wrong[0][:1]}")
    return letters, words


def _pattern(text: str, *, alternatives: bool, any_case: bool) -> re.Pattern[str]:
    if len(text) > _LONGEST_PATTERN:
        raise UsageError("grep: the pattern is too long.")
    parts = text.split("|") if alternatives else [text]
    return re.compile("|".join(map(_branch, parts)), re.IGNORECASE if any_case else 0)


def _branch(text: str) -> str:
    begin, end = text.startswith("^"), text.endswith("$") and not text.endswith("\\$")
    inner = text[1 if begin else 0 : len(text) - 1 if end else len(text)]
    found, rest = "", iter(inner)
    for letter in rest:
        if letter == "\\":
            found += re.escape(next(rest, "\\"))
        elif letter in "*[]+?(){}":
            raise UsageError(f"grep: {letter} means nothing here; \\{letter} is the character.")
        else:
            found += "." if letter == "." else re.escape(letter)
    return ("^" if begin else "") + found + ("$" if end else "")


def grep(given: list[str], lines: list[str]) -> tuple[list[str], int]:
    flags, words = _flags([its for its in given if its != "-e"], "ivcnEq", "grep")
    if len(words) != 1:
        raise UsageError("Usage: grep [-i] [-v] [-c] [-n] [-q] [-E] Pattern")
    pattern = _pattern(words[0], alternatives="E" in flags, any_case="i" in flags)
    chosen = [
        (number, line)
        for number, line in enumerate(lines, start=1)
        if bool(pattern.search(line)) != ("v" in flags)
    ]
    status = 0 if chosen else 1
    if "q" in flags:
        return [], status
    if "c" in flags:
        return [str(len(chosen))], status
    return [f"{n}:{line}" if "n" in flags else line for n, line in chosen], status


def _count(given: list[str], name: str) -> int:
    """The number of lines of head and tail: -5, or -n 5."""
    words = given[1:] if given[:1] == ["-n"] else [its.removeprefix("-") for its in given]
    if not words:
        return 10
    if len(words) > 1 or not (words[0].isascii() and words[0].isdecimal() and len(words[0]) < 8):
        raise UsageError(f"Usage: {name} [-n Number]")
    return int(words[0])


def head(given: list[str], lines: list[str]) -> tuple[list[str], int]:
    return lines[: _count(given, "head")], 0


def tail(given: list[str], lines: list[str]) -> tuple[list[str], int]:
    count = _count(given, "tail")
    return lines[-count:] if count else [], 0


def wc(given: list[str], lines: list[str]) -> tuple[list[str], int]:
    flags, words = _flags(given, "lwc", "wc")
    if words:
        raise UsageError("Usage: wc [-l] [-w] [-c]")
    counts = {
        "l": len(lines),
        "w": sum(len(line.split()) for line in lines),
        "c": sum(len(line) + 1 for line in lines),
    }
    return ["".join(f"{counts[its]:>8}" for its in "lwc" if its in flags or not flags)], 0


def sort(given: list[str], lines: list[str]) -> tuple[list[str], int]:
    flags, words = _flags(given, "ru", "sort")
    if words:
        raise UsageError("Usage: sort [-r] [-u]")
    its = sorted(set(lines) if "u" in flags else lines)
    return its[::-1] if "r" in flags else its, 0


def more(given: list[str], lines: list[str]) -> tuple[list[str], int]:
    return lines, 0


FILTERS: dict[str, Filter] = {
    "grep": grep,
    "head": head,
    "tail": tail,
    "wc": wc,
    "sort": sort,
    "more": more,
}
