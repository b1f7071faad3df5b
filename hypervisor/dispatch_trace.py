"""What a guest is told of the dispatches of its virtual processors (LoPAR 14.11.3.1).

The VPA counts them and sums up what the processor waited for; the dispatch trace log has an entry
for each dispatch that follows a preemption of a kind the guest asks for.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from emu.bits import low_bits
from emu.state import U64, Ticks, record
from emu.values import frozen

from .dispatching.records import Dispatched, Preemption
from .splpar_areas import (
    TRACE_LOG_ENTRY,
    VPA_DISPERSION,
    VPA_DONATED_BUSY,
    VPA_DONATED_IDLE,
    VPA_IDLE,
    VPA_TRACE_LOG_INDEX,
    VPA_TRACE_LOG_MASK,
    VPA_WAITED_FOR_CAPACITY,
    VPA_WAITED_FOR_EVENT,
    VPA_WAITED_FOR_PROCESSOR,
)

if TYPE_CHECKING:
    from emu.memory import Memory

    from .splpar_areas import RegisteredAreas

_ENTRY = struct.Struct(">BBHIIIQQQQ")
assert _ENTRY.size == TRACE_LOG_ENTRY
# The enable mask in the VPA: preemptions of which kinds are logged.
_VOLUNTARY, _TIME_SLICE = 1, 2
_KINDS = {
    Preemption.HYPERVISOR: _TIME_SLICE,
    Preemption.CEDE: _VOLUNTARY,
    Preemption.CONFER: _VOLUNTARY,
    Preemption.TIME_SLICE: _TIME_SLICE,
}


@record
class LastPreemption:
    """When a virtual processor lost the core, why, and where it was."""

    reason: Preemption
    at: Ticks
    nip: U64
    msr: U64


@frozen
class Waits:
    """What a virtual processor waited for, in ticks, between a preemption and its next dispatch."""

    event: int
    """To be ready to run."""
    capacity: int
    """Then to be entitled to processor time, or to get unused time."""
    processor: int
    """Then for a physical processor."""

    @classmethod
    def between(cls, last: LastPreemption, facts: Dispatched) -> Waits:
        whole = max(facts.start - last.at, 0)
        ready = min(facts.waited, whole)
        capacity = min(facts.without_capacity, ready)
        return cls(whole - ready, capacity, ready - capacity)


def tell_of_dispatch(
    areas: RegisteredAreas, memory: Memory, last: LastPreemption | None, facts: Dispatched
) -> None:
    """The processor whose areas these are has got a core; it lost one at `last`."""
    areas.count_dispatch(memory)
    if areas.vpa is None:
        return
    vpa = areas.vpa[0]
    if facts.dispersed:
        count = memory.u32(vpa + VPA_DISPERSION)
        memory.write_u32(vpa + VPA_DISPERSION, low_bits(count + 1, 32))
    if facts.donated:
        idle = memory.u8(vpa + VPA_IDLE) == 1
        for offset in VPA_DONATED_IDLE if idle else VPA_DONATED_BUSY:
            _add(memory, vpa + offset, facts.donated)
    if last is None:
        return
    waits = Waits.between(last, facts)
    if waits.processor:
        _add(memory, vpa + VPA_WAITED_FOR_PROCESSOR, waits.processor)
    if waits.capacity:
        _add(memory, vpa + VPA_WAITED_FOR_CAPACITY, waits.capacity)
    if waits.event:
        _add(memory, vpa + VPA_WAITED_FOR_EVENT, waits.event)
    if areas.trace_log is not None and memory.u8(vpa + VPA_TRACE_LOG_MASK) & _KINDS[last.reason]:
        _log(vpa, areas.trace_log, memory, last, facts, waits)


def _add(memory: Memory, address: int, ticks: int) -> None:
    memory.write_u64(address, low_bits(memory.u64(address) + ticks, 64))


def _log(
    vpa: int,
    log: tuple[int, int],
    memory: Memory,
    last: LastPreemption,
    facts: Dispatched,
    waits: Waits,
) -> None:
    """One entry at the place the index in the VPA names; the guest can write to that, too."""
    address, length = log
    index = memory.u64(vpa + VPA_TRACE_LOG_INDEX)
    entry = _ENTRY.pack(
        facts.reason,
        last.reason,
        low_bits(facts.core, 16),
        low_bits(waits.processor, 32),
        low_bits(waits.capacity, 32),
        low_bits(waits.event, 32),
        facts.start,
        0,
        last.nip,
        last.msr,
    )
    memory.write(address + index % (length // TRACE_LOG_ENTRY) * TRACE_LOG_ENTRY, entry)
    memory.write_u64(vpa + VPA_TRACE_LOG_INDEX, low_bits(index + 1, 64))
