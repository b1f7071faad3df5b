"""Instructions of a partition as text, as its processor sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import ByteOrder
from emu.disassembler import disassemble
from emu.translation import Access

from .fetching import instruction_bytes

if TYPE_CHECKING:
    from .inspection import Inspected

_INSTRUCTION_BYTES = 4


def listing(partition: Inspected, first: int, count: int) -> list[str]:
    """`count` instructions from effective address `first` on, a line each."""
    order = ByteOrder.LITTLE if partition.registers.msr.LE else ByteOrder.BIG
    lines = []
    effective = first
    for _ in range(count):
        real = partition.translate(effective, Access.FETCH)
        code = None if real is None else instruction_bytes(partition.memory, real, order)
        if code is None:
            lines.append(f"{effective:016x}  (no storage)")
            effective += _INSTRUCTION_BYTES
        else:
            instruction = next(disassemble(code, effective, order))
            lines.append(f"{effective:016x}  {instruction.digits}  {instruction.text}")
            effective += instruction.size
    return lines
