"""MOV and its kin, LEA, XCHG, the stack, CMOVcc, SETcc, CBW, CWD, BSWAP, XLAT."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..convention import CONTEXT, FIRST, ONE, SELECTORS_AT, ZERO
from ..instruction import EAX, EBP, EBX, EDX, ESP, NO_SEGMENT, Imm, Mem, Reg, Seg
from . import condition
from .arithmetic import finish, place

if TYPE_CHECKING:
    from ..context import Address, Context
    from ..instruction import Instruction, Operand


def mov(x: Context, i: Instruction) -> None:
    target, source = i.operands
    if isinstance(source, Seg):
        out = x.temporary()
        x.e.d(32, out, CONTEXT, SELECTORS_AT + 4 * source.number)
        if isinstance(target, Reg) and target.size == 4:
            x.set_value(target.number, (out, 0))
        else:
            finish(x, target, place(x, target), out)
        return
    if isinstance(target, Mem):
        value = x.read(source)
        x.store(value, x.address(target), target.size)
        return
    assert isinstance(target, Reg)
    if target.size < 4:
        base, offset = x.s.values[target.number]
        if base < 0 and isinstance(source, Imm) and not target.high:
            mask = (1 << 8 * target.size) - 1
            x.set_value(target.number, (-1, offset & ~mask | source.value & mask))
        else:
            x.write(target, x.read(source))
    elif isinstance(source, Imm):
        x.set_value(target.number, (-1, source.value))
    elif isinstance(source, Reg):
        x.set_value(target.number, x.s.values[source.number])
    else:
        assert isinstance(source, Mem)
        load(x, target.number, x.address(source))


def load(x: Context, number: int, at: Address) -> None:
    """A word of storage into an x86 register."""
    known = x.known_word(at)
    if known is not None:
        x.set_value(number, known)
        return
    recovery = x.recovery()
    home = x.define(number)
    x.load(home, at, 4, recovery)
    if at[0] != home:
        x.note_word(at, (home, 0))


def extend(x: Context, i: Instruction) -> None:
    """MOVZX and MOVSX."""
    target, source = i.operands
    assert isinstance(target, Reg)
    assert isinstance(source, Reg | Mem)
    e, sign = x.e, i.name == "movsx"
    if isinstance(source, Mem):
        at = x.address(source)
        if target.size == 4:
            recovery = x.recovery()
            out = x.define(target.number)
        else:
            recovery, out = x.recovery(), x.temporary()
        if sign and source.size == 2:
            x.may_fail(recovery)
            if at[1] >= 0:
                e.x(343, out, at[0], at[1])
            else:
                e.d(42, out, at[0], at[2])
        else:
            x.load(out, at, source.size, recovery)
            if sign:
                e.extsb(out, out)
                x.s.widths.pop(out, None)
    else:
        register = x.use(source.number)
        if sign and source.high:
            register = x.read(source)
        x.hold(register)
        if not sign and not source.high and target.size == 4:
            if x.width(register) > 8 * source.size:
                bits = 32 - 8 * source.size
                e.rlwinm(x.define(target.number), register, 0, bits, 31)
                x.s.widths[FIRST + target.number] = 8 * source.size
            else:
                x.set_value(target.number, (register, 0))
            return
        out = x.result(target)
        if sign:
            (e.extsb if source.size == 1 else e.extsh)(out, register)
        elif source.size == 1:
            e.rlwinm(out, register, 24 if source.high else 0, 24, 31)
        else:
            e.rlwinm(out, register, 0, 16, 31)
    if target.size < 4:
        x.write(target, out)


def lea(x: Context, i: Instruction) -> None:
    target, source = i.operands
    assert isinstance(target, Reg)
    assert isinstance(source, Mem)
    if target.size == 4 and source.index < 0 and not source.short:
        base, offset = x.s.values[source.base] if source.base >= 0 else (-1, 0)
        x.set_value(target.number, (base, offset + source.displacement))
        return
    if target.size == 4:
        base, index, displacement = x.address(replace(source, size=4, segment=NO_SEGMENT))
        if index < 0:
            x.set_value(target.number, (base if base else -1, displacement))
            return
        x.e.add(x.define(target.number), base, index)
        return
    out = x.temporary()
    x.effective(source, out)
    x.write(target, out)


def xchg(x: Context, i: Instruction) -> None:
    first, second = i.operands
    if isinstance(first, Reg) and isinstance(second, Reg):
        if first.size == 4:
            values = x.s.values
            one, other = values[first.number], values[second.number]
            x.set_values((first.number, other), (second.number, one))
            return
        a, b = x.temporary(), x.temporary()
        x.e.mr(a, x.read(first))
        x.e.mr(b, x.read(second))
        x.write(first, b)
        x.write(second, a)
        return
    if isinstance(second, Mem):
        first, second = second, first
    assert isinstance(first, Mem)
    assert isinstance(second, Reg)
    at = x.address(first)
    old = x.temporary()
    x.load(old, at, first.size)
    x.store(x.read(second), at, first.size)
    x.write(second, old)


def _push_value(x: Context, register: int, size: int = 4) -> None:
    base, offset = x.s.values[ESP]
    at = x.address(Mem(size, ESP, -1, 0, -size, 2))
    x.store(register, at, size)
    base, offset = x.s.values[ESP]
    x.set_value(ESP, (base, offset - size))


def push(x: Context, i: Instruction) -> None:
    source = i.operands[0]
    if isinstance(source, Seg):
        register = x.temporary()
        x.e.d(32, register, CONTEXT, SELECTORS_AT + 4 * source.number)
    else:
        register = x.read(source)
    _push_value(x, register, i.size)


def pop(x: Context, i: Instruction) -> None:
    target = i.operands[0]
    at = x.address(Mem(i.size, ESP, -1, 0, 0, 2))
    if isinstance(target, Reg) and i.size == 4:
        if target.number == ESP:
            load(x, ESP, at)
            return
        load(x, target.number, at)
        _drop(x, 4)
        return
    out = x.temporary()
    x.load(out, at, i.size)
    if isinstance(target, Mem):  # its address counts ESP as it is afterwards
        if target.base == ESP:
            target = Mem(
                target.size, ESP, target.index, target.shift, target.displacement + i.size,
                target.segment, target.short,
            )  # fmt: skip
        x.store(out, x.address(target), i.size)
    else:
        assert isinstance(target, Reg)
        x.write(target, out)
        if target.number == ESP:
            return
    _drop(x, i.size)


def _drop(x: Context, size: int) -> None:
    base, offset = x.s.values[ESP]
    x.set_value(ESP, (base, offset + size))


def pusha(x: Context, i: Instruction) -> None:
    at = Mem(i.size, ESP, -1, 0, 0, 2)
    for slot, number in enumerate(range(8)):
        register = x.use(number)
        at.displacement = -(slot + 1) * i.size
        x.store(register, x.address(at), i.size)
    base, offset = x.s.values[ESP]
    x.set_value(ESP, (base, offset - 8 * i.size))


def popa(x: Context, i: Instruction) -> None:
    x.settle(ESP)
    stack = FIRST + ESP
    x.hold(stack)
    last = x.temporary()
    x.load(last, (stack, -1, 0), i.size)
    x.load(last, (stack, -1, 8 * i.size - 1), 1)
    for slot in range(8):
        number = 7 - slot
        if number == ESP:
            continue
        if i.size == 4:
            recovery = x.recovery()
            x.load(x.define(number), (stack, -1, slot * 4), 4, recovery)
        else:
            out = x.temporary()
            x.load(out, (stack, -1, slot * 2), 2)
            x.write(Reg(number, 2), out)
    _drop(x, 8 * i.size)


def leave(x: Context, i: Instruction) -> None:
    at = x.address(Mem(4, EBP, -1, 0, 0, 2))
    value = x.known_word(at)
    if value is None:
        register = x.temporary()
        x.load(register, at, 4)
        value = register, 0
    base, offset = x.s.values[EBP]
    x.set_values((ESP, (base, offset + 4)), (EBP, value))


def enter(x: Context, i: Instruction) -> None:
    """With nesting level 0; others are the host's."""
    size = i.operands[0]
    assert isinstance(size, Imm)
    frame = x.use(EBP)
    x.store(frame, x.address(Mem(4, ESP, -1, 0, -4, 2)), 4)
    if size.value:  # where the stack ends then must be storage, too
        last = x.address(Mem(4, ESP, -1, 0, -4 - size.value, 2))
        word = x.temporary()
        x.load(word, last, 4)
        x.store(word, last, 4)
    base, offset = x.s.values[ESP]
    x.set_value(EBP, (base, offset - 4))
    x.set_value(ESP, (base, offset - 4 - size.value))


def cmovcc(x: Context, i: Instruction) -> None:
    target, source = i.operands
    assert isinstance(target, Reg)
    value = x.read(source)
    old = x.use(target.number)
    bit, holds = condition.test(x, i.condition)
    out = x.result(target)
    x.e.isel(out, value, old, bit) if holds else x.e.isel(out, old, value, bit)
    if target.size < 4:
        x.write(target, out)


def setcc(x: Context, i: Instruction) -> None:
    target = i.operands[0]
    at = place(x, target)
    bit, holds = condition.test(x, i.condition)
    whole = isinstance(target, Reg) and not target.high and _extended_next(x, target)
    out = x.define(target.number) if whole and isinstance(target, Reg) else x.temporary()
    if holds:
        x.e.isel(out, ONE, ZERO, bit)
    else:
        x.e.isel(out, 0, ONE, bit)
    x.s.widths[out] = 1
    if not whole:
        finish(x, target, at, out)


def _extended_next(x: Context, target: Reg) -> bool:
    """Whether the next instruction, which cannot fail, is MOVZX of the register into itself."""
    i = x.following
    return i is not None and i.name == "movzx" and i.operands == (Reg(target.number, 4), target)


def cbw(x: Context, i: Instruction) -> None:
    """CBW, and CWDE with 32-bit operands."""
    a = x.use(EAX)
    if i.size == 4:
        x.e.extsh(x.define(EAX), a)
    else:
        out = x.temporary()
        x.e.extsb(out, a)
        x.write(Reg(EAX, 2), out)


def cwd(x: Context, i: Instruction) -> None:
    """CWD and CDQ; SRAWI would change CA, which may be a carry."""
    a = x.use(EAX)
    e = x.e
    if i.size == 4 and not x.s.carry:
        e.srawi(x.define(EDX), a, 31)
        return
    out = x.temporary()
    (e.extsw if i.size == 4 else e.extsh)(out, a)
    if i.size == 4:
        e.rldicl(x.define(EDX), out, 32, 0)
    else:
        e.rlwinm(out, out, 16, 16, 31)
        x.write(Reg(EDX, 2), out)


def bswap(x: Context, i: Instruction) -> None:
    target = i.operands[0]
    assert isinstance(target, Reg)
    a = x.use(target.number)
    out = x.temporary()
    x.e.rlwinm(out, a, 8, 0, 31)
    x.e.rlwimi(out, a, 24, 0, 7)
    x.e.rlwimi(out, a, 24, 16, 23)
    x.write(Reg(target.number, 4), out)


def xlat(x: Context, i: Instruction) -> None:
    low = x.read_zero_extended(Reg(EAX, 1))
    base = x.use(EBX)
    at = x.temporary()
    x.e.add(at, base, low)
    plain: Operand = Reg(EAX, 1)
    out = x.temporary()
    if i.segment > 3:
        origin, _ = x.segment_base(i.segment, at, -1)
        x.e.add(at, at, origin)
    elif x.options.bases[i.segment]:
        x.e_add_constant(at, at, x.options.bases[i.segment])
    x.load(out, (at, -1, 0), 1)
    assert isinstance(plain, Reg)
    x.write(plain, out)
