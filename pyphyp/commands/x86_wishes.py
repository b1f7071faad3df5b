"""What `pyphyp x86` is asked to show of the translator's work."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Callable

PASSES = ("changed", "all", "none")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be shown."""

    explanations: TextIO | None = None
    at: tuple[str, ...] = ()
    """Only blocks with code at these addresses or symbols; none: all."""
    passes: str = PASSES[0]
    hottest: int = 0
    coverage: Path | None = None
    json: Path | None = None

    @property
    def count(self) -> bool:
        """Whether executions are counted."""
        return bool(self.explanations or self.hottest or self.coverage or self.json)


_OPTIONS = (
    click.option(
        "--explain",
        is_flag=True,
        help="Write each block that is translated to standard error, in the end: x86, the"
        " translator's form of it, what each pass changed, POWER code, how often it was executed.",
    ),
    click.option(
        "--explain-to",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write them to FILE.",
    ),
    click.option(
        "--explain-at",
        multiple=True,
        metavar="ADDRESS|SYMBOL",
        help="Write only blocks with code there.",
    ),
    click.option(
        "--explain-passes",
        type=click.Choice(PASSES),
        default=PASSES[0],
        show_default=True,
        help="Of the passes show what they changed, or all that there is before and behind each.",
    ),
    click.option(
        "--hottest",
        type=click.IntRange(min=1),
        metavar="N",
        help="Show in the end, by exact counts, the N pieces of code that took most instructions.",
    ),
    click.option(
        "--coverage",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write which x86 instructions ran, and how often: JSON, or drcov if FILE ends so.",
    ),
    click.option(
        "--json",
        "figures",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write what --stats and --hottest show as JSON.",
    ),
)


def study_options(command: Callable[..., int]) -> Callable[..., int]:
    """Options of `command`, which is given them as `wishes`."""

    @wraps(command)
    def with_wishes(
        *arguments: Any, explain: bool, explain_to: Path | None, explain_at: tuple[str, ...],
        explain_passes: str, hottest: int | None, coverage: Path | None, figures: Path | None,
        **others: Any,
    ) -> int:  # fmt: skip
        explanations = sys.stderr if explain or explain_at else None
        if explain_to is not None:
            explanations = explain_to.open("w", encoding="utf-8")
        for later in (coverage, figures):
            if later is not None:  # refused now, not when the program has ended
                later.open("a", encoding="utf-8").close()
        wishes = Wishes(explanations, explain_at, explain_passes, hottest or 0, coverage, figures)
        return command(*arguments, wishes=wishes, **others)

    for option in reversed(_OPTIONS):
        with_wishes = option(with_wishes)
    return with_wishes
