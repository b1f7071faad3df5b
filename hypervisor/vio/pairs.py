"""Two adapters of two partitions whose queues are each other's partners (LoPAR 17.2.3.1).

Partitions run side by side, so what one of them sends reaches the other between two slices, when
nobody runs, and each knows of the other what was so then.  A run is thus the same whoever of them
the host runs first.  A server reaches its client's storage through the client's DMA window.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from emu.values import frozen
from hypervisor.abi import H, HcallError

from .adapter import AdapterKind, no_ioctl
from .crq import ELEMENT_BYTES, FREE, CrqAdapter, Element, TransportEvent
from .tce import DmaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .adapter import InterruptLine, Slot
    from .tce import TceTable

MOST_ROOM = 4096
"""Messages that are let through between two slices: what a larger queue holds is not looked at."""
MOST_SUSPEND_MS = 30_000
"""The longest that a server may take to make ready for its client's suspension."""


class Subfunction(IntEnum):
    """Those of H_VIOCTL that a server adapter has (LoPAR 17.2.1.6)."""

    GET_PARTNER_INFO = 0x08
    ENABLE_PREPARE_FOR_SUSPEND = 0x1D
    READY_FOR_SUSPEND = 0x1E


@frozen
class Place:
    """Where an end of a pair is."""

    partition: int
    slot: Slot
    location: str


@frozen
class _Sent:
    """A message or an event, for the queue that the partner had registered as number `to`."""

    what: Element | TransportEvent
    to: int | None


class PairEnd:
    """One end of a pair: the adapter that is there, and what its partition knows of the other."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.adapter: PairedCrqAdapter | None = None
        self.partner = self
        self.queue: int | None = None
        """The registered one, counted from 1."""
        self.seen: int | None = None
        """The partner's, as it was when nobody ran."""
        self.room = 0
        """Messages that the partner's has room for, beside a last one for an event."""
        self.copied = False
        """Whether it copied anything since then."""
        self._registrations = 0
        self._out: list[_Sent] = []

    # -- what its partition does -----------------------------------------------------------

    def opened(self) -> None:
        """Its queue is registered anew."""
        self._registrations += 1
        self.queue = self._registrations

    def closed(self, event: TransportEvent) -> None:
        """Its queue is gone, and the partner is to be told."""
        told = _Sent(event, self.seen)
        if self.queue is not None and self._out[-1:] != [told]:
            self._out.append(told)
        self.queue = None

    def send(self, element: Element) -> None:
        if self.seen is None:
            raise HcallError(H.CLOSED, "the partner's queue is not registered")
        if not self.room:
            raise HcallError(H.DROPPED, "the partner's queue is full")
        self.room -= 1
        self._out.append(_Sent(element, self.seen))

    def remove(self, adapter: PairedCrqAdapter) -> None:
        """The adapter is no more: its partition ended, or gave it back."""
        if self.adapter is adapter:
            self.closed(TransportEvent.PARTNER_FAILED)
            self.adapter = None

    @property
    def window(self) -> TceTable:
        """The partner's DMA window, between slices; H_PERMISSION unless both are connected."""
        adapter = self.partner.adapter
        if adapter is None or self.queue is None or self.partner.queue is None:
            raise HcallError(H.PERMISSION, "there is no connection to the partner")
        return adapter.dma

    # -- between slices --------------------------------------------------------------------

    def deliver(self) -> bool:
        """Bring the partner what was sent to the queue it still has; whether there was anything."""
        sent, self._out = self._out, []
        adapter = self.partner.adapter
        for each in sent:
            if adapter is None or each.to is None or each.to != self.partner.queue:
                continue
            if isinstance(each.what, TransportEvent):
                adapter.transport_event(each.what)
            else:
                adapter.post(each.what)
        return bool(sent)

    def look(self) -> None:
        """See what has become of the partner."""
        changed, self.seen = self.seen != self.partner.queue, self.partner.queue
        adapter = self.partner.adapter
        if adapter is None or self.seen is None:
            self.room = 0
        elif changed or self.room < min(adapter.elements, MOST_ROOM) // 2:
            self.room = max(adapter.free_elements(MOST_ROOM) - 1, 0)


class Pair:
    """A server adapter and its client."""

    def __init__(self, server: Place, client: Place) -> None:
        self.server, self.client = PairEnd(server), PairEnd(client)
        self.server.partner, self.client.partner = self.client, self.server

    def __iter__(self) -> Iterator[PairEnd]:
        return iter((self.server, self.client))

    def exchange(self) -> bool:
        """Nobody runs: bring what was sent; whether anything went either way."""
        moved = [end.deliver() or end.copied for end in self]
        for end in self:
            end.copied = False
            end.look()
        return any(moved)


class PairedCrqAdapter(CrqAdapter):
    """An adapter whose partner is another partition's: the one at the other end of `end`'s pair."""

    def __init__(
        self,
        kind: AdapterKind,
        slot: Slot,
        dma: TceTable,
        interrupt: InterruptLine,
        end: PairEnd,
    ) -> None:
        super().__init__(kind, slot, dma, interrupt)
        self.end = end
        end.adapter = self
        self._prepares = False

    def _opened(self) -> None:
        self._prepares = False
        self.end.opened()
        if self.end.seen is None:
            raise HcallError(H.CLOSED, "registered; the partner is not there yet")

    def _closed(self) -> None:
        self.end.closed(TransportEvent.PARTNER_DEREGISTERED)

    def _deliver(self, element: Element) -> None:
        self.end.send(element)

    @property
    def elements(self) -> int:
        """Of its queue."""
        return 0 if self._queue is None else self._queue[1] // ELEMENT_BYTES

    def free_elements(self, most: int) -> int:
        """How many can be posted one behind the other; of more than `most`, so many."""
        if self._queue is None:
            return 0
        (base, _), first = self._queue, self._next % self.elements
        ahead = min(most, self.elements - first)
        around = min(most - ahead, first)
        try:
            kinds = self.dma.read(base + first * ELEMENT_BYTES, ahead * ELEMENT_BYTES)
            kinds += self.dma.read(base, around * ELEMENT_BYTES)
        except DmaError:
            return 0
        in_order = kinds[::ELEMENT_BYTES]
        return len(in_order) - len(in_order.lstrip(bytes([FREE])))

    def ioctl(self, subfunction: int, arguments: tuple[int, int, int]) -> tuple[int, ...]:
        if self.kind is not AdapterKind.SCSI_SERVER:
            return no_ioctl(subfunction)
        first, *others = arguments
        match subfunction:
            case Subfunction.GET_PARTNER_INFO:
                _all_zero(others)
                self._tell_partner(first)
                return ()
            case Subfunction.ENABLE_PREPARE_FOR_SUSPEND:
                _all_zero(others)
                if first > MOST_SUSPEND_MS:
                    raise HcallError(H.PARAMETER, f"{first} ms: {MOST_SUSPEND_MS} at most")
                self._prepares = True
                return (0,)
            case Subfunction.READY_FOR_SUSPEND:
                _all_zero(arguments)
                if not self._prepares:
                    raise HcallError(H.CONSTRAINED, "it was not enabled since H_REG_CRQ")
                return ()
        return no_ioctl(subfunction)

    def _tell_partner(self, descriptor: int) -> None:
        """Number, unit address and location of the client, to a buffer of the server's."""
        length, ioba = descriptor >> 32, descriptor & 0xFFFF_FFFF
        if length >> 24:
            raise HcallError(H.PARAMETER, "the control byte of the descriptor is 0")
        its = self.end.partner.place
        told = its.partition.to_bytes(8, "big") + its.slot.unit.to_bytes(8, "big")
        told += its.location.encode() + b"\0"
        if length < len(told):
            raise HcallError(H.CONSTRAINED, f"the buffer has {length} bytes, not {len(told)}")
        try:
            self.dma.write(ioba, told.ljust(length, b"\0"))
        except DmaError as wrong:
            raise HcallError(H.PARAMETER, str(wrong)) from None


def _all_zero(reserved: Iterable[int]) -> None:
    if any(reserved):
        raise HcallError(H.PARAMETER, "a parameter that is not used is 0")
