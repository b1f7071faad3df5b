"""MOVMSKPS, MOVMSKPD and PMOVMSKB of XMM registers: sign bits gathered by VBPERMQ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import patterns, vsx
from .lowering import SCRATCH_VR, in_storage, to_general
from .patterns import Pattern

if TYPE_CHECKING:
    from ..context import Context
    from ..emitter import Emitter
    from ..instruction import Instruction

_VBPERMQ = 1356
_WHICH = {
    (0xD7, 0x66): Pattern.SIGNS_8,
    (0x50, 0): Pattern.SIGNS_32,
    (0x50, 0x66): Pattern.SIGNS_64,
}


def lower(x: Context, i: Instruction) -> bool:
    """False: it is none of these."""
    which = _WHICH.get((i.opcode & 0xFF, i.prefix))
    if which is None or in_storage(i):
        return False
    source = to_general(x, i.rm)
    patterns.load(x.e, SCRATCH_VR, which)
    target = x.define(i.reg)
    gather(x.e, target, source, SCRATCH_VR)
    x.s.widths[target] = 16
    return True


def gather(e: Emitter, target: int, source: int, signs: int, scratch: int = SCRATCH_VR) -> None:
    """The sign bits of a VSR's elements into a general register, by one of the patterns `SIGNS`."""
    vsx.vector(e, _VBPERMQ, scratch - 32, source - 32, signs - 32)
    vsx.indexed(e, vsx.MFVSRD, scratch, target, 0)
