"""XIVE exploitation mode: the interrupt controller of POWER9, driven by the partition itself.

An event of a source passes two bits, P (one is pending) and Q (another waits), and is routed: to
an entry of a queue in the partition's storage, one for each server and priority, and on to the
thread context of that server.  The context interrupts its processor while the most favoured of its
pending priorities is more favoured than its current one (CPPR).  Priority 0 is the most favoured.

Whatever happens is one entry of one queue and one bit of one context: no guest can make an event
cost more.  `xive_pages` shows all this to the guest as device pages, `xive_hcalls` configures it
(LoPAR 14.5.4.7.6 to 14.5.4.7.16).
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import TYPE_CHECKING

from emu.state import check, record
from emu.values import slotted

if TYPE_CHECKING:
    from emu.memory import Memory

PRIORITIES = 8
LEAST_FAVOURED = 0xFF
"""As CPPR: everything interrupts.  As the priority of a source: it is masked."""
QUEUE_SIZES = (12, 16, 21, 24)
"""What `ibm,xive-eq-sizes` offers: log2 of bytes."""
SOURCES = 0x2000
"""Source numbers lie below."""
FIRST_IPI, IPIS = 0x10, 32
"""The sources a partition may use for its own purposes: `ibm,xive-lisn-ranges`."""
EVENT_BITS = 31
LINE_BYTES = 256
"""A reporting line: a pair of cache lines."""
_ENTRY_BYTES = 4
_BYTE = range(0x100)


class EventState(IntEnum):
    """The bits P and Q of a source or queue."""

    RESET = 0b00
    OFF = 0b01
    PENDING = 0b10
    QUEUED = 0b11

    @property
    def after_trigger(self) -> EventState:
        return _AFTER_TRIGGER[self]

    @property
    def after_end(self) -> EventState:
        return _AFTER_END[self]


_AFTER_TRIGGER = {
    EventState.RESET: EventState.PENDING,
    EventState.OFF: EventState.OFF,
    EventState.PENDING: EventState.QUEUED,
    EventState.QUEUED: EventState.QUEUED,
}
_AFTER_END = {
    EventState.RESET: EventState.RESET,
    EventState.OFF: EventState.OFF,
    EventState.PENDING: EventState.RESET,
    EventState.QUEUED: EventState.PENDING,
}


@slotted
class Source:
    """A source's event state, and where its events go."""

    number: int
    event_number: int
    """What stands in the queue: the number the partition itself gave it."""
    state: EventState = EventState.OFF
    server: int = 0
    priority: int = 0
    masked: bool = True


@slotted
class Queue:
    """The events of one server and priority; without a size they are dropped."""

    address: int = 0
    size: int = 0
    """Log2 of its bytes, or 0."""
    always_notify: bool = False
    """Each event is notified; else only one until the guest ends it at the queue's page."""
    state: EventState = EventState.RESET
    index: int = 0
    generation: int = 1
    """The first bit of the entries written now; flips when the queue wraps."""


@slotted
class Context:
    """A server's thread context, as far as an operating system has one."""

    cppr: int = 0
    pending: int = 0
    """The priorities with notifications, a bit each; that of priority 0 is the highest of 8."""
    reporting_line: int | None = None

    def notify(self, priority: int) -> None:
        self.pending |= _bit(priority)

    @property
    def most_favoured(self) -> int:
        """PIPR: the most favoured pending priority."""
        return PRIORITIES - self.pending.bit_length() if self.pending else LEAST_FAVOURED

    @property
    def interrupts(self) -> bool:
        return self.most_favoured < self.cppr

    def set_cppr(self, priority: int) -> None:
        self.cppr = priority if priority < PRIORITIES else LEAST_FAVOURED

    def acknowledge(self) -> bool:
        """Take the interrupt, if there is one: its priority becomes the current one."""
        if not self.interrupts:
            return False
        self.cppr = self.most_favoured
        self.pending &= ~_bit(self.cppr)
        return True


def _bit(priority: int) -> int:
    return 1 << (PRIORITIES - 1 - priority)


@record
class XiveState:
    """Queues by server, then priority; contexts by server."""

    sources: tuple[Source, ...]
    queues: tuple[Queue, ...]
    contexts: tuple[Context, ...]


class XiveController:
    """All sources, queues and contexts of one partition."""

    def __init__(self, servers: int, memory: Memory) -> None:
        self.servers = servers
        self._memory = memory
        self._sources: dict[int, Source] = {}
        self._queues = [Queue() for _ in range(servers * PRIORITIES)]
        self._contexts = [Context() for _ in range(servers)]
        for number in range(FIRST_IPI, FIRST_IPI + IPIS):
            self.add_source(number)

    def reset(self) -> None:
        """All sources off, all queues gone, nothing pending (H_INT_RESET)."""
        self._sources = {number: Source(number, number) for number in self._sources}
        self._queues = [Queue() for _ in self._queues]
        self._contexts = [Context() for _ in self._contexts]

    # -- state -----------------------------------------------------------------------------

    def state(self) -> XiveState:
        return XiveState(
            tuple(replace(source) for source in self._sources.values()),
            tuple(replace(queue) for queue in self._queues),
            tuple(replace(context) for context in self._contexts),
        )

    def restore(self, state: XiveState) -> None:
        """Take over a state with the very sources and servers that are here."""
        known = sorted(source.number for source in state.sources) == sorted(self._sources)
        check(known, "other interrupt sources than this partition's")
        check(len(state.contexts) == self.servers, f"not {self.servers} thread contexts")
        check(len(state.queues) == len(self._queues), f"not {len(self._queues)} event queues")
        for source in state.sources:
            valid = source.server in range(self.servers) and source.priority in range(PRIORITIES)
            valid &= source.event_number in range(1 << EVENT_BITS)
            check(valid, f"interrupt source {source.number:#x}")
        for queue in state.queues:
            check(self._queue_is_valid(queue), f"event queue at {queue.address:#x}")
        for context in state.contexts:
            check(context.cppr in _BYTE and context.pending in _BYTE, "thread context")
            line = context.reporting_line
            check(line is None or self._memory.contains(line, LINE_BYTES), "reporting line")
        self._sources = {source.number: replace(source) for source in state.sources}
        self._queues = [replace(queue) for queue in state.queues]
        self._contexts = [replace(context) for context in state.contexts]

    def _queue_is_valid(self, queue: Queue) -> bool:
        if not queue.size:
            return True
        size = 1 << queue.size if queue.size in QUEUE_SIZES else 0
        entries = range(size // _ENTRY_BYTES)
        inside = queue.address % (size or 1) == 0 and self._memory.contains(queue.address, size)
        return inside and queue.index in entries and queue.generation in (0, 1)

    # -- what there is ---------------------------------------------------------------------

    def add_source(self, number: int) -> None:
        if number in self._sources or not 0 <= number < SOURCES:
            raise ValueError(f"interrupt source {number:#x} is taken or out of range")
        self._sources[number] = Source(number, number)

    def reset_source(self, number: int) -> None:
        """Mask it, and forget what is pending."""
        self._sources[number] = Source(number, number)

    def source(self, number: int) -> Source | None:
        return self._sources.get(number)

    def queue(self, server: int, priority: int) -> Queue:
        return self._queues[server * PRIORITIES + priority]

    def set_queue(self, server: int, priority: int, queue: Queue) -> None:
        self._queues[server * PRIORITIES + priority] = queue

    def context(self, server: int) -> Context:
        return self._contexts[server]

    def pending(self, server: int) -> bool:
        """Whether `server` signals its processor."""
        return self._contexts[server].interrupts

    # -- events ----------------------------------------------------------------------------

    def raise_source(self, number: int) -> None:
        self.trigger(self._sources[number])

    def masked(self, number: int) -> bool:
        """Whether a source's events go nowhere, as they do until it is configured."""
        return self._sources[number].masked

    def trigger(self, source: Source) -> None:
        """An event, from a device or from a store to the source's page."""
        before, source.state = source.state, source.state.after_trigger
        if before is EventState.RESET:
            self._route(source)

    def end(self, source: Source) -> bool:
        """The end of an event; whether another had waited, which is routed now."""
        before, source.state = source.state, source.state.after_end
        if before is EventState.QUEUED:
            self._route(source)
            return True
        return False

    def end_queue(self, server: int, priority: int) -> bool:
        """The end of a queue's notification; whether another follows at once."""
        queue = self.queue(server, priority)
        before, queue.state = queue.state, queue.state.after_end
        if before is EventState.QUEUED:
            self._contexts[server].notify(priority)
            return True
        return False

    def _route(self, source: Source) -> None:
        queue = self.queue(source.server, source.priority)
        if source.masked or not queue.size:
            return
        self._enqueue(queue, source.event_number)
        if not queue.always_notify:
            before, queue.state = queue.state, queue.state.after_trigger
            if before is not EventState.RESET:
                return
        self._contexts[source.server].notify(source.priority)

    def _enqueue(self, queue: Queue, event_number: int) -> None:
        """Write an entry; a guest that does not read loses the oldest."""
        entry = queue.generation << EVENT_BITS | event_number
        self._memory.write_u32(queue.address + _ENTRY_BYTES * queue.index, entry)
        queue.index += 1
        if _ENTRY_BYTES * queue.index == 1 << queue.size:
            queue.index, queue.generation = 0, queue.generation ^ 1
