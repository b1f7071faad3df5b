"""How a logical LAN's driver names buffers, and those it has posted (LoPAR 17.3.1)."""

from __future__ import annotations

from collections import deque
from typing import Final

from emu.values import frozen


class Mark:
    """The high-order bits of a descriptor and, but for the first two, of a queue entry.

    Plain numbers: flags of an enumeration would be most of what a frame costs.
    """

    VALID: Final = 0x8000_0000
    TOGGLE: Final = 0x4000_0000
    LARGE_SEND: Final = 0x0400_0000
    NO_CHECKSUM: Final = 0x0200_0000
    CHECKSUM_GOOD: Final = 0x0100_0000


@frozen
class Descriptor:
    """A buffer as a register names it."""

    marks: int
    length: int
    ioba: int

    @classmethod
    def of(cls, value: int) -> Descriptor:
        return cls(value >> 32 & 0xFF00_0000, value >> 32 & 0xFF_FFFF, value & 0xFFFF_FFFF)

    @property
    def valid(self) -> bool:
        return bool(self.marks & Mark.VALID)

    @property
    def value(self) -> int:
        return self.marks << 32 | self.length << 32 | self.ioba


class Opened:
    """What lasts from registering to freeing."""

    def __init__(self, buffer_list: int, queue: tuple[int, int]) -> None:
        self.buffer_list, self.queue = buffer_list, queue
        self.next = 0
        self.buffers: dict[int, deque[int]] = {}
        """Addresses by length."""
        self.count = 0
        self.no_buffer = 0

    def add(self, length: int, ioba: int) -> None:
        self.buffers.setdefault(length, deque()).append(ioba)
        self.count += 1

    def take(self, least: int) -> tuple[int, int] | None:
        """Length and address of the smallest buffer of at least so many bytes."""
        length = min((n for n in self.buffers if n >= least), default=None)
        if length is None:
            return None
        return length, self.take_of(length)

    def take_of(self, length: int) -> int:
        addresses = self.buffers[length]
        ioba = addresses.popleft()
        if not addresses:
            del self.buffers[length]
        self.count -= 1
        return ioba
