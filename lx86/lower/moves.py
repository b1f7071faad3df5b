"""MOV and its kin, LEA, XCHG, the stack, CMOVcc, SETcc, CBW, CWD, BSWAP, XLAT."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..convention import CONTEXT, FIRST, ONE, SCRATCH_AT, SELECTORS_AT, ZERO
from ..emitter import WORD
from ..extended import is_extended_next
from ..instruction import EAX, EBP, EBX, EDX, ESP, NO_SEGMENT, Imm, Mem, Reg, Seg
from . import condition
from .arithmetic import finish, place

if TYPE_CHECKING:
    from ..addresses import Address
    from ..context import Context
    from ..instruction import Instruction, Operand


def mov(x: Context, i: Instruction) -> None:
    target, source = i.operands
    if isinstance(source, Seg):
        out = x.temporary()
        x.e.d(32, out, CONTEXT, SELECTORS_AT + 4 * source.number)
        if isinstance(target, Reg) and target.size >= 4:
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
        base, offset = x.value(target.number) if isinstance(source, Imm) else (0, 0)
        if base < 0 and isinstance(source, Imm) and not target.high:
            mask = (1 << 8 * target.size) - 1
            x.set_value(target.number, (-1, offset & ~mask | source.value & mask))
        else:
            x.write(target, x.read(source))
    elif isinstance(source, Imm):
        lazy = target.size < x.word and x.options.lazy_halves
        value = source.value & (1 << 8 * target.size) - 1
        (x.set_low if lazy else x.set_value)(target.number, (-1, value))
    elif isinstance(source, Reg):
        held = x.s.values[source.number]
        if target.size == x.word:
            low = x.s.low >> source.number & 1
            (x.set_low if low else x.set_value)(target.number, held)
        elif held[0] < 0 and not x.options.lazy_halves:
            x.set_value(target.number, (-1, held[1] & WORD))
        elif x.options.lazy_halves and x.options.lazy_values:
            whole = held[0] < 0 or held[1] or x.width(held[0]) > 32
            (x.set_low if whole else x.set_value)(target.number, held)
        else:
            x.write(target, x.use_low(source.number))
    else:
        assert isinstance(source, Mem)
        load(x, target.number, x.address(source), target.size)


def load(x: Context, number: int, at: Address, size: int) -> None:
    """A word of storage, or less, into an x86 register."""
    known = x.known_word(at) if size == x.word else None
    if known is not None:
        x.set_value(number, known)
        return
    recovery = x.recovery()
    home = x.define(number)
    x.load(home, at, size, recovery)
    if at[0] != home and size == x.word:
        x.note_word(at, (home, 0))


def extend(x: Context, i: Instruction) -> None:
    """MOVZX, MOVSX and MOVSXD."""
    target, source = i.operands
    assert isinstance(target, Reg)
    assert isinstance(source, Reg | Mem)
    e, sign = x.e, i.name != "movzx"
    cut = sign and target.size == 4 < x.word  # the sign goes too far
    if isinstance(source, Mem):
        at = x.address(source)
        if target.size >= 4:
            recovery = x.recovery()
            out = x.define(target.number)
        else:
            recovery, out = x.recovery(), x.temporary()
        if sign and source.size >= 2:
            x.load_signed(out, at, source.size, recovery)
        else:
            x.load(out, at, source.size, recovery)
            if sign:
                e.extsb(out, out)
                x.s.widths.pop(out, None)
    else:
        register = x.use_low(source.number)
        if sign and source.high:
            register = x.read(source)
        x.hold(register)
        if not sign and not source.high and target.size >= 4:
            if x.width(register) > 8 * source.size:
                bits = 32 - 8 * source.size
                e.rlwinm(x.define(target.number), register, 0, bits, 31)
                x.s.widths[FIRST + target.number] = 8 * source.size
            else:
                x.set_value(target.number, (register, 0))
            return
        out = x.result(target)
        if sign:
            {1: e.extsb, 2: e.extsh, 4: e.extsw}[source.size](out, register)
        elif source.size == 1:
            e.rlwinm(out, register, 24 if source.high else 0, 24, 31)
        else:
            e.rlwinm(out, register, 0, 16, 31)
        if not sign:
            x.s.widths[out] = 8 * source.size
    if target.size < 4 or cut or out != FIRST + target.number:
        x.write(target, out)


def movsxd(x: Context, i: Instruction) -> None:
    """Without REX.W it is MOV."""
    (extend if i.size == 8 else mov)(x, i)


def lea(x: Context, i: Instruction) -> None:
    target, source = i.operands
    assert isinstance(target, Reg)
    assert isinstance(source, Mem)
    if target.size == x.word and source.index < 0 and not source.short:
        base, offset = x.value(source.base) if source.base >= 0 else (-1, 0)
        x.set_value(target.number, (base, offset + source.displacement))
        return
    lazy = x.options.lazy_halves and x.options.lazy_values and target.size == 4
    if lazy and source.index < 0 <= source.base:
        base, offset = x.s.values[source.base]
        x.set_low(target.number, (base, offset + source.displacement))
        return
    if target.size == x.word:
        base, index, displacement = x.address(replace(source, size=4, segment=NO_SEGMENT))
        if index < 0:
            x.set_value(target.number, (base if base else -1, displacement))
            return
        x.e.add(x.define(target.number), base, index)
        return
    x.write(target, x.effective(source, target))


def xchg(x: Context, i: Instruction) -> None:
    first, second = i.operands
    if isinstance(first, Reg) and isinstance(second, Reg):
        if first.size == x.word:
            x.clean_all()
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


def _push_value(x: Context, register: int, size: int) -> None:
    base, offset = x.value(ESP)
    at = x.address(Mem(size, ESP, -1, 0, -size, 2))
    x.store(register, at, size)
    base, offset = x.value(ESP)
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
    if isinstance(target, Reg) and i.size == x.word:
        load(x, target.number, at, i.size)
        if target.number != ESP:
            _drop(x, i.size)
        return
    out = x.temporary()
    x.load(out, at, i.size)
    if isinstance(target, Mem):  # its address counts ESP as it is afterwards
        if target.base == ESP:
            target = Mem(
                target.size, ESP, target.index, target.shift, target.displacement + i.size,
                target.segment, target.short, target.long,
            )  # fmt: skip
        x.store(out, x.address(target), i.size)
    else:
        assert isinstance(target, Reg)
        x.write(target, out)
        if target.number == ESP:
            return
    _drop(x, i.size)


def _drop(x: Context, size: int) -> None:
    base, offset = x.value(ESP)
    x.set_value(ESP, (base, offset + size))


def pusha(x: Context, i: Instruction) -> None:
    for number in range(8):
        register = x.use(number)
        at = Mem(i.size, ESP, -1, 0, -(number + 1) * i.size, 2)
        x.store(register, x.address(at), i.size)
    base, offset = x.value(ESP)
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
    at = x.address(Mem(x.word, EBP, -1, 0, 0, 2))
    value = x.known_word(at)
    if value is None:
        register = x.temporary()
        x.load(register, at, x.word)
        value = register, 0
    base, offset = x.value(EBP)
    x.set_values((ESP, (base, offset + x.word)), (EBP, value))


def enter(x: Context, i: Instruction) -> None:
    """With nesting level 0; others are the host's."""
    size = i.operands[0]
    assert isinstance(size, Imm)
    frame, word = x.use(EBP), x.word
    x.store(frame, x.address(Mem(word, ESP, -1, 0, -word, 2)), word)
    if size.value:  # where the stack ends then must be storage, too
        last = x.address(Mem(word, ESP, -1, 0, -word - size.value, 2))
        value = x.temporary()
        x.load(value, last, word)
        x.store(value, last, word)
    base, offset = x.value(ESP)
    x.set_value(EBP, (base, offset - word))
    x.set_value(ESP, (base, offset - word - size.value))


def cmovcc(x: Context, i: Instruction) -> None:
    target, source = i.operands
    assert isinstance(target, Reg)
    value = x.read(source)
    old = x.read(target)
    bit, holds = condition.test(x, i.condition)
    width = max(x.width(value), x.width(old))
    out = x.result(target)
    x.e.isel(out, value, old, bit) if holds else x.e.isel(out, old, value, bit)
    if target.size < x.word and width <= 32:
        x.s.widths[out] = width
    x.write(target, out)


def setcc(x: Context, i: Instruction) -> None:
    target = i.operands[0]
    at = place(x, target)
    bit, holds = condition.test(x, i.condition)
    whole = isinstance(target, Reg) and is_extended_next(x, target)
    out = x.define(target.number) if whole and isinstance(target, Reg) else x.temporary()
    if holds:
        x.e.isel(out, ONE, ZERO, bit)
    else:
        x.e.isel(out, 0, ONE, bit)
    x.s.widths[out] = 1
    if not whole:
        finish(x, target, at, out)


def cbw(x: Context, i: Instruction) -> None:
    """CBW, and CWDE with 32-bit, CDQE with 64-bit operands."""
    a = x.use_low(EAX)
    if i.size == x.word:
        (x.e.extsw if i.size == 8 else x.e.extsh)(x.define(EAX), a)
    else:
        out = x.temporary()
        (x.e.extsb if i.size == 2 else x.e.extsh)(out, a)
        x.write(Reg(EAX, i.size), out)


def cwd(x: Context, i: Instruction) -> None:
    """CWD, CDQ and CQO; SRAWI would change CA, which may be a carry."""
    a = x.use(EAX) if i.size == 8 else x.use_low(EAX)
    e = x.e
    if x.word == 8 and i.size == 4 and not x.s.carry:
        out = x.temporary()
        e.srawi(out, a, 31)
        x.write(Reg(EDX, 4), out)
        return
    if x.word == 8 and i.size >= 4:
        out = x.temporary()
        e.rldicl(out, a, 1 if i.size == 8 else 33, 63)
        e.neg(out, out)
        x.write(Reg(EDX, i.size), out)
        return
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
    a = x.read(target)
    out = x.temporary()
    if target.size == 8:
        x.e.d(62, a, CONTEXT, SCRATCH_AT)
        x.e.addi(out, 0, SCRATCH_AT)
        x.e.x(532, out, CONTEXT, out)  # ldbrx
        x.write(target, out)
        return
    x.e.rlwinm(out, a, 8, 0, 31)
    x.e.rlwimi(out, a, 24, 0, 7)
    x.e.rlwimi(out, a, 24, 16, 23)
    x.s.widths[out] = 32
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
