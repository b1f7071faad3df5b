"""The areas a processor shares with the hypervisor: VPA, dispatch trace log, SLB shadow.

A guest registers each by address (LoPAR 14.11.3.2).  What is kept here is where they lie, and
the rules for registering them.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from emu.bits import low_bits
from emu.values import slotted

from .abi import H, HcallError

if TYPE_CHECKING:
    from emu.memory import Memory

PAGE = 4096
CACHE_LINE = 128
VPA_MINIMUM = 640
TRACE_LOG_ENTRY = 48
SLB_SHADOW_MINIMUM = 8
# Fields of the VPA (LoPAR table "Per Virtual Processor Area").
VPA_SIZE = 0x04
VPA_STATUS = 0x09
VPA_CEDE_LATENCY = 0xB0
VPA_TRACE_LOG_MASK = 0xB8
VPA_DONATES = 0xB9
"""Whether others may use the dedicated processor while it cedes."""
VPA_IDLE = 0xFE
VPA_YIELD_COUNT = 0x100
VPA_DISPERSION = 0x104
VPA_DONATED_IDLE, VPA_DONATED_BUSY = (0x138, 0x140), (0x148, 0x150)
"""By PURR and by SPURR: while the operating system says it is idle, and else."""
VPA_WAITED_FOR_PROCESSOR, VPA_WAITED_FOR_CAPACITY, VPA_WAITED_FOR_EVENT = 0x158, 0x160, 0x168
VPA_COUNTERS = range(0x100, 0x170)
VPA_TRACE_LOG_INDEX = 0x218
SHARED_PROCESSOR = 2
"""In the status byte: no field of LoPAR's, but where operating systems look for it."""


class Area(Enum):
    """What can be registered; the value is the function code that registers it."""

    VPA = 1
    TRACE_LOG = 2
    SLB_SHADOW = 3


@slotted
class RegisteredAreas:
    """Where one processor's areas lie: (address, length in bytes), or None."""

    vpa: tuple[int, int] | None = None
    trace_log: tuple[int, int] | None = None
    slb_shadow: tuple[int, int] | None = None

    def register(
        self, area: Area, address: int, memory: Memory, *, dispatched: bool, shared: bool = False
    ) -> None:
        """Accept an area at `address` or refuse with the specified code.

        `dispatched` says whether the processor whose area it is has the core now, `shared` whether
        it is one of a shared partition.
        """
        length = _checked_length(area, address, memory)
        match area:
            case Area.VPA:
                self.vpa = address, length
                memory.write_u8(address + VPA_STATUS, SHARED_PROCESSOR if shared else 0)
                memory.write(address + VPA_COUNTERS.start, bytes(len(VPA_COUNTERS)))
                memory.write_u32(address + VPA_YIELD_COUNT, 0 if dispatched else 1)
            case Area.TRACE_LOG:
                memory.write_u64(self._needed_vpa() + VPA_TRACE_LOG_INDEX, 0)
                self.trace_log = address, length
            case Area.SLB_SHADOW:
                self._needed_vpa()
                self.slb_shadow = address, length

    def check(self, memory: Memory) -> None:
        """Raise `StorageError` unless all lie in storage."""
        if self.vpa is not None:
            memory.check(self.vpa[0], VPA_MINIMUM)
        for area in (self.vpa, self.trace_log, self.slb_shadow):
            if area is not None:
                memory.check(*area)

    def deregister(self, area: Area) -> None:
        match area:
            case Area.VPA:
                if self.trace_log or self.slb_shadow:
                    raise HcallError(H.RESOURCE, "the trace log or SLB shadow is still registered")
                self.vpa = None
            case Area.TRACE_LOG:
                self.trace_log = None
            case Area.SLB_SHADOW:
                self.slb_shadow = None

    def _needed_vpa(self) -> int:
        """The address of the VPA, which the other areas need."""
        if self.vpa is None:
            raise HcallError(H.RESOURCE, "no VPA is registered yet")
        return self.vpa[0]

    def count_preemption(self, memory: Memory) -> None:
        """The processor loses the core: the yield count becomes odd."""
        self._count_on(memory, odd=True)

    def count_dispatch(self, memory: Memory) -> None:
        """The processor gets the core: the yield count becomes even."""
        self._count_on(memory, odd=False)

    def _count_on(self, memory: Memory, *, odd: bool) -> None:
        """To the next number of that kind: the guest can write to the field, too."""
        if self.vpa is not None:
            field = self.vpa[0] + VPA_YIELD_COUNT
            count = memory.u32(field)
            memory.write_u32(field, low_bits(count + (2 if count % 2 == odd else 1), 32))

    def donates(self, memory: Memory) -> bool:
        """Whether the operating system lends its dedicated processor while that waits."""
        return self.vpa is not None and memory.u8(self.vpa[0] + VPA_DONATES) == 1

    def cede_latency(self, memory: Memory) -> int:
        """The cede latency specifier: what wake-up latency the operating system can bear."""
        return 0 if self.vpa is None else memory.u8(self.vpa[0] + VPA_CEDE_LATENCY)

    def yield_count(self, memory: Memory) -> int | None:
        """How often the core changed hands: odd while the processor waits; None without a VPA."""
        return None if self.vpa is None else memory.u32(self.vpa[0] + VPA_YIELD_COUNT)


def _checked_length(area: Area, address: int, memory: Memory) -> int:
    if address == 0 or address % CACHE_LINE:
        raise HcallError(H.PARAMETER, f"{area.name} at {address:#x}: not on a cache line")
    match area:
        case Area.VPA:
            length, minimum = memory.u16(address + VPA_SIZE), VPA_MINIMUM
        case Area.TRACE_LOG:
            length, minimum = memory.u32(address + 4), TRACE_LOG_ENTRY
        case Area.SLB_SHADOW:
            length, minimum = memory.u32(address + 4), SLB_SHADOW_MINIMUM
    if length < minimum:
        raise HcallError(H.PARAMETER, f"{area.name} of {length} bytes: at least {minimum}")
    memory.check(address, length)
    if area is not Area.TRACE_LOG and address // PAGE != (address + length - 1) // PAGE:
        raise HcallError(H.PARAMETER, f"{area.name} at {address:#x} crosses a 4 KiB boundary")
    return length
