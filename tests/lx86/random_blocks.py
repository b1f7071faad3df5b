"""Random blocks, translated and on this host's processor, by their numbers.

    python -m tests.lx86.random_blocks --count 1000000 --record /tmp/blocks.txt

What differs is printed with the block's number, its x86 code, and how to see it again.  With
`--record` a text file says which blocks were compared with which translator; those that this very
translator was compared with are left out, so that a run that was ended goes on when it is started
again; SIGINT and SIGTERM end it when what was begun is compared.  The status is 1 if anything
differed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from . import many
from .block_record import Record, totals
from .compared_blocks import (
    ARCHITECTURES,
    KINDS,
    Compared,
    Range,
    begin,
    compare,
    processor,
    ranges,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_EVERY = 10
"""Seconds between two lines of progress."""


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="random_blocks", description=__doc__.partition("\n")[0])
    p.add_argument("--bits", type=int, choices=tuple(ARCHITECTURES), default=32)
    p.add_argument(
        "--kind", choices=(*KINDS, "all"), default="all",
        help="all: one in eight is of x87, or MMX and SSE; loops by themselves",
    )  # fmt: skip
    p.add_argument(
        "--from", dest="start", type=_natural, metavar="N",
        help="the first block's number; without it, that behind all that the record has, or 0",
    )  # fmt: skip
    p.add_argument("--count", type=_natural, default=100_000, metavar="M", help="of blocks")
    p.add_argument("--jobs", type=_natural, default=1, metavar="J", help="at a time")
    p.add_argument("--most", type=_natural, default=20, metavar="K", help="differences printed")
    p.add_argument("--record", type=Path, metavar="FILE", help="what was compared, as text")
    p.add_argument(
        "--codes", type=Path, metavar="FILE",
        help="eight bytes for each code go to its end, to count how many are distinct",
    )  # fmt: skip
    return p


class _Ending:
    """Whether a signal asked to end; a second one ends at once."""

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __enter__(self) -> Self:
        self.asked = False
        self._before = [signal.signal(number, self._ask) for number in self._SIGNALS]
        return self

    def __exit__(self, *_why: object) -> None:
        for number, before in zip(self._SIGNALS, self._before, strict=True):
            signal.signal(number, before)

    def _ask(self, number: int, _frame: object) -> None:
        if self.asked:
            sys.exit(128 + number)
        self.asked = True


def _all_compared(
    todo: Iterator[Range], jobs: int, ending: _Ending
) -> Iterator[tuple[Range, Future[Compared]]]:
    """In any order; never many more at a time than there are jobs."""
    with ProcessPoolExecutor(jobs, initializer=begin) as workers:
        waiting = dict[Future[Compared], Range]()
        while True:
            for each in () if ending.asked else islice(todo, jobs + 1 - len(waiting)):
                waiting[workers.submit(compare, each)] = each
            if not waiting:
                return
            for done in wait(waiting, return_when=FIRST_COMPLETED).done:
                yield waiting.pop(done), done


class _Progress:
    def __init__(self, most: int) -> None:
        self._began = self._told = time.monotonic()
        self._left, self.blocks, self.runs, self.differences = most, 0, 0, 0

    def differs(self, text: str) -> None:
        self.differences += 1
        if self._left:
            self._left -= 1
            print(text, flush=True)

    def add(self, done: Compared) -> None:
        self.blocks += done.range.end - done.range.start
        self.runs += done.runs
        for text in done.differences:
            self.differs(text)
        if time.monotonic() - self._told > _EVERY:
            self._told = time.monotonic()
            self.tell()

    def tell(self) -> None:
        rate = self.blocks / (time.monotonic() - self._began)
        print(
            f"{self.blocks:,} blocks, {self.runs:,} runs of them, {self.differences} differences, "
            f"{rate:,.0f} blocks a second", flush=True,
        )  # fmt: skip


def main(arguments: list[str]) -> int:
    asked = parser().parse_args(arguments)
    record = Record(asked.record)
    start = record.behind(asked.bits) if asked.start is None else asked.start
    wanted = ranges(asked.bits, asked.kind, start, asked.count)
    architecture = ARCHITECTURES[asked.bits]
    try:  # built once, for all workers
        processor(architecture)
        many.program(architecture)
    except pytest.skip.Exception as why:
        raise SystemExit(f"random_blocks: {why}") from None
    progress = _Progress(asked.most)
    todo = (each for each in wanted if asked.record is None or not record.has(each))
    with _Ending() as ending:
        for blocks, future in _all_compared(todo, max(asked.jobs, 1), ending):
            if error := future.exception():
                progress.differs(f"{blocks} came to no end: {error!r}")
                continue
            done = future.result()
            record.add(done)
            if asked.codes:
                with asked.codes.open("ab") as file:
                    done.codes.tofile(file)
            progress.add(done)
    progress.tell()
    for line in totals(record.lines):
        print(line)
    return bool(progress.differences)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
