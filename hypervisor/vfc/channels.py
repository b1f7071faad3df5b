"""Channels: pairs of queues for SCSI commands, beside the adapter's own queue."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from hypervisor.vio.tce import DmaError

from .formats import DESCRIPTOR, MadStatus

if TYPE_CHECKING:
    from hypervisor.vio.sub_crq import ChannelAdapter

MOST_CHANNELS = 8
_FIRST_HANDLE = 0x100
"""Handles of the server's queues count from here on."""
_SETUP = struct.Struct(">I4xIIII16x40x")
_SETUP_BYTES, _HANDLES = 4096, 80
_CANCEL, _CANCELLED = 0x01, 0x04
_ENQUIRY = struct.Struct(">IIIII")
_FULL_SUBQUEUES, _NO_VAS = 0x20, 0x02
"""What a hypervisor can: subordinate queues, but no accelerator switchboard."""


class Channels:
    """The server's queues by handle, each with the client's queue for its answers."""

    def __init__(self, adapter: ChannelAdapter) -> None:
        self._adapter = adapter
        self.handles: dict[int, int] = {}

    def enquire(self, mad: bytearray) -> MadStatus:
        """Say how many there can be."""
        mad[28:48] = struct.pack(">IIIII", MOST_CHANNELS, 0, 0, 0, 0)
        return MadStatus.SUCCESS

    def set_up(self, mad: bytearray) -> MadStatus:
        """Agree on the handles of both ends, which a block of the client's storage lists."""
        address, _, length = DESCRIPTOR.unpack_from(mad, 24)
        if length < _SETUP_BYTES:
            return MadStatus.FAILED
        dma = self._adapter.dma
        try:
            block = bytearray(dma.read(address, _SETUP_BYTES))
            flags, count, *_ = _SETUP.unpack_from(block)
            if flags & _CANCEL or not count:
                self.handles.clear()
                block[0:4] = _CANCELLED.to_bytes(4, "big")
                block[8:24] = bytes(16)
            else:
                if (handles := self._paired(block, count)) is None:
                    return MadStatus.FAILED
                self.handles = handles
                block[0:4] = bytes(4)
                block[8:24] = struct.pack(">IIII", len(handles), 0, 0, 0)
                at = slice(_HANDLES, _HANDLES + 8 * len(handles))
                block[at] = struct.pack(f">{len(handles)}Q", *handles)
            dma.write(address, bytes(block))
        except DmaError:
            return MadStatus.FAILED
        return MadStatus.SUCCESS

    def _paired(self, block: bytearray, count: int) -> dict[int, int] | None:
        """The server's handles with the client's; None where one of those is no queue."""
        count = min(count, MOST_CHANNELS)
        numbers = struct.unpack_from(f">{count}Q", block, _HANDLES)
        if len(set(numbers)) < count or any(n not in self._adapter.queues for n in numbers):
            return None
        return {_FIRST_HANDLE + n: number for n, number in enumerate(numbers)}

    def inform(self, mad: bytearray) -> MadStatus:
        """What the hypervisor between the two can."""
        mad[24:32] = (_FULL_SUBQUEUES | _NO_VAS).to_bytes(8, "big")
        return MadStatus.SUCCESS

    def freed(self, number: int) -> None:
        """The client has given a queue up."""
        self.handles = {handle: its for handle, its in self.handles.items() if its != number}
