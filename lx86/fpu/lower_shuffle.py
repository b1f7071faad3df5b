"""PSHUFD, SHUFPS and SHUFPD, and loads that one of them spreads over a register."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..instruction import Imm, Mem
from . import vsx
from .known import ANY, GENERAL, SINGLE, XMM
from .lowering import SCRATCH, form_of, full, in_storage, set_form, to_general

if TYPE_CHECKING:
    from ..context import Context
    from ..emitter import Emitter
    from ..instruction import Instruction

_PLAIN = frozenset({"add", "sub", "cmp", "inc", "dec", "mov", "and", "or", "xor", "test"})
"""Without storage operands these cannot fail, and leave XMM registers as they are."""


def lower(x: Context, i: Instruction) -> bool:
    """PSHUFD, SHUFPS and SHUFPD, where few instructions do it."""
    operand = i.operands[-1]
    assert isinstance(operand, Imm)
    order, reg, e = operand.value & 0xFF, i.reg, x.e
    if i is x.done or (i.prefix != 0xF2 and _splat(x, i, order, reg)):
        set_form(x, reg, GENERAL)
        return True
    if i.opcode & 0xFF == 0xC6 and i.prefix == 0x66:
        b, a = full(x, i), to_general(x, reg)
        vsx.permute_doublewords(e, a, a, b, (order & 1) << 1 | order >> 1 & 1)
        return True
    if i.opcode & 0xFF == 0xC6 and i.prefix == 0:
        b, a = full(x, i), to_general(x, reg)
        low, high = _pair(e, a, order & 15, SCRATCH), _pair(e, b, order >> 4, SCRATCH + 1)
        vsx.permute_doublewords(e, a, low[0], high[0], low[1] << 1 | high[1])
        return True
    if i.opcode & 0xFF != 0x70 or i.prefix != 0x66:
        return False
    b = full(x, i)
    a = XMM + reg
    lanes = [order >> 2 * n & 3 for n in range(4)]
    if len(set(lanes)) == 1:
        vsx.xx2(e, vsx.XXSPLTW, a, b, lanes[0] ^ 1)
    else:
        low, high = _pair(e, b, order & 15, SCRATCH), _pair(e, b, order >> 4, SCRATCH + 1)
        vsx.permute_doublewords(e, a, low[0], high[0], low[1] << 1 | high[1])
    set_form(x, reg, GENERAL)
    return True


def _splat(x: Context, i: Instruction, order: int, reg: int) -> bool:
    """Of the lowest single of a register that holds but that, where the order is such."""
    rm = i.rm
    if order or in_storage(i) or not form_of(x, rm) & SINGLE or form_of(x, rm) == ANY:
        return False
    if i.opcode & 0xFF == 0xC6 and (i.prefix or rm != reg):
        return False
    if i.opcode & 0xFF == 0x70 and i.prefix != 0x66:
        return False
    vsx.xx2(x.e, vsx.XSCVDPSPN, SCRATCH, XMM + rm)
    vsx.xx2(x.e, vsx.XXSPLTW, XMM + reg, SCRATCH, 1)
    return True


def splat_behind(x: Context, reg: int) -> Instruction | None:
    """SHUFPS that puts the register's lowest word everywhere, if nobody can see it before."""
    if not x.options.look_ahead:
        return None
    for i in x.ahead[x.position + 1 :]:
        if i.opcode == 0x0FC6 and not i.prefix and i.modrm >= 0xC0 and i.reg == i.rm == reg:
            order = i.operands[-1]
            return i if isinstance(order, Imm) and not order.value & 0xFF else None
        if i.name not in _PLAIN or any(isinstance(o, Mem) for o in i.operands):
            return None
    return None


def _pair(e: Emitter, source: int, order: int, scratch: int) -> tuple[int, int]:
    """Two lanes of a register as a doubleword of some register: which, and which of its two."""
    first, second = order & 3, order >> 2
    if (first, second) in ((0, 1), (2, 3)):
        return source, first >> 1
    if first == second:
        vsx.xx2(e, vsx.XXSPLTW, scratch, source, first ^ 1)
        return scratch, 0
    if (first, second) in ((1, 0), (3, 2)):
        if first == 1:
            vsx.xx2(e, vsx.XXSPLTW, scratch, source, 1)
            vsx.xx3(e, vsx.XXMRGHW, scratch, scratch, source)
            return scratch, 0
        vsx.xx2(e, vsx.XXSPLTW, scratch, source, 3)
        vsx.xx3(e, vsx.XXMRGLW, scratch, scratch, source)
        return scratch, 0
    vsx.xx2(e, vsx.XXSPLTW, scratch, source, first ^ 1)
    vsx.xx2(e, vsx.XXSPLTW, scratch + 4, source, second ^ 1)
    vsx.xx3(e, vsx.XXMRGHW, scratch, scratch + 4, scratch)
    return scratch, 0
