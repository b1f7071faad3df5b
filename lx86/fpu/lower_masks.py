"""MOVMSKPS, MOVMSKPD and PMOVMSKB of XMM registers: sign bits gathered by VBPERMQ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..convention import CONTEXT
from . import vsx
from .lowering import SCRATCH_VR, in_storage, to_general

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

_VBPERMQ, _MFVSRD = 1356, 51
_NONE = 128
"""VBPERMQ's index of a bit that is 0."""


def _indices(width: int) -> bytes:
    """Which bits of a register VBPERMQ takes, for elements of `width` bits."""
    wanted = [width * (n + 1) - 1 for n in range(128 // width)]  # as x86 counts
    bits = [(63 - bit if bit < 64 else 191 - bit) for bit in reversed(wanted)]
    return bytes([_NONE] * (16 - len(bits)) + bits)


MASKS_AT = 0x380
"""In the context: operands of VBPERMQ, for elements of 8, 32 and 64 bits."""
MASKS = b"".join(_indices(width)[::-1] for width in (8, 32, 64))
_WHICH = {(0xD7, 0x66): 0, (0x50, 0): 1, (0x50, 0x66): 2}


def lower(x: Context, i: Instruction) -> bool:
    """False: it is none of these."""
    which = _WHICH.get((i.opcode & 0xFF, i.prefix))
    if which is None or in_storage(i):
        return False
    source = to_general(x, i.rm)
    vsx.load_quadword(x.e, SCRATCH_VR, CONTEXT, MASKS_AT + 16 * which)
    vsx.vector(x.e, _VBPERMQ, SCRATCH_VR - 32, source - 32, SCRATCH_VR - 32)
    target = x.define(i.reg)
    vsx.indexed(x.e, _MFVSRD, SCRATCH_VR, target, 0)
    x.s.widths[target] = 16
    return True
