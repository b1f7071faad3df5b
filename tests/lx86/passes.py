"""What each pass of the translator is worth: exact counts of the thirteen measuring programs.

    python -m tests.lx86.passes

prints the table of docs/lx86.md: what leaving out one pass adds to the POWER instructions that a
round takes in steady state (counting.py).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lx86.options import PASSES, Options, without

from . import alone, counting, small
from .fpu import test_programs as floats
from .test_counts import MATRICES, strings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STRINGS = "strs"
PROGRAMS = (*small.INTEGER, "repstr", *(f"mat {variant}" for variant in MATRICES), STRINGS)


def run(name: str, options: Options, rounds: int) -> tuple[str, int]:
    """What a program says, and how many POWER instructions it takes."""
    if name == STRINGS:
        changed = {
            field: getattr(options, field)
            for field in Options.__dataclass_fields__
            if getattr(options, field) != getattr(Options(), field)
        }
        done, count = alone.execute("translator", strings(), str(rounds), **changed)
        return f"{done.returncode} {done.stdout}", count
    if name.startswith("mat "):
        program = floats.build("mat", name.removeprefix("mat "))
        outcome, count = floats.translated(program, str(rounds), options=options)
        return f"{outcome.ended} {outcome.output!r}", count
    counts: list[int] = []
    outcome = small.run(
        lambda storage: counting.translating(storage, options), name, str(rounds),
        look=lambda cpu: counts.append(counting.executed(cpu)),
    )  # fmt: skip
    return f"{outcome.ended} {outcome.output!r}", counts[0]


def steady(name: str, options: Options) -> int:
    """POWER instructions of one round."""
    (_, first), (_, second) = (run(name, options, rounds) for rounds in (1, 2))
    return second - first


def table(programs: Sequence[str], passes: Sequence[str]) -> Iterator[str]:
    """In Markdown."""
    whole = {name: steady(name, Options()) for name in programs}
    yield f"| without | {' | '.join(programs)} | mean |"
    yield f"|---|{'---:|' * (len(programs) + 1)}"
    yield f"| (nothing) | {' | '.join(f'{count:,}' for count in whole.values())} | |"
    for left_out in passes:
        options = without(Options(), [left_out])
        if options == Options():
            continue
        ratios = [steady(name, options) / whole[name] for name in programs]
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        cells = " | ".join(f"{ratio - 1:+.1%}" for ratio in (*ratios, mean))
        yield f"| {left_out} | {cells} |"


if __name__ == "__main__":
    for line in table(PROGRAMS, PASSES):
        print(line, flush=True)
