"""A Shared Ethernet Adapter at work: a trunk port of a switch, bridged to a link.

What comes from outside enters the switch only when `poll` is called: at points of the machine's
grid of windows.  What goes out is finished first, as a wire would carry it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hypervisor.network.frame import Frame
from hypervisor.network.offload import finished

from .pcap import Capture

if TYPE_CHECKING:
    from hypervisor.network.frame import MacAddress
    from hypervisor.network.shared_ethernet import Outside, SharedEthernet
    from hypervisor.network.switch import VirtualSwitch

    from .link import Link

AT_ONCE = 512
"""Frames that may come in at one point of the grid; the others wait in the host."""


def open_link(outside: Outside) -> Link:
    """The host's side; raises `LinkError`."""
    from hypervisor.network.shared_ethernet import Nat, Tap

    from .link import NoLink

    match outside:
        case Nat():
            from .nat import NatLink

            return NatLink(outside)
        case Tap():
            from .tap import TapLink

            return TapLink(outside)
        case _:
            return NoLink()


class Uplink:
    """A trunk port of `switch`, as `adapter` has it; `close` it.  Raises `LinkError`."""

    address: ClassVar[None] = None

    def __init__(self, adapter: SharedEthernet, switch: VirtualSwitch) -> None:
        self.adapter = adapter
        self._now = 0
        self._capture = None if adapter.capture is None else Capture(adapter.capture)
        try:
            self._link = open_link(adapter.outside)
        except BaseException:
            self._close_capture()
            raise
        self.port = switch.attach(self, adapter.settings, adapter.outside.name)

    @property
    def descriptor(self) -> int | None:
        """Where what comes from outside announces itself; None: nothing does."""
        return self._link.descriptor

    def poll(self, now: int) -> None:
        """It is nanosecond `now` since 1970: let in what has come."""
        self._now = now
        for _ in range(AT_ONCE):
            if (data := self._link.receive()) is None:
                return
            try:
                frame = Frame.of(data)
            except ValueError:
                self.port.counts.dropped += 1
                continue
            if self._capture is not None:
                self._capture.write(now, data)
            self.port.send(frame)

    def settle(self) -> None:
        """All is delivered for now."""
        if self._capture is not None:
            self._capture.flush()

    # -- what the switch does --------------------------------------------------------------

    def wants(self, group: MacAddress) -> bool:
        return True

    def receive(self, frame: Frame) -> None:
        for piece in finished(frame):
            data = piece.wire
            if self._capture is not None:
                self._capture.write(self._now, data)
            if not self._link.send(data):
                self.port.counts.lost += 1

    def close(self) -> None:
        self.port.unplug()
        self._link.close()
        self._close_capture()

    def _close_capture(self) -> None:
        if self._capture is not None:
            self._capture.close()
