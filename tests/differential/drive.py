"""Cases of a group until a number of them is done."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from . import block, generate
from .compare import Finding, findings
from .runners import Ours, Qemu

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emu.bits import ByteOrder


def drive(name: str, order: ByteOrder, seed: int, count: int) -> Iterator[Finding]:
    """What differs in `count` cases of a group of instructions."""
    group, rng = generate.groups()[name], random.Random(f"{name} {seed}")
    with Qemu(order, generate.PROCESSORS[name]) as theirs, Ours(order) as ours:
        for _ in range(0, count, block.SLOTS):
            yield from findings(theirs, ours, generate.batch(rng, group, order))
