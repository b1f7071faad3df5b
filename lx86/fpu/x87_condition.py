"""The condition code C1: whether the last result was rounded up, that is, away from zero.

What it would have to be computed from is kept instead, which mostly costs nothing (known.py): a
result before its last rounding tells, and so does what a store has rounded beside its outcome.
Only where ways of the program join must it be one thing, the register UNROUNDED.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..node import End
from . import vsx
from .known import INTEGER, OUTCOME, REAL, STACK, TOLD, UNROUNDED, ZERO_C1
from .number import DOUBLE, EXTENDED, Rounding, pack, unpack
from .quads import extended_of, is_raw, quad_of
from .x87_codes import sets_c1

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..context import Context
    from ..instruction import Instruction
    from ..node import Key, Node
    from .known import Stack

_FAR = 8
"""Nodes that are looked at."""
_AWAY = (End.CALL, End.INDIRECT, End.LEAVE, End.MISSING)
_ZERO, _ZERO_VR = 63, 31
_NOT_QUIET, _QUIET = 0x7FFF << 112 | 1, 0
_MAGNITUDE = (1 << 79) - 1
_DROPPED = 49
"""Bits of a quad that the extended format has not."""


def set_c1(x: Context, kind: int, rounded: int = 0) -> None:
    """What tells C1 from here on; `rounded`: of REAL and INTEGER, the VSR that a store rounded."""
    stack = x.s.floating.stack
    assert stack is not None
    if (stack.c1, stack.rounded) != (kind, rounded):
        stack = replace(stack, c1=kind, rounded=rounded)
        x.s.floating = replace(x.s.floating, stack=stack)


def tell_c1(x: Context) -> None:
    """Have UNROUNDED tell it."""
    stack = x.s.floating.stack
    if stack is None or stack.c1 == TOLD:
        return
    if stack.c1 == ZERO_C1:
        vsx.copy(x.e, UNROUNDED, _ZERO)
    else:
        if stack.c1 == REAL:
            vsx.quad_convert(x.e, vsx.XSCVDPQP, OUTCOME - 32, OUTCOME - 32)
        tell_larger(x, OUTCOME, stack.rounded)
    set_c1(x, TOLD)


def tell_larger(x: Context, outcome: int, rounded: int) -> None:
    """UNROUNDED a signaling NaN if the quad in the VSR `outcome` is larger than that in `rounded`.

    Quads of one sign have the order of integers.  One less than their difference begins with ones
    at its right end, as all bits of extended numbers end 49 before it; that is moved to the left.
    """
    at = UNROUNDED - 32
    vsx.vector_4(x.e, vsx.VSUBEUQM, at, outcome - 32, rounded - 32, _ZERO_VR)
    vsx.vector_4(x.e, vsx.VSLDOI, at, at, at, 14)


def _is_concerned(i: Instruction) -> bool:
    return i.name == "x87" or (i.name == "simd" and i.opcode == 0x0FAE)  # FXSAVE


def overwritten(nodes: Mapping[Key, Node], key: Key) -> bool:
    """Whether what C1 is at a node is certainly set anew before an instruction asks."""
    todo, seen = [key], {key}
    while todo and len(seen) <= _FAR:
        node = nodes.get(todo.pop())
        if node is None:
            return False
        first = next(filter(_is_concerned, node.instructions), None)
        if first is None:
            if node.end in _AWAY:
                return False
            more = [key for key in node.successors if key not in seen]
            seen.update(more)
            todo += more
        elif first.name != "x87" or not sets_c1(first.opcode, first.modrm):
            return False
    return not todo


def c1_of(vsr: Callable[[int], int], stack: Stack | None, rounding: int) -> bool:
    """What it is, where code knows this of the stack, and the control word has that RC."""
    kind = stack.c1 if stack else TOLD
    if kind == ZERO_C1:
        return False
    if kind == TOLD:
        return _is_rounded_up(vsr(UNROUNDED), Rounding(rounding))
    assert stack is not None
    outcome = vsr(OUTCOME)
    if kind == REAL:
        bits = pack(unpack(outcome >> 64, DOUBLE), EXTENDED, Rounding.NEAREST).bits
    else:
        bits = extended_of(outcome)
    return bits & _MAGNITUDE > extended_of(vsr(stack.rounded)) & _MAGNITUDE


def _is_rounded_up(quad: int, rounding: Rounding) -> bool:
    """Whether a result, which is rounded to odd, becomes larger when it is rounded to 64 bits."""
    if quad >> 112 & 0x7FFF == 0x7FFF:
        return bool(quad & (1 << 111) - 1) and not quad >> 111 & 1
    dropped, half = quad & (1 << _DROPPED) - 1, 1 << _DROPPED - 1
    if rounding is Rounding.NEAREST:
        return dropped > half or (dropped == half and bool(quad >> _DROPPED & 1))
    return bool(dropped) and rounding is (Rounding.DOWN if quad >> 127 else Rounding.UP)


def fits_c1(registers: Sequence[int], stack: Stack, c1: bool) -> bool:
    """Whether it can be told where code knows this of the stack, with these in R0 to R7."""
    if stack.c1 in (TOLD, ZERO_C1):
        return stack.c1 == TOLD or not c1
    return not is_raw(quad_of(registers[stack.places.index(stack.rounded - STACK)]))


def put_c1(
    vsr: Callable[[int], int], set_vsr: Callable[[int, int], None], stack: Stack | None, c1: bool
) -> None:
    """Have it told there."""
    set_vsr(UNROUNDED, _NOT_QUIET if c1 else _QUIET)
    if stack is not None and stack.c1 in (REAL, INTEGER):
        sign = vsr(stack.rounded) >> 127 << 127
        larger = 0x7FF8 << 112 if stack.c1 == REAL else 0x7FFF8 << 108
        set_vsr(OUTCOME, sign | (larger if c1 else 0))
