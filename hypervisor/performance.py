"""H_GET_PERF_COUNTER_INFO: what the machine counts, by subject (LoPAR, appendix of such calls).

The caller's buffer begins with a request: which information, from which processor or partition on.
Behind it go elements of one layout, as many as there are.  A partition may ask about itself and
about the physical processors; what would need hardware that nothing here models
(links, memory controllers) is not available.

The layouts are those of version 8 of the information, as Linux declares them.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from emu.values import frozen

from .abi import H, HcallError, LogicalReal
from .hcall import HcallGroup

if TYPE_CHECKING:
    from collections.abc import Callable

    from .capacity import CoreTimes
    from .partition import Partition
    from .processor import VirtualProcessor

hcalls = HcallGroup()

_HEADER = struct.Struct(">IiHHIHBB12x")
"""Request, starting index, secondary index, elements, detail, their size, version in and out."""
_VERSION = 8
_BUFFER_TOO_SMALL = 0x1B
"""Detail of H_PARAMETER: there is more than the buffer holds."""
_ITSELF = -1
_SHARED_BY_PARTITIONS, _SHARED_STATE = 0xFFFF, 4
_GENERALLY_AVAILABLE = 0x80
_BEST_SCORE = 100
"""Of affinity: all storage and all processors are in one domain."""


def _dispatched_ticks(partition: Partition) -> int:
    """For how long virtual processors had the physical one."""
    return sum(processor.registers.spr("purr") for processor in partition.processors)


def _cores(partition: Partition) -> tuple[CoreTimes, ...]:
    if (times := partition.capacity.core_times()) is None:
        raise HcallError(H.AUTHORITY, "the partition may not know of physical processors")
    return times


# -- the elements ----------------------------------------------------------------------------


def _dispatch_by_processor(partition: Partition, core: int) -> bytes:
    return struct.pack(
        ">QIHBBIIIIIHHII",
        _cores(partition)[core].used,
        core,
        _SHARED_BY_PARTITIONS,
        _SHARED_STATE,
        _VERSION,
        *(0, 0, 0, 0),  # chip, module, two affinity domains
        partition.processors[0].registers.spr("pvr"),
        *(core, 0, 0, core),  # logical index, reserved, identification register, physical index
    )


def _cycles_by_partition(partition: Partition, number: int) -> bytes:
    consumed, idle = _dispatched_ticks(partition), 0
    times = partition.capacity.partition_times(consumed)
    capped = consumed - times.spare
    if partition.capacity.capacity.share.dedicated:
        idle = max(times.entitled - capped - times.donated, 0)
    return struct.pack(">6Q", number, times.entitled, capped, times.spare, times.donated, idle)


def _capabilities(partition: Partition, number: int) -> bytes:
    may_see_others = False
    return struct.pack(">?B14x", may_see_others, _GENERALLY_AVAILABLE)


def _core_utilization(partition: Partition, core: int) -> bytes:
    times = _cores(partition)[core]
    ticks = times.used
    return struct.pack(">II5Q", core, core, ticks, times.now, ticks, ticks, times.instructions)


def _affinity_by_partition(partition: Partition, number: int) -> bytes:
    """The score stands at offset 11; elements about each domain would follow: there are none."""
    return struct.pack(">H9xBHH", number, _BEST_SCORE, 0, 0)


def _instructions_by_partition(partition: Partition, number: int) -> bytes:
    instructions = partition.engine.counts().instructions
    return struct.pack(">H6xQQ", number, instructions, _dispatched_ticks(partition))


@frozen
class Information:
    """What one request gives: an element for each processor, or one for the partition.

    `element` takes the caller's partition and the number of the processor or the partition.
    """

    element: Callable[[Partition, int], bytes]
    by_processor: bool = False
    itself_only: bool = False


ANSWERED = {
    0x10: Information(_dispatch_by_processor, by_processor=True),
    0x20: Information(_cycles_by_partition),
    0x40: Information(_capabilities, itself_only=True),
    0x94: Information(_core_utilization, by_processor=True),
    0xB1: Information(_affinity_by_partition),
    0x100: Information(_instructions_by_partition),
}
NOT_AVAILABLE = frozenset(
    (
        *(0x30, 0x50, 0x60, 0x70, 0x80),  # up to version 7; links, memory controllers
        *(0x90, 0x91, 0x95),  # processor configuration, frequency, power mode
        *(0xA0, 0xB0, 0xC0, 0xD0),  # affinity domains, physical memory, topology
        *(0xE0, 0xF0, 0xF4),  # queuing, hypervisor's own times, tlbie
        *(0x8000_1000, 0x8000_2000),  # the laboratory's
    )
)
"""Requests that there are, about what this machine does not have or count."""


# -- the call --------------------------------------------------------------------------------


@hcalls.define(0xF080, papr="", function_set="")
def h_get_perf_counter_info(caller: VirtualProcessor, buffer: LogicalReal, size: int) -> None:
    """Fill a buffer with the counters that the request at its beginning asks for."""
    partition = caller.partition
    if not partition.memory.contains(buffer, size):
        raise HcallError(H.PRIVILEGE, f"{size:#x} bytes at {buffer:#x} leave the storage")
    if size < _HEADER.size:
        raise HcallError(H.PARAMETER, f"{size} bytes: the request has {_HEADER.size}")
    request, index, secondary, _, _, _, version, _ = _HEADER.unpack(
        partition.memory.read(buffer, _HEADER.size)
    )
    information = _asked(request)
    first = _first(partition, information, index)
    behind = len(_cores(partition)) if information.by_processor else first + 1
    elements = [information.element(partition, number) for number in range(first, behind)]
    each = len(elements[0])
    fitting = elements[: (size - _HEADER.size) // each]
    detail = 0 if fitting == elements else _BUFFER_TOO_SMALL
    answer = _HEADER.pack(request, first, secondary, len(fitting), detail, each, version, _VERSION)
    partition.memory.write(buffer, answer + b"".join(fitting))
    if detail:
        raise HcallError(H.PARAMETER, f"{size} bytes have no room for {len(elements)} of {each}")


def _asked(request: int) -> Information:
    if request in NOT_AVAILABLE:
        raise HcallError(H.NOT_AVAILABLE, f"nothing here counts what request {request:#x} is about")
    if (information := ANSWERED.get(request)) is None:
        raise HcallError(H.PARAMETER, f"there is no request {request:#x}")
    return information


def _first(partition: Partition, information: Information, index: int) -> int:
    """The processor or partition meant by `index`, which the caller must be allowed to see."""
    if information.by_processor and index in range(cores := len(_cores(partition))):
        return index
    own = 0 if information.by_processor else partition.configuration.number
    if index in (_ITSELF, own) and not (information.itself_only and index != _ITSELF):
        return own
    if information.itself_only:
        raise HcallError(H.NOT_AVAILABLE, f"index {index}: a partition asks about itself (-1)")
    if information.by_processor:
        raise HcallError(H.PARAMETER, f"index {index}: physical processors are 0 to {cores - 1}")
    raise HcallError(H.AUTHORITY, f"index {index}: other partitions' counters are not shown")
