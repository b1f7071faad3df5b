"""`python -m tests.bench`: measure and print the table of figures."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Protocol

import click

from . import (
    boot,
    disk,
    dispatched,
    dispatcher,
    hypercall,
    memory,
    network,
    partitions,
    servers,
    state,
    userland,
)
from .figure import HEAD, Figure, Measured
from .session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Benchmark(Protocol):
    """A module: its figures, and how some of them are measured."""

    FIGURES: tuple[Figure, ...]

    def measure(self, wanted: Sequence[Figure], session: Session) -> Iterator[Measured]: ...


BENCHMARKS: tuple[Benchmark, ...] = (
    *(
        boot,
        userland,
        disk,
        servers,
        network,
        hypercall,
        dispatcher,
        dispatched,
        partitions,
        memory,
        state,
    ),
)
FIGURES = {figure.name: figure for benchmark in BENCHMARKS for figure in benchmark.FIGURES}


def tell(progress: str) -> None:
    """On one line that is written over, where somebody watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{progress}", end="", file=sys.stderr, flush=True)
    else:
        print(progress, file=sys.stderr, flush=True)


@click.command()
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1), help="of each")
@click.option("--processor-time", is_flag=True, help="not the time that passes: for a busy host")
@click.option("--json", "as_json", is_flag=True, help="every run, for programs")
@click.option("--list", "listed", is_flag=True, help="tell what the figures are")
@click.argument("figures", nargs=-1, type=click.Choice(list(FIGURES)), metavar="[FIGURE]...")
def main(
    runs: int, processor_time: bool, as_json: bool, listed: bool, figures: tuple[str, ...]
) -> None:
    """Measure FIGUREs, or all there are, in turn with qemu-system-ppc64."""
    if listed:
        for name, figure in FIGURES.items():
            print(f"{name:20} {figure.what}")
        return
    qemu = shutil.which("qemu-system-ppc64") is not None
    if not qemu:
        print("qemu-system-ppc64 is not installed: nothing to compare with", file=sys.stderr)
    session = Session(runs, processor_time, qemu, tell)
    records = []
    if not as_json:
        print(HEAD, flush=True)
    for benchmark in BENCHMARKS:
        wanted = [f for f in benchmark.FIGURES if not figures or f.name in figures]
        for measured in benchmark.measure(wanted, session) if wanted else ():
            if sys.stderr.isatty():
                tell("")
            if as_json:
                records.append(measured.record())
            else:
                print(measured.row(), flush=True)
    if as_json:
        time = "processor" if processor_time else "host"
        print(json.dumps({"runs": runs, "time": time, "figures": records}, indent=1))


main()
