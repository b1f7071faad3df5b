"""Storage and device pages by logical real address, with translation off (`hcall-debug`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import low_bits

from .abi import H, HcallError, LogicalReal
from .hcall import HcallGroup

if TYPE_CHECKING:
    from .processor import VirtualProcessor

hcalls = HcallGroup()

_SIZES = (1, 2, 4, 8)


def _check_operand(size: int, address: int) -> None:
    if size not in _SIZES or address % size:
        raise HcallError(H.PARAMETER, f"{size} bytes at {address:#x}")


# -- devices ---------------------------------------------------------------------------------


def _check_device(caller: VirtualProcessor, size: int, address: int) -> None:
    _check_operand(size, address)
    if not caller.partition.devices.contains(address):
        raise HcallError(H.PARAMETER, f"no device at {address:#x}")


@hcalls.define(0x3C, papr="14.5.4.4.1", function_set="hcall-debug")
def h_logical_ci_load(caller: VirtualProcessor, size: int, address: LogicalReal) -> int:
    """Load 1, 2, 4 or 8 bytes of a device page."""
    _check_device(caller, size, address)
    return caller.partition.devices.load(caller.number, address, size)


@hcalls.define(0x40, papr="14.5.4.4.2", function_set="hcall-debug")
def h_logical_ci_store(
    caller: VirtualProcessor, size: int, address: LogicalReal, value: int
) -> None:
    """Store the low 1, 2, 4 or 8 bytes of a register to a device page."""
    _check_device(caller, size, address)
    caller.partition.devices.store(caller.number, address, size, low_bits(value, 8 * size))


# -- storage ---------------------------------------------------------------------------------


@hcalls.define(0x44, papr="", function_set="hcall-debug")
def h_logical_cache_load(caller: VirtualProcessor, size: int, address: LogicalReal) -> int:
    """Load 1, 2, 4 or 8 bytes of cacheable storage."""
    _check_operand(size, address)
    return int.from_bytes(caller.partition.memory.read(address, size), "big")


@hcalls.define(0x48, papr="", function_set="hcall-debug")
def h_logical_cache_store(
    caller: VirtualProcessor, size: int, address: LogicalReal, value: int
) -> None:
    """Store the low 1, 2, 4 or 8 bytes of a register to cacheable storage."""
    _check_operand(size, address)
    caller.partition.memory.write(address, low_bits(value, 8 * size).to_bytes(size, "big"))


@hcalls.define(0x4C, papr="", function_set="hcall-debug")
def h_logical_icbi(caller: VirtualProcessor, address: LogicalReal) -> None:
    """Invalidate an instruction cache block; caches here are always coherent."""
    caller.partition.memory.check(address, 1)


@hcalls.define(0x50, papr="", function_set="hcall-debug")
def h_logical_dcbf(caller: VirtualProcessor, address: LogicalReal) -> None:
    """Flush a data cache block; caches here are always coherent."""
    caller.partition.memory.check(address, 1)
