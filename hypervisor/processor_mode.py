"""Modes of the partition's processors, and the registers only the hypervisor may set."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from emu.engine import InterruptLocation

from . import debug_registers
from .abi import Flags, H, HcallError
from .hcall import HcallGroup

if TYPE_CHECKING:
    from .processor import VirtualProcessor

hcalls = HcallGroup()


class Resource(IntEnum):
    """What H_SET_MODE sets (LoPAR table "H_SET_MODE Parameters per ISA Level", which does not know
    the last two)."""

    BREAKPOINT = 1
    FIRST_WATCHPOINT = 2
    INTERRUPT_LOCATION = 3
    BYTE_ORDER = 4
    SECOND_WATCHPOINT = 5


_WATCHPOINTS = (Resource.FIRST_WATCHPOINT, Resource.SECOND_WATCHPOINT)
_BYTE_ORDERS, _LOCATION_BITS = 0b1, 0b11
_LOCATIONS = {
    0: InterruptLocation.REAL,
    2: InterruptLocation.OFFSET_18000,
    3: InterruptLocation.OFFSET_C000000000004000,
}


def _offered(caller: VirtualProcessor, resource: int) -> bool:
    if resource == Resource.BREAKPOINT:
        return debug_registers.offers_breakpoint(caller)
    if resource in _WATCHPOINTS:
        return debug_registers.offers_watchpoint(caller, _WATCHPOINTS.index(Resource(resource)))
    return resource in (Resource.INTERRUPT_LOCATION, Resource.BYTE_ORDER)


@hcalls.define(0x31C, papr="14.5.4.3.5", function_set="hcall-set-mode")
def h_set_mode(
    caller: VirtualProcessor, flags: Flags, resource: int, value1: int, value2: int
) -> None:
    """Set breakpoint or watchpoint, or byte order or location of interrupts for all processors."""
    if not _offered(caller, resource):
        raise HcallError(H.P2, f"resource {resource} is not offered")
    if resource == Resource.BREAKPOINT:
        debug_registers.set_breakpoint(caller, flags, value1, value2)
    elif resource in _WATCHPOINTS:
        number = _WATCHPOINTS.index(Resource(resource))
        debug_registers.set_watchpoint(caller, number, flags, value1, value2)
    elif value1:
        raise HcallError(H.P3, f"value1 is {value1:#x}: zero is needed")
    elif value2:
        raise HcallError(H.P4, f"value2 is {value2:#x}: zero is needed")
    elif resource == Resource.BYTE_ORDER:
        _set_byte_order(caller, flags)
    else:
        _set_interrupt_location(caller, flags)


def _set_byte_order(caller: VirtualProcessor, flags: Flags) -> None:
    if unknown := flags & ~_BYTE_ORDERS:
        raise HcallError(H.unsupported_flag(unknown), f"byte order {flags:#x}: 0 or 1")
    caller.engine.set_interrupts_little_endian(bool(flags))


def _set_interrupt_location(caller: VirtualProcessor, flags: Flags) -> None:
    if (location := _LOCATIONS.get(flags)) is None:
        unknown = flags & ~_LOCATION_BITS or flags
        raise HcallError(H.unsupported_flag(unknown), f"interrupt location {flags:#x}: 0, 2 or 3")
    caller.engine.set_interrupt_location(location)


@hcalls.define(0x24, papr="14.5.4.3.1", function_set="hcall-sprg0")
def h_set_sprg0(caller: VirtualProcessor, value: int) -> None:
    """Set SPRG0."""
    caller.registers.set_spr("sprg0", value)
