"""The interrupt controller of a partition: one of two, as it and its firmware agreed.

XICS is driven by hypercalls; XIVE, from POWER9 on, by loads and stores of device pages.  Adapters
and firmware raise their sources without knowing which it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from emu.state import record

from .abi import H, HcallError, InterruptMode, InterruptOffer
from .xics import XicsController, XicsState
from .xive import XiveController, XiveState
from .xive_pages import pages

if TYPE_CHECKING:
    from emu.memory import Memory

    from .devices import Devices


class InterruptController(Protocol):
    """What those need who raise interrupts, and who deliver them."""

    def add_source(self, number: int) -> object: ...
    def reset_source(self, number: int) -> None:
        """What it stood for is gone: masked, with nothing pending, as if it were new."""

    def raise_source(self, number: int) -> None: ...
    def masked(self, number: int) -> bool:
        """Whether the partition wants no interrupts of a source."""

    def pending(self, server: int) -> bool:
        """Whether `server` signals its processor."""


@record
class InterruptState:
    mode: InterruptMode
    xics: XicsState
    xive: XiveState


class Interrupts:
    """Both controllers of a partition, of which one is in use; an `InterruptController`."""

    def __init__(
        self, servers: int, memory: Memory, devices: Devices, offer: InterruptOffer
    ) -> None:
        self.xics = XicsController(servers)
        self.xive = XiveController(servers, memory)
        self.offer = offer
        self._memory, self._devices = memory, devices
        self.use(offer.first)

    def use(self, mode: InterruptMode) -> None:
        """Let `mode` be the partition's controller; what the other one had pending is lost."""
        self.mode = mode
        self._controller: InterruptController = self.xics
        if mode is InterruptMode.XIVE:
            self._controller = self.xive
            self._devices.place(*pages(self.xive, self._memory))
        else:
            self._devices.place()
        self.pending = self._controller.pending
        """Whether a server signals its processor: asked before each entry into the guest."""

    def as_xics(self) -> XicsController:
        """For a call of XICS: refused where XIVE is in use."""
        if self.mode is not InterruptMode.XICS:
            raise HcallError(H.FUNCTION, "the partition uses XIVE")
        return self.xics

    def as_xive(self) -> XiveController:
        """For a call of XIVE exploitation mode: refused where XICS is in use."""
        if self.mode is not InterruptMode.XIVE:
            raise HcallError(H.FUNCTION, "the partition uses XICS")
        return self.xive

    def add_source(self, number: int) -> None:
        self.xics.add_source(number)
        self.xive.add_source(number)

    def reset_source(self, number: int) -> None:
        self.xics.reset_source(number)
        self.xive.reset_source(number)

    def raise_source(self, number: int) -> None:
        self._controller.raise_source(number)

    def masked(self, number: int) -> bool:
        """Whether the partition wants no interrupts of a source."""
        return self._controller.masked(number)

    def state(self) -> InterruptState:
        return InterruptState(self.mode, self.xics.state(), self.xive.state())

    def restore(self, state: InterruptState) -> None:
        self.xics.restore(state.xics)
        self.xive.restore(state.xive)
        self.use(state.mode)
