"""Instructions of a partition as text, as its processor sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import ByteOrder
from emu.disassembler import disassemble
from emu.translation import Access

if TYPE_CHECKING:
    from .inspection import Inspected

_INSTRUCTION_BYTES = 4


def listing(partition: Inspected, first: int, count: int) -> list[str]:
    """`count` instructions from effective address `first` on, a line each."""
    order = ByteOrder.LITTLE if partition.registers.msr.LE else ByteOrder.BIG
    lines = []
    for effective in range(first, first + count * _INSTRUCTION_BYTES, _INSTRUCTION_BYTES):
        real = partition.translate(effective, Access.FETCH)
        if real is None or not partition.memory.contains(real, _INSTRUCTION_BYTES):
            lines.append(f"{effective:016x}  (no storage)")
        else:
            code = partition.memory.read(real, _INSTRUCTION_BYTES)
            instruction = next(disassemble(code, effective, order))
            lines.append(f"{effective:016x}  {instruction.word:08x}  {instruction.text}")
    return lines
