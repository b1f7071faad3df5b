"""SSE and SSE2: arithmetic, comparisons and conversions of singles and doubles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import flags
from ..convention import ADJUST, ONE, PARITY, ZERO
from ..lower import condition
from . import forms, vsx
from .known import GENERAL, LOW, SINGLE, XMM
from .lowering import (
    SCRATCH,
    SCRATCH_VR,
    ZERO_VSR,
    assist,
    full,
    guarded,
    in_storage,
    load_vector,
    low_double,
    low_single,
    memory,
    result_form,
    set_form,
    single_to_low,
    to_general,
    to_index,
    transfer,
)

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

_ADD, _MULTIPLY, _SUBTRACT, _MINIMUM, _DIVIDE, _MAXIMUM, _ROOT = (
    0x58, 0x59, 0x5C, 0x5D, 0x5E, 0x5F, 0x51
)  # fmt: skip
_SCALAR_DOUBLE = {
    _ADD: vsx.XSADDDP, _MULTIPLY: vsx.XSMULDP, _SUBTRACT: vsx.XSSUBDP, _DIVIDE: vsx.XSDIVDP,
}  # fmt: skip
_SCALAR_SINGLE = {
    _ADD: vsx.XSADDSP, _MULTIPLY: vsx.XSMULSP, _SUBTRACT: vsx.XSSUBSP, _DIVIDE: vsx.XSDIVSP,
}  # fmt: skip
_PACKED = {
    0x66: {_ADD: vsx.XVADDDP, _MULTIPLY: vsx.XVMULDP, _SUBTRACT: vsx.XVSUBDP,
           _DIVIDE: vsx.XVDIVDP},
    0: {_ADD: vsx.XVADDSP, _MULTIPLY: vsx.XVMULSP, _SUBTRACT: vsx.XVSUBSP, _DIVIDE: vsx.XVDIVSP},
}  # fmt: skip
_PACKED_ROOT = {0x66: vsx.XVSQRTDP, 0: vsx.XVSQRTSP}
_COMPARE = {
    0x66: (vsx.XVCMPEQDP, vsx.XVCMPGTDP, vsx.XVCMPGEDP),
    0: (vsx.XVCMPEQSP, vsx.XVCMPGTSP, vsx.XVCMPGESP),
    0xF2: (vsx.XSCMPEQDP, vsx.XSCMPGTDP, vsx.XSCMPGEDP),
}


def lower(x: Context, i: Instruction) -> bool:
    """False: it is none of these."""
    opcode, prefix = i.opcode & 0xFF, i.prefix
    if opcode in forms.ARITHMETIC:
        if prefix in (0, 0x66):
            _packed(x, i)
        elif prefix == 0xF2:
            _scalar_double(x, i)
        else:
            _scalar_single(x, i)
    elif opcode in (0x2E, 0x2F) and prefix in (0, 0x66):
        _compare_to_flags(x, i)
    elif opcode == 0xC2 and prefix != 0xF3:
        return _compare_to_mask(x, i)
    elif opcode == 0x2A and prefix in (0xF2, 0xF3):
        _from_general(x, i)
    elif opcode in (0x2C, 0x2D) and prefix in (0xF2, 0xF3):
        _to_general_register(x, i)
    elif opcode == 0x5A:
        _between(x, i)
    elif opcode in (0x5B, 0xE6):
        _packed_integers(x, i)
    else:
        return False
    return True


def _target(i: Instruction) -> int:
    return i.reg


# -- arithmetic ----------------------------------------------------------------------------


def put_double(x: Context, n: int, result: int, form: int) -> None:
    """Doubleword 0 of `result` becomes the low half of XMM n."""
    register = XMM + n
    if form & LOW:
        vsx.copy(x.e, register, result)
    else:
        vsx.permute_doublewords(x.e, register, result, register, 1)
    set_form(x, n, form)


def put_single(x: Context, n: int, result: int, form: int) -> None:
    """The single that stands in double format in `result` becomes the lowest word."""
    register = XMM + n
    if form & SINGLE:
        vsx.copy(x.e, register, result)
    else:
        vsx.xx2(x.e, vsx.XSCVDPSPN, SCRATCH + 9, result)
        vsx.insert_word(x.e, register, SCRATCH + 9, 4)
    set_form(x, n, form)


def prepare(x: Context, n: int, form: int) -> int:
    """Have XMM n so that `put_...` can write part of it; where to compute the result."""
    if form & GENERAL:
        to_general(x, n)
        return SCRATCH + 2
    return SCRATCH + 2 if x.options.flush_to_zero else XMM + n


def _scalar_double(x: Context, i: Instruction) -> None:
    n, opcode, form = _target(i), i.opcode & 0xFF, result_form(x, i)
    b = low_double(x, i)
    a = low_double(x, i, n)
    result = prepare(x, n, form)
    with guarded(x, i):
        if opcode == _ROOT:
            vsx.xx2(x.e, vsx.XSSQRTDP, result, b)
        elif opcode in (_MINIMUM, _MAXIMUM):
            _extreme(x, opcode, vsx.XSCMPGTDP, result, a, b)
        else:
            vsx.xx3(x.e, _SCALAR_DOUBLE[opcode], result, a, b)
        put_double(x, n, result, form)


def _scalar_single(x: Context, i: Instruction) -> None:
    n, opcode, form = _target(i), i.opcode & 0xFF, result_form(x, i)
    b = low_single(x, i)
    if form & GENERAL:
        to_general(x, n)
    a = low_single(x, i, n, SCRATCH + 1) if opcode != _ROOT else b
    result = prepare(x, n, form)
    with guarded(x, i):
        if opcode == _ROOT:
            vsx.xx2(x.e, vsx.XSSQRTSP, result, b)
        elif opcode in (_MINIMUM, _MAXIMUM):
            _extreme(x, opcode, vsx.XSCMPGTDP, result, a, b)
        else:
            vsx.xx3(x.e, _SCALAR_SINGLE[opcode], result, a, b)
        put_single(x, n, result, form)


def _packed(x: Context, i: Instruction) -> None:
    n, opcode, prefix = _target(i), i.opcode & 0xFF, i.prefix
    b, a = full(x, i), to_general(x, n)
    with guarded(x, i):
        if opcode == _ROOT:
            vsx.xx2(x.e, _PACKED_ROOT[prefix], a, b)
        elif opcode in (_MINIMUM, _MAXIMUM):
            _extreme(x, opcode, _COMPARE[prefix][1], a, a, b)
        else:
            vsx.xx3(x.e, _PACKED[prefix][opcode], a, a, b)


def _extreme(x: Context, opcode: int, greater: int, result: int, a: int, b: int) -> None:
    """b also where neither is less, as of zeros; NaNs trap."""
    mask = SCRATCH + 3
    if opcode == _MINIMUM:
        vsx.xx3(x.e, greater, mask, b, a)
    else:
        vsx.xx3(x.e, greater, mask, a, b)
    vsx.select(x.e, result, b, a, mask)


# -- comparisons ---------------------------------------------------------------------------


def flags_of_comparison(x: Context) -> None:
    """CR1 has less, greater, equal, unordered: the pieces of the flags somebody wants."""
    e, live = x.e, x.live
    condition.forget(x)
    if live & flags.Z:
        e.cr_op(449, condition.CR0_EQ, condition.CR1_EQ, 7)
    if live & (flags.C | flags.X):
        e.cr_op(449, condition.CR1_LT, condition.CR1_LT, 7)
    if live & flags.P:
        e.isel(PARITY, ZERO, ONE, 7)
    if live & flags.N:
        e.addi(ADJUST, 0, 0)
    if live & (flags.S | flags.O | flags.L | flags.G):
        e.cr_op(193, condition.CR2_LT, condition.CR2_LT, condition.CR2_LT)  # crxor: SF = OF = 0
        e.cr_op(193, condition.CR5_LT, condition.CR5_LT, condition.CR5_LT)
        e.cr_op(193, 0, 0, 0)
        if live & flags.G:
            e.cr_op(33, 1, condition.CR1_EQ, 7)  # crnor
    if live & flags.X:
        condition.carry_as(x, 1)


def _compare_to_flags(x: Context, i: Instruction) -> None:
    n = _target(i)
    if i.prefix:
        b, a = low_double(x, i), low_double(x, i, n)
    else:
        b, a = low_single(x, i), low_single(x, i, n, SCRATCH + 1)
    with guarded(x, i):
        extended = vsx.XSCMPUDP if i.opcode & 0xFF == 0x2E else vsx.XSCMPODP
        vsx.compare(x.e, extended, 1, a, b)
        flags_of_comparison(x)


def _compare_to_mask(x: Context, i: Instruction) -> bool:
    """CMPPS, CMPPD, CMPSD: EQ LT LE UNORD, and their opposites."""
    n, predicate, form = _target(i), i.operands[-1].value & 7, result_form(x, i)  # type: ignore[union-attr]
    if predicate & 3 == 3:
        return False
    scalar = i.prefix == 0xF2
    if scalar:
        b, a = low_double(x, i), low_double(x, i, n)
        result = prepare(x, n, form)
    else:
        b, a = full(x, i), to_general(x, n)
        result = a
    with guarded(x, i):
        extended = _COMPARE[i.prefix][predicate & 3]
        if predicate & 3:
            a, b = b, a
        vsx.xx3(x.e, extended, result, a, b)
        if predicate & 4:
            vsx.xx3(x.e, vsx.XXLNOR, result, result, result)
        if scalar:
            put_double(x, n, result, form)
    return True


# -- conversions ---------------------------------------------------------------------------


def _from_general(x: Context, i: Instruction) -> None:
    """CVTSI2SS, CVTSI2SD."""
    n, form, double = _target(i), result_form(x, i), i.prefix == 0xF2
    if in_storage(i) and i.size == 8:
        transfer(x, i, "load double", SCRATCH)
    elif in_storage(i):
        ra, rb = to_index(x, x.address(memory(i)))
        x.may_fail()
        vsx.indexed(x.e, vsx.LXSIWAX, SCRATCH, ra, rb)
    else:
        vsx.indexed(x.e, vsx.MTVSRD if i.size == 8 else vsx.MTVSRWA, SCRATCH, x.use(i.rm), 0)
    result = prepare(x, n, form)
    with guarded(x, i):
        vsx.xx2(x.e, vsx.XSCVSXDDP if double else vsx.XSCVSXDSP, result, SCRATCH)
        (put_double if double else put_single)(x, n, result, form)


def _to_general_register(x: Context, i: Instruction) -> None:
    """CVTSS2SI, CVTSD2SI and those that truncate; what does not fit traps."""
    source = low_double(x, i) if i.prefix == 0xF2 else low_single(x, i)
    recovery_of = _target(i)
    with guarded(x, i) as guard:
        long = i.size == 8
        if i.opcode & 0xFF == 0x2D:
            if i.prefix == 0xF2 and not long:  # or else what does not fit is an integer
                vsx.xx2(x.e, vsx.XSCVDPSXWS, SCRATCH + 1, source)
            vsx.xx2(x.e, vsx.XSRDPIC, SCRATCH + 1, source)
            source = SCRATCH + 1
        vsx.xx2(x.e, vsx.XSCVDPSXDS if long else vsx.XSCVDPSXWS, SCRATCH + 1, source)
        target = x.define(recovery_of)
        guard.general = recovery_of, target
        vsx.indexed(x.e, vsx.MFVSRD if long else vsx.MFVSRWZ, SCRATCH + 1, target, 0)


def _between(x: Context, i: Instruction) -> None:
    n, form = _target(i), result_form(x, i)
    match i.prefix:
        case 0xF3:  # CVTSS2SD; frsp quietens a signaling NaN, or rather traps
            source = low_single(x, i)
            result = prepare(x, n, form)
            with guarded(x, i):
                vsx.xx2(x.e, vsx.XSRSP, result, source)
                put_double(x, n, result, form)
        case 0xF2:
            source = low_double(x, i)
            result = prepare(x, n, form)
            with guarded(x, i):
                vsx.xx2(x.e, vsx.XSRSP, result, source)
                put_single(x, n, result, form)
        case 0:
            if in_storage(i):
                transfer(x, i, "load double", SCRATCH)
                source = SCRATCH
            else:
                source = to_general(x, i.rm)
            to_general(x, n)
            with guarded(x, i):
                # words 1 and 0 to the places 0 and 2
                vsx.shift_words(x.e, SCRATCH + 1, source, source, 1)
                vsx.permute_doublewords(x.e, SCRATCH + 1, SCRATCH + 1, source, 0)
                vsx.xx2(x.e, vsx.XVCVSPDP, XMM + n, SCRATCH + 1)
        case _:
            source = full(x, i)
            to_general(x, n)
            with guarded(x, i):
                vsx.xx2(x.e, vsx.XVCVDPSP, SCRATCH, source)  # to words 0 and 2
                _even_words_low(x, n, SCRATCH)


def _even_words_low(x: Context, n: int, source: int) -> None:
    """Words 0 and 2 become lanes 0 and 1; above is zero."""
    register = XMM + n
    vsx.permute_doublewords(x.e, SCRATCH + 1, source, source, 2)
    vsx.xx3(x.e, vsx.XXMRGHW, register, SCRATCH + 1, source)  # words 2, 0
    vsx.permute_doublewords(x.e, register, register, ZERO_VSR, 0)


def _packed_integers(x: Context, i: Instruction) -> None:
    """CVTDQ2PS, CVTPS2DQ, CVTTPS2DQ; CVTDQ2PD, CVTPD2DQ, CVTTPD2DQ."""
    n, key = _target(i), (i.opcode & 0xFF, i.prefix)
    if key == (0xE6, 0xF3):
        if in_storage(i):
            transfer(x, i, "load double", SCRATCH)
            source = SCRATCH
        else:
            source = to_general(x, i.rm)
        to_general(x, n)
        vsx.shift_words(x.e, SCRATCH + 1, source, source, 1)
        vsx.permute_doublewords(x.e, SCRATCH + 1, SCRATCH + 1, source, 0)
        vsx.xx2(x.e, vsx.XVCVSXWDP, XMM + n, SCRATCH + 1)
        return
    source = full(x, i)
    to_general(x, n)
    with guarded(x, i):
        match key:
            case (0x5B, 0):
                vsx.xx2(x.e, vsx.XVCVSXWSP, XMM + n, source)
            case (0x5B, 0xF3):
                vsx.xx2(x.e, vsx.XVCVSPSXWS, XMM + n, source)
            case (0x5B, _):
                vsx.xx2(x.e, vsx.XVRSPIC, SCRATCH, source)
                vsx.xx2(x.e, vsx.XVCVSPSXWS, XMM + n, SCRATCH)
            case (_, prefix):
                if prefix == 0xF2:
                    vsx.xx2(x.e, vsx.XVCVDPSXWS, SCRATCH, source)  # traps before it is inexact
                    vsx.xx2(x.e, vsx.XVRDPIC, SCRATCH, source)
                    source = SCRATCH
                vsx.xx2(x.e, vsx.XVCVDPSXWS, SCRATCH, source)
                _even_words_low(x, n, SCRATCH)


__all__ = ["SCRATCH_VR", "assist", "load_vector", "lower", "single_to_low"]
