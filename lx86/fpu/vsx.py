"""Words of VSX, vector and quad-precision instructions (Power ISA v3.0B, I chapters 4, 6 and 7).

Registers are vector-scalar registers by number, 0 to 63, except in `vector` and `quad`, which take
vector registers, 0 to 31 (VSRs 32 to 63).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..emitter import Emitter

# XX3-form, extended opcodes
XXPERMDI, XXSLDWI, XXMRGHW, XXMRGLW = 10, 2, 18, 50
XXLAND, XXLANDC, XXLOR, XXLXOR, XXLNOR = 130, 138, 146, 154, 162
XSADDDP, XSSUBDP, XSMULDP, XSDIVDP = 32, 40, 48, 56
XSADDSP, XSSUBSP, XSMULSP, XSDIVSP = 0, 8, 16, 24
XVADDDP, XVSUBDP, XVMULDP, XVDIVDP = 96, 104, 112, 120
XVADDSP, XVSUBSP, XVMULSP, XVDIVSP = 64, 72, 80, 88
XSCMPEQDP, XSCMPGTDP, XSCMPGEDP = 3, 11, 19
XVCMPEQSP, XVCMPGTSP, XVCMPGESP = 67, 75, 83
XVCMPEQDP, XVCMPGTDP, XVCMPGEDP = 99, 107, 115
XSCMPUDP, XSCMPODP = 35, 43
# XX2-form
XSSQRTDP, XSSQRTSP, XVSQRTDP, XVSQRTSP = 75, 11, 203, 139
XSCVDPSPN, XSCVSPDPN, XSRSP, XSRDPIC = 267, 331, 281, 107
XSCVDPSXWS, XSCVDPSXDS, XSCVSXDDP, XSCVSXDSP = 88, 344, 376, 312
XVCVDPSP, XVCVSPDP, XVCVSXWSP, XVCVSXWDP = 393, 457, 184, 248
XVCVSPSXWS, XVCVDPSXWS, XVRSPIC, XVRDPIC = 152, 216, 171, 235
XXSPLTW = 164
# X-form loads, stores and moves, primary opcode 31
LXVD2X, STXVD2X, LXSDX, STXSDX, LXSSPX, STXSSPX = 844, 972, 588, 716, 524, 652
LXSIWZX, LXSIWAX, STXSIWX, LXVWSX = 12, 76, 140, 364
MTVSRD, MTVSRWZ, MTVSRWA, MFVSRD, MFVSRWZ, MFVSRLD = 179, 243, 211, 51, 115, 307
MTVSRDD, MTVSRWS = 435, 403
# VA-form
VSLDOI, VSUBEUQM = 44, 62
# quad precision, primary opcode 63
XSADDQP, XSSUBQP, XSMULQP, XSDIVQP = 4, 516, 36, 548
XSCMPUQP, XSCMPOQP = 644, 132
_QUAD_UNARY, _QUAD_CONVERT = 804, 836
XSSQRTQP, XSABSQP, XSNEGQP = 27, 0, 16
XSCVDPQP, XSCVQPDP, XSCVSDQP, XSCVQPSWZ, XSCVQPSDZ = 22, 20, 10, 9, 25


def xx3(e: Emitter, extended: int, t: int, a: int, b: int) -> None:
    registers = (t & 31) << 21 | (a & 31) << 16 | (b & 31) << 11
    high = (a >> 5) << 2 | (b >> 5) << 1 | t >> 5
    e.words.append(60 << 26 | registers | extended << 3 | high)


def xx2(e: Emitter, extended: int, t: int, b: int, immediate: int = 0) -> None:
    registers = (t & 31) << 21 | immediate << 16 | (b & 31) << 11
    e.words.append(60 << 26 | registers | extended << 2 | (b >> 5) << 1 | t >> 5)


def copy(e: Emitter, t: int, a: int) -> None:
    if t != a:
        xx3(e, XXLOR, t, a, a)


def permute_doublewords(e: Emitter, t: int, a: int, b: int, which: int) -> None:
    """Doubleword `which` >> 1 of a, and `which` & 1 of b."""
    xx3(e, XXPERMDI | which << 5, t, a, b)


def swap(e: Emitter, t: int, a: int) -> None:
    permute_doublewords(e, t, a, a, 2)


def shift_words(e: Emitter, t: int, a: int, b: int, words: int) -> None:
    xx3(e, XXSLDWI | words << 5, t, a, b)


def select(e: Emitter, t: int, a: int, b: int, mask: int) -> None:
    """b where the mask is 1, a elsewhere."""
    registers = (t & 31) << 21 | (a & 31) << 16 | (b & 31) << 11 | (mask & 31) << 6
    high = (mask >> 5) << 3 | (a >> 5) << 2 | (b >> 5) << 1 | t >> 5
    e.words.append(60 << 26 | registers | 3 << 4 | high)


def compare(e: Emitter, extended: int, field: int, a: int, b: int) -> None:
    registers = field << 23 | (a & 31) << 16 | (b & 31) << 11
    e.words.append(60 << 26 | registers | extended << 3 | (a >> 5) << 2 | (b >> 5) << 1)


def insert_word(e: Emitter, t: int, b: int, at: int) -> None:
    """Word 1 of b to byte `at` of t: xxinsertw."""
    xx2(e, 181, t, b, at)


def splat_byte(e: Emitter, t: int, value: int) -> None:
    """xxspltib."""
    e.words.append(60 << 26 | (t & 31) << 21 | value << 11 | 360 << 1 | t >> 5)


def indexed(e: Emitter, extended: int, t: int, ra: int, rb: int) -> None:
    """An X-form load, store, or move from and to a general register (rb is 0 there)."""
    e.words.append(31 << 26 | (t & 31) << 21 | ra << 16 | rb << 11 | extended << 1 | t >> 5)


def load_quadword(e: Emitter, t: int, ra: int, displacement: int) -> None:
    """lxv: storage as one little-endian number."""
    registers = (t & 31) << 21 | ra << 16
    e.words.append(61 << 26 | registers | displacement & 0xFFF0 | (t >> 5) << 3 | 1)


def store_quadword(e: Emitter, t: int, ra: int, displacement: int) -> None:
    """stxv."""
    registers = (t & 31) << 21 | ra << 16
    e.words.append(61 << 26 | registers | displacement & 0xFFF0 | (t >> 5) << 3 | 5)


def vector(e: Emitter, extended: int, t: int, a: int, b: int) -> None:
    """VX-form."""
    e.words.append(4 << 26 | t << 21 | a << 16 | b << 11 | extended)


def vector_4(e: Emitter, extended: int, t: int, a: int, b: int, c: int) -> None:
    """VA-form."""
    e.words.append(4 << 26 | t << 21 | a << 16 | b << 11 | c << 6 | extended)


def quad(e: Emitter, extended: int, t: int, a: int, b: int, odd: int = 0) -> None:
    e.words.append(63 << 26 | t << 21 | a << 16 | b << 11 | extended << 1 | odd)


def quad_unary(e: Emitter, kind: int, t: int, b: int, odd: int = 0) -> None:
    """xsabsqp, xsnegqp, xssqrtqp."""
    quad(e, _QUAD_UNARY, t, kind, b, odd)


def quad_convert(e: Emitter, kind: int, t: int, b: int, odd: int = 0) -> None:
    quad(e, _QUAD_CONVERT, t, kind, b, odd)


def quad_compare(e: Emitter, extended: int, field: int, a: int, b: int) -> None:
    e.words.append(63 << 26 | field << 23 | a << 16 | b << 11 | extended << 1)


def quad_round(e: Emitter, t: int, b: int, rounding: int, *, integer: bool, tell: int = 0) -> None:
    """xsrqpi[x] or xsrqpxp, by a rounding mode in FPSCR's numbers."""
    how = 1 << 16 | rounding << 9 | (5 if integer else 37) << 1 | tell
    e.words.append(63 << 26 | t << 21 | b << 11 | how)
