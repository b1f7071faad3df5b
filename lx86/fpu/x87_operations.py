"""The x87's arithmetic in quad precision: rounded to odd, then to the 64 bits it has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from . import vsx
from .known import TOLD, UNROUNDED, ZERO_C1
from .lowering import guarded
from .number import Rounding
from .x87_codes import ADD, DIVIDE, DIVIDE_R, MULTIPLY, SUBTRACT, SUBTRACT_R
from .x87_condition import set_c1
from .x87_static import ROUNDING, pop, register_of, round_extended, stack_of

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

_QUAD = {ADD: vsx.XSADDQP, MULTIPLY: vsx.XSMULQP, SUBTRACT: vsx.XSSUBQP, DIVIDE: vsx.XSDIVQP}
_CR6, _CR4_LT = 6, 16
V0, V1 = range(2)
"""Vector registers for operands, and for results before they are rounded."""


_SET_ROUNDING = 63 << 26 | 7 << 23 | 134 << 1
"""mtfsfi 7,..."""


def set_rounding(x: Context, rounding: int) -> None:
    """FPSCR's, which is nearest otherwise where translated code uses the x87."""
    x.e.words.append(_SET_ROUNDING | ROUNDING[rounding] << 12)


def arithmetic(
    x: Context, i: Instruction, what: int, target: int, other: int,
    *, by_storage: bool = False, pops: bool = False,
) -> None:  # fmt: skip
    """ST(target) = ST(target) `what` the vector register `other`."""
    register = register_of(x, target)
    a, b = register, other
    if what in (SUBTRACT_R, DIVIDE_R):
        a, b, what = b, a, what - 1
    first = len(x.e.words) - 1
    # Rounding down twice is rounding down, and a difference that is zero is then negative.
    down = stack_of(x).rounding == Rounding.DOWN and what in (ADD, SUBTRACT)
    unrounded = UNROUNDED - 32
    with guarded(x, i):
        vsx.quad(x.e, _QUAD[what], unrounded, a, b, 1)
        if down:
            set_rounding(x, Rounding.DOWN)
            vsx.quad(x.e, _QUAD[what], V1, a, b)
            round_extended(x, register, V1)
            set_rounding(x, Rounding.NEAREST)
        else:
            round_extended(x, register, unrounded)
        set_c1(x, TOLD)
        if pops:
            pop(x)
    if by_storage:
        _extend_guard(x, first)


def _extend_guard(x: Context, index: int) -> None:
    """The word there belongs to the sequence that ends here."""
    x.assists[index] = replace(x.assists[index], after=x.s.floating, resume=len(x.e.words))


def compared(
    x: Context, i: Instruction, other: int, *, ordered: bool, pops: int, by_storage: bool = True
) -> None:
    first = len(x.e.words) - 1
    with guarded(x, i):
        extended = vsx.XSCMPOQP if ordered else vsx.XSCMPUQP
        vsx.quad_compare(x.e, extended, _CR6, register_of(x, 0), other)
        x.e.cr_op(193, _CR4_LT, _CR4_LT, _CR4_LT)  # crclr
        set_c1(x, ZERO_C1)
        for _ in range(pops):
            pop(x)
    if by_storage:
        _extend_guard(x, first)
