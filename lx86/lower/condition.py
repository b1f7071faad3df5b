"""Flags: computing the pieces somebody wants (flags.py), and testing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..convention import ADJUST, PARITY, ZERO
from ..emitter import fits, signed
from ..flags import SIGNED, UNSIGNED, A, C, G, N, O, P, S, X, Z
from ..instruction import ECX, Reg

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

CR0_EQ, CR1_LT, CR1_GT, CR1_EQ, CR2_LT, CR5_LT, CR5_EQ = 2, 4, 5, 6, 8, 20, 22
CR7_LT, CR7_GT, CR7_EQ, CR7_SO = 28, 29, 30, 31


def test(x: Context, condition: int) -> tuple[int, bool]:
    """The CR bit that tells a condition, and what it is if the condition holds."""
    kind, holds = condition >> 1, not condition & 1
    match kind:
        case 0:
            return CR5_LT, holds
        case 1:
            return CR1_LT, holds
        case 2:
            return CR1_EQ if x.s.zero_in_cr1 else CR0_EQ, holds
        case 3:
            return CR1_GT, not holds
        case 4:
            return 0 if x.s.sign_in_cr0 else CR2_LT, holds
        case 5:
            low = x.temporary()
            x.e.popcntb(low, PARITY)
            x.e.rlwinm(low, low, 0, 31, 31)
            x.e.cmpwi(7, low, 0)
            return CR7_EQ, holds
        case 6:
            return 0, holds
        case _:
            return 1, not holds


def carry_as(x: Context, wanted: int) -> None:
    """Have XER.CA be the carry for ADC (1), or its complement (2)."""
    if x.s.carry == 0:  # it lies where it is for branches
        image = x.temporary()
        x.e.mfcr(image)
        x.e.rlwinm(image, image, 5, 31, 31)
        x.e.addic(image, image, -1)
        x.s.carry = 1
    if x.s.carry != wanted:
        flip = x.temporary()
        x.e.subfe(flip, flip, flip)
        x.e.addic(flip, flip, 1)
        x.s.carry = wanted


def carry_to_cr(x: Context, live: int) -> None:
    """C where it lies for branches, from XER.CA; O, if of `live`, may be other than XER's OV."""
    e = x.e
    if live & O:
        e.crmove(CR7_SO, CR5_LT)
    e.mcrxrx(5)
    if x.s.carry == 2:
        e.crnor(CR1_LT, CR5_EQ, CR5_EQ)
    else:
        e.crmove(CR1_LT, CR5_EQ)
    if live & O:
        e.crmove(CR5_LT, CR7_SO)
    x.s.carry = 0


def settle(x: Context, wanted: int) -> None:
    """Bring the pieces to the places they have where code is entered, and X where joins have it."""
    s = x.s
    if wanted & Z and s.zero_in_cr1:
        x.e.crmove(CR0_EQ, CR1_EQ)
    if wanted & S and s.sign_in_cr0:
        x.e.crmove(CR2_LT, 0)
    s.zero_in_cr1 = s.sign_in_cr0 = False
    if wanted & X:
        carry_as(x, 1)
    else:
        s.carry = 0


def forget(x: Context) -> None:
    """An instruction replaces all flags; what follows says where they lie, if elsewhere."""
    x.s.zero_in_cr1 = x.s.sign_in_cr0 = False
    x.s.carry = 0


def logical(x: Context, out: int, size: int, recorded: bool = False, adjust: bool = True) -> None:
    """The flags of a result that carries and overflows nothing: CF = OF = 0.

    `recorded`: CR0 is that of `out` compared with 0 already.
    """
    live, e = x.live, x.e
    forget(x)
    if live & P:
        e.mr(PARITY, out)
    if live & N and adjust:
        e.addi(ADJUST, 0, 0)
    signed = bool(live & (SIGNED | S))
    narrow = size < 4 and live & (Z | SIGNED | S | A) and not recorded
    if narrow and (signed or x.width(out) > 8 * size):
        extended = x.temporary()
        recorded = signed or not live & UNSIGNED
        (e.extsb if size == 1 else e.extsh)(extended, out, int(recorded))
        out = extended
    if live & UNSIGNED:
        (e.cmpldi if size == 8 else e.cmplwi)(1, out if live & (A | Z) else ZERO, 0)
    if live & (SIGNED | S) or (live & Z and not live & UNSIGNED):
        if not recorded:
            x.compare_zero(0, out, size)
    elif live & Z and not recorded:
        x.s.zero_in_cr1 = True
    x.s.sign_in_cr0 = bool(live & S)
    if live & O:
        e.cmpwi(5, ZERO, 0)
    if live & X:
        scratch = x.temporary()
        e.addic(scratch, ZERO, 0)
        x.s.carry = 1


def compare(x: Context, a: int, b: int, immediate: int | None, live: int, size: int) -> int:
    """Z, L, G, C, A of a - b by comparing; gives those of `live` that are left.

    Of 32 bits or, if `size` is 8, of 64.  `immediate` is b's value where it is constant; b is
    asked for (-1) only if it does not fit.
    """
    e = x.e
    unsigned, wide = live & UNSIGNED, size == 8
    if live & SIGNED or (live & Z and not unsigned):
        if immediate is not None and fits(immediate):
            (e.cmpdi if wide else e.cmpwi)(0, a, immediate)
        elif immediate is not None and not live & SIGNED and 0 <= immediate < 0x10000:
            (e.cmpldi if wide else e.cmplwi)(0, a, immediate)
        else:
            _compare_all(x, a, b, immediate, live, wide)
    elif live & Z:
        x.s.zero_in_cr1 = True
    if unsigned:
        if immediate is not None and 0 <= immediate < 0x10000:
            (e.cmpldi if wide else e.cmplwi)(1, a, immediate)
        else:
            (e.cmpld if wide else e.cmplw)(1, a, b if b >= 0 else x.constant(immediate or 0))
    return live & ~(Z | SIGNED | UNSIGNED)


def _compare_all(x: Context, a: int, b: int, immediate: int | None, live: int, wide: bool) -> None:
    """CR0 of a - b; Z alone, of a long constant, without that constant in a register."""
    e = x.e
    if b < 0 and immediate is not None and not live & SIGNED and x.is_long(immediate):
        high = (immediate + 0x8000) >> 16
        difference = x.temporary()
        e.addis(difference, a, -signed(high << 16) >> 16)
        (e.cmpdi if wide else e.cmpwi)(0, difference, immediate - (high << 16))
        return
    (e.cmpd if wide else e.cmpw)(0, a, b if b >= 0 else x.constant(immediate or 0))


def overflow_and_carry(x: Context, live: int, complement: bool) -> None:
    """After a record form with OE that also sets CA: the pieces that hang on OV and CA.

    CR0 is that of the result; `complement`: CA is that of a subtraction.
    """
    e = x.e
    if not live & (O | SIGNED | UNSIGNED):
        x.s.sign_in_cr0 = bool(live & S)
        return
    e.mcrxrx(5)
    if live & C or live & A:
        if complement:
            e.crnor(CR1_LT, CR5_EQ, CR5_EQ)
        else:
            e.crmove(CR1_LT, CR5_EQ)
    if live & A:
        e.crnor(CR1_GT, CR1_LT, CR0_EQ)
    if live & SIGNED:
        if live & S:
            e.crmove(CR2_LT, 0)
        e.crxor(0, 0, CR5_LT)
        if live & G:
            e.crnor(1, 0, CR0_EQ)
    else:
        x.s.sign_in_cr0 = bool(live & S)


def counted(x: Context, i: Instruction) -> tuple[int, bool]:
    """LOOP, LOOPE, LOOPNE, JECXZ: the bit of CR7 that tells, and what it is if they branch."""
    e = x.e
    if i.size < x.word:
        e.cmpwi(7, _counted_in_part(x, i.size, i.name != "jecxz"), 0)
    else:
        if i.name != "jecxz":
            base, offset = x.value(ECX)
            x.set_value(ECX, (base, offset - 1))
        x.compare_zero(7, x.use(ECX), i.size)
    if i.name == "jecxz":
        return CR7_EQ, True
    if i.name == "loop":
        return CR7_EQ, False
    zero = CR1_EQ if x.s.zero_in_cr1 else CR0_EQ
    if i.name == "loope":
        e.cr_op(129, 28, zero, CR7_EQ)  # crandc
    else:
        e.crnor(28, zero, CR7_EQ)
    return 28, True


def _counted_in_part(x: Context, size: int, counts: bool) -> int:
    """With a prefix for shorter addresses: a register with CX or ECX, which is written back."""
    count = x.temporary()
    x.e.addi(count, x.use(ECX), -counts)
    low = x.temporary()
    x.e.rlwinm(low, count, 0, 32 - 8 * size, 31)
    x.s.widths[low] = 8 * size
    if counts:
        x.write(Reg(ECX, size), low)
    return low


def before_carry(x: Context) -> None:
    """CR1 is about to be written by an instruction that changes CF alone."""
    if x.s.zero_in_cr1:
        x.e.crmove(CR0_EQ, CR1_EQ)
        x.s.zero_in_cr1 = False
