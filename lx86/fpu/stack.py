"""The x87's registers: a stack, with its control, status and tag words (SDM volume 1, 8.1)."""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING

from .number import (
    EXTENDED,
    INDEFINITE,
    Flag,
    Kind,
    Number,
    Rounded,
    Rounding,
    pack,
    unpack,
)

if TYPE_CHECKING:
    from ..cpu import FloatingState

EMPTY = 3
_PRECISIONS = (24, 64, 53, 64)
"""By the PC field of the control word."""


class Status(IntFlag):
    EXCEPTIONS = 0x3F
    STACK_FAULT = 0x40
    SUMMARY = 0x80
    C0 = 0x100
    C1 = 0x200
    C2 = 0x400
    C3 = 0x4000
    BUSY = 0x8000
    CONDITIONS = 0x4700


class Unmasked(Exception):  # noqa: N818
    """The instruction has an exception that is not masked: it leaves its operands as they were."""


class Stack:
    """The x87's part of a state, and what its instructions do with it."""

    def __init__(self, state: FloatingState) -> None:
        self.s = state

    # -- words -----------------------------------------------------------------------------

    @property
    def top(self) -> int:
        return self.s.status >> 11 & 7

    @top.setter
    def top(self, value: int) -> None:
        self.s.status = self.s.status & ~0x3800 | (value & 7) << 11

    @property
    def rounding(self) -> Rounding:
        return Rounding(self.s.control >> 10 & 3)

    @property
    def precision(self) -> int:
        return _PRECISIONS[self.s.control >> 8 & 3]

    def condition(self, c3: int, c2: int, c0: int) -> None:
        self.s.status &= ~(Status.C3 | Status.C2 | Status.C0)
        self.s.status |= c3 << 14 | c2 << 10 | c0 << 8

    def set_c1(self, on: bool) -> None:
        self.s.status = self.s.status & ~Status.C1 | on << 9

    @property
    def unmasked(self) -> Flag:
        return Flag(~self.s.control & 0x3F)

    def tell(self, flags: int) -> None:
        """Exceptions have happened; those that are not masked wait for the next instruction."""
        self.s.status |= flags
        self.summarize()

    def summarize(self) -> None:
        pending = self.s.status & ~self.s.control & Status.EXCEPTIONS
        self.s.status &= ~(Status.SUMMARY | Status.BUSY)
        if pending:
            self.s.status |= Status.SUMMARY | Status.BUSY

    def before(self, flags: Flag) -> None:
        """Exceptions found before anything is computed; raises `Unmasked`."""
        self.tell(flags)
        if flags & self.unmasked:
            raise Unmasked

    def stack_fault(self, overflow: bool) -> None:
        self.set_c1(overflow)
        self.before(Flag(Flag.INVALID | Status.STACK_FAULT))

    # -- registers -------------------------------------------------------------------------

    def place(self, i: int) -> int:
        """The physical number of ST(i)."""
        return self.top + i & 7

    def is_empty(self, i: int) -> bool:
        return self.s.tags >> 2 * self.place(i) & 3 == EMPTY

    def bits(self, i: int) -> int:
        return self.s.registers[self.place(i)]

    def set_bits(self, i: int, value: int) -> None:
        place = self.place(i)
        self.s.registers[place] = value
        self.set_tag(place, tag_of(value))

    def set_tag(self, place: int, tag: int) -> None:
        self.s.tags = self.s.tags & ~(3 << 2 * place) | tag << 2 * place

    def free(self, i: int) -> None:
        self.set_tag(self.place(i), EMPTY)

    def pop(self) -> None:
        self.free(0)
        self.top += 1

    def read(self, i: int) -> Number | None:
        """ST(i); None, after a masked stack fault, if it is empty."""
        if self.is_empty(i):
            self.stack_fault(False)
            return None
        return unpack(self.bits(i), EXTENDED)

    def push(self, bits: int) -> None:
        if not self.is_empty(7):
            self.stack_fault(True)
            bits = INDEFINITE_BITS
        else:
            self.set_c1(False)
        self.top -= 1
        self.set_bits(0, bits)

    # -- results ---------------------------------------------------------------------------

    def rounded(self, n: Number, *, full: bool = False) -> int:
        """A result for a register; tells of overflow, underflow, inexactness; sets C1."""
        precision = 64 if full else self.precision
        scaled = self.unmasked & (Flag.OVERFLOW | Flag.UNDERFLOW)
        done = pack(n, EXTENDED, self.rounding, precision, scaled=scaled)
        self.after(done)
        return done.bits

    def after(self, done: Rounded) -> None:
        self.set_c1(done.up)
        self.tell(done.flags)


INDEFINITE_BITS = pack(INDEFINITE, EXTENDED, Rounding.NEAREST).bits


def tag_of(bits: int) -> int:
    """0 valid, 1 zero, 2 special (SDM volume 1, 8.1.7)."""
    biased, significand = bits >> 64 & 0x7FFF, bits & (1 << 64) - 1
    if not biased and not significand:
        return 1
    return 0 if biased not in (0, 0x7FFF) and significand >> 63 else 2


def choose_nan(a: Number, b: Number) -> Number:
    """Of two operands, one a NaN at least (SDM volume 1, table 4-7, the x87's rows)."""
    if not b.is_nan:
        return a.quiet()
    if not a.is_nan:
        return b.quiet()
    if a.signaling != b.signaling:
        return b if a.signaling else a
    x, y = a.significand, b.significand
    if x != y:
        return a.quiet() if x > y else b.quiet()
    return b.quiet() if a.negative else a.quiet()


def nan_flags(*operands: Number) -> Flag:
    """Of an operation with a NaN or an unsupported operand."""
    bad = any(n.signaling or n.kind is Kind.UNSUPPORTED for n in operands)
    return Flag.INVALID if bad else Flag.NONE


def denormal_flags(*operands: Number) -> Flag:
    return Flag.DENORMAL if any(n.denormal for n in operands) else Flag.NONE


def initialize(s: FloatingState) -> None:
    """FNINIT."""
    s.control, s.status, s.tags = 0x37F, 0, 0xFFFF
    s.opcode = s.instruction = s.operand = 0
