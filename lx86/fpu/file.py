"""From POWER registers to x86's floating-point state and back (known.py says what lies where)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..cpu import FloatingState
from .known import (
    GENERAL,
    KEY,
    LOW,
    MMX_KEY,
    MMX_VALID,
    NOTHING,
    SINGLE,
    STACK,
    XMM,
    Known,
    Stack,
    key_of,
)
from .number import DOUBLE, Rounding, pack, unpack
from .number import SINGLE as SINGLE_FORMAT
from .quads import extended_of, quad_of
from .x87_condition import c1_of, fits_c1, put_c1

if TYPE_CHECKING:
    from emu.registers import Registers

_LOW_64 = (1 << 64) - 1
_INVALID_ENABLE, _UNDERFLOW_ENABLE = 1 << 7, 1 << 5
_ROUNDING = (0, 3, 2, 1)
"""FPSCR's numbers for the SDM's."""
_STICKY = ((28, 8), (27, 16), (26, 4), (25, 32))
"""Bits of FPSCR, and the exception they are: OX, UX, ZX, XX."""
_C1 = 1 << 9
_EXACT_CONDITIONS = 1 << 15
"""CR4.LT: CR6 is C0, nothing, C3 and C2 themselves, not the outcome of a comparison."""


def single_of_double(bits: int) -> int:
    """A single that stands in double format, as one."""
    n = unpack(bits, DOUBLE)
    return pack(n, SINGLE_FORMAT, Rounding.NEAREST).bits


def double_of_single(bits: int) -> int:
    return pack(unpack(bits, SINGLE_FORMAT), DOUBLE, Rounding.NEAREST).bits


FLOATING_CR = 0xF0F0
"""CR4 and CR6, which are ours."""


class RegisterFile:
    """The floating-point state of one program, most of it in POWER registers."""

    def __init__(self, registers: Registers, vectors: int = 8) -> None:
        """`vectors`: how many XMM registers there are."""
        self._registers, self._vectors = registers, vectors
        self._rest = FloatingState(xmm=[0] * vectors)
        """What lies in no register: words, and the upper parts of MMX's registers."""
        registers.set_vsr(31, 0)
        registers.set_vsr(63, 0)
        self.write(self._rest)

    # -- reading ---------------------------------------------------------------------------

    def read(self, known: Known = NOTHING) -> FloatingState:
        """The state where the code knows this."""
        rest, registers = self._rest, self._registers
        state = replace(rest, registers=list(rest.registers), xmm=list(rest.xmm))
        for n in range(self._vectors):
            state.xmm[n] = _xmm_of(registers.vsr(XMM + n), known.forms[n])
        key = registers.gpr(KEY) & 0xFFFFFFFF
        if known.stack is not None and not known.stack.mmx:
            key = known.stack.key
        if key >> 31:
            self._read_mmx(state, key)
        else:
            self._read_stack(state, key, known.stack)
        self._read_words(state, known.stack)
        return state

    def _read_mmx(self, state: FloatingState, key: int) -> None:
        for n in range(8):
            high = 0xFFFF if key >> n & 1 else state.registers[n] >> 64
            state.registers[n] = high << 64 | self._registers.vsr(STACK + n) >> 64
        state.tags = 0 if key & MMX_VALID else 0xFFFF
        state.status &= ~0x3800

    def _read_stack(self, state: FloatingState, key: int, stack: Stack | None) -> None:
        places = stack.places if stack else range(8)
        for n in range(8):
            state.registers[n] = extended_of(self._registers.vsr(STACK + places[n]))
        valid = key >> 3 & 0xFF
        state.tags = sum((0 if valid >> n & 1 else 3) << 2 * n for n in range(8))
        state.status = state.status & ~0x3800 | (key & 7) << 11

    def _read_words(self, state: FloatingState, stack: Stack | None) -> None:
        fpscr, cr = self._registers.fpscr, self._registers.cr
        for bit, flag in _STICKY:
            if fpscr >> bit & 1 and not (flag == 16 and fpscr & _UNDERFLOW_ENABLE):  # it trapped
                state.status |= flag
                state.mxcsr |= flag
        c0, c3, c2 = (cr >> n & 1 for n in (7, 5, 4))
        if not cr & _EXACT_CONDITIONS:
            c0, c3 = c0 | c2, c3 | c2
        c1 = c1_of(self._registers.vsr, stack, state.control >> 10 & 3)
        state.status = state.status & ~0x4700 | c0 << 8 | c1 << 9 | c2 << 10 | c3 << 14

    # -- writing ---------------------------------------------------------------------------

    def write(self, state: FloatingState, known: Known = NOTHING) -> bool:
        """Put a state where the code that knows this finds it; False: it knows otherwise."""
        fits = True
        stack = known.stack
        key = key_of(state)
        if stack is not None and not stack.mmx and stack.key != key:
            fits, stack = False, None
        mmx = bool(self._registers.gpr(KEY) >> 31 & 1) if stack is None else stack.mmx
        mmx = mmx and state.tags in (0, 0xFFFF) and not state.status & 0x3880
        if stack is not None and stack.mmx and (not mmx or state.tags):
            fits, stack = False, None
        c1 = bool(state.status & _C1)
        if stack is not None and not fits_c1(state.registers, stack, c1):
            fits, stack = False, None
        if not fits:
            known = NOTHING
        self._rest = replace(state, registers=list(state.registers), xmm=[0] * self._vectors)
        for n in range(self._vectors):
            self._registers.set_vsr(XMM + n, _vsr_of(state.xmm[n], known.forms[n]))
        if mmx:
            self._write_mmx(state)
        else:
            self._write_stack(state, key, stack)
        self._write_words(state, known.stack)
        return fits

    def _write_mmx(self, state: FloatingState) -> None:
        written = 0
        for n in range(8):
            written |= (state.registers[n] >> 64 == 0xFFFF) << n
            self._registers.set_vsr(STACK + n, (state.registers[n] & _LOW_64) << 64)
        valid = 0 if state.tags else MMX_VALID
        self._registers.set_gpr(KEY, (MMX_KEY | valid | written) & (1 << 64) - 1)

    def _write_stack(self, state: FloatingState, key: int, stack: Stack | None) -> None:
        places = stack.places if stack else range(8)
        for n in range(8):
            self._registers.set_vsr(STACK + places[n], quad_of(state.registers[n]))
        self._registers.set_gpr(KEY, stack.register if stack else key)

    def _write_words(self, state: FloatingState, stack: Stack | None) -> None:
        registers = self._registers
        underflow = _UNDERFLOW_ENABLE if self.modes[0] else 0
        registers.fpscr = _INVALID_ENABLE | underflow | _ROUNDING[state.mxcsr >> 13 & 3]
        status = state.status
        field = (status >> 8 & 1) << 3 | (status >> 14 & 1) << 1 | status >> 10 & 1
        put_c1(registers.vsr, registers.set_vsr, stack, bool(status & _C1))
        registers.cr = registers.cr & ~0xF0 | field << 4 | _EXACT_CONDITIONS

    def settle(self, known: Known) -> None:
        """Have everything as where nothing is known."""
        if known != NOTHING:
            self.write(self.read(known))

    def unsettle(self, known: Known) -> None:
        """XMM registers in the forms that code knows of; they are general."""
        for n, form in enumerate(known.forms[: self._vectors]):
            if not form & GENERAL:
                value = _xmm_of(self._registers.vsr(XMM + n), GENERAL)
                self._registers.set_vsr(XMM + n, _vsr_of(value, form))

    @property
    def stack_key(self) -> int:
        """What R1 is to x87 code."""
        key = self._registers.gpr(KEY) & 0xFFFFFFFF
        return key_of(self.read()) if key >> 31 else key

    @property
    def modes(self) -> tuple[bool, bool]:
        """What of MXCSR code depends on: whether underflow gives zero, and whether SSE may trap."""
        mxcsr = self._rest.mxcsr
        exact = mxcsr & 0x1F80 != 0x1F80
        return bool(mxcsr & 0x8000) and not exact, exact

    def use_mmx(self, on: bool) -> None:
        """Have the registers as MMX's or as the x87's."""
        state = self.read()
        if on:
            self._rest = replace(state, registers=list(state.registers), xmm=[0] * self._vectors)
            self._write_mmx(replace(state, tags=0))
        else:
            self._write_stack(state, key_of(state), None)
            self._rest = replace(state, registers=list(state.registers), xmm=[0] * self._vectors)
        self._write_words(state, None)


def _xmm_of(vsr: int, form: int) -> int:
    high, low = vsr & _LOW_64, vsr >> 64
    if form & GENERAL:
        return high << 64 | low
    return low if form & LOW else single_of_double(low)


def _vsr_of(xmm: int, form: int) -> int:
    if form & (GENERAL | LOW):
        return (xmm & _LOW_64) << 64 | xmm >> 64
    assert form & SINGLE
    return double_of_single(xmm & 0xFFFFFFFF) << 64
