"""The partition's process table: where radix translation starts (LoPAR 14.13.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .abi import Flags, H, HcallError, LogicalReal
from .hcall import HcallGroup

if TYPE_CHECKING:
    from .processor import VirtualProcessor

hcalls = HcallGroup()

# Flags of H_REGISTER_PROCESS_TABLE.
_OPERATION, _REGISTER, _DEREGISTER = 0x18, 0x18, 0x10
_TABLE_KIND, _HPT_SLB, _HPT_SEGMENT_TABLE, _RADIX = 0x06, 0x00, 0x02, 0x04
_GUEST_TLB_INVALIDATE = 0x01
_KNOWN = _OPERATION | _TABLE_KIND | _GUEST_TLB_INVALIDATE
_SMALLEST_SHIFT, _LARGEST_ENCODING = 12, 24


@hcalls.define(0x37C, papr="14.13.2.3", function_set="hcall-imtt")
def h_register_process_table(
    caller: VirtualProcessor, flags: Flags, base: LogicalReal, page_size: int, size: int
) -> None:
    """Register, change or remove the process table of the calling partition."""
    if flags & ~_KNOWN:
        raise HcallError(H.PARAMETER, f"unknown flags {flags & ~_KNOWN:#x}")
    operation = flags & _OPERATION
    if operation == _DEREGISTER:
        caller.engine.set_process_table(0, 0)
        return
    if operation not in (_REGISTER, 0):
        raise HcallError(H.PARAMETER, f"operation {operation:#x} in the flags")
    if flags & _TABLE_KIND != _RADIX:
        raise HcallError(H.P2, "only radix translation is offered")
    if operation == _REGISTER:
        if size > _LARGEST_ENCODING:
            raise HcallError(H.P4, f"table size 2^({size}+12): too large")
        length = 1 << size + _SMALLEST_SHIFT
        if base % length:
            raise HcallError(H.P2, f"a table of {length:#x} bytes at {base:#x} is not aligned")
        if page_size:
            raise HcallError(H.P3, f"page size {page_size:#x}: zero is needed for radix")
        caller.partition.memory.check(base, length)
        caller.engine.set_process_table(base, length)


@hcalls.define(0x374, papr="14.13.2.1", function_set="hcall-imtt")
def h_clean_slb(caller: VirtualProcessor, flags: Flags, segment: int, vsid: int) -> None:
    """Forget segment translations made from the process table; radix has none."""
    caller.engine.flush_translations()


@hcalls.define(0x378, papr="14.13.2.2", function_set="hcall-imtt")
def h_invalidate_pid(caller: VirtualProcessor, flags: Flags, pid: int) -> None:
    """Forget the cached translations of a process."""
    caller.engine.flush_translations()
