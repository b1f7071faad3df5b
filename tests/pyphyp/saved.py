"""A guest to be saved, and what two equal runs of it have in common."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.pyphyp.guests import program, put

if TYPE_CHECKING:
    from emu.program import Program
    from pyphyp import Machine, Partition

INEXACT = ("tlb_fills",)
WORKS = program(
    f"""
        li      r20,40
again:  hcall   H_RANDOM
        load64  r5,0x20000
        mulli   r6,r20,4096
        stdx    r4,r5,r6
        {put("tick")}
        mfspr   r7,268
        andi.   r7,r7,1023
        mtctr   r7
wait:   bdnz    wait
        addi    r20,r20,-1
        cmpdi   r20,0
        bne     again
        li      r3,0x3000
        load64  r4,0x7fffffff
        mtdec   r4
        b       .
"""
)


@dataclass(frozen=True)
class End:
    """All that two equal runs have in common."""

    outcome: object
    counts: str
    registers: str
    storage: tuple[tuple[int, bytes], ...]


def ending(partition: Partition, instructions: int | None = None) -> End:
    outcome = partition.run(instructions=instructions)
    counts = partition.stats().exact()
    for name in INEXACT:
        counts.pop(name)
    memory = partition.memory
    storage = tuple((p.address, bytes(memory.view(p))) for p in memory.pieces_in_use())
    return End(outcome, json.dumps(counts), partition.registers.dump(), storage)


def started(machine: Machine, guest: Program, **options: int) -> Partition:
    partition = machine.add_partition(memory="16M", **options)
    partition.load(guest)
    return partition
