"""Carries out one instruction of x87, MMX or SSE on a processor's state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cpu import Vector
from ..three_bytes import THREE_BYTES
from . import simd, simd3, x87
from .operation import Refused
from .x87_codes import is_defined, waits

if TYPE_CHECKING:
    from .operation import Operation

_CONTROL = {(0xD9, 4), (0xD9, 5), (0xD9, 6), (0xD9, 7), (0xDD, 4), (0xDD, 6), (0xDD, 7)}
"""With a storage operand: instructions that leave the last instruction's address alone."""


def interpret(op: Operation) -> None:
    """Raises `Refused`, `Undefined` or `StorageFault`; the state is then as it was."""
    i = op.instruction
    if i.name == "fwait":
        if op.floating.status & 0x80:
            raise Refused(Vector.X87_ERROR)
    elif i.name == "simd":
        simd.execute(op)
    elif i.name == THREE_BYTES:
        simd3.execute(op)
    else:
        if op.floating.status & 0x80 and waits(i.opcode, i.modrm):
            if is_defined(i.opcode, i.modrm):
                raise Refused(Vector.X87_ERROR)
            op.undefined()
        x87.execute(op)
        _remember(op)


def _remember(op: Operation) -> None:
    """The address of the last instruction that is no control instruction (SDM volume 1, 8.1.8)."""
    i = op.instruction
    if i.modrm < 0xC0:
        if (i.opcode, i.modrm >> 3 & 7) in _CONTROL:
            return
        op.floating.operand = op.address
    elif (i.opcode == 0xDB and 0xE0 <= i.modrm <= 0xE4) or (i.opcode == 0xDF and i.modrm == 0xE0):
        return
    op.floating.instruction = i.address
    op.floating.opcode = (i.opcode & 7) << 8 | i.modrm
