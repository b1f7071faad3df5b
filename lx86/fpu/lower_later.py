"""SSSE3, SSE4.1 and SSE4.2: packed integers, of XMM registers and, where they have them, of MMX's.

Sequences below are for lanes in both halves of VSRs `a`, the target, and `b`; MMX's registers have
them in doubleword 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import vsx
from .lowering import SCRATCH_VR, ZERO_VR

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..emitter import Emitter

_ZERO = ZERO_VR + 32
_T, _U, _V = SCRATCH_VR + 1, SCRATCH_VR + 2, SCRATCH_VR + 3
"""As VSRs."""
_PLAIN = {
    0xF3828: 392, 0xF3829: 199, 0xF3837: 967,  # vmulosw, vcmpequd, vcmpgtsd
    0xF3838: 770, 0xF3839: 898, 0xF383A: 578, 0xF383B: 642,  # vminsb, vminsw, vminuh, vminuw
    0xF383C: 258, 0xF383D: 386, 0xF383E: 66, 0xF383F: 130,  # vmaxsb, vmaxsw, vmaxuh, vmaxuw
    0xF3840: 137,  # vmuluwm
}  # fmt: skip
_GREATER, _EQUAL, _SUBTRACT, _MAXIMUM = (
    (774, 838, 902), (6, 70, 134), (1024, 1088, 1152), (258, 322, 386)
)  # fmt: skip
"""vcmpgts, vcmpequ, vsubu.m and vmaxs of bytes, halfwords and words."""
_PERMUTE, _MULTIPLY_ROUNDED, _MULTIPLY_LOW = 43, 33, 34
"""VA-form: vperm, vmhraddshs, vmladduhm."""
_SHIFT_LEFT_H, _SHIFT_RIGHT_H, _ALGEBRAIC_H, _SHIFT_RIGHT_W, _ADD_SATURATED = (
    324, 580, 836, 644, 832
)  # fmt: skip
_EVEN_WORDS, _ODD_WORDS, _PACK_WORDS, _PACK_UNSIGNED = 1932, 1676, 78, 334
_PAIRS = {
    0xF3801: 64, 0xF3802: 128, 0xF3803: 832,  # vadduhm, vadduwm, vaddshs
    0xF3805: 1088, 0xF3806: 1152, 0xF3807: 1856,  # vsubuhm, vsubuwm, vsubshs
}  # fmt: skip


def _v(e: Emitter, extended: int, t: int, a: int, b: int) -> None:
    """Of VSRs 32 to 63, by their numbers as such."""
    vsx.vector(e, extended, t - 32, a - 32, b - 32)


def _shuffle(e: Emitter, a: int, b: int) -> None:
    """PSHUFB of 16 bytes: x86's byte n is byte n ^ 7 of the VSR."""
    vsx.splat_byte(e, _T, 7)
    vsx.xx3(e, vsx.XXLXOR, _T, _T, b)
    _v(e, _GREATER[0], _U, _ZERO, b)
    vsx.vector_4(e, _PERMUTE, _T - 32, a - 32, a - 32, _T - 32)
    vsx.xx3(e, vsx.XXLANDC, a, _T, _U)


def _shuffle_eight(e: Emitter, a: int, b: int) -> None:
    vsx.splat_byte(e, _T, 7)
    vsx.xx3(e, vsx.XXLANDC, _T, _T, b)
    _v(e, _GREATER[0], _U, _ZERO, b)
    vsx.vector_4(e, _PERMUTE, _T - 32, a - 32, a - 32, _T - 32)
    vsx.xx3(e, vsx.XXLANDC, a, _T, _U)


def _sign(e: Emitter, size: int, a: int, b: int) -> None:
    _v(e, _GREATER[size], _T, _ZERO, b)
    _v(e, _EQUAL[size], _U, _ZERO, b)
    vsx.xx3(e, vsx.XXLXOR, _V, a, _T)
    _v(e, _SUBTRACT[size], _V, _V, _T)
    vsx.xx3(e, vsx.XXLANDC, a, _V, _U)


def _absolute(e: Emitter, size: int, a: int, b: int) -> None:
    _v(e, _SUBTRACT[size], _T, _ZERO, b)
    _v(e, _MAXIMUM[size], a, _T, b)


def _multiply_rounded(e: Emitter, a: int, b: int) -> None:
    """PMULHRSW: less one, so that nothing saturates, and one more."""
    vsx.splat_byte(e, _T, 0xFF)
    vsx.vector_4(e, _MULTIPLY_ROUNDED, _U - 32, a - 32, b - 32, _T - 32)
    _v(e, _SUBTRACT[1], a, _U, _T)


def _multiply_add(e: Emitter, a: int, b: int) -> None:
    """PMADDUBSW: products of the upper bytes of halfwords, then of the lower ones."""
    eight, left, right = SCRATCH_VR + 4, _T, _U
    vsx.splat_byte(e, eight, 8)
    _v(e, _SHIFT_RIGHT_H, left, a, eight)
    _v(e, _ALGEBRAIC_H, right, b, eight)
    vsx.vector_4(e, _MULTIPLY_LOW, _V - 32, left - 32, right - 32, ZERO_VR)
    for which, operand, back in ((left, a, _SHIFT_RIGHT_H), (right, b, _ALGEBRAIC_H)):
        _v(e, _SHIFT_LEFT_H, which, operand, eight)
        _v(e, back, which, which, eight)
    vsx.vector_4(e, _MULTIPLY_LOW, left - 32, left - 32, right - 32, ZERO_VR)
    _v(e, _ADD_SATURATED, a, left, _V)


def _pair_sums(e: Emitter, operation: int, a: int, b: int) -> None:
    """Into `_U` and `_V`: sums of halfwords in the lower half of each word."""
    vsx.splat_byte(e, _T, 16)
    for target, operand in ((_U, a), (_V, b)):
        _v(e, _SHIFT_RIGHT_W, target, operand, _T)
        _v(e, operation, target, operand, target)


def _pairs(e: Emitter, opcode: int, a: int, b: int) -> None:
    """PHADDW to PHSUBSW."""
    operation = _PAIRS[opcode]
    if opcode in (0xF3802, 0xF3806):
        _v(e, _ODD_WORDS, _T, a, b)
        _v(e, _EVEN_WORDS, _U, a, b)
        _v(e, operation, _T, _T, _U)
        vsx.swap(e, _U, _T)
        vsx.xx3(e, vsx.XXMRGHW, a, _U, _T)
        return
    _pair_sums(e, operation, a, b)
    vsx.swap(e, _U, _U)
    vsx.swap(e, _V, _V)
    _v(e, _PACK_WORDS, a, _U, _V)


def _pairs_of_eight(e: Emitter, opcode: int, a: int, b: int) -> None:
    operation = _PAIRS[opcode]
    if opcode in (0xF3802, 0xF3806):
        _v(e, _ODD_WORDS, _T, b, a)
        _v(e, _EVEN_WORDS, _U, b, a)
        _v(e, operation, a, _T, _U)
        return
    _pair_sums(e, operation, a, b)
    vsx.permute_doublewords(e, _U, _V, _U, 0)
    _v(e, _PACK_WORDS, a, _U, _U)


def _pack(e: Emitter, a: int, b: int) -> None:
    vsx.swap(e, _T, a)
    vsx.swap(e, _U, b)
    _v(e, _PACK_UNSIGNED, a, _T, _U)


def _alike() -> dict[int, Callable[[Emitter, int, int], None]]:
    """What is the same for 8 and 16 bytes."""

    def sized(f: Callable[[Emitter, int, int, int], None], n: int) -> Callable[..., None]:
        return lambda e, a, b: f(e, n, a, b)

    def plain(extended: int) -> Callable[..., None]:
        return lambda e, a, b: _v(e, extended, a, a, b)

    return {
        **{opcode: plain(extended) for opcode, extended in _PLAIN.items()},
        **{0xF3808 + n: sized(_sign, n) for n in range(3)},
        **{0xF381C + n: sized(_absolute, n) for n in range(3)},
        0xF3804: _multiply_add,
        0xF380B: _multiply_rounded,
    }


_ALIKE = _alike()


def sixteen(opcode: int) -> Callable[[Emitter, int, int], None] | None:
    """The sequence for XMM registers of an opcode of `three_bytes`, if there is one."""
    if opcode in _PAIRS:
        return lambda e, a, b: _pairs(e, opcode, a, b)
    return {0xF3800: _shuffle, 0xF382B: _pack}.get(opcode) or _ALIKE.get(opcode)


def eight(opcode: int) -> Callable[[Emitter, int, int], None] | None:
    """And for MMX's."""
    if opcode in _PAIRS:
        return lambda e, a, b: _pairs_of_eight(e, opcode, a, b)
    return _shuffle_eight if opcode == 0xF3800 else _ALIKE.get(opcode)
