"""What a partition is made of, as whoever builds one says it."""

from __future__ import annotations

import hashlib
from uuid import UUID

from emu.clock import Clock
from emu.isa_level import IsaLevel
from emu.memory import MIB
from emu.state import record

from .abi import InterruptOffer, Mmu
from .vio.configuration import (
    Adapter,
    ConsoleAdapter,
    EthernetAdapter,
    FibreChannelAdapter,
    PairedAdapter,
    ScsiAdapter,
    TerminalServer,
)

MOST_PARTITIONS = 1000
LONGEST_NAME = 255


@record
class PartitionConfiguration:
    """What a partition is made of; the facts firmware and hypervisor both read."""

    name: str = "partition"
    number: int = 1
    memory_bytes: int = 1024 * MIB
    lmb_bytes: int = 256 * MIB
    """The size of a logical memory block."""
    virtual_processors: int = 1
    interleaving: int | None = None
    """A seed for other orders of the processors' turns than the usual one."""
    isa_level: IsaLevel = IsaLevel.V3_0
    """The highest one on offer; operating systems may agree on a lower one."""
    mmu: Mmu = Mmu.AUTO
    clock: Clock = Clock.COUNTED
    interrupts: InterruptOffer = InterruptOffer.XICS
    """Which interrupt controllers are on offer; XIVE where the ISA level has it."""
    consoles: tuple[ConsoleAdapter, ...] = (ConsoleAdapter(),)
    """The first is the one that firmware uses, and Linux's hvc0."""
    scsi_adapters: tuple[ScsiAdapter, ...] = ()
    ethernet_adapters: tuple[EthernetAdapter, ...] = ()
    paired_adapters: tuple[PairedAdapter, ...] = ()
    """Virtual SCSI with other partitions."""
    fibre_channel_adapters: tuple[FibreChannelAdapter, ...] = ()
    terminal_servers: tuple[TerminalServer, ...] = ()
    machine_name: str = "pyphyp"
    serial: str = "PYP0001"
    uuid: str = "70797068-7970-4000-8000-000000000001"

    def __post_init__(self) -> None:
        """Raise ValueError for what no device tree could say."""
        if not 1 <= self.number <= MOST_PARTITIONS:
            raise ValueError(f"partition number {self.number}: 1 to {MOST_PARTITIONS} are possible")
        for text in (self.name, self.machine_name, self.serial):
            if not text or "\0" in text or len(text) > LONGEST_NAME:
                raise ValueError(
                    f"name {text[:40]!r}: 1 to {LONGEST_NAME} characters, none of them 0"
                )
        UUID(self.uuid)
        slots = [its.slot for its in self.adapters]
        if len(set(slots)) < len(slots):
            raise ValueError("a virtual slot has one adapter")
        if not self.consoles:
            raise ValueError("a partition needs a console")
        if self.mmu is Mmu.RADIX and self.isa_level < IsaLevel.V3_0:
            raise ValueError("there is no radix translation before Power ISA 3.0")
        if self.interrupts is InterruptOffer.XIVE and not self._may_have_xive:
            raise ValueError("XIVE alone is offered, but there is none before POWER9")

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        """All virtual adapters."""
        return (
            *self.consoles,
            *self.scsi_adapters,
            *self.ethernet_adapters,
            *self.paired_adapters,
            *self.fibre_channel_adapters,
            *self.terminal_servers,
        )

    def address_of(self, adapter: EthernetAdapter) -> bytes:
        """The MAC address of a virtual Ethernet adapter of this partition."""
        return address_of(self.serial, self.number, adapter)

    @property
    def interrupt_offer(self) -> InterruptOffer:
        """What of `interrupts` the processors can do."""
        return self.interrupts if self._may_have_xive else InterruptOffer.XICS

    @property
    def _may_have_xive(self) -> bool:
        return self.isa_level >= IsaLevel.V3_0


def address_of(serial: str, number: int, adapter: EthernetAdapter) -> bytes:
    """The MAC address of an adapter of partition `number`: locally administered, if not its own."""
    if adapter.address:
        return adapter.address
    name = f"{serial} {number} {adapter.slot}"
    return b"\x0a" + hashlib.sha256(name.encode()).digest()[:5]
