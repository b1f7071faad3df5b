"""Which form (known.py) each XMM register has behind an instruction: a fact of the translation.

Both those who emit an instruction and those who look ahead along the ways of a region ask here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..three_bytes import FORMS, THREE_BYTES
from .known import ANY, GENERAL, LOW, SINGLE

if TYPE_CHECKING:
    from ..instruction import Instruction

ARITHMETIC = frozenset((0x51, 0x58, 0x59, 0x5C, 0x5D, 0x5E, 0x5F))
ESTIMATES = (0x52, 0x53)
_TO_RM = frozenset((0x11, 0x13, 0x17, 0x29, 0x2B, 0x7F, 0xD6, 0xE7, 0x71, 0x72, 0x73))
_ZEROING = frozenset((0x57, 0xEF, 0xF8, 0xF9, 0xFA, 0xFB))
"""XORPS, PXOR, PSUB: of a register with itself, zero."""
_NONE = frozenset((0x2E, 0x2F, 0x50, 0xAE, 0xC5, 0xD7, 0xF7, 0x77))


def target_of(i: Instruction) -> int | None:
    """The XMM register an instruction writes."""
    opcode, prefix, modrm = i.opcode & 0xFF, i.prefix, i.modrm
    reg, rm, storage = i.reg, i.rm, modrm < 0xC0
    if i.name == THREE_BYTES:
        return _target_of_three_bytes(i)
    if i.name != "simd" or opcode in _NONE:
        return None
    if opcode in (0x2C, 0x2D):
        return None
    if opcode == 0x7E:
        return reg if prefix == 0xF3 else None
    if opcode == 0xD6:
        return reg if prefix == 0xF3 else None if storage or prefix == 0xF2 else rm
    if opcode in _TO_RM:
        if storage or (not prefix and opcode in (0x7F, 0xE7, 0x71, 0x72, 0x73)):
            return None
        return rm
    if not prefix and (opcode >= 0x60 and opcode not in (0xC2, 0xC6)):
        return None  # MMX's
    return reg


def _target_of_three_bytes(i: Instruction) -> int | None:
    if i.opcode in (0x0F3A60, 0x0F3A62):  # PCMPESTRM, PCMPISTRM
        return 0
    return i.reg if i.prefix and FORMS[i.opcode].writes else None


def behind(i: Instruction, forms: tuple[int, ...]) -> tuple[int, ...]:
    """The forms behind an instruction."""
    target = target_of(i)
    if target is None:
        if i.name == "simd" and i.opcode == 0x0FAE and i.modrm < 0xC0 and i.modrm >> 3 & 7 == 1:
            return (GENERAL,) * len(forms)  # FXRSTOR
        return forms
    form = _form(i, forms, target)
    return (*forms[:target], form, *forms[target + 1 :])


def _form(i: Instruction, forms: tuple[int, ...], target: int) -> int:
    opcode, prefix, modrm = i.opcode & 0xFF, i.prefix, i.modrm
    storage = modrm < 0xC0
    before, source = forms[target], forms[i.rm]
    high_is_zero = bool(before & (LOW | SINGLE))
    if i.name == THREE_BYTES:
        if i.opcode == 0x0F3A0B:  # ROUNDSD
            return LOW if high_is_zero else GENERAL
        return SINGLE if i.opcode == 0x0F3A0A and before & SINGLE else GENERAL
    if not storage and i.rm == i.reg and opcode in _ZEROING and prefix in (0, 0x66):
        return ANY
    match opcode, prefix:
        case (0x10, 0xF2):
            return LOW if storage or high_is_zero else GENERAL
        case (0x10, 0xF3):
            return SINGLE if storage or before & SINGLE else GENERAL
        case (0x11, 0xF2):
            return LOW if high_is_zero else GENERAL
        case (0x11, 0xF3):
            return SINGLE if before & SINGLE else GENERAL
        case (0x7E, 0xF3) | (0xD6, _) | (0x6E, 0x66):
            return LOW
        case (0x10 | 0x28, 0 | 0x66) | (0x6F, 0x66 | 0xF3) if not storage:
            return source
        case (0x11 | 0x29, 0 | 0x66) | (0x7F, 0x66 | 0xF3) if not storage:
            return forms[i.reg]
        case (0x2A | 0x5A, 0xF2 | 0xF3):
            double = (prefix == 0xF2) == (opcode == 0x2A)
            if double:
                return LOW if high_is_zero else GENERAL
            return SINGLE if before & SINGLE else GENERAL
        case (_, 0xF2) if opcode in ARITHMETIC or opcode == 0xC2:
            return LOW if high_is_zero else GENERAL
        case (_, 0xF3) if opcode in ARITHMETIC:
            return SINGLE if before & SINGLE else GENERAL
        case (0x54, 0x66 | 0):
            return LOW if before & LOW else GENERAL
        case _:
            return GENERAL


def meet(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """Where two ways join."""
    return tuple((x & y) or GENERAL for x, y in zip(a, b, strict=True))
