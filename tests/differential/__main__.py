"""Compare at length: `python -m tests.differential --seed N --count M [--group NAME]`."""

from __future__ import annotations

import click

from emu.bits import ByteOrder

from .drive import drive
from .generate import PROCESSORS


@click.command()
@click.option("--seed", default=1, show_default=True)
@click.option("--count", default=10_000, show_default=True, help="cases of each group and order")
@click.option("--group", "groups", multiple=True, type=click.Choice(tuple(PROCESSORS)))
def main(seed: int, count: int, groups: tuple[str, ...]) -> None:
    """Run the same instructions under QEMU's user mode and on our core; tell what differs."""
    for name in groups or PROCESSORS:
        for order in ByteOrder:
            found = 0
            for finding in drive(name, order, seed, count):
                found += 1
                print(finding)
            print(f"{name}, {order.value}-endian: {count} cases, {found} differ", flush=True)


main()
