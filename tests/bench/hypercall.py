"""A hypercall's round trip through its Python handler, in a loop of three instructions."""

from __future__ import annotations

import statistics
import time

from emu.assembler import assemble
from pyphyp import Machine

CALLS = 100_000
LOOP = f"""
        load64  r10, {CALLS}
        mtctr   r10
1:      li      r3, 0x300       # H_RANDOM
        sc      1
        bdnz    1b
        b       .
"""


def main(rounds: int) -> None:
    figures = [_microseconds_a_call() for _ in range(rounds)]
    median = statistics.median(figures)
    print(f"a hypercall through a Python handler ({CALLS:,} of H_RANDOM)")
    print(f"  {median:.1f} us ({min(figures):.1f} to {max(figures):.1f}); reach 4, prize 2")


def _microseconds_a_call() -> float:
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="16M")
        partition.load(assemble(LOOP))
        begin = time.perf_counter()
        partition.run(instructions=3 * CALLS + 100)  # and a few at its end
        passed = time.perf_counter() - begin
        assert partition.stats().hcalls["H_RANDOM"] == CALLS
    return passed / CALLS * 1e6
