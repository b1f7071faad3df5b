"""Which combinations of prefix and opcode are instructions of MMX, SSE, SSE2 and SSE3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cpuid import NO_MORE, More
from . import sse3
from .packed_integer import BINARY, SSE2_ONLY

if TYPE_CHECKING:
    from ..instruction import Instruction

_STORAGE_ONLY = {
    (0x13, 0), (0x13, 0x66), (0x17, 0), (0x17, 0x66), (0x12, 0x66), (0x16, 0x66), (0x2B, 0),
    (0x2B, 0x66), (0xE7, 0), (0xE7, 0x66), (0xF0, 0xF2),
}  # fmt: skip
_REGISTERS_ONLY = {
    (0x50, 0), (0x50, 0x66), (0xD7, 0), (0xD7, 0x66), (0xF7, 0), (0xF7, 0x66), (0xC5, 0),
    (0xC5, 0x66), (0xD6, 0xF3), (0xD6, 0xF2),
}  # fmt: skip
_GROUPS = {
    0x71: ((2, 4, 6), (2, 4, 6)),
    0x72: ((2, 4, 6), (2, 4, 6)),
    0x73: ((2, 6), (2, 3, 6, 7)),
}
"""ModRM's reg field, for MMX and for SSE2."""
_ANY_PREFIX = frozenset(
    (0x10, 0x11, 0x2A, 0x2C, 0x2D, 0x51, *range(0x58, 0x5B), *range(0x5C, 0x60), 0xC2, 0x70)
)
_NONE_OR_66 = frozenset(
    (*range(0x12, 0x18), 0x28, 0x29, 0x2B, 0x2E, 0x2F, 0x50, 0x54, 0x55, 0x56, 0x57, 0x6E, 0xC4,
     0xC5, 0xC6, 0xD7, 0xE7, 0xF7)
)  # fmt: skip
_OTHERS = {
    0x52: (0, 0xF3), 0x53: (0, 0xF3), 0x5B: (0, 0x66, 0xF3), 0x6F: (0, 0x66, 0xF3),
    0x7E: (0, 0x66, 0xF3), 0x7F: (0, 0x66, 0xF3), 0xD6: (0x66, 0xF3, 0xF2),
    0xE6: (0x66, 0xF3, 0xF2), 0x77: (0,), 0xAE: (0,),
}  # fmt: skip


def is_defined(i: Instruction, more: More = NO_MORE) -> bool:
    """`more`: the sets that are there beyond SSE2."""
    opcode, prefix, storage = i.opcode & 0xFF, i.prefix, 0 <= i.modrm < 0xC0
    if (opcode, prefix) in (_REGISTERS_ONLY if storage else _STORAGE_ONLY):
        return False
    if (opcode, prefix) in sse3.CODES:
        return bool(more & More.SSE3)
    reg = i.modrm >> 3 & 7
    if opcode in _GROUPS:
        return not storage and prefix in (0, 0x66) and reg in _GROUPS[opcode][prefix == 0x66]
    if opcode == 0xAE:
        return not prefix and reg in ((0, 1, 2, 3, 7) if storage else (5, 6, 7))
    if opcode in BINARY:
        return prefix == 0x66 or (not prefix and opcode not in SSE2_ONLY)
    if opcode in _ANY_PREFIX:
        return True
    if opcode in _NONE_OR_66:
        return prefix in (0, 0x66)
    return prefix in _OTHERS.get(opcode, ())
