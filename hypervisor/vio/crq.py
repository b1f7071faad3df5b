"""Command/response queues: messages of 16 bytes between two adapters (LoPAR 17.2.3.1.5).

The guest's queue is a ring in its storage that the adapter fills by DMA; what the guest sends, it
sends by hypercall.  The partner of an adapter may be another partition's adapter or the
hypervisor's own server; either end sees the other one come and go.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from emu.state import U64, check, record
from emu.values import frozen
from hypervisor.abi import H, HcallError, UnitAddress
from hypervisor.hcall import HcallGroup

from .adapter import no_ioctl
from .tce import PAGE, WINDOW_BYTES, DmaError, IoBusAddress

if TYPE_CHECKING:
    from .adapter import AdapterCaller, AdapterKind, InterruptLine, Slot
    from .tce import TceTable

hcalls = HcallGroup()

ELEMENT_BYTES = 16
FREE = 0x00
PAYLOAD = 0x80
INITIALIZATION = 0xC0
TRANSPORT_EVENT = 0xFF
"""The first byte of an element says what it is."""


class Initialization(IntEnum):
    """The second byte of an initialization message."""

    INIT = 1
    COMPLETE = 2


class TransportEvent(IntEnum):
    """The second byte of a transport event (LoPAR 17.2.3.1.4)."""

    PARTNER_FAILED = 1
    PARTNER_DEREGISTERED = 2
    MIGRATED = 6


@frozen
class Element:
    """One message: its 16 bytes as two doublewords, as they stand in registers."""

    high: int
    low: int

    @property
    def kind(self) -> int:
        return self.high >> 56

    @property
    def format(self) -> int:
        return self.high >> 48 & 0xFF

    @classmethod
    def of(cls, kind: int, format_: int) -> Element:
        """A message without content."""
        return cls(kind << 56 | format_ << 48, 0)


class CrqServer(Protocol):
    """Whoever stands at the other end of a partition's queue."""

    def receive(self, element: Element) -> None:
        """A payload message came; answers go by `CrqAdapter.post`."""

    def reset(self) -> None:
        """The partition has closed or opened its queue: what was under way is forgotten."""


@record
class CrqState:
    """`queue` is address and bytes of the ring in the DMA window; `next` counts elements."""

    slot: int
    interrupts_enabled: bool
    interrupt_owed: bool
    queue: tuple[int, int] | None
    next: U64
    initialized: bool
    enabled: bool


class CrqAdapter:
    """A client adapter with a queue, whose partner the hypervisor plays (`server`)."""

    def __init__(
        self, kind: AdapterKind, slot: Slot, dma: TceTable, interrupt: InterruptLine
    ) -> None:
        self.kind, self.slot, self.dma, self.interrupt = kind, slot, dma, interrupt
        self.server: CrqServer | None = None
        self.registrations = 0
        """How often its guest has registered a queue."""
        self._queue: tuple[int, int] | None = None
        self._next = 0
        self._initialized = False
        self._enabled = True

    # -- what the guest does ---------------------------------------------------------------

    def register(self, ioba: int, length: int) -> None:
        """Use `length` bytes at `ioba` as the ring."""
        if self._queue is not None:
            raise HcallError(H.RESOURCE, "a queue is registered already")
        if ioba % PAGE or length < PAGE or length % PAGE or ioba + length > WINDOW_BYTES:
            raise HcallError(H.PARAMETER, f"a queue of {length} bytes at {ioba:#x}: whole pages")
        self._queue, self._next = (ioba, length), 0
        self.registrations += 1
        self._initialized, self._enabled = False, True
        self.interrupt.owed = self.interrupt.enabled = (
            False  # until H_VIO_SIGNAL enables it (LoPAR 17.2.3.1.5.1)
        )
        self._opened()

    def _opened(self) -> None:
        """Tell the partner; H_CLOSED where it is not there."""
        if self.server is None:
            raise HcallError(H.CLOSED, "registered; the partner is not there yet")
        self.server.reset()

    def free(self) -> None:
        self._queue = None
        self._initialized = False
        self._closed()

    def _closed(self) -> None:
        if self.server is not None:
            self.server.reset()

    def send(self, element: Element) -> None:
        """A message to the partner."""
        if not element.kind & PAYLOAD or element.kind == TRANSPORT_EVENT:
            raise HcallError(H.PARAMETER, f"a message cannot begin with {element.kind:#04x}")
        if self._queue is None:
            raise HcallError(H.CLOSED, "the queue is not registered")
        if not self._enabled:
            raise HcallError(H.CLOSED, "the queue was disabled by a migration")
        self._deliver(element)

    def _deliver(self, element: Element) -> None:
        if self.server is None:
            raise HcallError(H.CLOSED, "the partner's queue is not registered")
        if element.kind == INITIALIZATION:
            self._initialize(element)
        elif not self.has_room:
            raise HcallError(H.DROPPED, "the queue has no room for the answer")
        else:
            self.server.receive(element)

    def _initialize(self, element: Element) -> None:
        if element.format == Initialization.INIT:
            self._initialized = True
            self.post(Element.of(INITIALIZATION, Initialization.COMPLETE))
            # A partner answers later than at once, when Linux has come to enable interrupts.
            self.interrupt.owed = not self.interrupt.enabled
        elif element.format == Initialization.COMPLETE:
            self._initialized = True

    def enable(self) -> None:
        """Go on after a migration."""
        if self._queue is None:
            raise HcallError(H.PARAMETER, "no queue is registered")
        self._enabled = True

    def ioctl(self, subfunction: int, arguments: tuple[int, int, int]) -> tuple[int, ...]:
        return no_ioctl(subfunction)

    @property
    def use(self) -> str:
        return self.dma.use if self._queue is None else "its queue is registered"

    # -- what the partner does -------------------------------------------------------------

    @property
    def registered(self) -> bool:
        return self._queue is not None

    @property
    def has_room(self) -> bool:
        """Whether the next element of the ring is free; the guest frees them in order."""
        if self._queue is None:
            return False
        try:
            return self.dma.read(self._place(), 1)[0] == FREE
        except DmaError:
            return False

    def _place(self) -> int:
        assert self._queue is not None
        base, length = self._queue
        return base + self._next * ELEMENT_BYTES % length

    def post(self, element: Element) -> bool:
        """Put a message into the guest's queue; False: there is no queue, or no room in it."""
        if not self.has_room:
            return False
        place = self._place()
        try:
            self.dma.write(place + 8, element.low.to_bytes(8, "big"))
            self.dma.write(place, element.high.to_bytes(8, "big"))
        except DmaError:
            return False
        self._next += 1
        self.interrupt.signal()
        return True

    def transport_event(self, event: TransportEvent) -> bool:
        """Tell the guest what happened to the connection."""
        if event is TransportEvent.MIGRATED:
            self._enabled = False
        return self.post(Element.of(TRANSPORT_EVENT, event))

    # -- state -----------------------------------------------------------------------------

    def state(self) -> CrqState:
        return CrqState(
            self.slot.number,
            self.interrupt.enabled,
            self.interrupt.owed,
            self._queue,
            self._next,
            self._initialized,
            self._enabled,
        )

    def restore(self, state: CrqState) -> None:
        check(state.slot == self.slot.number, f"the adapter of slot {state.slot}")
        if state.queue is not None:
            base, length = state.queue
            valid = base >= 0 and length > 0 and base + length <= WINDOW_BYTES
            check(valid and not base % PAGE and not length % PAGE, "a queue outside the window")
        self.interrupt.enabled, self._queue = state.interrupts_enabled, state.queue
        self.interrupt.owed = state.interrupt_owed
        self._next, self._initialized = state.next, state.initialized
        self._enabled = state.enabled


def _adapter(caller: AdapterCaller, unit: UnitAddress) -> CrqAdapter:
    adapter = caller.partition.virtual_io.bus.adapter(unit)
    if not isinstance(adapter, CrqAdapter):
        raise HcallError(H.NOT_FOUND, f"the adapter at {unit:#x} has no queue")
    return adapter


@hcalls.define(0xFC, papr="17.2.3.1.5.1", function_set="hcall-crq")
def h_reg_crq(caller: AdapterCaller, unit: UnitAddress, ioba: IoBusAddress, length: int) -> None:
    """Register a ring of whole pages for the messages to an adapter."""
    _adapter(caller, unit).register(ioba, length)


@hcalls.define(0x100, papr="17.2.3.1.5.2", function_set="hcall-crq")
def h_free_crq(caller: AdapterCaller, unit: UnitAddress) -> None:
    """Give up an adapter's queue."""
    _adapter(caller, unit).free()


@hcalls.define(0x108, papr="17.2.3.1.5.3", function_set="hcall-crq")
def h_send_crq(caller: AdapterCaller, unit: UnitAddress, high: int, low: int) -> None:
    """Send the 16 bytes of a message to the partner."""
    _adapter(caller, unit).send(Element(high, low))


@hcalls.define(0x2B0, papr="17.2.3.1.5.4", function_set="hcall-suspend")
def h_enable_crq(caller: AdapterCaller, unit: UnitAddress) -> None:
    """Use a queue again that a migration disabled."""
    _adapter(caller, unit).enable()
