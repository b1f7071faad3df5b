"""Singles and doubles of SSE and SSE2, one lane at a time (SDM volume 1, 10.4, 11.4, 11.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import number
from .number import DOUBLE, INDEFINITE, SINGLE, Flag, Format, Kind, Number, Rounding, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable

SQUARE_ROOT, RECIPROCAL_ROOT, RECIPROCAL = 0x51, 0x52, 0x53
ADD, MULTIPLY, SUBTRACT, MINIMUM, DIVIDE, MAXIMUM = 0x58, 0x59, 0x5C, 0x5D, 0x5E, 0x5F
_DAZ, _FZ = 1 << 6, 1 << 15


@dataclass(slots=True)
class Lanes:
    """What lanes of one instruction share: MXCSR, and the exceptions found so far."""

    mxcsr: int
    before: Flag = field(default=Flag.NONE)
    """Found before a result was computed."""
    after: Flag = field(default=Flag.NONE)

    @property
    def rounding(self) -> Rounding:
        return Rounding(self.mxcsr >> 13 & 3)

    @property
    def unmasked(self) -> Flag:
        return Flag(~self.mxcsr >> 7 & 0x3F)

    def number(self, bits: int, form: Format, *, told: bool = True) -> Number:
        n = unpack(bits, form)
        if n.denormal and self.mxcsr & _DAZ:
            return Number(Kind.ZERO, n.negative)
        return n

    def pack(self, n: Number, form: Format) -> int:
        tiny_traps = Flag.UNDERFLOW in self.unmasked
        flush = bool(self.mxcsr & _FZ) and not tiny_traps
        done = pack(n, form, self.rounding, flush=flush)
        self.after |= done.flags
        if tiny_traps and n.kind is Kind.FINITE:
            first = n.exponent + n.significand.bit_length() - 1
            if first < 1 - form.bias and not done.bits >> form.stored & 1:
                self.after |= Flag.UNDERFLOW
        return done.bits

    # -- operations ------------------------------------------------------------------------

    def arithmetic(self, what: int, a_bits: int, b_bits: int, form: Format) -> int:
        if what in (MINIMUM, MAXIMUM):
            return self._extreme(what, a_bits, b_bits, form)
        if what in (RECIPROCAL, RECIPROCAL_ROOT):
            return self._estimate(what, b_bits, form)
        a, b = self.number(a_bits, form), self.number(b_bits, form)
        if what == SQUARE_ROOT:
            a = b
        if a.is_nan or b.is_nan:
            if a.signaling or b.signaling:
                self.before |= Flag.INVALID
            return pack((a if a.is_nan else b).quiet(), form, Rounding.NEAREST).bits
        result = _RESULT[what](a, b, self.rounding)
        if result is None:
            self.before |= Flag.INVALID
            return pack(INDEFINITE, form, Rounding.NEAREST).bits
        if what == DIVIDE and b.kind is Kind.ZERO and a.kind is Kind.FINITE:
            self.before |= Flag.ZERO_DIVIDE
        elif a.denormal or b.denormal:
            self.before |= Flag.DENORMAL
        return self.pack(result, form)

    def _extreme(self, what: int, a_bits: int, b_bits: int, form: Format) -> int:
        a, b = self.number(a_bits, form), self.number(b_bits, form)
        second = b_bits if b.kind is not Kind.ZERO else pack(b, form, Rounding.NEAREST).bits
        if a.is_nan or b.is_nan:
            self.before |= Flag.INVALID
            return second
        if a.denormal or b.denormal:
            self.before |= Flag.DENORMAL
        order = number.compare(a, b)
        if order == (-1 if what == MINIMUM else 1):
            return a_bits if a.kind is not Kind.ZERO else pack(a, form, Rounding.NEAREST).bits
        return second

    def _estimate(self, what: int, bits: int, form: Format) -> int:
        """RCPSS, RSQRTSS: here as exact as a single can be; they tell of no exceptions."""
        a = unpack(bits, form)
        if a.denormal:
            a = Number(Kind.ZERO, a.negative)
        if a.is_nan:
            return pack(a.quiet(), form, Rounding.NEAREST).bits
        one = number.finite(False, 1, 0)
        if what == RECIPROCAL_ROOT:
            root = number.square_root(a)
            if root is None:
                return pack(INDEFINITE, form, Rounding.NEAREST).bits
            a = root
        result = number.divide(one, a)
        assert result is not None
        return pack(result, form, Rounding.NEAREST, flush=True).bits

    def compare_mask(self, predicate: int, a_bits: int, b_bits: int, form: Format) -> bool:
        """CMPSS and its kin: EQ LT LE UNORD NEQ NLT NLE ORD."""
        a, b = self.number(a_bits, form), self.number(b_bits, form)
        if a.is_nan or b.is_nan:
            if a.signaling or b.signaling or predicate & 3 in (1, 2):
                self.before |= Flag.INVALID
            return predicate in (3, 4, 5, 6)
        if a.denormal or b.denormal:
            self.before |= Flag.DENORMAL
        order = number.compare(a, b)
        holds = (order == 0, order < 0, order <= 0, False)[predicate & 3]
        return holds != bool(predicate & 4)

    def compare_flags(self, a_bits: int, b_bits: int, form: Format, *, quiet: bool) -> int:
        """ZF, PF and CF of UCOMISS and COMISS."""
        a, b = self.number(a_bits, form), self.number(b_bits, form)
        if a.is_nan or b.is_nan:
            if a.signaling or b.signaling or not quiet:
                self.before |= Flag.INVALID
            return 0x45
        if a.denormal or b.denormal:
            self.before |= Flag.DENORMAL
        return (1, 0x40, 0)[number.compare(a, b) + 1]

    def convert(self, bits: int, form: Format, to: Format) -> int:
        a = self.number(bits, form)
        if a.is_nan:
            if a.signaling:
                self.before |= Flag.INVALID
            return pack(a.quiet(), to, Rounding.NEAREST).bits
        if a.denormal:
            self.before |= Flag.DENORMAL
        return self.pack(a, to)

    def to_integer(self, bits: int, form: Format, *, truncate: bool, width: int = 32) -> int:
        """`width` bits; what does not fit gives the integer indefinite."""
        a = self.number(bits, form)
        if a.kind in (Kind.FINITE, Kind.ZERO):
            value, inexact, _ = number.to_integer(a, Rounding.ZERO if truncate else self.rounding)
            if -(1 << width - 1) <= value < 1 << width - 1:
                if inexact:
                    self.after |= Flag.PRECISION
                return value & (1 << width) - 1
        self.before |= Flag.INVALID
        return 1 << width - 1

    def to_integral(self, bits: int, form: Format, rounding: Rounding, *, quiet: bool) -> int:
        """ROUNDSS and its kin; `quiet`: inexactness is not told."""
        a = self.number(bits, form)
        if a.is_nan:
            if a.signaling:
                self.before |= Flag.INVALID
            a = a.quiet()
        elif a.kind is Kind.FINITE:
            value, inexact, _ = number.to_integer(a, rounding)
            if inexact and not quiet:
                self.after |= Flag.PRECISION
            a = number.of_integer(value) if value else Number(Kind.ZERO, a.negative)
        return pack(a, form, Rounding.NEAREST).bits

    def from_integer(self, value: int, to: Format, width: int = 32) -> int:
        """Of `width` bits."""
        sign = 1 << width - 1
        return self.pack(number.of_integer((value ^ sign) - sign), to)


_RESULT: dict[int, Callable[[Number, Number, Rounding], Number | None]] = {
    ADD: number.add,
    SUBTRACT: lambda a, b, rounding: number.add(a, b.negated(), rounding),
    MULTIPLY: lambda a, b, _: number.multiply(a, b),
    DIVIDE: lambda a, b, _: number.divide(a, b),
    SQUARE_ROOT: lambda _, b, __: number.square_root(b),
}

__all__ = ["DOUBLE", "SINGLE", "Lanes"]
