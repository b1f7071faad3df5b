"""Subordinate queues of an adapter: further rings, each with an interrupt (LoPAR 17.2.3.3).

An element has 32 bytes.  The guest names the partner's queue, to which it sends, by a handle that
the two have agreed on; what comes back goes to the guest's own queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol

from emu.state import U64, Length, check, record
from emu.values import frozen
from hypervisor.abi import H, HcallError, UnitAddress
from hypervisor.hcall import HcallGroup

from .adapter import FIRST_INTERRUPT, SLOTS, InterruptLine, no_ioctl
from .crq import FREE, PAYLOAD, TRANSPORT_EVENT, CrqAdapter, Element
from .tce import PAGE, WINDOW_BYTES, DmaError, IoBusAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hypervisor.interrupts import InterruptController
    from hypervisor.scsi.command import Nexus, Task
    from hypervisor.scsi.unit import LogicalUnit

    from .adapter import AdapterCaller, AdapterKind, Slot
    from .tce import TceTable

hcalls = HcallGroup()

SUB_ELEMENT_BYTES = 32
MOST_QUEUES = 16
"""Of one adapter."""
MOST_INDIRECT = 16
"""Elements of one H_SEND_SUB_CRQ_INDIRECT."""
FIRST_SUB_INTERRUPT = FIRST_INTERRUPT + SLOTS + 23
"""Behind those that slots have: 0x1400."""
MOST_SUB_INTERRUPTS = 0x800
_DISABLE_ALL, _DISABLE, _ENABLE = 0x0A, 0x0B, 0x0C
"""Subfunctions of H_VIOCTL."""


class SubInterrupts:
    """The interrupt sources of one partition's subordinate queues.

    A source stays, once there is one: whoever ends an interrupt names it.
    """

    def __init__(self, interrupts: InterruptController) -> None:
        self._interrupts = interrupts
        self.count = 0
        """Sources there are."""
        self._taken: set[int] = set()

    def take(self) -> int:
        """The lowest source that no queue has."""
        number = next(n for n in range(MOST_SUB_INTERRUPTS + 1) if n not in self._taken)
        if number == MOST_SUB_INTERRUPTS:
            raise HcallError(H.RESOURCE, "no interrupt source is left")
        self._grow(number + 1)
        self._taken.add(number)
        return FIRST_SUB_INTERRUPT + number

    def retake(self, source: int) -> None:
        """Have a source again that a saved queue had."""
        number = source - FIRST_SUB_INTERRUPT
        check(0 <= number < self.count and number not in self._taken, "a queue's interrupt")
        self._taken.add(number)

    def give(self, source: int) -> None:
        self._taken.discard(source - FIRST_SUB_INTERRUPT)
        self._interrupts.reset_source(source)

    def line(self, source: int) -> InterruptLine:
        return InterruptLine(lambda: self._interrupts.raise_source(source))

    def _grow(self, count: int) -> None:
        while self.count < count:
            self._interrupts.add_source(FIRST_SUB_INTERRUPT + self.count)
            self.count += 1

    def restore(self, count: int) -> None:
        self._grow(count)


@record
class SubQueueState:
    """`queue` is address and bytes of the ring; `next` counts elements."""

    number: Annotated[int, range(1, MOST_QUEUES + 1)]
    queue: tuple[int, int]
    next: U64
    source: int
    interrupts_enabled: bool


@record
class ChannelAdapterState:
    slot: int
    queues: Annotated[tuple[SubQueueState, ...], Length(0, MOST_QUEUES)]


class SubQueue:
    """A ring of the guest that its partner fills."""

    def __init__(
        self, number: int, queue: tuple[int, int], source: int, line: InterruptLine, dma: TceTable
    ) -> None:
        self.number, self.queue, self.source = number, queue, source
        self.interrupt, self._dma = line, dma
        self.next = 0

    @property
    def has_room(self) -> bool:
        try:
            return self._dma.read(self._place(), 1)[0] == FREE
        except DmaError:
            return False

    def _place(self) -> int:
        base, length = self.queue
        return base + self.next * SUB_ELEMENT_BYTES % length

    def post(self, element: Element) -> bool:
        """As `CrqAdapter.post`, in the first half of an element."""
        if not self.has_room:
            return False
        place = self._place()
        try:
            self._dma.write(place + 8, element.low.to_bytes(8, "big") + bytes(16))
            self._dma.write(place, element.high.to_bytes(8, "big"))
        except DmaError:
            return False
        self.next += 1
        self.interrupt.signal()
        return True


@frozen
class Reachable:
    """A logical unit that an adapter's partner shows: by which port of storage, and its LUN."""

    port: int
    """World wide port name."""
    lun: bytes
    unit: LogicalUnit
    nexus: Nexus
    execute: Callable[[Task], bytes]


class ChannelServer(Protocol):
    """A partner that takes messages by its queues' handles."""

    def reachable(self) -> Iterator[Reachable]:
        """What firmware finds, without a login, by port and LUN."""

    def channel(self, handle: int) -> int | None:
        """The guest's queue for the answers to what is sent to `handle`; None: no such one."""

    def receive_on(self, channel: int, element: Element) -> None:
        """As `CrqServer.receive`; the answer goes to queue `channel`."""

    def queue_freed(self, channel: int) -> None:
        """The guest gave a queue up."""


class ChannelAdapter(CrqAdapter):
    """An adapter with subordinate queues, as Fibre Channel has them."""

    def __init__(
        self,
        kind: AdapterKind,
        slot: Slot,
        dma: TceTable,
        interrupt: InterruptLine,
        sources: SubInterrupts,
    ) -> None:
        super().__init__(kind, slot, dma, interrupt)
        self.channel_server: ChannelServer | None = None
        self.port_names: tuple[int, ...] = ()
        """World wide names that its partner gave it."""
        self.queues: dict[int, SubQueue] = {}
        self._sources = sources

    def free(self) -> None:
        super().free()
        self.free_queues()

    def free_queues(self) -> None:
        """All of them, as the adapter's own queue goes."""
        for number in list(self.queues):
            self.free_queue(number)

    def register_queue(self, ioba: int, length: int) -> tuple[int, int]:
        """Have one more ring; gives its number and interrupt source."""
        if ioba % PAGE or length < PAGE or length % PAGE or ioba + length > WINDOW_BYTES:
            raise HcallError(H.PARAMETER, f"a queue of {length} bytes at {ioba:#x}: whole pages")
        number = next(n for n in range(1, MOST_QUEUES + 2) if n not in self.queues)
        if number > MOST_QUEUES:
            raise HcallError(H.RESOURCE, f"{MOST_QUEUES} queues are registered already")
        source = self._sources.take()
        line = self._sources.line(source)  # enabled at once: drivers only disable it
        self.queues[number] = SubQueue(number, (ioba, length), source, line, self.dma)
        if self.server is None:
            raise HcallError(H.CLOSED, "registered; the partner is not there", number, source)
        return number, source

    def free_queue(self, number: int) -> None:
        if (queue := self.queues.pop(number, None)) is None:
            raise HcallError(H.PARAMETER, f"no subordinate queue {number:#x}")
        self._sources.give(queue.source)
        if self.channel_server is not None:
            self.channel_server.queue_freed(number)

    def send_to(self, handle: int, element: Element) -> None:
        """A message to the partner's queue `handle`."""
        if not self.registered or self.server is None or self.channel_server is None:
            raise HcallError(H.CLOSED, "one of the two queues is not registered")
        if (channel := self.channel_server.channel(handle)) is None:
            raise HcallError(H.PARAMETER, f"the partner has no queue {handle:#x}")
        if not element.kind & PAYLOAD or element.kind == TRANSPORT_EVENT:
            raise HcallError(H.PARAMETER, f"a message cannot begin with {element.kind:#04x}")
        if not self.queues[channel].has_room:
            raise HcallError(H.DROPPED, "the queue has no room for the answer")
        self.channel_server.receive_on(channel, element)

    def ioctl(self, subfunction: int, arguments: tuple[int, int, int]) -> tuple[int, ...]:
        if subfunction == _DISABLE_ALL:
            for queue in self.queues.values():
                queue.interrupt.enabled = False
            return ()
        if subfunction not in (_DISABLE, _ENABLE):
            return no_ioctl(subfunction)
        for queue in self.queues.values():
            if queue.source == arguments[0]:
                queue.interrupt.enabled = subfunction == _ENABLE
                return ()
        raise HcallError(H.PARAMETER, f"no queue has interrupt {arguments[0]:#x}")

    # -- state -----------------------------------------------------------------------------

    def channels_state(self) -> ChannelAdapterState:
        return ChannelAdapterState(
            self.slot.number,
            tuple(
                SubQueueState(its.number, its.queue, its.next, its.source, its.interrupt.enabled)
                for its in self.queues.values()
            ),
        )

    def restore_channels(self, state: ChannelAdapterState) -> None:
        check(state.slot == self.slot.number, f"the queues of slot {state.slot}")
        for its in state.queues:
            base, length = its.queue
            valid = base >= 0 and length > 0 and base + length <= WINDOW_BYTES
            check(valid and not base % PAGE and not length % PAGE, "a queue outside the window")
            check(its.number not in self.queues, "two queues with one number")
            self._sources.retake(its.source)
            line = self._sources.line(its.source)
            line.enabled = its.interrupts_enabled
            queue = SubQueue(its.number, its.queue, its.source, line, self.dma)
            queue.next = its.next
            self.queues[its.number] = queue


def _adapter(caller: AdapterCaller, unit: UnitAddress) -> ChannelAdapter:
    adapter = caller.partition.virtual_io.bus.adapter(unit)
    if not isinstance(adapter, ChannelAdapter):
        raise HcallError(H.PARAMETER, f"the adapter at {unit:#x} has no subordinate queues")
    return adapter


@hcalls.define(0x2DC, papr="17.2.3.3.5.1", function_set="hcall-sub-crq")
def h_reg_sub_crq(
    caller: AdapterCaller, unit: UnitAddress, ioba: IoBusAddress, length: int
) -> tuple[int, int]:
    """Register a subordinate queue of whole pages; gives its number and interrupt source."""
    return _adapter(caller, unit).register_queue(ioba, length)


@hcalls.define(0x2E0, papr="17.2.3.3.5.2", function_set="hcall-sub-crq")
def h_free_sub_crq(caller: AdapterCaller, unit: UnitAddress, number: int) -> None:
    """Give up a subordinate queue."""
    _adapter(caller, unit).free_queue(number)


@hcalls.define(0x2E4, papr="17.2.3.3.5.3", function_set="hcall-sub-crq")
def h_send_sub_crq(
    caller: AdapterCaller,
    unit: UnitAddress,
    handle: int,
    first: int,
    second: int,
    third: int,
    fourth: int,
) -> None:
    """Send the 32 bytes of a message to a queue of the partner."""
    _adapter(caller, unit).send_to(handle, Element(first, second))


@hcalls.define(0x2E8, papr="17.2.3.3.5.4", function_set="hcall-sub-crq")
def h_send_sub_crq_indirect(
    caller: AdapterCaller, unit: UnitAddress, handle: int, ioba: IoBusAddress, count: int
) -> None:
    """Send up to 16 messages that storage lists; those before one that is refused are sent."""
    adapter = _adapter(caller, unit)
    if not 0 < count <= MOST_INDIRECT:
        raise HcallError(H.PARAMETER, f"{count} messages: 1 to {MOST_INDIRECT} are possible")
    try:
        listed = adapter.dma.read(ioba, count * SUB_ELEMENT_BYTES)
    except DmaError as wrong:
        raise HcallError(H.PARAMETER, f"messages at {ioba:#x}: {wrong}") from None
    for at in range(0, len(listed), SUB_ELEMENT_BYTES):
        high, low = (int.from_bytes(listed[n : n + 8], "big") for n in (at, at + 8))
        adapter.send_to(handle, Element(high, low))
