"""SSE4.1: widening, blends, rounding, inserts, extracts and PTEST; and PALIGNR.

Lane n of words lies in word n ^ 1 of a VSR, byte n of x86 in byte n ^ 7, halfwords accordingly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import flags
from ..instruction import Imm
from ..lower import condition
from ..lower.later import rest_is_zero
from . import lower_sums, vsx
from .known import GENERAL, XMM
from .lower_sse import prepare, put_double, put_single
from .lowering import (
    SCRATCH,
    SCRATCH_VR,
    ZERO_VR,
    ZERO_VSR,
    full,
    guarded,
    in_storage,
    load_vector,
    low_double,
    low_single,
    memory,
    result_form,
    set_form,
    stored,
    to_general,
    to_index,
    transfer,
)
from .number import Rounding

if TYPE_CHECKING:
    from ..context import Context
    from ..emitter import Emitter
    from ..instruction import Instruction

_ZERO = ZERO_VR + 32
_T = SCRATCH_VR + 1
# X-form loads and stores of bytes and halfwords, and VX-forms
_LXSIBZX, _LXSIHZX, _STXSIBX, _STXSIHX = 781, 813, 909, 941
_EXTRACT_BYTE, _EXTRACT_HALF, _INSERT_BYTE, _INSERT_HALF = 525, 589, 781, 845
_LESS = {0xF3810: 774, 0xF3814: 902, 0xF3815: 967}
"""vcmpgtsb, vcmpgtsw, vcmpgtsd."""
_HIGH_SIGNED = {8: 526, 16: 590, 32: 1614}
_LOW_SIGNED = {16: 718, 32: 1742}
_HIGH_ZERO = {8: 12, 16: 76, 32: 140}
_LOW_ZERO = {16: 332, 32: 396}
"""Unpacks of the left and right half, and merges with zero, by the narrow width."""
_WIDTHS = ((8, 16), (8, 32), (8, 64), (16, 32), (16, 64), (32, 64))
_CURRENT, _SILENT = 4, 8
"""Bits of the immediate byte of ROUNDPS: as MXCSR says; no inexactness is told."""
_ROUND = {
    0xF3A08: dict(zip(Rounding, (vsx.XVRSPIC, 185, 169, 153), strict=True)),
    0xF3A09: dict(zip(Rounding, (vsx.XVRDPIC, 249, 233, 217), strict=True)),
    0xF3A0A: dict(zip(Rounding, (vsx.XSRDPIC, 121, 105, 89), strict=True)),
}
_ROUND[0xF3A0B] = _ROUND[0xF3A0A]
"""The first as FPSCR says."""
_MFFS, _MTFSF, _TO_NEAREST = 63 << 26 | 583 << 1, 63 << 26 | 711 << 1, 63 << 26 | 7 << 23 | 134 << 1
_MODES, _TOLD = 1 << 0, 1 << 6
"""Fields of FPSCR, as MTFSF has them: with RN, with XX."""
_SAVED = SCRATCH + 9


def lower(x: Context, i: Instruction) -> bool:
    """False: it has no sequence."""
    opcode = i.opcode
    match opcode:
        case 0xF3810 | 0xF3814 | 0xF3815:
            b, a = full(x, i), to_general(x, i.reg)
            mask = to_general(x, 0)
            vsx.vector(x.e, _LESS[opcode], _T - 32, ZERO_VR, mask - 32)
            vsx.select(x.e, a, a, b, _T)
        case 0xF3817:
            _test(x, i)
        case 0xF382A:
            load_vector(x, i, XMM + i.reg)
            set_form(x, i.reg, GENERAL)
        case _ if 0xF3820 <= opcode <= 0xF3835 and opcode & 15 < 6:
            _widen(x, i)
        case 0xF3A08 | 0xF3A09 | 0xF3A0A | 0xF3A0B:
            _round(x, i)
        case 0xF3A0C | 0xF3A0D | 0xF3A0E:
            _blend(x, i)
        case 0xF3A0F:
            _align(x, i)
        case 0xF3A14 | 0xF3A15 | 0xF3A16 | 0xF3A17:
            _extract(x, i)
        case 0xF3A20 | 0xF3A22:
            _insert(x, i)
        case 0xF3A21:
            _insert_single(x, i)
        case 0xF3841:
            lower_sums.least(x, i)
        case 0xF3A40 | 0xF3A41:
            lower_sums.dot(x, i, _immediate(i))
        case 0xF3A42:
            lower_sums.differences(x, i, _immediate(i))
        case _:
            return False
    return True


def _immediate(i: Instruction) -> int:
    operand = i.operands[-1]
    assert isinstance(operand, Imm)
    return operand.value & 0xFF


def _load(x: Context, i: Instruction, target: int, size: int) -> None:
    """So many bytes to the right end of doubleword 0, zeros before them."""
    if size == 8:
        transfer(x, i, "load double", target)
        return
    ra, rb = to_index(x, x.address(memory(i)))
    x.may_fail()
    extended = {1: _LXSIBZX, 2: _LXSIHZX, 4: vsx.LXSIWZX}[size]
    vsx.indexed(x.e, extended, target, ra, rb)


def _widen(x: Context, i: Instruction) -> None:
    narrow, wide = _WIDTHS[i.opcode & 15]
    is_signed = i.opcode < 0xF3830
    if in_storage(i):
        source = SCRATCH_VR
        _load(x, i, source, 16 * narrow // wide)
    else:
        source = low_double(x, i)
    target, first = XMM + i.reg, True
    while narrow < wide:
        if is_signed:
            extended = (_HIGH_SIGNED if first else _LOW_SIGNED)[narrow]
            vsx.vector(x.e, extended, target - 32, 0, source - 32)
        else:
            extended = (_HIGH_ZERO if first else _LOW_ZERO)[narrow]
            vsx.vector(x.e, extended, target - 32, ZERO_VR, source - 32)
        source, first, narrow = target, False, 2 * narrow
    vsx.swap(x.e, target, target)
    set_form(x, i.reg, GENERAL)


def _align(x: Context, i: Instruction) -> None:
    """PALIGNR of XMM registers."""
    places, e = _immediate(i), x.e
    b, a = full(x, i), to_general(x, i.reg)
    if places == 8:
        vsx.permute_doublewords(e, a, b, a, 2)
        return
    if places >= 32:
        vsx.copy(e, a, ZERO_VSR)
        return
    left, right = _T, _T + 1
    vsx.swap(e, left, a)
    if places > 16:
        left, right = _ZERO, left
    else:
        vsx.swap(e, right, b)
    distance = 16 - places % 16 if places % 16 else 0
    if not distance:
        vsx.copy(e, a, b if not places else a)
        return
    vsx.vector_4(e, 44, a - 32, left - 32, right - 32, distance)  # vsldoi
    vsx.swap(e, a, a)


def align_eight(x: Context, i: Instruction, a: int, b: int) -> None:
    """PALIGNR of MMX's, which have doubleword 0."""
    places, e = _immediate(i), x.e
    left, right = (a, b) if places <= 8 else (_ZERO, a)
    if places >= 16:
        vsx.copy(e, a, ZERO_VSR)
        return
    vsx.permute_doublewords(e, a, left, right, 0)
    distance = 16 - places if places > 8 else 8 - places
    vsx.vector_4(e, 44, a - 32, a - 32, a - 32, distance)  # vsldoi


def _test(x: Context, i: Instruction) -> None:
    """PTEST: ZF if no bit is in both, CF if all of the second operand's are in the first."""
    b, a, e, live = full(x, i), to_general(x, i.reg), x.e, x.live
    condition.forget(x)
    high, low = x.temporary(), x.temporary()
    for operation, field in ((vsx.XXLAND, 0), (vsx.XXLANDC, 7)):
        vsx.xx3(e, operation, SCRATCH, b, a)
        vsx.indexed(e, vsx.MFVSRD, SCRATCH, high, 0)
        vsx.indexed(e, vsx.MFVSRLD, SCRATCH, low, 0)
        e.or_(high, high, low)
        e.words.append(10 << 26 | field << 23 | 1 << 21 | high << 16)  # cmpldi: greater if not 0
    e.crmove(condition.CR1_LT, condition.CR7_EQ)
    if live & flags.A:
        e.crnor(condition.CR1_GT, condition.CR1_LT, condition.CR0_EQ)
    rest_is_zero(x)


# -- rounding ------------------------------------------------------------------------------


def _round(x: Context, i: Instruction) -> None:
    n = i.reg
    if i.opcode < 0xF3A0A:
        b, a = full(x, i), to_general(x, n)
        with guarded(x, i):
            _rounded(x.e, i, a, b)
        return
    single, form = i.opcode == 0xF3A0A, result_form(x, i)
    source = low_single(x, i) if single else low_double(x, i)
    result = prepare(x, n, form)
    with guarded(x, i):
        _rounded(x.e, i, result, source)
        (put_single if single else put_double)(x, n, result, form)


def _rounded(e: Emitter, i: Instruction, target: int, source: int) -> None:
    """Directed rounding tells of no inexactness; that as FPSCR says does, whether asked or not."""
    order, ways = _immediate(i), _ROUND[i.opcode]
    is_silent, as_set = bool(order & _SILENT), bool(order & _CURRENT)
    if order & 3 and not as_set:
        if not is_silent:
            vsx.xx2(e, ways[Rounding.NEAREST], _T, source)
        vsx.xx2(e, ways[Rounding(order & 3)], target, source)
        return
    restored = (0 if as_set else _MODES) | (_TOLD if is_silent else 0)
    if restored:
        e.words.append(_MFFS | _SAVED << 21)
    if not as_set:
        e.words.append(_TO_NEAREST)
    vsx.xx2(e, ways[Rounding.NEAREST], target, source)
    if restored:
        e.words.append(_MTFSF | restored << 17 | _SAVED << 11)


# -- blends, inserts, extracts -------------------------------------------------------------


def _blend(x: Context, i: Instruction) -> None:
    """BLENDPS, BLENDPD, PBLENDW: which of a register's halfwords, words or doublewords are new."""
    order, e = _immediate(i), x.e
    b, a = full(x, i), to_general(x, i.reg)
    if i.opcode == 0xF3A0E and order & 0x55 == order >> 1 & 0x55:
        order = sum((order >> 2 * n & 1) << n for n in range(4))
    elif i.opcode == 0xF3A0E:
        lower_sums.lanes_of_halfwords(e, _T, _T + 1, order)
        vsx.select(e, a, a, b, _T)
        return
    elif i.opcode == 0xF3A0D:
        order = (order & 1) * 3 | (order >> 1 & 1) * 12
    order &= 15
    if order & 5 == order >> 1 & 5:
        vsx.permute_doublewords(e, a, b if order & 1 else a, b if order & 4 else a, 1)
        return
    lower_sums.lanes_of_words(e, _T, _T + 1, order)
    vsx.select(e, a, a, b, _T)


def _to_word(e: Emitter, source: int, lane: int) -> int:
    """A VSR with a lane of words in word 1."""
    if lane == 0:
        return source
    vsx.shift_words(e, SCRATCH, source, source, (lane ^ 1) - 1 & 3)
    return SCRATCH


def _extract(x: Context, i: Instruction) -> None:
    """PEXTRB, PEXTRW, PEXTRD, PEXTRQ, EXTRACTPS."""
    order, e, opcode = _immediate(i), x.e, i.opcode
    source = to_general(x, i.reg)
    size = {0xF3A14: 1, 0xF3A15: 2}.get(opcode, 8 if opcode == 0xF3A16 and i.size == 8 else 4)
    if size < 4:
        first = (size * order & 15) + size - 1 ^ 7
        extended = _EXTRACT_BYTE if size == 1 else _EXTRACT_HALF
        vsx.vector(e, extended, _T - 32, first, source - 32)
        source = _T
    elif size == 4:
        source = _to_word(e, source, order & 3)
    elif order & 1:
        vsx.swap(e, SCRATCH, source)
        source = SCRATCH
    if not in_storage(i):
        move = vsx.MFVSRD if size == 8 else vsx.MFVSRWZ
        target = x.define(i.rm)
        vsx.indexed(e, move, source, target, 0)
        x.s.widths[target] = 8 * size
    elif size == 8:
        transfer(x, i, "store double", source)
    else:
        at = x.address(memory(i))
        ra, rb = to_index(x, at)
        x.may_fail()
        extended = {1: _STXSIBX, 2: _STXSIHX, 4: vsx.STXSIWX}[size]
        vsx.indexed(e, extended, source, ra, rb)
        stored(x, at, size)


def _insert(x: Context, i: Instruction) -> None:
    """PINSRB, PINSRD, PINSRQ."""
    order, e = _immediate(i), x.e
    size = 1 if i.opcode == 0xF3A20 else i.size if i.size == 8 else 4
    if in_storage(i):
        _load(x, i, SCRATCH_VR, size)
    else:
        move = vsx.MTVSRD if size == 8 else vsx.MTVSRWZ
        vsx.indexed(e, move, SCRATCH_VR, x.use(i.rm), 0)
    target = to_general(x, i.reg)
    if size == 1:
        vsx.vector(e, _INSERT_BYTE, target - 32, order & 15 ^ 7, SCRATCH_VR - 32)
    elif size == 4:
        vsx.insert_word(e, target, SCRATCH_VR, 4 * (order & 3 ^ 1))
    elif order & 1:
        vsx.permute_doublewords(e, target, target, SCRATCH_VR, 0)
    else:
        vsx.permute_doublewords(e, target, SCRATCH_VR, target, 1)
    set_form(x, i.reg, GENERAL)


def _insert_single(x: Context, i: Instruction) -> None:
    """INSERTPS."""
    order, e = _immediate(i), x.e
    if in_storage(i):
        _load(x, i, SCRATCH_VR, 4)
        source = SCRATCH_VR
    else:
        source = _to_word(e, to_general(x, i.rm), order >> 6)
    target = to_general(x, i.reg)
    if not order >> (order >> 4 & 3) & 1:
        vsx.insert_word(e, target, source, 4 * (order >> 4 & 3 ^ 1))
    for lane in range(4):
        if order >> lane & 1:
            vsx.insert_word(e, target, _ZERO, 4 * (lane ^ 1))
    set_form(x, i.reg, GENERAL)
