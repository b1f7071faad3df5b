"""Where storage operands lie: registers and displacements as POWER's instructions take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .constants import is_high
from .convention import BASES_AT, CONTEXT, FS_AT, GS_BASE, ZERO
from .emitter import fits, signed
from .instruction import FS
from .registers import Registers

if TYPE_CHECKING:
    from .instruction import Mem

Address = tuple[int, int, int]
"""Base register, index register (-1: none), displacement."""


@dataclass
class Addresses(Registers):
    """Of operands, in the code emitted so far."""

    def address(self, m: Mem) -> Address:
        """Where a storage operand lies, as a D-form or X-form instruction takes it."""
        if m.base >= 0 > m.index and m.segment < FS and not m.short:
            base, displacement = self.s.values[m.base]
            displacement = self.signed(displacement + m.displacement)
            short = base >= 0 and -0x8000 <= displacement < 0x8000
            if short and self._is_plain(m.segment) and not self.s.low >> m.base & 1:
                self.held.add(base)  # the usual case, short
                return base, -1, displacement
        held = self.held.copy()
        at = self._address(m)
        self.release(*(r for r in self.held - held if r in self.temporaries and r not in at[:2]))
        return at

    def _is_plain(self, segment: int) -> bool:
        return segment < 0 or not self.options.bases[segment]

    def _address(self, m: Mem) -> Address:
        displacement = m.displacement
        base = index = -1
        low = 0 if m.short else self.s.low
        if m.base >= 0:
            if low >> m.base & 1:
                self.clean(m.base)
            base, displacement = self._part(m.base, displacement, 0)
        if m.index >= 0 and m.shift and low >> m.index & 1:
            index = self.sum("low shift", self.use_low(m.index), m.shift)
        elif m.index >= 0:
            if low >> m.index & 1:
                self.clean(m.index)
            index, displacement = self._part(m.index, displacement, m.shift)
            if index >= 0 and m.shift:
                index = self.sum("shift", index, m.shift)
        if base < 0:
            base, index = index, -1
        displacement = self.signed(displacement)
        if m.short:
            base, index, displacement = self._short(base, index, displacement), -1, 0
        if m.segment >= FS:
            base, index = self.segment_base(m.segment, base, index)
        elif m.segment >= 0 and (origin := self.options.bases[m.segment]):
            displacement = signed(displacement + origin)
        if index >= 0:
            if displacement == 0:
                return base, index, 0
            base, index = self.sum("add", min(base, index), max(base, index)), -1
        return self._far(base, displacement)

    def _far(self, base: int, displacement: int) -> Address:
        """With a displacement of any size; `base` may be -1."""
        if fits(displacement):
            return max(base, 0), -1, displacement
        if base >= 0 and (constant := self.pinned(displacement)):
            return base, constant, 0
        if base < 0 and (near := self.near(displacement))[0]:
            return near[0], -1, near[1]
        if self.word == 4 or -0x8000_8000 <= displacement < 0x7FFF_8000:
            high = (displacement + 0x8000) >> 16
            displacement -= high << 16
            return self.sum("high", base, signed(high << 16) >> 16), -1, displacement
        if base < 0 and is_high(displacement):
            base, displacement = self.near_high(displacement)
            return base, -1, displacement
        constant = self.constant(displacement)
        return (constant, -1, 0) if base < 0 else (base, constant, 0)

    def _part(self, number: int, displacement: int, shift: int) -> tuple[int, int]:
        """A register of an address, with what it adds to the displacement."""
        base, offset = self.s.values[number]
        if base >= 0:
            self.held.add(base)
        return base, displacement + (offset << shift)

    def segment_base(self, segment: int, base: int, index: int) -> tuple[int, int]:
        origin = GS_BASE
        if self.word == 8:
            origin = self.temporary()
            self.e.d(58, origin, CONTEXT, BASES_AT + 8 * (segment - FS))
        elif segment == FS:
            origin = self.temporary()
            self.e.d(32, origin, CONTEXT, FS_AT)
        if base < 0:
            return origin, -1
        if index < 0:
            return origin, base
        return self.sum("add", min(base, index), max(base, index)), origin

    def _short(self, base: int, index: int, displacement: int) -> int:
        target = self.temporary()
        self.e_add_constant(target, base if base >= 0 else ZERO, displacement)
        if index >= 0:
            self.e.add(target, target, index)
        if self.word == 8:
            self.e.rldicl(target, target, 0, 32)
        else:
            self.e.rlwinm(target, target, 0, 16, 31)
        return target
