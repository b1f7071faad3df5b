"""SSE and SSE2: moves, shuffles, logic and packed integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..instruction import Imm
from . import lower_shuffle, vsx
from .known import ANY, GENERAL, LOW, SINGLE, XMM
from .lower_sse import prepare, put_double, put_single
from .lowering import (
    SCRATCH,
    SCRATCH_VR,
    ZERO_VR,
    ZERO_VSR,
    form_of,
    full,
    in_storage,
    load_vector,
    low_double,
    low_single,
    memory,
    result_form,
    set_form,
    store_vector,
    stored,
    to_general,
    to_index,
    transfer,
)

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

_LOGIC = {
    0x54: vsx.XXLAND, 0xDB: vsx.XXLAND, 0x55: vsx.XXLANDC, 0xDF: vsx.XXLANDC, 0x56: vsx.XXLOR,
    0xEB: vsx.XXLOR, 0x57: vsx.XXLXOR, 0xEF: vsx.XXLXOR,
}  # fmt: skip
VECTOR = {
    0x64: 774, 0x65: 838, 0x66: 902,  # vcmpgtsb, vcmpgtsh, vcmpgtsw
    0x74: 6, 0x75: 70, 0x76: 134,  # vcmpequb, vcmpequh, vcmpequw
    0xD4: 192, 0xFC: 0, 0xFD: 64, 0xFE: 128,  # vaddudm, vaddubm, vadduhm, vadduwm
    0xF8: 1024, 0xF9: 1088, 0xFA: 1152, 0xFB: 1216,  # vsububm, vsubuhm, vsubuwm, vsubudm
    0xD8: 1536, 0xD9: 1600, 0xDC: 512, 0xDD: 576,  # vsububs, vsubuhs, vaddubs, vadduhs
    0xE8: 1792, 0xE9: 1856, 0xEC: 768, 0xED: 832,  # vsubsbs, vsubshs, vaddsbs, vaddshs
    0xDA: 514, 0xDE: 2, 0xEA: 834, 0xEE: 322,  # vminub, vmaxub, vminsh, vmaxsh
    0xE0: 1026, 0xE3: 1090, 0xF4: 136,  # vavgub, vavguh, vmulouw
}  # fmt: skip
"""Of MMX and SSE2 alike: the second opcode byte, and the VX-form instruction that is the same."""
MULTIPLY = {0xD5: 34, 0xF5: 40}
"""PMULLW and PMADDWD: vmladduhm and vmsumshm, adding zero."""
SHIFTS = {
    (0x71, 2): (580, 15), (0x71, 4): (836, 15), (0x71, 6): (324, 15),
    (0x72, 2): (644, 31), (0x72, 4): (900, 31), (0x72, 6): (388, 31),
    (0x73, 2): (1732, 63), (0x73, 6): (1476, 63),
}  # fmt: skip
"""vsrh, vsrah, vslh and so on; the largest count that leaves anything."""
_MERGE = {0x60: 12, 0x61: 76, 0x62: 140, 0x68: 268, 0x69: 332, 0x6A: 396}
"""vmrghb, vmrghh, vmrghw, vmrglb, vmrglh, vmrglw."""
_PACK = {0x63: 398, 0x67: 270, 0x6B: 462}
"""vpkshss, vpkshus, vpkswss."""


def lower(x: Context, i: Instruction) -> bool:
    """False: it is none of these."""
    if _move(x, i) or _half(x, i):
        return True
    opcode, prefix = i.opcode & 0xFF, i.prefix
    if opcode in _LOGIC and prefix == (0x66 if opcode >= 0x60 else prefix & 0x66):
        _logic(x, i)
    elif prefix == 0x66 and opcode >= 0x60:
        return _integers(x, i)
    elif opcode == 0x70 or opcode == 0xC6:
        return lower_shuffle.lower(x, i)
    elif opcode in (0x14, 0x15) and prefix in (0, 0x66):
        _unpack(x, i)
    else:
        return False
    return True


# -- moves ---------------------------------------------------------------------------------


def _move(x: Context, i: Instruction) -> bool:
    opcode, prefix = i.opcode & 0xFF, i.prefix
    reg, rm, storage = i.reg, i.rm, in_storage(i)
    match opcode, prefix:
        case (0x10 | 0x28, 0 | 0x66) | (0x6F, 0x66 | 0xF3):
            if storage:
                load_vector(x, i, XMM + reg)
                set_form(x, reg, GENERAL)
            else:
                _copy(x, reg, rm)
        case (0x11 | 0x29, 0 | 0x66) | (0x7F, 0x66 | 0xF3) | (0x2B, 0 | 0x66) | (0xE7, 0x66):
            if storage:
                store_vector(x, i, to_general(x, reg))
            elif opcode in (0x2B, 0xE7):
                return False
            else:
                _copy(x, rm, reg)
        case (0x10, 0xF2) | (0x7E, 0xF3) if storage:
            transfer(x, i, "load double", XMM + reg)
            set_form(x, reg, LOW)
        case (0x10, 0xF3) if storage:
            x.done = lower_shuffle.splat_behind(x, reg)
            if x.done:
                ra, rb = to_index(x, x.address(memory(i)))
                x.may_fail()
                vsx.indexed(x.e, vsx.LXVWSX, XMM + reg, ra, rb)
                set_form(x, reg, GENERAL)
            else:
                transfer(x, i, "load single", XMM + reg)
                set_form(x, reg, SINGLE)
        case (0x11, 0xF2) | (0xD6, 0x66) if storage:
            transfer(x, i, "store double", low_double(x, i, reg))
        case (0x11, 0xF3) if storage:
            _store_word(x, i, reg)
        case (0x10 | 0x11, 0xF2):
            target, source = (reg, rm) if opcode == 0x10 else (rm, reg)
            form = result_form(x, i)
            result = low_double(x, i, source)
            prepare(x, target, form)
            put_double(x, target, result, form)
        case (0x10 | 0x11, 0xF3):
            target, source = (reg, rm) if opcode == 0x10 else (rm, reg)
            form = result_form(x, i)
            if form & SINGLE:
                put_single(x, target, low_single(x, i, source), form)
            else:
                word = to_general(x, source)
                to_general(x, target)
                vsx.insert_word(x.e, XMM + target, word, 4)
        case (0x7E, 0xF3) | (0xD6, 0x66):
            target, source = (reg, rm) if opcode == 0x7E else (rm, reg)
            vsx.copy(x.e, XMM + target, low_double(x, i, source))
            set_form(x, target, LOW)
        case (0x6E, 0x66):
            if i.size == 8 and storage:
                transfer(x, i, "load double", XMM + reg)
            elif i.size == 8:
                vsx.indexed(x.e, vsx.MTVSRD, XMM + reg, x.use(rm), 0)
            elif storage:
                ra, rb = to_index(x, x.address(memory(i)))
                x.may_fail()
                vsx.indexed(x.e, vsx.LXSIWZX, XMM + reg, ra, rb)
            else:
                vsx.indexed(x.e, vsx.MTVSRWZ, XMM + reg, x.use(rm), 0)
            set_form(x, reg, LOW)
        case (0x7E, 0x66):
            source = low_double(x, i, reg)
            if i.size == 8 and storage:
                transfer(x, i, "store double", source)
            elif i.size == 8:
                vsx.indexed(x.e, vsx.MFVSRD, source, x.define(rm), 0)
            elif storage:
                _store_integer_word(x, i, source)
            else:
                vsx.indexed(x.e, vsx.MFVSRWZ, source, x.define(rm), 0)
        case _:
            return False
    return True


def _store_integer_word(x: Context, i: Instruction, source: int) -> None:
    at = x.address(memory(i))
    ra, rb = to_index(x, at)
    x.may_fail()
    vsx.indexed(x.e, vsx.STXSIWX, source, ra, rb)
    stored(x, at, 4)


def _store_word(x: Context, i: Instruction, n: int) -> None:
    if form_of(x, n) & SINGLE:
        transfer(x, i, "store single", XMM + n)
    else:
        _store_integer_word(x, i, XMM + n)


def _copy(x: Context, target: int, source: int) -> None:
    vsx.copy(x.e, XMM + target, XMM + source)
    set_form(x, target, form_of(x, source))


def _half(x: Context, i: Instruction) -> bool:
    """MOVLPS, MOVHPS, MOVHLPS, MOVLHPS and those of SSE2."""
    opcode, prefix = i.opcode & 0xFF, i.prefix
    reg, rm, storage = i.reg, i.rm, in_storage(i)
    if opcode not in (0x12, 0x13, 0x16, 0x17) or prefix not in (0, 0x66):
        return False
    e, target = x.e, XMM + reg
    match opcode, storage:
        case (0x12, True):
            transfer(x, i, "load double", SCRATCH)
            vsx.permute_doublewords(e, target, SCRATCH, to_general(x, reg), 1)
        case (0x12, False):
            source = to_general(x, rm)
            vsx.permute_doublewords(e, target, source, to_general(x, reg), 3)
        case (0x13, True):
            transfer(x, i, "store double", low_double(x, i, reg))
            return True
        case (0x16, True):
            transfer(x, i, "load double", SCRATCH)
            vsx.permute_doublewords(e, target, low_double(x, i, reg), SCRATCH, 0)
        case (0x16, False):
            source = low_double(x, i, rm)
            vsx.permute_doublewords(e, target, low_double(x, i, reg), source, 0)
        case (0x17, True):
            vsx.swap(e, SCRATCH, to_general(x, reg))
            transfer(x, i, "store double", SCRATCH)
            return True
        case _:
            return False
    set_form(x, reg, GENERAL)
    return True


def _unpack(x: Context, i: Instruction) -> None:
    """UNPCKLPS, UNPCKLPD, UNPCKHPS, UNPCKHPD."""
    reg = i.reg
    b, a = full(x, i), to_general(x, reg)
    high = i.opcode & 1
    if i.prefix:
        vsx.permute_doublewords(x.e, a, a, b, 3 if high else 0)
    else:
        vsx.xx3(x.e, vsx.XXMRGLW if high else vsx.XXMRGHW, a, b, a)
        vsx.swap(x.e, a, a)


# -- logic and integers --------------------------------------------------------------------


def _logic(x: Context, i: Instruction) -> None:
    reg, extended = i.reg, _LOGIC[i.opcode & 0xFF]
    form, same = result_form(x, i), not in_storage(i) and i.rm == reg
    if same and form == ANY:
        vsx.copy(x.e, XMM + reg, ZERO_VSR)
    elif form & LOW:  # AND: what is zero stays so
        b = low_double(x, i) if not in_storage(i) else full(x, i)
        vsx.xx3(x.e, extended, XMM + reg, low_double(x, i, reg), b)
    else:
        b, a = full(x, i), to_general(x, reg)
        if extended == vsx.XXLANDC:
            vsx.xx3(x.e, extended, a, b, a)
        else:
            vsx.xx3(x.e, extended, a, a, b)
    set_form(x, reg, form)


def _integers(x: Context, i: Instruction) -> bool:
    opcode, reg, e = i.opcode & 0xFF, i.reg, x.e
    if opcode in (0x71, 0x72, 0x73):
        return _shift(x, i)
    if opcode in (0xD7, 0xC5, 0xC4, 0x70):
        return opcode == 0x70 and lower_shuffle.lower(x, i)
    known = opcode in VECTOR or opcode in MULTIPLY or opcode in _MERGE or opcode in _PACK
    if not (known or opcode in (0x6C, 0x6D, 0xF6)):
        return False
    form = result_form(x, i)
    if form == ANY:
        vsx.copy(e, XMM + reg, ZERO_VSR)
        set_form(x, reg, ANY)
        return True
    b, a = full(x, i), to_general(x, reg)
    vb, va = b - 32, a - 32
    if opcode in VECTOR:
        vsx.vector(e, VECTOR[opcode], va, va, vb)
    elif opcode in MULTIPLY:
        vsx.vector_4(e, MULTIPLY[opcode], va, va, vb, ZERO_VR)
    elif opcode in _MERGE:
        vsx.vector(e, _MERGE[opcode], va, vb, va)
        vsx.swap(e, a, a)
    elif opcode in _PACK:
        vsx.swap(e, SCRATCH_VR + 1, a)
        vsx.swap(e, SCRATCH_VR + 2, b)
        vsx.vector(e, _PACK[opcode], va, 1, 2)
    elif opcode == 0xF6:
        vsx.vector(e, 1027, va, va, vb)  # vabsdub
        vsx.vector(e, 1544, va, va, ZERO_VR)  # vsum4ubs
        vsx.vector(e, 1672, va, va, ZERO_VR)  # vsum2sws
    else:
        vsx.permute_doublewords(e, a, a, b, 3 if opcode == 0x6D else 0)
    return True


def _shift(x: Context, i: Instruction) -> bool:
    opcode, how, n, e = i.opcode & 0xFF, i.modrm >> 3 & 7, i.rm, x.e
    count = i.operands[-1]
    assert isinstance(count, Imm)
    places = count.value & 0xFF
    if in_storage(i):
        return False
    a = to_general(x, n)
    if (opcode, how) in SHIFTS:
        extended, most = SHIFTS[opcode, how]
        if places > most and how != 4:
            vsx.copy(e, a, ZERO_VSR)
        else:
            vsx.splat_byte(e, SCRATCH_VR, min(places, most))
            vsx.vector(e, extended, a - 32, a - 32, 0)
        return True
    if opcode != 0x73 or how not in (3, 7):
        return False
    if places > 15:
        vsx.copy(e, a, ZERO_VSR)
    elif places == 8:
        if how == 3:
            vsx.permute_doublewords(e, a, a, ZERO_VSR, 2)
        else:
            vsx.permute_doublewords(e, a, ZERO_VSR, a, 0)
    elif places:
        vsx.swap(e, a, a)
        v = a - 32
        if how == 3:
            vsx.vector_4(e, 44, v, ZERO_VR, v, 16 - places)  # vsldoi
        else:
            vsx.vector_4(e, 44, v, v, ZERO_VR, places)
        vsx.swap(e, a, a)
    return True


__all__ = ["low_single", "lower"]
