"""Processor time of the thirteen measuring programs, beside the host's QEMU.

    python -m tests.lx86.wall [ARCHITECTURE] [RUNS]

ARCHITECTURE is i386, or amd64.  qemu-i386 and qemu-x86_64 (Debian's qemu-user) translate straight
to the host's code.  Each is run in turn with few rounds and with many; of either the least of RUNS,
3 unless said, counts, and their difference is what the rounds take.
"""

from __future__ import annotations

import argparse
import math
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

from guests.x86_root import AMD64, ARCHITECTURES, I386
from tests.pyphyp.terminal import PYPHYP

from . import small, small64, test_counts64
from .fpu import test_programs as floats
from .test_counts import MATRICES, strings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

QEMU = {I386: "qemu-i386", AMD64: "qemu-x86_64"}
_ROUNDS = {
    "fib": 400, "crc32": 400, "dhry": 400, "qsortb": 40, "sha256": 600, "sieve": 250, "vm": 2500,
    "i64": 400, "repstr": 4000,
}  # fmt: skip
_MANY = 61


def _programs(architecture: str) -> Iterator[tuple[str, Path, int]]:
    """Name, file, rounds."""
    long = architecture == AMD64
    for name, rounds in _ROUNDS.items():
        yield name, small64.build(name) if long else small.build(name), rounds
    for variant in MATRICES:
        matrix = test_counts64.matrix if long else lambda v: floats.build("mat", v)
        yield f"mat {variant}", matrix(variant), 15
    yield "strs", strings(small64.COMPILER if long else small.COMPILER), 200


def _seconds(command: Sequence[str]) -> float:
    """Of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _measure(architecture: str, runs: int) -> None:
    ratios = []
    engines = [*PYPHYP, "x86"], [QEMU[architecture]]
    for name, program, rounds in _programs(architecture):
        least = [[math.inf, math.inf], [math.inf, math.inf]]
        for _ in range(runs):
            for engine, found in zip(engines, least, strict=True):
                for n, times in enumerate((1, _MANY)):
                    command = [*engine, str(program), str(rounds * times)]
                    found[n] = min(found[n], _seconds(command))
        ours, theirs = (many - few for few, many in least)
        ratios.append(ours / theirs)
        print(f"{name:14}{ours:8.2f} s{theirs:8.2f} s{ratios[-1]:7.2f}", flush=True)
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"geometric mean{mean:27.2f}")


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def main(arguments: list[str]) -> None:
    p = argparse.ArgumentParser(prog="wall", description=(__doc__ or "").partition("\n")[0])
    p.add_argument("architecture", nargs="?", choices=ARCHITECTURES, default=I386)
    p.add_argument("runs", nargs="?", type=_count, default=3, metavar="RUNS")
    asked = p.parse_args(arguments)
    _measure(asked.architecture, asked.runs)


if __name__ == "__main__":
    main(sys.argv[1:])
