"""What translated code knows of x87, MMX and SSE registers at a place, without asking.

XMM n lies in VSR 39 + n, its low doubleword in doubleword 0.  There are three forms:

    GENERAL  the register as it is
    LOW      doubleword 0 is the low half, and the high half is zero; doubleword 1 is anything
    SINGLE   doubleword 0 is the lowest word as a number in double format, and all else is zero

The x87's registers R0 to R7 lie in VSR 55 to 62 in quad precision, which holds every number of the
extended format; what POWER would compute other things with (NaNs, denormals, unnormals) stands
there as a signaling NaN with the 80 bits in its fraction, so that arithmetic on it traps.  While
MMX is in use, the same VSRs have MM0 to MM7 in doubleword 0.

The status word's C1 is not computed either before somebody asks.  It is told by

    TOLD     VSR 37: the last result before it was rounded to 64 bits, or a signaling NaN if C1 is 1
    ZERO_C1  nothing: it is zero
    REAL     VSR 38, a double, which a store has made of some other register
    INTEGER  the same, in quad precision

General register R1 says at entries which of these it is, as the x87 code behind assumes it:

    x87   TOP, which registers are not empty, rounding, and whether all else is as usual: 64 bits
          of precision, all exceptions masked, none pending, MXCSR rounding to nearest
    MMX   negative; which registers were written, and whether all are valid or all empty
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..cpu import FloatingState

XMM, STACK = 39, 55
"""The first VSR of each."""
UNROUNDED, OUTCOME = 37, 38
TOLD, ZERO_C1, REAL, INTEGER = range(4)
KEY = 1
"""The general register."""
GENERAL, LOW, SINGLE = 1, 2, 4
ANY = GENERAL | LOW | SINGLE
"""Of a register that is zero."""
CANONICAL: tuple[int, ...] = (GENERAL,) * 16

_VALID_SHIFT, _ROUNDING_SHIFT, _SLOW = 3, 11, 1 << 13
MMX_KEY = -0x8000
"""R1 while MMX is in use; below it, which registers were written, and `MMX_VALID`."""
MMX_VALID = 1 << 8
_ALL_MASKED = 0x3F
_WIDE = 0x300


def key_of(floating: FloatingState) -> int:
    """R1 for a state with the x87 in use."""
    control, mxcsr = floating.control, floating.mxcsr
    valid = sum((floating.tags >> 2 * n & 3 != 3) << n for n in range(8))
    slow = control & _ALL_MASKED != _ALL_MASKED or control & _WIDE != _WIDE
    slow = slow or bool(floating.status & 0x80) or bool(mxcsr & 0x6000)
    return (
        floating.status >> 11 & 7 | valid << _VALID_SHIFT | (control >> 10 & 3) << _ROUNDING_SHIFT
        | (_SLOW if slow else 0)
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stack:
    """The x87's part, or MMX's."""

    key: int
    places: tuple[int, ...] = tuple(range(8))
    """For each register, which of the eight VSRs it is in."""
    in_register: int | None = None
    """What R1 holds; None: `key`."""
    mmx: bool = False
    written: int = 0
    """MMX: which bits of R1 are known to be set."""
    c1: int = TOLD
    rounded: int = 0
    """REAL and INTEGER: the VSR that was rounded."""

    @property
    def top(self) -> int:
        return self.key & 7

    @property
    def rounding(self) -> int:
        return self.key >> _ROUNDING_SHIFT & 3

    @property
    def slow(self) -> bool:
        return bool(self.key & _SLOW)

    def valid(self, i: int) -> bool:
        """Whether ST(i) is not empty."""
        return bool(self.key >> _VALID_SHIFT + (self.top + i & 7) & 1)

    def physical(self, i: int) -> int:
        return self.top + i & 7

    def with_key(self, key: int) -> Stack:
        held = self.key if self.in_register is None else self.in_register
        return replace(self, key=key, in_register=None if held == key else held)

    def marked(self, i: int, valid: bool) -> Stack:
        bit = 1 << _VALID_SHIFT + self.physical(i)
        return self.with_key(self.key | bit if valid else self.key & ~bit)

    def moved(self, steps: int) -> Stack:
        return self.with_key(self.key & ~7 | self.key + steps & 7)

    @property
    def register(self) -> int:
        """What R1 holds."""
        return self.key if self.in_register is None else self.in_register


@dataclass(frozen=True, slots=True)
class Known:
    """At one place.  `stack` None: R1 says."""

    forms: tuple[int, ...] = CANONICAL
    stack: Stack | None = None

    def with_form(self, n: int, form: int) -> Known:
        return replace(self, forms=(*self.forms[:n], form, *self.forms[n + 1 :]))


NOTHING = Known()
