"""What of EFLAGS a program still wants: pieces, and how instructions use and replace them.

A piece is what one condition code asks for, because that is what a POWER compare gives at once:

    Z  ZF                      CR0.EQ        S   SF   CR2.LT
    L  SF != OF ("less")       CR0.LT        O   OF   CR5.LT
    G  ZF = 0 and SF = OF      CR0.GT        P   PF   the low byte of R10
    C  CF                      CR1.LT        N   AF   bit 4 (of value 16) of R11
    A  CF = 0 and ZF = 0       CR1.GT        X   CF for ADC and SBB: XER.CA

The right column is where a piece lies wherever code is entered.  An instruction computes those
pieces that somebody may still ask for, and no others: what nobody reads costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .instruction import Imm
from .three_bytes import FLAGS, THREE_BYTES

if TYPE_CHECKING:
    from .instruction import Instruction

Z, L, G, C, A, S, O, P, N, X = (1 << n for n in range(10))  # noqa: E741
SIGNED = L | G
UNSIGNED = C | A
EVERY = Z | L | G | C | A | S | O | P | N
"""All pieces that have a place where code is entered."""
CONDITION = (O, C, Z, A, S, P, L, G)
"""By a condition code without its lowest bit."""
IMAGE = S | Z | N | P | C
"""What LAHF stores."""

_WHOLE = frozenset(
    [
        "add",
        "sub",
        "cmp",
        "neg",
        "xadd",
        "cmpxchg",
        "and",
        "or",
        "xor",
        "test",
        "mul",
        "imul",
        "aam",
        "aad",
        "bsf",
        "bsr",
        "popcnt",
        "popf",
        "cmps",
        "scas",
        "adc",
        "sbb",
        "daa",
        "das",
        "aaa",
        "aas",
    ]
)
_USES = {
    "adc": X,
    "sbb": X,
    "rcl": C,
    "rcr": C,
    "cmc": C,
    "salc": C,
    "daa": C | N,
    "das": C | N,
    "aaa": N,
    "aas": N,
    "lahf": IMAGE,
    "pushf": IMAGE | O,
    "into": O,
    "loope": Z,
    "loopne": Z,
}
_NEUTRAL = frozenset(
    [
        "mov",
        "push",
        "pop",
        "lea",
        "movzx",
        "movsx",
        "call",
        "jmp",
        "ret",
        "leave",
        "nop",
        "xchg",
        "not",
    ]
)
CF, OF, SF, ZF, AF, PF = 1, 0x800, 0x80, 0x40, 0x10, 4
_FCMOV = (C, Z, A, P)


def live_before(i: Instruction, after: int) -> int:
    """The pieces wanted before an instruction, if those of `after` are wanted behind it."""
    name = i.name
    if name in _NEUTRAL:
        return after
    if name in ("jcc", "setcc", "cmovcc"):
        return after | CONDITION[i.condition >> 1]
    if name in _WHOLE:
        if name in ("cmps", "scas") and i.repeat:  # perhaps not one element
            return after & ~X | (C if after & X else 0)
        return _USES.get(name, 0)
    if name in ("inc", "dec"):
        return after & (C | X) | (C if after & A else 0)
    if name in TURNS:
        return _shift(i, after)
    if name in ("bt", "bts", "btr", "btc", "clc", "stc"):
        return after & ~(C | X | A) | (Z if after & A else 0)
    if name == "cmc":
        return after & ~(X | A) | C | (Z if after & A else 0)
    if name == "sahf":
        return O if after & (O | SIGNED) else 0
    if name in _ZERO_ALONE:
        return after & ~(Z | G | A) | (L if after & G else 0) | (C if after & A else 0)
    if name == "x87":
        return _x87(i, after)
    if name == THREE_BYTES:
        return 0 if i.opcode in FLAGS else after
    if name == "simd":
        return 0 if i.opcode in (0x0F2E, 0x0F2F) else after
    return after | _USES.get(name, 0)


_ZERO_ALONE = frozenset(["cmpxchg8b", "lar", "lsl", "verr", "verw", "arpl"])
TURNS = frozenset(["rol", "ror", "rcl", "rcr", "shl", "shr", "sar", "shld", "shrd"])
"""Shifts and rotates, whose last operand is a count;"""
THROUGH_CARRY = frozenset(["rcl", "rcr"])
"""those that turn CF with the operand."""


def _shift(i: Instruction, after: int) -> int:
    """A count of zero changes nothing (SDM volume 2, SAL/SAR/SHL/SHR)."""
    count = i.operands[-1]
    through = C if i.name in THROUGH_CARRY else 0
    if not isinstance(count, Imm):
        # What is wanted behind is computed in one path and kept in the other, in its usual place.
        kept = after & ~X | (C if after & X else 0)
        if kept & A and i.name in ("rol", "ror", "rcl", "rcr"):
            kept |= Z | C
        return kept | through
    steps = count.value & (63 if i.size == 8 else 31)
    if not steps or (through and not steps % (8 * i.size + 1)):  # a whole turn with CF
        return after
    if i.name in ("shl", "shr", "sar", "shld", "shrd"):
        return 0
    kept = after & ~(C | X | O)
    if kept & A:
        kept |= Z
    if kept & SIGNED:
        kept |= S | Z
    return kept & ~(A | L | G) | through


def _x87(i: Instruction, after: int) -> int:
    if i.modrm < 0xC0:
        return after
    if i.opcode in (0xDB, 0xDF) and i.modrm >> 3 & 7 in (5, 6):  # fcomi and its kin
        return 0
    if i.opcode in (0xDA, 0xDB) and i.modrm < 0xE0:
        return after | _FCMOV[i.modrm >> 3 & 3]
    return after


def to_fields(eflags: int) -> tuple[int, int, int]:
    """Every piece in its place: CR, and what R10 and R11 hold."""
    zero, less = bool(eflags & ZF), bool(eflags & SF) != bool(eflags & OF)
    carry = bool(eflags & CF)
    cr = less << 31 | (not zero and not less) << 30 | zero << 29
    cr |= carry << 27 | (not carry and not zero) << 26 | zero << 25
    cr |= bool(eflags & SF) << 23 | bool(eflags & OF) << 11
    return cr, 0 if eflags & PF else 1, eflags & AF


def from_fields(cr: int, parity: int, adjust: int, live: int, before: int) -> int:
    """EFLAGS; what is not `live` is as consistent with it as can be, or else as `before`."""
    less, greater = cr >> 31 & 1, cr >> 30 & 1
    sign, overflow = cr >> 23 & 1, cr >> 11 & 1
    zero = cr >> 29 & 1 if live & Z else 0
    if live & L:
        if live & G and not live & Z:
            zero = not less and not greater
    elif live & G and live & S and live & O:
        less = sign ^ overflow
        zero |= not less and not greater
    elif live & G:
        less = not greater and not zero
    else:
        less = 0
    if not live & S:
        sign = less ^ (overflow if live & O else 0)
    if not live & O:
        overflow = sign ^ less if live & SIGNED else 0
    carry = cr >> 27 & 1 if live & C else 0
    if live & A and not cr >> 26 & 1 and not carry and not zero:
        carry, zero = (0, 1) if live & C else (1, 0)
    value = 0
    value |= CF if carry else 0
    value |= ZF if zero else 0
    value |= SF if sign else 0
    value |= OF if overflow else 0
    even = (parity & 0xFF).bit_count() % 2 == 0
    value |= PF if live & P and even else 0
    value |= AF & adjust if live & N else 0
    return before & ~0x8D5 | value
