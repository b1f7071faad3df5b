"""The program's state: from its record to the registers of translated code, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import flags
from .convention import (
    ADJUST,
    BASE,
    BASES_AT,
    CONTEXT,
    FIRST,
    FS_AT,
    GS_BASE,
    ONE,
    PARITY,
    PINNED,
    SELECTORS_AT,
    SLOT,
    ZERO,
)
from .emitter import WORD
from .fpu.file import FLOATING_CR
from .host_segments import SEGMENT_REGISTERS
from .instruction import ECX
from .state import BLOCKS, IN_CTR

if TYPE_CHECKING:
    from .architecture import Architecture
    from .cpu import X86State
    from .machine import Machine
    from .options import Options
    from .state import Recovery, Value


def begin(machine: Machine) -> None:
    """Have the registers hold what they always hold."""
    at = machine.places
    for register, value in ((ONE, 1), (ZERO, 0), (SLOT, at.slots), (CONTEXT, at.context)):
        machine.registers.set_gpr(register, value)


def pin(machine: Machine, options: Options) -> None:
    """Have the registers hold the constants that code from now on expects there."""
    if options.architecture.long:
        return
    for register, value in zip((BASE, *PINNED), (options.base, *options.constants), strict=False):
        machine.registers.set_gpr(register, value & 0xFFFFFFFF)


def load(s: X86State, machine: Machine, architecture: Architecture) -> None:
    """Have the registers hold a state, as code is entered."""
    registers = machine.registers
    registers.set_gprs(FIRST, [getattr(s, name) for name in architecture.registers])
    cr, parity, adjust = flags.to_fields(s.eflags)
    registers.cr = cr | registers.cr & FLOATING_CR
    registers.set_gprs(PARITY, (parity, adjust))
    if architecture.long:
        bases = s.fs_base.to_bytes(8, "little") + s.gs_base.to_bytes(8, "little")
        machine.context(BASES_AT, 16)[:] = bases
    else:
        registers.set_gpr(GS_BASE, s.gs_base)
        machine.write_context(FS_AT, s.fs_base)
    for n, name in enumerate(SEGMENT_REGISTERS):
        machine.write_context(SELECTORS_AT + 4 * n, getattr(s, name))


def read(s: X86State, machine: Machine, at: Recovery, architecture: Architecture) -> None:
    """Put into a state what it is at a place of the code; x87, MMX and SSE aside."""
    registers = machine.registers
    for n, (name, value) in enumerate(zip(architecture.registers, at.values, strict=True)):
        setattr(s, name, _value(machine, value, WORD if at.low >> n & 1 else architecture.mask))
    s.eip = at.eip
    cr, live = registers.cr, at.live
    if at.zero_in_cr1:
        cr = cr & ~(1 << 29) | (cr >> 25 & 1) << 29
    if at.sign_in_cr0:
        cr = cr & ~(1 << 23) | (cr >> 31) << 23
    if live & flags.X:
        live |= flags.C
        if at.carry:
            carry = registers.spr("xer") >> 29 & 1 ^ (at.carry == 2)
            cr = cr & ~(1 << 27) | carry << 27
    s.eflags = flags.from_fields(cr, registers.gpr(PARITY), registers.gpr(ADJUST), live, s.eflags)


def _value(machine: Machine, value: Value, mask: int) -> int:
    base, offset = value
    if base == IN_CTR:
        offset += machine.registers.spr("ctr")
    elif base <= BLOCKS:
        offset += machine.registers.gpr(FIRST + ECX)
        offset += machine.registers.spr("ctr") << BLOCKS - base
    elif base >= 0:
        offset += machine.registers.gpr(base)
    return offset & mask
