"""Processor time of the thirteen measuring programs, beside the host's qemu-i386.

    python -m tests.lx86.wall [RUNS]

qemu-i386 (Debian's qemu-user) translates straight to the host's code.  Each is run in turn with few
rounds and with many; the least difference of RUNS, 3 unless said, is what the rounds take.
"""

from __future__ import annotations

import math
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.pyphyp.terminal import PYPHYP

from . import small
from .fpu import test_programs as floats
from .test_counts import MATRICES, strings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

QEMU = "qemu-i386"
_ROUNDS = {
    "fib": 400, "crc32": 400, "dhry": 400, "qsortb": 40, "sha256": 600, "sieve": 250, "vm": 2500,
    "i64": 400, "repstr": 4000,
}  # fmt: skip
_MANY = 12


def _programs() -> Iterator[tuple[str, Path, int]]:
    """Name, file, rounds."""
    for name, rounds in _ROUNDS.items():
        yield name, small.build(name), rounds
    for variant in MATRICES:
        yield f"mat {variant}", floats.build("mat", variant), 50
    yield "strs", strings(), 200


def _seconds(command: Sequence[str]) -> float:
    """Of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(runs: int) -> None:
    ratios = []
    for name, program, rounds in _programs():
        ours, theirs = math.inf, math.inf
        for _ in range(runs):
            few, many = ([str(program), str(rounds * times)] for times in (1, _MANY))
            x86 = [*PYPHYP, "x86"]
            ours = min(ours, _seconds([*x86, *many]) - _seconds([*x86, *few]))
            theirs = min(theirs, _seconds([QEMU, *many]) - _seconds([QEMU, *few]))
        ratios.append(ours / theirs)
        print(f"{name:14}{ours:8.2f} s{theirs:8.2f} s{ratios[-1]:7.2f}", flush=True)
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"geometric mean{mean:27.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
