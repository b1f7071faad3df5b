"""MMX, SSE and SSE2: which instruction does what with which registers.

`rm` below is ModRM's register or storage operand, `reg` the register it names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cpu import Vector
from ..instruction import Imm
from . import packed_float, simd_convert, simd_move, sse3, x87_storage
from .lanes import join, split
from .number import DOUBLE, SINGLE, Format
from .operation import Refused
from .packed_float import Lanes
from .packed_integer import BINARY, IMMEDIATE_SHIFTS, SSE2_ONLY, shift_bytes, shift_lanes
from .stack import tag_of

if TYPE_CHECKING:
    from .operation import Operation

ALL = (1 << 128) - 1
_MMX_EXPONENT = 0xFFFF << 64
_SCALAR = {0xF3: SINGLE, 0xF2: DOUBLE}
_VECTOR = {0: SINGLE, 0x66: DOUBLE}
_ARITHMETIC = {0x51, 0x52, 0x53, 0x58, 0x59, 0x5C, 0x5D, 0x5E, 0x5F}
_LOGIC = {0x54: 0xDB, 0x55: 0xDF, 0x56: 0xEB, 0x57: 0xEF}


def size_of(form: Format) -> int:
    """Bits of a lane."""
    return 32 if form is SINGLE else 64


class Registers:
    """MMX's and SSE's registers in a state, and an instruction's operands among them."""

    def __init__(self, op: Operation) -> None:
        self.op, self.s = op, op.floating
        self.opcode, self.prefix = op.instruction.opcode & 0xFF, op.instruction.prefix
        modrm = op.instruction.modrm
        self.reg, self.rm = op.instruction.reg, op.instruction.rm
        self.long = op.instruction.size == 8
        """The general register or integer in storage is a quadword."""
        self.in_storage = 0 <= modrm < 0xC0

    @property
    def immediate(self) -> int:
        value = self.op.instruction.operands[-1]
        assert isinstance(value, Imm)
        return value.value & 0xFF

    # -- MMX -------------------------------------------------------------------------------

    def enter_mmx(self) -> None:
        """All registers are valid, and the first is on top (SDM volume 1, 9.5)."""
        if self.s.status & 0x80:
            raise Refused(Vector.X87_ERROR)
        self.s.status &= ~0x3800
        tags = [tag_of(value) for value in self.s.registers]
        self.s.tags = join(tags, 2)

    def mm(self, n: int) -> int:
        return self.s.registers[n & 7] & (1 << 64) - 1

    def set_mm(self, n: int, value: int) -> None:
        n &= 7
        self.s.registers[n] = _MMX_EXPONENT | value & (1 << 64) - 1
        self.s.tags = self.s.tags & ~(3 << 2 * n) | 2 << 2 * n

    def mm_source(self) -> int:
        return self.op.load(8) if self.in_storage else self.mm(self.rm)

    # -- SSE -------------------------------------------------------------------------------

    def xmm(self, n: int) -> int:
        return self.s.xmm[n]

    def set_xmm(self, n: int, value: int) -> None:
        self.s.xmm[n] = value & ALL

    def set_low(self, n: int, value: int, bits: int) -> None:
        """The lowest bits; the others stay."""
        mask = (1 << bits) - 1
        self.s.xmm[n] = self.s.xmm[n] & ~mask | value & mask

    def aligned(self, length: int = 16) -> None:
        if self.op.address % length:
            raise Refused(Vector.GENERAL_PROTECTION)

    def source(self, bits: int = 128) -> int:
        """The low bits of `rm`; all of it must be aligned in storage."""
        if self.in_storage:
            if bits == 128:
                self.aligned()
            return self.op.load(bits // 8)
        return self.s.xmm[self.rm] & (1 << bits) - 1

    def lanes(self) -> Lanes:
        return Lanes(self.s.mxcsr)

    def finish(self, lanes: Lanes) -> None:
        """Exceptions go to MXCSR; traps if one is not masked."""
        if lanes.before & lanes.unmasked:
            lanes.after &= lanes.before  # nothing was computed
        flags = lanes.before | lanes.after
        self.s.mxcsr |= int(flags)
        if flags & lanes.unmasked:
            raise Refused(Vector.SIMD_ERROR)


def execute(op: Operation) -> None:
    """Carry out an instruction of MMX, SSE or SSE2; raises `Undefined` if there is no such one."""
    r = Registers(op)
    opcode, prefix = r.opcode, r.prefix
    if opcode == 0xAE:
        _group_ae(r)
    elif opcode == 0x77 and not prefix:
        if op.floating.status & 0x80:
            raise Refused(Vector.X87_ERROR)
        op.floating.tags = 0xFFFF
        op.floating.status &= ~0x3800
    elif opcode in BINARY and prefix in (0, 0x66):
        _packed_integer(r)
    elif opcode in (0x71, 0x72, 0x73) and prefix in (0, 0x66):
        _shift_immediate(r)
    elif opcode in _ARITHMETIC:
        _arithmetic(r)
    elif opcode in _LOGIC and prefix in (0, 0x66):
        r.set_xmm(r.reg, BINARY[_LOGIC[opcode]](r.xmm(r.reg), r.source(), 128))
    elif opcode == 0xC2:
        _compare(r)
    elif opcode in (0x2E, 0x2F) and prefix in (0, 0x66):
        form = _VECTOR[prefix]
        lanes, bits = r.lanes(), size_of(form)
        low = r.xmm(r.reg) & (1 << bits) - 1
        flags = lanes.compare_flags(low, r.source(bits), form, quiet=opcode == 0x2E)
        r.finish(lanes)
        op.set_compared(flags)
    elif not (sse3.execute(r) or simd_convert.execute(r) or simd_move.execute(r)):
        op.undefined()


def _packed_integer(r: Registers) -> None:
    f = BINARY[r.opcode]
    if r.prefix:
        r.set_xmm(r.reg, f(r.xmm(r.reg), r.source(), 128))
        return
    if r.opcode in SSE2_ONLY:
        r.op.undefined()
    half = r.opcode in (0x60, 0x61, 0x62) and r.in_storage
    source = r.op.load(4) if half else r.mm_source()
    r.enter_mmx()
    r.set_mm(r.reg, f(r.mm(r.reg), source, 64))


def _shift_immediate(r: Registers) -> None:
    if r.in_storage:
        r.op.undefined()
    group = r.reg & 7
    key = r.opcode, group
    if r.prefix and key in ((0x73, 3), (0x73, 7)):
        r.set_xmm(r.rm, shift_bytes(r.xmm(r.rm), r.immediate, left=group == 7))
        return
    if key not in IMMEDIATE_SHIFTS:
        r.op.undefined()
    width, how = IMMEDIATE_SHIFTS[key]
    if r.prefix:
        r.set_xmm(r.rm, shift_lanes(r.xmm(r.rm), r.immediate, width, how, 128))
    else:
        r.enter_mmx()
        r.set_mm(r.rm, shift_lanes(r.mm(r.rm), r.immediate, width, how, 64))


def _arithmetic(r: Registers) -> None:
    lanes = r.lanes()
    estimate = r.opcode in (packed_float.RECIPROCAL, packed_float.RECIPROCAL_ROOT)
    if estimate and r.prefix not in (0, 0xF3):
        r.op.undefined()
    form = _SCALAR.get(r.prefix)
    if form:
        bits = size_of(form)
        a = r.xmm(r.reg) & (1 << bits) - 1
        value = lanes.arithmetic(r.opcode, a, r.source(bits), form)
        r.finish(lanes)
        r.set_low(r.reg, value, bits)
        return
    form = _VECTOR[r.prefix]
    bits = size_of(form)
    pairs = zip(
        split(r.xmm(r.reg), bits, 128 // bits), split(r.source(), bits, 128 // bits), strict=True
    )
    values = [lanes.arithmetic(r.opcode, a, b, form) for a, b in pairs]
    r.finish(lanes)
    r.set_xmm(r.reg, join(values, bits))


def _compare(r: Registers) -> None:
    lanes, predicate = r.lanes(), r.immediate & 7
    form = _SCALAR.get(r.prefix)
    if form:
        bits = size_of(form)
        a = r.xmm(r.reg) & (1 << bits) - 1
        holds = lanes.compare_mask(predicate, a, r.source(bits), form)
        r.finish(lanes)
        r.set_low(r.reg, -holds, bits)
        return
    form = _VECTOR[r.prefix]
    bits = size_of(form)
    pairs = zip(
        split(r.xmm(r.reg), bits, 128 // bits), split(r.source(), bits, 128 // bits), strict=True
    )
    masks = [-lanes.compare_mask(predicate, a, b, form) for a, b in pairs]
    r.finish(lanes)
    r.set_xmm(r.reg, join(masks, bits))


def _group_ae(r: Registers) -> None:
    op = r.op
    if r.prefix:
        op.undefined()
    if not r.in_storage:
        if r.reg & 7 not in (5, 6, 7):
            op.undefined()
        return  # fences: one processor sees its own accesses in order
    match r.reg & 7:
        case 0:
            r.aligned()
            x87_storage.fxsave(op)
        case 1:
            r.aligned()
            x87_storage.fxrstor(op)
        case 2:
            value = op.load(4)
            if value & ~x87_storage.MXCSR_MASK:
                raise Refused(Vector.GENERAL_PROTECTION)
            op.floating.mxcsr = value
        case 3:
            op.store(op.floating.mxcsr, 4)
        case 7:
            op.load(1)  # CLFLUSH
        case _:
            op.undefined()
