"""MMX, SSE and SSE2: which of the lowerings an instruction goes to, and those with none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..flags import X
from ..lower import condition
from . import forms, lower_masks, lower_mmx, lower_packed, lower_sse, lower_sse3
from .defined import is_defined
from .known import GENERAL
from .lowering import assist, form_of, in_storage, memory, set_form

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

_FLOATING = forms.ARITHMETIC | {
    0x2A,
    0x2C,
    0x2D,
    0x2E,
    0x2F,
    0x5A,
    0x5B,
    0x7C,
    0x7D,
    0xC2,
    0xD0,
    0xE6,
}
"""What can have a floating-point exception."""
_PARTS = (lower_mmx, lower_sse3, lower_sse, lower_packed)
_MFENCE = 6


def lower(x: Context, i: Instruction) -> bool:
    """False: there is no such instruction."""
    if not is_defined(i, x.options.more):
        return False
    opcode = i.opcode & 0xFF
    if (opcode == 0xAE and _without_effect(x, i)) or lower_masks.lower(x, i):
        return True
    target, before = forms.target_of(i), x.s.floating.forms
    exact = x.options.exact_sse and opcode in _FLOATING
    if exact or not any(part.lower(x, i) for part in _PARTS):
        _assisted(x, i)
    if target is not None and form_of(x, target) & forms.behind(i, before)[target] == GENERAL:
        set_form(x, target, GENERAL)  # its high half may have been zero before
    return True


def _without_effect(x: Context, i: Instruction) -> bool:
    """MFENCE is for other processes, the other fences order what is in order here; CLFLUSH only
    touches."""
    if not in_storage(i):
        if i.modrm >> 3 & 7 == _MFENCE:
            x.s.words.clear()
            x.e.sync()
        return True
    if i.modrm >> 3 & 7 == 7:
        x.load(x.temporary(), x.address(memory(i)), 1)
        return True
    return False


def _assisted(x: Context, i: Instruction) -> None:
    if lower_mmx.is_mmx(i):
        lower_mmx.enter(x, i)
        lower_mmx.mark_all(x)
    after = x.s.floating
    after = type(after)(forms.behind(i, after.forms), after.stack)
    opcode = i.opcode & 0xFF
    general = None
    if (opcode in (0x2C, 0x2D) and i.prefix in (0xF2, 0xF3)) or opcode in (0x50, 0xC5, 0xD7):
        general = i.reg
    elif opcode == 0x7E and i.prefix != 0xF3 and not in_storage(i):
        general = i.rm
    assist(x, i, after, general)
    if opcode in (0x2E, 0x2F):
        live = x.live
        condition.forget(x)
        if live & X:
            condition.carry_as(x, 1)
