"""MMX: MM0 to MM7 lie in doubleword 0 of the VSRs that the x87's registers are in otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..instruction import Imm
from ..three_bytes import FORMS, THREE_BYTES
from . import vsx
from .known import KEY, LOW, MMX_VALID, STACK, XMM, Stack
from .lower_packed import MULTIPLY, SHIFTS, VECTOR
from .lowering import (
    SCRATCH,
    SCRATCH_VR,
    ZERO_VR,
    ZERO_VSR,
    Assist,
    in_storage,
    low_double,
    memory,
    set_form,
    stored,
    to_index,
    transfer,
)
from .x87_condition import tell_c1

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

_LOGIC = {0xDB: vsx.XXLAND, 0xDF: vsx.XXLANDC, 0xEB: vsx.XXLOR, 0xEF: vsx.XXLXOR}
_MERGE = {
    0x60: (12, 1),
    0x61: (76, 1),
    0x62: (140, 1),
    0x68: (12, 0),
    0x69: (76, 0),
    0x6A: (140, 0),
}
_PACK = {0x63: 398, 0x67: 270, 0x6B: 462}
_ALL_WRITTEN = MMX_VALID | 0xFF
_NOT_NEGATIVE = 12
"""TO of a trap: greater or equal."""


def is_mmx(i: Instruction) -> bool:
    """Whether the x87's registers become MMX's with it (or are freed: EMMS)."""
    opcode, prefix = i.opcode & 0xFF, i.prefix
    if i.name == THREE_BYTES:
        return FORMS[i.opcode].mmx and not prefix
    if i.name != "simd":
        return False
    if opcode == 0xD6:
        return prefix in (0xF2, 0xF3)
    if opcode == 0x2A:
        return prefix in (0, 0x66) and not in_storage(i)
    if opcode in (0x2C, 0x2D):
        return prefix in (0, 0x66)
    return not prefix and opcode >= 0x60 and opcode not in (0xC2, 0xC6, 0xAE)


def enter(x: Context, i: Instruction) -> None:
    """From here on MMX has the registers; what the host is to do if the x87 has them."""
    known = x.s.floating
    if known.stack is None or not known.stack.mmx:
        after = replace(known, stack=Stack(0, mmx=True))
        if known.stack is not None:
            materialize(x)
        index = len(x.e.words)
        before = replace(x.s.floating, stack=x.s.floating.stack)
        x.assists[index] = Assist(i, x.recovery(), before, after, index + 1, check=True)
        x.e.twi(_NOT_NEGATIVE, KEY, 0)
        x.s.floating = after


def materialize(x: Context) -> None:
    """Have the x87's registers where code elsewhere looks for them, and R1 say so."""
    stack = x.s.floating.stack
    if stack is None or stack.mmx:
        return
    tell_c1(x)
    _settle_places(x, stack)
    if stack.register != stack.key:
        x.e.addi(KEY, 0, stack.key)
    x.s.floating = replace(x.s.floating, stack=Stack(stack.key))


def _settle_places(x: Context, stack: Stack) -> None:
    """Every register into its own VSR: by cycles."""
    places = list(stack.places)
    for start in range(8):
        if places[start] == start:
            continue
        # the register `start` lies elsewhere; follow what must make room
        vsx.copy(x.e, SCRATCH_VR, STACK + start)
        at = start
        while places[at] != start:
            vsx.copy(x.e, STACK + at, STACK + places[at])
            free = places[at]
            places[at] = at
            at = free
        vsx.copy(x.e, STACK + at, SCRATCH_VR)
        places[at] = at


def mark(x: Context, bits: int) -> None:
    """R1 says what was written, and that all is valid."""
    stack = x.s.floating.stack
    assert stack is not None
    wanted = (bits | MMX_VALID) & ~stack.written
    if wanted:
        x.e.ori(KEY, KEY, wanted)
        x.s.floating = replace(x.s.floating, stack=replace(stack, written=stack.written | wanted))


def mark_all(x: Context) -> None:
    """The host writes some register."""
    stack = x.s.floating.stack
    assert stack is not None
    x.s.floating = replace(x.s.floating, stack=replace(stack, written=0))


def lower(x: Context, i: Instruction) -> bool:
    """False: it has no sequence."""
    opcode = i.opcode & 0xFF
    if not is_mmx(i) or not _known(i):
        return False
    enter(x, i)
    if opcode == 0x77:
        x.e.rlwinm(KEY, KEY, 0, 24, 22)  # all but MMX_VALID
        stack = x.s.floating.stack
        assert stack is not None
        x.s.floating = replace(
            x.s.floating, stack=replace(stack, written=stack.written & ~MMX_VALID)
        )
        return True
    if opcode in (0x6E, 0x6F, 0x7E, 0x7F, 0xD6, 0xE7):
        _move(x, i)
    elif opcode in (0x71, 0x72, 0x73):
        _shift(x, i)
    else:
        _binary(x, i)
    return True


def _known(i: Instruction) -> bool:
    opcode = i.opcode & 0xFF
    if opcode in (0x71, 0x72, 0x73):
        return not in_storage(i) and (opcode, i.modrm >> 3 & 7) in SHIFTS
    if opcode in (0x6E, 0x6F, 0x7E, 0x7F, 0x77, 0xD6):
        return True
    if opcode == 0xE7:
        return in_storage(i)
    if i.prefix:
        return False
    return (
        any(opcode in table for table in (VECTOR, MULTIPLY, _LOGIC, _MERGE, _PACK))
        or opcode == 0xF6
    )


def source(x: Context, i: Instruction) -> int:
    if not in_storage(i):
        return STACK + (i.modrm & 7)
    if i.opcode & 0xFF in (0x60, 0x61, 0x62):
        ra, rb = to_index(x, x.address(memory(i)))
        x.may_fail()
        vsx.indexed(x.e, vsx.LXSIWZX, SCRATCH_VR, ra, rb)
    else:
        transfer(x, i, "load double", SCRATCH_VR)
    return SCRATCH_VR


def _binary(x: Context, i: Instruction) -> None:
    opcode, reg, e = i.opcode & 0xFF, i.modrm >> 3 & 7, x.e
    b, a = source(x, i), STACK + reg
    va, vb = a - 32, b - 32
    if opcode in _LOGIC:
        extended = _LOGIC[opcode]
        if extended == vsx.XXLANDC:
            vsx.xx3(e, extended, a, b, a)
        else:
            vsx.xx3(e, extended, a, a, b)
    elif opcode in VECTOR:
        vsx.vector(e, VECTOR[opcode], va, va, vb)
    elif opcode in MULTIPLY:
        vsx.vector_4(e, MULTIPLY[opcode], va, va, vb, ZERO_VR)
    elif opcode in _MERGE:
        extended, low = _MERGE[opcode]
        vsx.vector(e, extended, va, vb, va)
        if low:
            vsx.swap(e, a, a)
    elif opcode in _PACK:
        vsx.permute_doublewords(e, a, b, a, 0)
        vsx.vector(e, _PACK[opcode], va, va, va)
    else:
        vsx.vector(e, 1027, va, va, vb)  # vabsdub
        vsx.vector(e, 1544, va, va, ZERO_VR)  # vsum4ubs
        vsx.vector(e, 1672, va, va, ZERO_VR)  # vsum2sws
    mark(x, 1 << reg)


def _shift(x: Context, i: Instruction) -> None:
    count = i.operands[-1]
    assert isinstance(count, Imm)
    how, n, places = i.modrm >> 3 & 7, i.modrm & 7, count.value & 0xFF
    extended, most = SHIFTS[i.opcode & 0xFF, how]
    register = STACK + n
    if places > most and how != 4:
        vsx.copy(x.e, register, ZERO_VSR)
    else:
        vsx.splat_byte(x.e, SCRATCH_VR, min(places, most))
        vsx.vector(x.e, extended, register - 32, register - 32, 0)
    mark(x, 1 << n)


def _move_quadword(x: Context, i: Instruction, register: int) -> None:
    """MOVQ with a general register or storage: REX.W."""
    loads = i.opcode & 0xFF == 0x6E
    if in_storage(i):
        transfer(x, i, "load double" if loads else "store double", register)
    elif loads:
        vsx.indexed(x.e, vsx.MTVSRD, register, x.use(i.rm), 0)
    else:
        vsx.indexed(x.e, vsx.MFVSRD, register, x.define(i.rm), 0)


def _move(x: Context, i: Instruction) -> None:
    opcode, reg, rm, storage = i.opcode & 0xFF, i.modrm >> 3 & 7, i.modrm & 7, in_storage(i)
    if i.size == 8 and opcode in (0x6E, 0x7E):
        _move_quadword(x, i, STACK + reg)
        mark(x, 1 << reg if opcode == 0x6E else 0)
        return
    e, register = x.e, STACK + reg
    match opcode:
        case 0x6E:
            if storage:
                ra, rb = to_index(x, x.address(memory(i)))
                x.may_fail()
                vsx.indexed(e, vsx.LXSIWZX, register, ra, rb)
            else:
                vsx.indexed(e, vsx.MTVSRWZ, register, x.use(i.rm), 0)
            mark(x, 1 << reg)
        case 0x7E:
            if storage:
                at = x.address(memory(i))
                ra, rb = to_index(x, at)
                x.may_fail()
                vsx.indexed(e, vsx.STXSIWX, register, ra, rb)
                stored(x, at, 4)
            else:
                vsx.indexed(e, vsx.MFVSRWZ, register, x.define(i.rm), 0)
            mark(x, 0)
        case 0x6F:
            if storage:
                transfer(x, i, "load double", register)
            else:
                vsx.copy(e, register, STACK + rm)
            mark(x, 1 << reg)
        case 0x7F | 0xE7:
            if storage:
                transfer(x, i, "store double", register)
                mark(x, 0)
            else:
                vsx.copy(e, STACK + rm, register)
                mark(x, 1 << rm)
        case _ if i.prefix == 0xF3:  # MOVQ2DQ
            vsx.copy(e, XMM + i.reg, STACK + rm)
            set_form(x, i.reg, LOW)
            mark(x, 0)
        case _:  # MOVDQ2Q
            vsx.copy(e, register, low_double(x, i, i.rm))
            mark(x, 1 << reg)


__all__ = ["SCRATCH", "enter", "is_mmx", "lower", "materialize"]
