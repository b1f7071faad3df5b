"""A loop for debuggers and traces to look at, and what an unwatched run of it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.assembler import assemble
from emu.bits import ByteOrder
from emu.exits import Hypercall

from .machine import BUDGET, REAL, Bare, bare

if TYPE_CHECKING:
    from emu.exits import Exit

CODE, DATA = 0x4000, 0x9000
LOOP = f"""
_start:
        li      r4,10
        mtctr   r4
        li      r5,0
        load64  r7,{DATA:#x}
again:  addi    r5,r5,3
        std     r5,8(r7)
        mftb    r9
        add     r10,r10,r9
        ld      r6,8(r7)
        stb     r5,0x20(r7)
behind: bdnz    again
        sc      1
"""


def load(processor: Bare, source: str, order: ByteOrder = ByteOrder.BIG) -> dict[str, int]:
    """Ready to run `source`; gives its labels."""
    program = assemble(source, origin=CODE, byte_order=order)
    processor.memory.write(program.origin, program.image())
    processor.registers.msr = REAL.replace(LE=int(order is ByteOrder.LITTLE))
    processor.registers.nip = program.entry
    return dict(program.symbols)


def go(processor: Bare) -> Exit:
    return processor.engine.run(processor.engine.time_base + BUDGET)


def fingerprint(processor: Bare) -> tuple[int, ...]:
    """All that an unwatched run leaves; the sum of mftb's results is among it."""
    registers, counts = processor.registers, processor.engine.counts()
    gprs = (registers.gpr(n) for n in range(32))
    return (*gprs, registers.nip, counts.instructions, processor.engine.time_base, counts.entries)


def unwatched(source: str, order: ByteOrder = ByteOrder.BIG) -> tuple[int, ...]:
    """The `fingerprint` of a run at which nobody looks."""
    with bare() as processor:
        load(processor, source, order)
        assert go(processor) == Hypercall()
        return fingerprint(processor)
