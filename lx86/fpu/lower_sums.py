"""MPSADBW, PHMINPOSUW, DPPS and DPPD: what combines the lanes of a register."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import patterns, vsx
from .known import GENERAL
from .lowering import SCRATCH_VR, ZERO_VR, full, guarded, set_form, to_general
from .patterns import Pattern

if TYPE_CHECKING:
    from ..context import Context
    from ..emitter import Emitter
    from ..instruction import Instruction

_ZERO = ZERO_VR + 32
_T, _U, _V, _W = SCRATCH_VR + 1, SCRATCH_VR + 2, SCRATCH_VR + 3, SCRATCH_VR + 4
_PERMUTE = 43
"""VA-form."""
_DIFFERENCES, _SUM_FOURS, _PACK_WORDS = 1027, 1544, 78
"""vabsdub, vsum4ubs, vpkuwum."""
_MERGE_HIGH, _MERGE_LOW, _LEAST_WORDS, _ROTATE_WORDS = 76, 332, 642, 132
"""vmrghh, vmrglh, vminuw, vrlw."""
_EVEN_WORDS, _ODD_WORDS = 1932, 1676
"""vmrgew, vmrgow."""


def _v(e: Emitter, extended: int, t: int, a: int, b: int) -> None:
    """Of VSRs 32 to 63, by their numbers as such."""
    vsx.vector(e, extended, t - 32, a - 32, b - 32)


def differences(x: Context, i: Instruction, order: int) -> None:
    """MPSADBW: four bytes of the second operand against eight places of the first."""
    e, first = x.e, order >> 2 & 1
    b, a = full(x, i), to_general(x, i.reg)
    vsx.xx2(e, vsx.XXSPLTW, _T, b, order & 3 ^ 1)
    for target, pattern in ((_U, Pattern.FOURS_0 + first), (_V, Pattern.FOURS_4 + first)):
        patterns.load(e, target, Pattern(pattern))
        vsx.vector_4(e, _PERMUTE, target - 32, a - 32, a - 32, target - 32)
        _v(e, _DIFFERENCES, target, target, _T)
        _v(e, _SUM_FOURS, target, target, _ZERO)
    _v(e, _PACK_WORDS, a, _U, _V)


def least(x: Context, i: Instruction) -> None:
    """PHMINPOSUW: words of a halfword and its number; the least of them is the first such."""
    e = x.e
    b, a = full(x, i), to_general(x, i.reg)
    patterns.load(e, _T, Pattern.LANES_16)
    _v(e, _MERGE_HIGH, _U, b, _T)
    _v(e, _MERGE_LOW, _V, b, _T)
    _v(e, _LEAST_WORDS, _U, _U, _V)
    vsx.swap(e, _V, _U)
    _v(e, _LEAST_WORDS, _U, _U, _V)
    vsx.shift_words(e, _V, _U, _U, 1)
    _v(e, _LEAST_WORDS, _U, _U, _V)
    vsx.splat_byte(e, _V, 16)
    _v(e, _ROTATE_WORDS, _U, _U, _V)
    vsx.copy(e, a, _ZERO)
    vsx.insert_word(e, a, _U, 4)


def dot(x: Context, i: Instruction, order: int) -> None:
    """DPPS, DPPD: products that the upper half of the byte names; the sum where the lower does."""
    single = i.opcode == 0xF3A40
    b, a = full(x, i), to_general(x, i.reg)
    with guarded(x, i):
        _products(x.e, single, order >> 4, a, b)
        _sum(x.e, single, order & 15, a)
        set_form(x, i.reg, GENERAL)


def _products(e: Emitter, single: bool, chosen: int, a: int, b: int) -> None:
    """Into `_T`; 0 where there is none, for which both operands are 0."""
    left, right = _T, _U
    if _mask(e, single, chosen, _V):
        vsx.xx3(e, vsx.XXLAND, left, a, _V)
        vsx.xx3(e, vsx.XXLAND, right, b, _V)
    else:
        left, right = a, b
    vsx.xx3(e, vsx.XVMULSP if single else vsx.XVMULDP, _T, left, right)


def _sum(e: Emitter, single: bool, chosen: int, target: int) -> None:
    """Of what is in `_T`.  Singles are added by pairs."""
    add = vsx.XVADDSP if single else vsx.XVADDDP
    if single:
        _v(e, _ODD_WORDS, _U, _T, _ZERO)
        _v(e, _EVEN_WORDS, _T, _T, _ZERO)
        vsx.xx3(e, add, _T, _U, _T)
    vsx.swap(e, _U, _T)
    vsx.xx3(e, add, _T, _T, _U)
    if single:
        vsx.xx2(e, vsx.XXSPLTW, _T, _T, 0)
    else:
        vsx.permute_doublewords(e, _T, _T, _T, 0)
    if _mask(e, single, chosen, _U):
        vsx.xx3(e, vsx.XXLAND, target, _T, _U)
    else:
        vsx.copy(e, target, _T)


def _mask(e: Emitter, single: bool, chosen: int, target: int) -> bool:
    """Ones in lanes that are chosen; False: all are."""
    if not single:
        chosen = (chosen & 1) * 3 | (chosen >> 1 & 1) * 12
    if chosen & 15 == 15:
        return False
    lanes_of_words(e, target, _W, chosen)
    return True


def lanes_of_words(e: Emitter, target: int, scratch: int, chosen: int) -> None:
    """Ones in the words that `chosen` has a bit for."""
    bits = sum(3 << 2 * n for n in range(4) if chosen >> n & 1)
    lanes_of_halfwords(e, target, scratch, bits)


def lanes_of_halfwords(e: Emitter, target: int, scratch: int, chosen: int) -> None:
    patterns.load(e, scratch, Pattern.BITS_16)
    vsx.splat_byte(e, target, chosen)
    vsx.xx3(e, vsx.XXLAND, target, target, scratch)
    _v(e, 70, target, target, scratch)  # vcmpequh
