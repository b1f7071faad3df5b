"""Instructions with three-byte opcodes (three_bytes.py): which lowering each goes to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..flags import X
from ..lower import condition
from ..lower.later import movbe
from ..three_bytes import FLAGS, MOVBE, is_defined
from . import forms, lower_aes, lower_later, lower_mmx, lower_sse4, lower_strings
from .known import GENERAL, STACK
from .lower_crc import crc32
from .lowering import assist, form_of, full, in_storage, set_form, to_general

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

_FLOATING = frozenset((*range(0xF3A08, 0xF3A0C), 0xF3A40, 0xF3A41))
"""What can have a floating-point exception."""


def lower(x: Context, i: Instruction) -> bool:
    """False: there is no such instruction."""
    if not is_defined(i.opcode, i.prefix, in_storage(i), x.options.more):
        return False
    if i.opcode in MOVBE:
        if i.prefix == 0xF2:
            crc32(x, i)
        else:
            movbe(x, i)
        return True
    if not i.prefix:
        _mmx(x, i)
        return True
    target, before = forms.target_of(i), x.s.floating.forms
    sequence = lower_later.sixteen(i.opcode)
    if sequence is not None:
        b, a = full(x, i), to_general(x, i.reg)
        sequence(x.e, a, b)
    elif (i.opcode in _FLOATING and x.options.exact_sse) or not any(
        part.lower(x, i) for part in (lower_sse4, lower_aes, lower_strings)
    ):
        _assisted(x, i)
    if target is not None and form_of(x, target) & forms.behind(i, before)[target] == GENERAL:
        set_form(x, target, GENERAL)  # its high half may have been zero before
    return True


def _mmx(x: Context, i: Instruction) -> None:
    lower_mmx.enter(x, i)
    sequence = lower_later.eight(i.opcode)
    reg = i.modrm >> 3 & 7
    b = lower_mmx.source(x, i)
    if sequence is None:
        lower_sse4.align_eight(x, i, STACK + reg, b)
    else:
        sequence(x.e, STACK + reg, b)
    lower_mmx.mark(x, 1 << reg)


def _assisted(x: Context, i: Instruction) -> None:
    """By the host; what it writes of general registers, and flags."""
    general, after = None, x.s.floating
    if i.opcode in (0x0F3A61, 0x0F3A63):
        general = 1  # ECX
    assist(x, i, replace(after, forms=forms.behind(i, after.forms)), general)
    if i.opcode in FLAGS:
        live = x.live
        condition.forget(x)
        if live & X:
            condition.carry_as(x, 1)
