"""Shared processor hcalls (LoPAR 14.11.3): areas, waiting, waking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .abi import Flags, H, HcallError, LogicalReal, ProcessorNumber
from .hcall import HcallGroup
from .processor import Standing
from .splpar_areas import Area

if TYPE_CHECKING:
    from .processor import VirtualProcessor

hcalls = HcallGroup()

_FUNCTION_SHIFT, _FUNCTION_MASK = 45, 0b111
_DEREGISTER = 4
_ALL_PROCESSORS = (1 << 32) - 1, (1 << 64) - 1  # -1 as the specified word, and sign-extended
_YIELD_COUNT = (1 << 32) - 1


def _processor(caller: VirtualProcessor, number: int) -> VirtualProcessor:
    processors = caller.partition.processors
    if number >= len(processors):
        raise HcallError(H.PARAMETER, f"no virtual processor {number:#x}")
    return processors[number]


@hcalls.define(0xDC, papr="14.11.3.2", function_set="hcall-splpar SLB-Buffer")
def h_register_vpa(
    caller: VirtualProcessor, flags: Flags, number: ProcessorNumber, address: LogicalReal
) -> None:
    """Register or deregister a processor's VPA, dispatch trace log or SLB shadow."""
    function = flags >> _FUNCTION_SHIFT & _FUNCTION_MASK
    deregister, code = function & _DEREGISTER, function & ~_DEREGISTER
    if flags & ~(_FUNCTION_MASK << _FUNCTION_SHIFT) or code == 0:
        raise HcallError(H.PARAMETER, f"unknown function in flags {flags:#x}")
    processor, area = _processor(caller, number), Area(code)
    itself = processor is caller
    if not (itself or area is Area.TRACE_LOG or processor.standing is Standing.STOPPED):
        raise HcallError(H.STATE, f"processor {number:#x} is neither the caller nor stopped")
    if deregister:
        processor.areas.deregister(area)
    else:
        shared = not caller.partition.capacity.capacity.share.dedicated
        memory = caller.partition.memory
        processor.areas.register(area, address, memory, dispatched=itself, shared=shared)


@hcalls.define(0xE0, papr="14.11.3.3", function_set="hcall-splpar")
def h_cede(caller: VirtualProcessor) -> None:
    """Wait, interrupts enabled, for one or for a prod: as its VPA's cede latency specifier says."""
    caller.cede()


@hcalls.define(0xE4, papr="14.11.3.4", function_set="hcall-splpar")
def h_confer(caller: VirtualProcessor, number: ProcessorNumber, dispatch_count: int) -> None:
    """Give the rest of this turn to a processor, or to all (-1).

    To the caller itself: wait for a prod.  `dispatch_count` is the yield count the caller saw in
    the processor's VPA: if it has changed, the processor has been dispatched since and nothing is
    given.
    """
    if number in _ALL_PROCESSORS:
        caller.partition.dispatcher.confer()
        return
    target = _processor(caller, number)
    if target is caller:
        caller.confer_to_itself()
        return
    count = target.areas.yield_count(caller.partition.memory)
    if count is None or (count % 2 and count == dispatch_count & _YIELD_COUNT):
        caller.partition.dispatcher.confer(target)


@hcalls.define(0xE8, papr="14.11.3.5", function_set="hcall-splpar")
def h_prod(caller: VirtualProcessor, number: ProcessorNumber) -> None:
    """Wake a processor that ceded, or let its next cede return at once."""
    _processor(caller, number).prod()


@hcalls.define(0xF4, papr="14.11.3.8", function_set="hcall-splpar")
def h_purr(caller: VirtualProcessor) -> int:
    """The processor utilization of resources register, in time-base ticks."""
    return caller.registers.spr("purr")


@hcalls.define(0x1D8, papr="14.11.3.9", function_set="hcall-poll-pending")
def h_poll_pending(caller: VirtualProcessor) -> None:
    """H_PENDING: were the caller to cede now, the hypervisor would run another one here."""
    if caller.partition.capacity.work_pending(caller.number, caller.time_base):
        raise HcallError(H.PENDING, "others wait for the physical processor")


@hcalls.define(0x298, papr="14.11.5.1", function_set="hcall-join")
def h_join(caller: VirtualProcessor) -> None:
    """Wait for a prod with interrupts off; the last processor to join goes on."""
    if caller.registers.msr.EE:
        raise HcallError(H.BAD_MODE, "external interrupts are enabled")
    waiting = (Standing.JOINED, Standing.STOPPED)
    if all(p is caller or p.standing in waiting for p in caller.partition.processors):
        raise HcallError(H.CONTINUE, "every other processor has joined")
    caller.join()
