"""Compare at length: `python -m tests.differential --seed N --count M [--group NAME]`."""

from __future__ import annotations

import click

from emu.bits import ByteOrder

from .drive import MODELLED_GROUPS, drive, drive_model
from .generate import PROCESSORS


@click.command()
@click.option("--seed", default=1, show_default=True)
@click.option("--count", default=10_000, show_default=True, help="cases of each group and order")
@click.option("--group", "groups", multiple=True, type=click.Choice(tuple(PROCESSORS)))
@click.option("--model", is_flag=True, help="compare with exact arithmetic instead of QEMU")
def main(seed: int, count: int, groups: tuple[str, ...], model: bool) -> None:
    """Run the same instructions under QEMU's user mode and on our core; tell what differs."""
    compare = drive_model if model else drive
    for name in groups or (MODELLED_GROUPS if model else PROCESSORS):
        for order in ByteOrder:
            found = 0
            for finding in compare(name, order, seed, count):
                found += 1
                print(finding)
            print(f"{name}, {order.value}-endian: {count} cases, {found} differ", flush=True)


main()
