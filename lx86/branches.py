"""Code that goes where a register says: through the slots (convention.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .convention import EIP, PLACES_64, SLOT
from .emitter import signed
from .instruction import Mem, Reg

if TYPE_CHECKING:
    from .context import Context
    from .emitter import Emitter
    from .instruction import Operand

_LOOKED_UP = 4
"""A temporary, once every x86 register is in its own."""
SLOT_LOAD = 31 << 26 | _LOOKED_UP << 21 | SLOT << 16 | _LOOKED_UP << 11 | 21 << 1
"""LDX of a slot's address: all of x86-64's code that has `SLOT` for a base."""


def by_slot(e: Emitter, *, long: bool) -> None:
    """To the code for the address in R3.

    A slot is a branch; in 64-bit mode, where none reaches the code, it is an address.
    """
    if long:
        e.rldic(_LOOKED_UP, EIP, 3, 61 - PLACES_64.slot_bits)
        e.words.append(SLOT_LOAD)
        e.mtctr(_LOOKED_UP)
    else:
        e.rlwimi(SLOT, EIP, 2, 3, 29)
        e.mtctr(SLOT)
    e.bctr()


def take(x: Context, operand: Operand) -> None:
    """What a branch by a register or storage goes to into R3."""
    if isinstance(operand, Mem):
        at = x.address(operand)
        known = x.known_word(at)
        x.vacate(EIP)
        x.hold(EIP)
        if known is not None and known[0] >= 0:
            x.e_add_constant(EIP, known[0], known[1]) if known[1] else x.e.mr(EIP, known[0])
        elif known is not None:
            x.load_constant(EIP, known[1])
        else:
            x.load(EIP, at, x.word)
        return
    assert isinstance(operand, Reg)
    register = x.use(operand.number)
    x.vacate(EIP)
    x.hold(EIP)
    if register != EIP:
        x.e.mr(EIP, register)


def compare(x: Context, found: int, expected: int) -> None:
    """CR7.EQ says whether a register holds the address that is expected."""
    e, value = x.e, signed(expected)
    if register := x.pinned(x.signed(expected)):
        (e.cmpd if x.word == 8 else e.cmpw)(7, found, register)
        return
    if x.word == 8 and not 0 <= expected < 0x7FFF_8000:
        e.cmpd(7, found, x.constant(expected))
        return
    difference = x.temporary()
    high = signed(expected + 0x8000 & ~0xFFFF) >> 16
    e.addis(difference, found, -high)
    (e.cmpdi if x.word == 8 else e.cmpwi)(7, difference, value - (high << 16))
