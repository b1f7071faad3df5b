"""H_SIGNAL_SYS_RESET: interrupt processors that do not listen to anything else.

LoPAR 2.9 does not describe it; Linux (since 4.11) and QEMU agree on what it does.  A guest stops
its other processors with it when it dumps itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import signed

from .abi import H, HcallError, ProcessorNumber
from .hcall import HcallGroup

if TYPE_CHECKING:
    from .processor import VirtualProcessor

hcalls = HcallGroup()

_ALL, _ALL_OTHERS = -1, -2


@hcalls.define(0x380, papr="", function_set="")
def h_signal_sys_reset(caller: VirtualProcessor, number: ProcessorNumber) -> None:
    """Interrupt a processor, all (-1) or all others (-2) with a system reset."""
    processors = caller.partition.processors
    target = signed(number, 64)
    if target == _ALL:
        chosen = processors
    elif target == _ALL_OTHERS:
        chosen = [processor for processor in processors if processor is not caller]
    elif 0 <= target < len(processors):
        chosen = [processors[target]]
    else:
        raise HcallError(H.PARAMETER, f"no virtual processor {number:#x}")
    for processor in chosen:
        processor.system_reset()
