"""A record of which random blocks were compared with which translator: a text file.

A line has: bits, kind, the first number, the number behind the last, states of each block, how many
codes were distinct among those compared at a time, differences, a digest of the translator, and
the commit it was of.
"""

from __future__ import annotations

import subprocess
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lx86 import kept

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .compared_blocks import Compared, Range

_HEADER = "# bits kind from to states distinct-codes differences translator commit\n"


def translator() -> tuple[str, str]:
    """A digest of the sources of translations, and the commit, `-` where there is no repository."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude", "*"],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return kept.version().hex()[:12], done.stdout.strip() or "-"


@dataclass(frozen=True, slots=True)
class Line:
    bits: int
    kind: str
    start: int
    end: int
    states: int
    distinct: int
    differences: int
    translator: str
    commit: str

    @classmethod
    def parse(cls, text: str) -> Line:
        """Raises ValueError for what is no line of a record."""
        bits, kind, start, end, states, distinct, differences, translator, commit = text.split()
        return cls(
            int(bits), kind, int(start), int(end), int(states), int(distinct), int(differences),
            translator, commit,
        )  # fmt: skip

    @property
    def _all_but_numbers(self) -> tuple[int, str, int, str, str]:
        return self.bits, self.kind, self.states, self.translator, self.commit

    def followed_by(self, other: Line) -> Line | None:
        """Both as one, if the other goes on where this one ends."""
        if self.end != other.start or self._all_but_numbers != other._all_but_numbers:
            return None
        return replace(
            self, end=other.end, distinct=self.distinct + other.distinct,
            differences=self.differences + other.differences,
        )  # fmt: skip


class Record:
    """Lines, and the file they are written to, if any."""

    def __init__(self, path: Path | None) -> None:
        """Raises SystemExit for a file that is no record."""
        self._path, self.lines = path, list[Line]()
        self._translator, self._commit = translator()
        if path is not None and path.exists():
            for number, text in enumerate(path.read_text().splitlines(), 1):
                if text.startswith("#") or not text.strip():
                    continue
                try:
                    self.lines.append(Line.parse(text))
                except ValueError:
                    raise SystemExit(
                        f"{path}, line {number}: no line of a record of blocks; name another file"
                    ) from None

    def add(self, done: Compared) -> None:
        blocks = done.range
        line = Line(
            blocks.bits, blocks.kind, blocks.start, blocks.end,
            done.runs // (blocks.end - blocks.start), len(done.codes), len(done.differences),
            self._translator, self._commit,
        )  # fmt: skip
        joined = self.lines[-1].followed_by(line) if self.lines else None
        if joined:
            self.lines[-1] = joined
        else:
            self.lines.append(line)
        if self._path is not None:
            new = self._path.with_name(self._path.name + ".new")
            new.write_text(_HEADER + "".join(f"{_text(line)}\n" for line in self.lines))
            new.replace(self._path)

    def has(self, blocks: Range) -> bool:
        """Whether this very translator was compared with all these blocks."""
        return any(
            (line.bits, line.kind, line.translator) == (blocks.bits, blocks.kind, self._translator)
            and line.start <= blocks.start
            and blocks.end <= line.end
            for line in self.lines
        )

    def behind(self, bits: int) -> int:
        """The first number behind all that were compared."""
        return max((line.end for line in self.lines if line.bits == bits), default=0)


def _text(line: Line) -> str:
    return " ".join(map(str, astuple(line)))


def totals(lines: Iterable[Line]) -> list[str]:
    """By bits and kind: blocks, runs, differences, and with how many translators."""
    lines = list(lines)
    found = []
    for bits, kind in sorted({(line.bits, line.kind) for line in lines}):
        those = [line for line in lines if (line.bits, line.kind) == (bits, kind)]
        blocks = sum(line.end - line.start for line in those)
        runs = sum((line.end - line.start) * line.states for line in those)
        wrong = sum(line.differences for line in those)
        versions = len({line.translator for line in those})
        found.append(
            f"{bits} bits, {kind}: {blocks:,} blocks, {runs:,} runs, {wrong} differences, "
            f"{versions} translators"
        )
    return found
