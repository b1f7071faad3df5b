"""Run a driver: `python -m tests.hostile NAME --seed S --count N [--round R]`."""

from __future__ import annotations

import sys
import time

import click

from .drivers import DRIVERS
from .rounds import Tally, resident_bytes


@click.command()
@click.argument("name", type=click.Choice(sorted(DRIVERS)))
@click.option("--seed", default=1, show_default=True)
@click.option("--count", default=100_000, show_default=True, help="calls or instructions")
@click.option("--round", "number", type=int, help="run this round alone")
def main(name: str, seed: int, count: int, number: int | None) -> None:
    """Run hostile guests of the kind NAME."""
    driver, started = DRIVERS[name], time.monotonic()

    def progress(number: int, tally: Tally) -> None:
        seconds = time.monotonic() - started
        print(
            f"round {number}: {tally.done} {driver.unit}, {seconds:.1f} s, "
            f"{resident_bytes() >> 20} MiB",
            file=sys.stderr,
            flush=True,
        )

    tally = driver.drive(seed, count, progress) if number is None else driver.replay(seed, number)
    print(f"{name}, seed {seed}: {tally}\n{time.monotonic() - started:.1f} s")


main()
