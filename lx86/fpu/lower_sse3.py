"""SSE3: duplicating moves, and sums and differences of neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import vsx
from .known import GENERAL, XMM
from .lowering import (
    SCRATCH,
    SCRATCH_VR,
    full,
    guarded,
    in_storage,
    load_vector,
    low_double,
    memory,
    set_form,
    to_general,
    to_index,
)
from .sse3 import CODES

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

_LXVDSX = 332
_EVEN_WORDS, _ODD_WORDS = 1932, 1676
"""vmrgew, vmrgow: words 0 and 2 of both operands by turns, or words 1 and 3."""


def lower(x: Context, i: Instruction) -> bool:
    """False: it is none of these.  Lane 0 of singles lies in word 1, lane 1 in word 0."""
    key = i.opcode & 0xFF, i.prefix
    if key not in CODES:
        return False
    reg, e = i.reg, x.e
    match key:
        case (0x12, 0xF2) if in_storage(i):
            ra, rb = to_index(x, x.address(memory(i)))
            x.may_fail()
            vsx.indexed(e, _LXVDSX, XMM + reg, ra, rb)
        case (0x12, 0xF2):
            source = low_double(x, i)
            vsx.permute_doublewords(e, XMM + reg, source, source, 0)
        case (0xF0, 0xF2):
            load_vector(x, i, XMM + reg)
        case (0x12 | 0x16, 0xF3):
            source = full(x, i) - 32
            which = _EVEN_WORDS if key[0] == 0x16 else _ODD_WORDS
            vsx.vector(e, which, XMM + reg - 32, source, source)
        case (0xD0, _):
            _alternating(x, i)
        case _:
            _neighbours(x, i)
    set_form(x, reg, GENERAL)
    return True


def _alternating(x: Context, i: Instruction) -> None:
    """ADDSUBPS, ADDSUBPD; each lane is computed one way only, as exceptions are told of it."""
    b, a, e = full(x, i), to_general(x, i.reg), x.e
    one, two = SCRATCH_VR + 1, SCRATCH_VR + 2
    with guarded(x, i):
        if i.prefix == 0x66:
            vsx.swap(e, one, a)
            vsx.swap(e, two, b)
            vsx.xx3(e, vsx.XSADDDP, one, one, two)
            vsx.xx3(e, vsx.XSSUBDP, two, a, b)
            vsx.permute_doublewords(e, a, two, one, 0)
            return
        for which, operation, target in (
            (_ODD_WORDS, vsx.XVSUBSP, two),
            (_EVEN_WORDS, vsx.XVADDSP, one),
        ):
            other = SCRATCH_VR + 3
            vsx.vector(e, which, target - 32, a - 32, a - 32)
            vsx.vector(e, which, other - 32, b - 32, b - 32)
            vsx.xx3(e, operation, target, target, other)
        vsx.vector(e, _EVEN_WORDS, a - 32, one - 32, two - 32)


def _neighbours(x: Context, i: Instruction) -> None:
    """HADDPS, HADDPD, HSUBPS, HSUBPD."""
    b, a, e = full(x, i), to_general(x, i.reg), x.e
    subtracts = i.opcode & 1
    one, two = SCRATCH_VR + 1, SCRATCH_VR + 2
    with guarded(x, i):
        if i.prefix == 0x66:
            vsx.permute_doublewords(e, one, a, b, 0)
            vsx.permute_doublewords(e, two, a, b, 3)
            vsx.xx3(e, vsx.XVSUBDP if subtracts else vsx.XVADDDP, a, one, two)
            return
        vsx.vector(e, _ODD_WORDS, one - 32, a - 32, b - 32)
        vsx.vector(e, _EVEN_WORDS, two - 32, a - 32, b - 32)
        vsx.xx3(e, vsx.XVSUBSP if subtracts else vsx.XVADDSP, SCRATCH, one, two)
        vsx.swap(e, SCRATCH + 1, SCRATCH)
        vsx.xx3(e, vsx.XXMRGHW, a, SCRATCH + 1, SCRATCH)
