"""How a partition translates, and its process table, where radix translation starts.

LoPAR 14.13.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .abi import DOUBLEWORD, Flags, H, HcallError, LogicalReal, Mmu
from .hcall import HcallGroup

if TYPE_CHECKING:
    from .processor import VirtualProcessor

hcalls = HcallGroup()

# Flags of H_REGISTER_PROCESS_TABLE.
_OPERATION, _REGISTER, _DEREGISTER = 0x18, 0x18, 0x10
_TABLE_KIND, _HPT_SEGMENT_TABLE, _RADIX = 0x06, 0x02, 0x04
_GUEST_TLB_INVALIDATE = 0x01
_KNOWN = _OPERATION | _TABLE_KIND | _GUEST_TLB_INVALIDATE
_PAGE, _SMALLEST_SHIFT, _LARGEST_ENCODING = 4096, 12, 24
# Flags of H_CLEAN_SLB: class and size of the segment, and what is cleaned.
_CLASS, _SEGMENT_SIZE, _ONE_SEGMENT, _NEST = 1 << 16, 1 << 8, 0b10, 0b01
# Arguments of H_RPT_INVALIDATE: partitions in partitions, TLB, page walk cache, process table; all
# processors, the caller, what accelerators keep; pages of 4 KiB, 64 KiB, 2 MiB, 1 GiB.
_NESTED, _KINDS = 0b1, 0b1110
_TARGETS = 0b111
_PAGE_SIZES = 0b1111
_PROCESSES = 1 << 32
# Flags of H_INVALIDATE_PID: all processes of the partition; radix.
_ALL_PROCESSES, _OF_RADIX = 0b10, 0b01


@hcalls.define(0x37C, papr="14.13.2.3", function_set="hcall-imtt")
def h_register_process_table(
    caller: VirtualProcessor, flags: Flags, base: LogicalReal, page_size: int, size: int
) -> None:
    """Register, keep or remove the caller's process table; choose radix or hashed translation."""
    if flags & ~_KNOWN:
        raise HcallError(H.PARAMETER, f"unknown flags {flags & ~_KNOWN:#x}")
    operation = flags & _OPERATION
    if not flags & _RADIX:
        _use_page_table(caller, flags)
        return
    if caller.partition.configuration.mmu is Mmu.HASH:
        raise HcallError(H.PARAMETER, "this partition translates by hashed page tables only")
    table = caller.engine.process_table
    if operation == _REGISTER:
        table = _checked_table(caller, base, page_size, size)
    elif operation == _DEREGISTER:
        table = 0, 0
    if caller.partition.page_table is not None:
        caller.partition.page_table.leave()
    caller.engine.set_process_table(*table)


def _use_page_table(caller: VirtualProcessor, flags: int) -> None:
    """From now on addresses go through SLB and hashed page table, as at power-on."""
    if (table := caller.partition.page_table) is None:
        raise HcallError(H.PARAMETER, "this partition translates by radix trees only")
    if flags & _HPT_SEGMENT_TABLE:
        raise HcallError(H.PARAMETER, "segment tables are not offered: segments are in the SLB")
    if flags & _GUEST_TLB_INVALIDATE:
        raise HcallError(H.PARAMETER, "entries of the hashed page table go by hcalls alone")
    if flags & _OPERATION == _REGISTER:
        raise HcallError(H.PARAMETER, "there is no process table without radix translation")
    table.use()


def _checked_table(
    caller: VirtualProcessor, base: int, page_size: int, size: int
) -> tuple[int, int]:
    """Address and length in bytes of a process table that can be registered."""
    if base % _PAGE:
        raise HcallError(H.P2, f"a table at {base:#x} is not on a page")
    if page_size:
        raise HcallError(H.P3, f"page size {page_size:#x}: zero is needed for radix")
    if size > _LARGEST_ENCODING:
        raise HcallError(H.P4, f"table size 2^({size}+12): too large")
    length = 1 << size + _SMALLEST_SHIFT
    if not caller.partition.memory.contains(base, length):
        raise HcallError(H.P2, f"a table of {length:#x} bytes at {base:#x} leaves the storage")
    return base, length


@hcalls.define(0x374, papr="14.13.2.1", function_set="hcall-imtt")
def h_clean_slb(caller: VirtualProcessor, flags: Flags, pid: int, esid: int) -> None:
    """Forget segment translations made from the process table; radix has none."""
    of_segment = flags & _ONE_SEGMENT
    qualifiers = _CLASS | _SEGMENT_SIZE if of_segment else 0
    if flags & ~(qualifiers | _ONE_SEGMENT | _NEST) or bool(of_segment) == bool(flags & _NEST):
        raise HcallError(H.PARAMETER, f"flags {flags:#x}: one of 1 and 2 is needed")
    if flags & _NEST and esid:
        raise HcallError(H.P3, f"segment {esid:#x}: zero is needed to clean all of a process")
    caller.engine.flush_translations()


@hcalls.define(0x378, papr="14.13.2.2", function_set="hcall-imtt")
def h_invalidate_pid(caller: VirtualProcessor, flags: Flags, pid: int) -> None:
    """Forget the cached translations of a process."""
    if flags & ~(_ALL_PROCESSES | _OF_RADIX):
        raise HcallError(H.PARAMETER, f"unknown flags {flags:#x}")
    caller.engine.flush_translations()


@hcalls.define(0x448, papr="", function_set="hcall-rpt-invalidate")
def h_rpt_invalidate(
    caller: VirtualProcessor,
    pid: int,
    targets: Flags,
    kinds: Flags,
    page_sizes: Flags,
    start: int,
    end: int,
) -> None:
    """Forget what is cached of a process's radix translations from `start` to `end`."""
    table = caller.partition.page_table
    if table is not None and table.in_use:
        raise HcallError(H.UNSUPPORTED, "this partition translates by a hashed page table")
    if kinds & _NESTED:
        raise HcallError(H.FUNCTION, "there are no partitions within this one")
    if pid >= _PROCESSES:
        raise HcallError(H.PARAMETER, f"process {pid:#x}: 32 bits are needed")
    if not targets or targets & ~_TARGETS:
        raise HcallError(H.P2, f"targets {targets:#x}")
    if not kinds or kinds & ~_KINDS:
        raise HcallError(H.P3, f"kinds {kinds:#x}")
    if page_sizes != DOUBLEWORD and (not page_sizes or page_sizes & ~_PAGE_SIZES):
        raise HcallError(H.P4, f"page sizes {page_sizes:#x}")
    if end < start:
        raise HcallError(H.P5, f"the range ends at {end:#x}, before {start:#x}")
    caller.engine.flush_translations()
