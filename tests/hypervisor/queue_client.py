"""The part of a driver that all clients with a queue have: TCEs, the handshake, messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.abi import H

if TYPE_CHECKING:
    from hypervisor.vio.adapter import Slot
    from tests.hypervisor.lpar import Lpar

QUEUE, TABLE = 0x40000, 0x80000
"""Where its storage begins and ends: I/O bus address and logical real address are the same."""
BOTH = 3
INIT, INIT_COMPLETE = 0xC001 << 48, 0xC002 << 48


class QueueClient:
    """The driver of the adapter in `slot` of `lpar`."""

    def __init__(self, lpar: Lpar, slot: Slot) -> None:
        self.lpar, self.memory, self._slot = lpar, lpar.memory, slot
        self.next = 0

    def allow(self, first: int = QUEUE, last: int = TABLE, access: int = BOTH) -> None:
        """Put TCEs that map addresses to themselves."""
        for page in range(first, last + 0x1000, 0x1000):
            result = self.lpar.code("H_PUT_TCE", self._slot.liobn, page, page | access)
            assert result == H.SUCCESS

    def open(self) -> None:
        """Register the queue and shake hands."""
        self.allow()
        assert self.lpar.code("H_REG_CRQ", self._slot.unit, QUEUE, 0x1000) == H.SUCCESS
        assert self.lpar.code("H_VIO_SIGNAL", self._slot.unit, 1) == H.SUCCESS
        assert self.send(INIT, 0) == H.SUCCESS
        assert self.take() == (INIT_COMPLETE, 0)

    def send(self, high: int, low: int) -> int:
        return self.lpar.code("H_SEND_CRQ", self._slot.unit, high, low)

    def take(self) -> tuple[int, int] | None:
        """The next message in the queue, which is freed."""
        at = QUEUE + self.next * 16 % 0x1000
        high, low = self.memory.u64(at), self.memory.u64(at + 8)
        if not high >> 56:
            return None
        self.memory.write_u8(at, 0)
        self.next += 1
        return high, low
