"""AES-NI and PCLMULQDQ.

VCIPHER and its kin have the state's first byte at the left, so bytes are turned around in both
doublewords before and after.  VNCIPHER adds the key before its columns are mixed, AESDEC behind:
there is none in the former, and XOR adds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..instruction import Imm
from . import vsx
from .known import GENERAL
from .lowering import SCRATCH_VR, ZERO_VR, full, set_form, to_general

if TYPE_CHECKING:
    from ..context import Context
    from ..emitter import Emitter
    from ..instruction import Instruction

_ZERO = ZERO_VR + 32
_T, _U, _V = SCRATCH_VR + 1, SCRATCH_VR + 2, SCRATCH_VR + 3
_ROUNDS = {0xF38DC: 1288, 0xF38DD: 1289, 0xF38DE: 1352, 0xF38DF: 1353}
"""vcipher, vcipherlast, vncipher, vncipherlast."""
_INVERSE_MIXED, _KEY, _MULTIPLY = 0xF38DB, 0xF3ADF, 0xF3A44
_BOX, _PRODUCTS, _EVEN_WORDS, _ROTATE_WORDS, _SHIFT_RIGHT_WORDS = 1480, 1224, 1932, 132, 644
"""vsbox, vpmsumd, vmrgew, vrlw, vsrw."""


def lower(x: Context, i: Instruction) -> bool:
    """False: it is none of these."""
    opcode = i.opcode
    if opcode not in _ROUNDS and opcode not in (_INVERSE_MIXED, _KEY, _MULTIPLY):
        return False
    e, b, a = x.e, full(x, i), to_general(x, i.reg)
    if opcode == _INVERSE_MIXED:
        _turned(e, _T, b)
        _v(e, _ROUNDS[0xF38DD], _T, _T, _ZERO)
        _v(e, _ROUNDS[0xF38DE], _T, _T, _ZERO)
        _turned(e, a, _T)
    elif opcode == _KEY:
        _key(e, a, b, _immediate(i))
    elif opcode == _MULTIPLY:
        _multiply(e, a, b, _immediate(i))
    else:
        _turned(e, _T, a)
        _v(e, _ROUNDS[opcode], _T, _T, _ZERO)
        _turned(e, _T, _T)
        vsx.xx3(e, vsx.XXLXOR, a, _T, b)
    set_form(x, i.reg, GENERAL)
    return True


def _immediate(i: Instruction) -> int:
    operand = i.operands[-1]
    assert isinstance(operand, Imm)
    return operand.value & 0xFF


def _v(e: Emitter, extended: int, t: int, a: int, b: int) -> None:
    """Of VSRs 32 to 63, by their numbers as such."""
    vsx.vector(e, extended, t - 32, a - 32, b - 32)


def _turned(e: Emitter, t: int, b: int) -> None:
    """xxbrd."""
    vsx.xx2(e, 475, t, b, 23)


def _key(e: Emitter, a: int, b: int, constant: int) -> None:
    """AESKEYGENASSIST: of the words 1 and 3 each, replaced, and then turned and added to."""
    vsx.splat_byte(e, _U, 24)
    if constant:
        vsx.splat_byte(e, _V, constant)
        _v(e, _SHIFT_RIGHT_WORDS, _V, _V, _U)
        _v(e, _EVEN_WORDS, _V, _V, _ZERO)
    _v(e, _EVEN_WORDS, _U, _U, _ZERO)
    vsx.vector(e, _BOX, _T - 32, b - 32, 0)
    _v(e, _EVEN_WORDS, _T, _T, _T)
    _v(e, _ROTATE_WORDS, _T if constant else a, _T, _U)
    if constant:
        vsx.xx3(e, vsx.XXLXOR, a, _T, _V)


def _multiply(e: Emitter, a: int, b: int, order: int) -> None:
    """PCLMULQDQ: of two doublewords; VPMSUMD adds the product of two others, one of them zero."""
    vsx.permute_doublewords(e, _T, a, _ZERO, (order & 1) << 1)
    if order & 0x10:
        vsx.swap(e, _U, b)
        b = _U
    _v(e, _PRODUCTS, _T, _T, b)
    vsx.swap(e, a, _T)
