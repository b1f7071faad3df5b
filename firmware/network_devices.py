"""Ethernet adapters as firmware uses them: frames in and out, while no guest has them open."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from hypervisor.network.frame import HEADER_BYTES, Frame
from hypervisor.vio.lan import LanAdapter

from .device_error import DeviceError

if TYPE_CHECKING:
    from hypervisor.partition import Partition

MOST_FRAME = 1514
"""Bytes of a frame, header and all, without a tag."""


class NetworkDevice:
    """One adapter; it is open while anybody has opened it."""

    name = "net"
    """What its aliases begin with."""

    def __init__(self, adapter: LanAdapter) -> None:
        self._adapter = adapter
        self._users = 0

    @property
    def mac(self) -> bytes:
        return self._adapter.burned_in

    def open(self) -> None:
        self._users += 1
        if self._adapter.firmware is None:
            self._use(deque())

    def close(self) -> None:
        """One user less; what has come is forgotten with the last."""
        self._users = max(0, self._users - 1)
        if not self._users:
            self._use(None)

    def reset(self) -> None:
        """Nobody uses it."""
        self._users = 0
        self._use(None)

    def _use(self, frames: deque[bytes] | None) -> None:
        self._adapter.firmware = frames
        if self._adapter.port is not None:
            self._adapter.port.address_changed()

    @staticmethod
    def check(length: int) -> None:
        """Raise `DeviceError` unless a frame can have that many bytes."""
        if not HEADER_BYTES <= length <= MOST_FRAME:
            raise DeviceError(f"a frame of {length} bytes: {HEADER_BYTES} to {MOST_FRAME}")

    def send(self, data: bytes) -> None:
        """Send a frame; raises `DeviceError`.

        A server of the machine's own answers within this call.
        """
        self.check(len(data))
        port = self._adapter.port
        if port is None:
            raise DeviceError("the adapter is not plugged in")
        frame = Frame.of(data)
        answers = None if frame.vlan else port.ask(frame)
        if answers is None:
            port.send(frame)  # or it is lost, as on any network
            return
        for answer in answers:
            self._adapter.receive(answer)

    def receive(self) -> bytes | None:
        """The next frame that came; None: there is none."""
        waiting = self._adapter.firmware
        return waiting.popleft() if waiting else None


def network_devices(partition: Partition) -> dict[str, NetworkDevice]:
    """All of a partition, by the path of their node."""
    return {
        f"/vdevice/l-lan@{adapter.slot.unit:x}": NetworkDevice(adapter)
        for adapter in partition.virtual_io.bus
        if isinstance(adapter, LanAdapter)
    }
