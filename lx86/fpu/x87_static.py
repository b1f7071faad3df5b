"""The x87's stack as translated code knows it: which VSR each register is in, what is empty."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .. import flags
from ..lower import condition
from . import vsx
from .known import KEY, STACK, TOLD, ZERO_C1, Stack
from .lowering import Assist, assist, in_storage
from .x87_codes import COMPARE_POP, FISTTP
from .x87_condition import set_c1

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

ROUNDING = (0, 3, 2, 1)
"""The rounding field of xsrqpxp for the SDM's RC."""
_NOT_EQUAL = 24
"""TO of a trap."""


def check(x: Context, i: Instruction) -> Stack:
    """What is known of the stack; if nothing is, R1 is held against what is expected."""
    known = x.s.floating
    if known.stack is not None and not known.stack.mmx:
        return known.stack
    x.stack_asked = True
    stack = Stack(x.stack_key)
    after = replace(known, stack=stack)
    index = len(x.e.words)
    x.assists[index] = Assist(i, x.recovery(), known, after, index, check=True)
    x.e.twi(_NOT_EQUAL, KEY, x.stack_key)
    x.s.floating = after
    return stack


# -- registers -----------------------------------------------------------------------------


def stack_of(x: Context) -> Stack:
    stack = x.s.floating.stack
    assert stack is not None
    return stack


def set_stack(x: Context, stack: Stack) -> None:
    x.s.floating = replace(x.s.floating, stack=stack)


def register_of(x: Context, i: int) -> int:
    """The vector register that ST(i) is in."""
    stack = stack_of(x)
    return STACK - 32 + stack.places[stack.physical(i)]


def push(x: Context) -> int:
    """Make room, which clears C1; the vector register of the new ST(0)."""
    set_stack(x, stack_of(x).moved(-1).marked(0, True))
    set_c1(x, ZERO_C1)
    return register_of(x, 0)


def room(x: Context) -> int:
    """The vector register that a push would fill."""
    stack = stack_of(x)
    return STACK - 32 + stack.places[stack.physical(7)]


def pop(x: Context) -> None:
    set_stack(x, stack_of(x).marked(0, False).moved(1))


def exchange(x: Context, i: int) -> None:
    stack = stack_of(x)
    places = list(stack.places)
    a, b = stack.physical(0), stack.physical(i)
    places[a], places[b] = places[b], places[a]
    set_stack(x, replace(stack, places=tuple(places), c1=ZERO_C1))


def round_extended(x: Context, target: int, source: int) -> None:
    rounding = ROUNDING[stack_of(x).rounding]
    vsx.quad_round(x.e, target, source, rounding, integer=False)


# -- what has no sequence ------------------------------------------------------------------

_NO_CHANGE = (0, 0)


def _effect(i: Instruction) -> tuple[int, int]:
    """How many registers are popped, then pushed, by an instruction without exceptions."""
    opcode, modrm = i.opcode, i.modrm
    what = modrm >> 3 & 7
    if modrm < 0xC0:
        if not opcode & 1:
            return (1, 0) if what == COMPARE_POP else _NO_CHANGE
        if (opcode, what) in ((0xD9, 0), (0xDD, 0), (0xDB, 5), (0xDB, 0), (0xDF, 0), (0xDF, 5),
                              (0xDF, 4)):  # fmt: skip
            return 0, 1
        if (opcode, what) in FISTTP:
            return 1, 0
        if (opcode, what) in ((0xD9, 3), (0xDD, 3), (0xDB, 7), (0xDB, 3), (0xDF, 3), (0xDF, 7),
                              (0xDF, 6)):  # fmt: skip
            return 1, 0
        return _NO_CHANGE
    if opcode == 0xD9:
        if what == 0 or 0xE8 <= modrm <= 0xEE or modrm in (0xF2, 0xF4, 0xFB):
            return 0, 1
        return (1, 0) if what == 3 or modrm in (0xF1, 0xF3, 0xF9) else _NO_CHANGE
    if modrm in (0xD9, 0xE9) and opcode in (0xDA, 0xDE):
        return (2, 0) if (opcode == 0xDE) == (modrm == 0xD9) else (1, 0)
    pops = (
        opcode == 0xDE
        or (opcode in (0xD8, 0xDC) and what == 3)
        or (opcode == 0xDD and what in (3, 5))
        or (opcode == 0xDF and what in (2, 3, 5, 6))
    )
    return (1, 0) if pops else _NO_CHANGE


def assisted(x: Context, i: Instruction) -> None:
    """By the host, which finds out if the stack is another afterwards than is expected here."""
    pops, pushes = _effect(i)
    before = x.s.floating
    if (i.opcode, i.modrm) == (0xDB, 0xE3) or (i.opcode, i.modrm >> 3 & 7) == (0xDD, 6):
        set_stack(x, stack_of(x).with_key(0))  # FNINIT, FNSAVE
    elif i.modrm in (0xF6, 0xF7) and i.opcode == 0xD9:
        set_stack(x, stack_of(x).moved(1 if i.modrm == 0xF7 else -1))
    elif i.opcode in (0xDD, 0xDF) and 0xC0 <= i.modrm < 0xC8:
        set_stack(x, stack_of(x).marked(i.modrm & 7, False))
        if i.opcode == 0xDF:
            pop(x)
    elif i.opcode in (0xDD, 0xDF) and 0xD0 <= i.modrm < 0xE0 and not in_storage(i):
        set_stack(x, stack_of(x).marked(i.modrm & 7, True))
    for _ in range(pops):
        pop(x)
    for _ in range(pushes):
        push(x)
    set_c1(x, TOLD)
    after = x.s.floating
    x.s.floating = before
    general = 0 if (i.opcode, i.modrm) == (0xDF, 0xE0) else None
    if i.opcode in (0xDB, 0xDF) and 0xE8 <= i.modrm < 0xF8:
        assist(x, i, after, general)
        live = x.live
        condition.forget(x)
        if live & flags.X:
            condition.carry_as(x, 1)
    else:
        assist(x, i, after, general)
