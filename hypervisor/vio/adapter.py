"""The bus of virtual adapters, /vdevice: slots, unit addresses, interrupts (LoPAR 17.2.1).

An adapter sits in a slot; its unit address, interrupt source, DMA window, DRC index and location
code follow from the slot's number.  What happens to its queues it tells by its interrupt, which
the guest can disable; what happened while it was disabled never interrupts.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from emu.values import frozen
from hypervisor.abi import H, HcallError, UnitAddress
from hypervisor.hcall import HcallGroup

from .tce import Liobn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

hcalls = HcallGroup()

FIRST_UNIT = 0x30000000
FIRST_INTERRUPT = 0x1001
FIRST_LIOBN = 0x10000000
FIRST_REMOTE_LIOBN = 0x20000000
SLOTS = 1000
"""Virtual slots of a partition, as many as PowerVM allows to configure usefully."""


@frozen
class Slot:
    """A virtual slot, and the numbers that follow from it."""

    number: int

    def __post_init__(self) -> None:
        if not 0 <= self.number < SLOTS:
            raise ValueError(f"virtual slot {self.number}: 0 to {SLOTS - 1} are possible")

    @property
    def unit(self) -> UnitAddress:
        return UnitAddress(FIRST_UNIT + self.number)

    @property
    def drc_index(self) -> int:
        """Dynamic reconfiguration connector: on PowerVM it equals the unit address."""
        return self.unit

    @property
    def interrupt(self) -> int:
        return FIRST_INTERRUPT + self.number

    @property
    def liobn(self) -> Liobn:
        return Liobn(FIRST_LIOBN + self.number)

    @property
    def remote_liobn(self) -> Liobn:
        """The client's window, as a server's second one."""
        return Liobn(FIRST_REMOTE_LIOBN + self.number)


class AdapterKind(Enum):
    """What adapters there are, by the role that the partition has."""

    CLIENT_TERMINAL = "vty"
    SERVER_TERMINAL = "vty-server"
    CLIENT_SCSI = "v-scsi"
    SCSI_SERVER = "v-scsi-host"
    CLIENT_FC = "vfc-client"
    LAN = "l-lan"


class InterruptLine:
    """An adapter's interrupt: raised unless the guest has disabled it."""

    def __init__(self, raise_source: Callable[[], None]) -> None:
        self.enabled = True
        self.owed = False
        """What it told last it tells when it is enabled, as if that had come later."""
        self._raise_source = raise_source

    def enable(self, mode: bool) -> None:
        self.enabled = mode
        if mode and self.owed:
            self.owed = False
            self._raise_source()

    def signal(self) -> None:
        if self.enabled:
            self._raise_source()


class VirtualAdapter(Protocol):
    """What the bus needs of an adapter."""

    @property
    def kind(self) -> AdapterKind: ...
    @property
    def slot(self) -> Slot: ...
    @property
    def interrupt(self) -> InterruptLine: ...
    @property
    def use(self) -> str:
        """What the guest uses it for, as a reason not to isolate it; empty if nothing."""

    def ioctl(self, subfunction: int, arguments: tuple[int, int, int]) -> tuple[int, ...]:
        """H_VIOCTL (LoPAR 17.2.1.6); `HcallError` NOT_FOUND for a subfunction it lacks."""


class VirtualBus:
    """The adapters of one partition, by unit address."""

    def __init__(self) -> None:
        self._adapters: dict[UnitAddress, VirtualAdapter] = {}

    def __iter__(self) -> Iterator[VirtualAdapter]:
        """By slot."""
        return iter([self._adapters[unit] for unit in sorted(self._adapters)])

    def add(self, adapter: VirtualAdapter) -> None:
        if adapter.slot.unit in self._adapters:
            raise ValueError(f"virtual slot {adapter.slot.number} is taken")
        self._adapters[adapter.slot.unit] = adapter

    def remove(self, unit: UnitAddress) -> VirtualAdapter:
        return self._adapters.pop(unit)

    def find(self, unit: UnitAddress) -> VirtualAdapter | None:
        return self._adapters.get(unit)

    def adapter(self, unit: UnitAddress) -> VirtualAdapter:
        """The adapter a guest names."""
        if (found := self._adapters.get(unit)) is None:
            raise HcallError(H.PARAMETER, f"no virtual adapter at unit address {unit:#x}")
        return found


class BusOfPartition(Protocol):
    @property
    def bus(self) -> VirtualBus: ...


class AdapterOwner(Protocol):
    @property
    def virtual_io(self) -> BusOfPartition: ...


class AdapterCaller(Protocol):
    """A processor whose partition has a bus of virtual adapters."""

    @property
    def partition(self) -> AdapterOwner: ...


@hcalls.define(0x104, papr="17.2.1.3.1", function_set="hcall-vio")
def h_vio_signal(caller: AdapterCaller, unit: UnitAddress, mode: int) -> None:
    """Enable (1) or disable (0) the interrupts of a virtual adapter.

    What happened while they were disabled never interrupts (LoPAR 14.5.4.7).
    """
    adapter = caller.partition.virtual_io.bus.adapter(unit)
    if mode not in (0, 1):
        raise HcallError(H.PARAMETER, f"interrupt mode {mode:#x}: 0 or 1 is needed")
    adapter.interrupt.enable(bool(mode))


@hcalls.define(0x2A8, papr="17.2.1.6", function_set="hcall-vioctl")
def h_vioctl(
    caller: AdapterCaller,
    unit: UnitAddress,
    subfunction: int,
    first: int,
    second: int,
    third: int,
) -> tuple[int, ...]:
    """Ask a virtual adapter for one of many small things, by subfunction."""
    return caller.partition.virtual_io.bus.adapter(unit).ioctl(subfunction, (first, second, third))


def no_ioctl(subfunction: int) -> tuple[int, ...]:
    """An adapter's answer to a subfunction it lacks."""
    raise HcallError(H.NOT_FOUND, f"no subfunction {subfunction:#x} of H_VIOCTL")
