"""The queue in a client's storage for what happens without being asked."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from hypervisor.vio.crq import PAYLOAD
from hypervisor.vio.tce import DmaError

from .formats import ASYNC_BYTES, Event, LinkState

if TYPE_CHECKING:
    from hypervisor.san.fabric import TargetPort
    from hypervisor.vio.sub_crq import ChannelAdapter


class Events:
    """A ring of events, which each login names anew; `queue` is its address and bytes."""

    def __init__(self, adapter: ChannelAdapter) -> None:
        self._adapter = adapter
        self.queue: tuple[int, int] | None = None
        self.next = 0

    def begin(self, address: int, length: int) -> None:
        self.queue = (address, length) if length >= ASYNC_BYTES else None
        self.next = 0

    def tell(
        self,
        event: Event,
        link: LinkState = LinkState.UNCHANGED,
        target: TargetPort | None = None,
    ) -> None:
        """Put an event into the queue; a client that has no room for it does not learn it."""
        if self.queue is None:
            return
        base, length = self.queue
        place = base + self.next % (length // ASYNC_BYTES) * ASYNC_BYTES
        ids = (0, 0, 0) if target is None else (target.port_id, target.wwpn, target.wwnn)
        dma = self._adapter.dma
        try:
            if dma.read(place, 1)[0]:
                return
            dma.write(place + 8, struct.pack(">QQQQ8x", event, *ids))
            dma.write(place, bytes([PAYLOAD, link, 0, 0, 0, 0, 0, 0]))
        except DmaError:
            return
        self.next += 1
        self._adapter.interrupt.signal()
