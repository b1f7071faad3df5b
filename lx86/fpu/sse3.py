"""SSE3 (SDM volume 1, 12.3): what each instruction does, but for FISTTP, which is the x87's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lanes import join, split
from .number import DOUBLE, SINGLE
from .packed_float import ADD, SUBTRACT

if TYPE_CHECKING:
    from .simd import Registers

CODES = frozenset(
    ((0x12, 0xF2), (0x12, 0xF3), (0x16, 0xF3), (0xF0, 0xF2),
     *((opcode, prefix) for opcode in (0x7C, 0x7D, 0xD0) for prefix in (0x66, 0xF2)))
)  # fmt: skip
"""By the second opcode byte and prefix."""
_FORMS = {0x66: (DOUBLE, 64), 0xF2: (SINGLE, 32)}


def execute(r: Registers) -> bool:
    """False: it is none of these."""
    key = r.opcode, r.prefix
    match key:
        case (0x12, 0xF2):  # MOVDDUP
            r.set_xmm(r.reg, r.source(64) * (1 << 64 | 1))
        case (0x12 | 0x16, 0xF3):  # MOVSLDUP, MOVSHDUP
            lanes = split(r.source(), 32, 4)
            odd = r.opcode >> 2 & 1
            r.set_xmm(r.reg, join((lanes[n & 2 | odd] for n in range(4)), 32))
        case (0xF0, 0xF2) if r.in_storage:  # LDDQU
            r.set_xmm(r.reg, r.op.load(16))
        case _ if key in CODES and r.opcode != 0xF0:
            _arithmetic(r)
        case _:
            return False
    return True


def _arithmetic(r: Registers) -> None:
    """HADDPS, HSUBPS, ADDSUBPS and those of doubles."""
    form, width = _FORMS[r.prefix]
    count = 128 // width
    x, y = split(r.xmm(r.reg), width, count), split(r.source(), width, count)
    lanes = r.lanes()
    if r.opcode == 0xD0:
        operations = (SUBTRACT, ADD)
        values = [
            lanes.arithmetic(operations[n & 1], a, b, form)
            for n, (a, b) in enumerate(zip(x, y, strict=True))
        ]
    else:
        operation = ADD if r.opcode == 0x7C else SUBTRACT
        both = x + y
        values = [
            lanes.arithmetic(operation, both[n], both[n + 1], form) for n in range(0, len(both), 2)
        ]
    r.finish(lanes)
    r.set_xmm(r.reg, join(values, width))
