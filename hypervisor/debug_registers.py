"""Breakpoints and watchpoints of a partition's own, in registers that only the hypervisor sets.

CIABR, DAWR and DAWRX (Power ISA III 10) come with H_SET_MODE; DABR and DABRX of older processors
with calls of their own, as another way to set DAWR.  What a debugger outside the partition sets is
kept apart from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import Field, Word
from emu.isa_level import IsaLevel

from .abi import Flags, H, HcallError
from .hcall import HcallGroup

if TYPE_CHECKING:
    from .processor import VirtualProcessor

hcalls = HcallGroup()


class CIABR(Word):
    """Completed Instruction Address Breakpoint Register."""

    CIEA = Field(0, 61)
    PRIV = Field(62, 63)


_PRIV_HYPERVISOR = 3


class DAWRX(Word):
    """Data Address Watchpoint Register Extension."""

    MRD = Field(48, 53)
    DW = Field(57)
    DR = Field(58)
    WT = Field(59)
    WTI = Field(60)
    HYPERVISOR = Field(61)
    PRIVILEGED = Field(62)
    PROBLEM = Field(63)


class DABR(Word):
    """Data Address Breakpoint Register."""

    DAB = Field(0, 60)
    BT = Field(61)
    DW = Field(62)
    DR = Field(63)


class DABRX(Word):
    """Data Address Breakpoint Register Extension."""

    BTI = Field(60)
    HYPERVISOR = Field(61)
    PRIVILEGED = Field(62)
    PROBLEM = Field(63)


_BOTH_STATES = DABRX(0).replace(PRIVILEGED=1, PROBLEM=1)
_KNOWN_DABRX = _BOTH_STATES.replace(BTI=1)


def offers_breakpoint(caller: VirtualProcessor) -> bool:
    """Whether the processor has CIABR and the first DAWR."""
    return caller.engine.isa_level >= IsaLevel.V2_07


def offers_watchpoint(caller: VirtualProcessor, number: int) -> bool:
    return caller.engine.isa_level >= (IsaLevel.V3_1 if number else IsaLevel.V2_07)


def set_breakpoint(caller: VirtualProcessor, flags: Flags, ciabr: int, value2: int) -> None:
    """CIABR by H_SET_MODE."""
    _check_flags(flags)
    if CIABR(ciabr).PRIV == _PRIV_HYPERVISOR:
        raise HcallError(H.P3, f"CIABR {ciabr:#x} would break the hypervisor")
    if value2:
        raise HcallError(H.P4, f"value2 is {value2:#x}: zero is needed")
    caller.set_debug_registers(ciabr=ciabr)


def set_watchpoint(
    caller: VirtualProcessor, number: int, flags: Flags, dawr: int, dawrx: int
) -> None:
    """DAWR and DAWRX, the first ones or the second, by H_SET_MODE."""
    _check_flags(flags)
    if DAWRX(dawrx).HYPERVISOR:
        raise HcallError(H.P4, f"DAWRX {dawrx:#x} would watch the hypervisor")
    caller.set_debug_registers(**{f"dawr{number}": dawr, f"dawrx{number}": dawrx})


def _check_flags(flags: Flags) -> None:
    if flags:
        raise HcallError(H.unsupported_flag(flags), f"flags {flags:#x}: none are known")


@hcalls.define(0x28, papr="14.5.4.3.2", function_set="hcall-dabr")
def h_set_dabr(caller: VirtualProcessor, dabr: int) -> None:
    """Set the data address breakpoint, for problem state and privileged state."""
    _set_dabr(caller, DABR(dabr), _BOTH_STATES)


@hcalls.define(0x134, papr="14.5.4.3.4", function_set="hcall-xdabr")
def h_set_xdabr(caller: VirtualProcessor, dabr: int, dabrx: int) -> None:
    """Set the data address breakpoint and in which states it holds."""
    if unknown := dabrx & ~_KNOWN_DABRX:
        raise HcallError(H.PARAMETER, f"DABRX {dabrx:#x}: bits {unknown:#x} are not a partition's")
    _set_dabr(caller, DABR(dabr), DABRX(dabrx))


def _set_dabr(caller: VirtualProcessor, dabr: DABR, dabrx: DABRX) -> None:
    """A breakpoint on a doubleword is a watchpoint of that length."""
    dawrx = DAWRX(0).replace(
        DW=dabr.DW,
        DR=dabr.DR,
        WT=dabr.BT,
        WTI=dabrx.BTI,
        PRIVILEGED=dabrx.PRIVILEGED,
        PROBLEM=dabrx.PROBLEM,
    )
    caller.set_debug_registers(dawr0=DABR(0).replace(DAB=dabr.DAB), dawrx0=dawrx)
