"""What an administrator says of a managed system: capacity, pools, partitions, profiles.

Nothing here is checked; `validation.problems` says what of it cannot be.
"""

from __future__ import annotations

from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING

from emu.isa_level import IsaLevel
from emu.values import frozen
from hypervisor.abi import InterruptOffer, Mmu
from hypervisor.san.definition import SanDefinition
from hypervisor.vio.configuration import ConsoleAdapter

from .share import DEFAULT_POOL, DEFAULT_WEIGHT, SharingMode
from .units import NONE, ProcUnits

if TYPE_CHECKING:
    from pathlib import Path

    from hypervisor.network.boot_server import BootService
    from hypervisor.network.shared_ethernet import ServerPort, SharedEthernet
    from hypervisor.vio.configuration import (
        Adapter,
        EthernetAdapter,
        FibreChannelAdapter,
        PairedAdapter,
        ScsiAdapter,
        ScsiUnit,
        TerminalServer,
    )

    from .bounds import Bounds
    from .editions import Edition


class ProcessorGeneration(Enum):
    """The physical processors of a system."""

    POWER7 = "power7"
    POWER7_PLUS = "power7+"
    POWER8 = "power8"
    POWER9 = "power9"
    POWER10 = "power10"

    @property
    def isa_level(self) -> IsaLevel:
        """The newest compatibility mode that a partition can have."""
        return _ISA_LEVELS[self]

    @property
    def least_units(self) -> ProcUnits:
        """What each virtual processor needs: so 10 micro-partitions fit a processor, or 20."""
        return ProcUnits(10 if self is ProcessorGeneration.POWER7 else 5)


_ISA_LEVELS = {
    ProcessorGeneration.POWER7: IsaLevel.V2_06,
    ProcessorGeneration.POWER7_PLUS: IsaLevel.V2_06,
    ProcessorGeneration.POWER8: IsaLevel.V2_07,
    ProcessorGeneration.POWER9: IsaLevel.V3_0,
    ProcessorGeneration.POWER10: IsaLevel.V3_1,
}


@frozen
class SharedProcessors:
    """A profile's claim to a shared pool."""

    units: Bounds[ProcUnits]
    virtual: Bounds[int]
    capped: bool = True
    weight: int = DEFAULT_WEIGHT
    pool: int = DEFAULT_POOL


@frozen
class DedicatedProcessors:
    """A profile's claim to whole processors."""

    processors: Bounds[int]
    sharing: SharingMode = SharingMode.SHARE_IDLE


@frozen
class PartitionProfile:
    """One set of resources a partition can be activated with."""

    name: str
    memory_mib: Bounds[int]
    processors: SharedProcessors | DedicatedProcessors


@frozen
class DistributionLinux:
    """A distribution's kernel and busybox, as `pyphyp linux` boots them."""

    big_endian: bool = False
    append: str = ""
    direct: bool = False
    """Entered with a flattened device tree, not as a client of Open Firmware."""
    command: str | None = None
    """What the guest runs instead of a shell before it powers off."""
    script: Path | None = None
    """A shell script it runs before that."""
    packages: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    """Of Debian's kernel, loaded with what they depend on before anything runs."""


@frozen
class ToyKernel:
    """A kernel that ships with pyphyp, in either byte order."""

    name: str
    little: bool = False


@frozen
class KernelFiles:
    """A kernel of the administrator's own, and what firmware loads with it."""

    kernel: Path
    initrd: Path | None = None
    append: str = ""
    direct: bool = False
    """Entered with a flattened device tree, not as a client of Open Firmware."""


@frozen
class DeviceProgram:
    """What firmware finds on the partition's disks and discs."""

    specifiers: str = ""
    """The devices to try, apart by blanks; empty: as boot-device in NVRAM says, or all."""
    append: str | None = None


Guest = DistributionLinux | ToyKernel | KernelFiles | DeviceProgram


@frozen
class PartitionDefinition:
    """A partition: who it is, what it boots, the profiles it can be activated with."""

    name: str
    number: int
    guest: Guest
    profiles: tuple[PartitionProfile, ...]
    default_profile: str
    isa_level: IsaLevel = IsaLevel.V3_0
    """The highest processor compatibility mode on offer."""
    mmu: Mmu = Mmu.AUTO
    interrupts: InterruptOffer = InterruptOffer.XICS
    epoch: int | None = None
    """Time of day at power-on, in seconds since 1970; None: the system's."""
    nvram: Path | None = None
    """A file that keeps its NVRAM between runs."""
    consoles: tuple[ConsoleAdapter, ...] = (ConsoleAdapter(),)
    scsi_adapters: tuple[ScsiAdapter, ...] = ()
    performance_collection: bool = True
    """Its operating system may know of the shared processors' time (H_PIC)."""
    ethernet_adapters: tuple[EthernetAdapter, ...] = ()
    paired_adapters: tuple[PairedAdapter, ...] = ()
    fibre_channel_adapters: tuple[FibreChannelAdapter, ...] = ()
    terminal_servers: tuple[TerminalServer, ...] = ()
    start: bool = True
    """It is activated when the system is powered on."""

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        """All virtual adapters."""
        return (
            *self.consoles,
            *self.scsi_adapters,
            *self.ethernet_adapters,
            *self.paired_adapters,
            *self.terminal_servers,
        )

    def profile(self, name: str | None = None) -> PartitionProfile | None:
        """The profile `name`, or the default one; None if there is none."""
        wanted = self.default_profile if name is None else name
        return next((profile for profile in self.profiles if profile.name == wanted), None)


@frozen
class SharedProcessorPool:
    """A shared processor pool; pool 0 takes all that no other does, and has no limits."""

    number: int
    name: str
    maximum: ProcUnits
    """Its members together never use more."""
    reserved: ProcUnits = NONE
    """For its uncapped members, above what they are entitled to."""

    @classmethod
    def usual_name(cls, number: int) -> str:
        return f"SharedPool{number:02}"


@frozen
class SystemProfile:
    """Partitions to be activated together: pairs of a partition's and a profile's name."""

    name: str
    partitions: tuple[tuple[str, str], ...]


@frozen
class VirtualIoServer:
    """A Virtual I/O Server that the hypervisor plays."""

    name: str
    number: int
    """A partition number that no partition has."""
    directory: Path
    """Where it keeps its pools, media and mappings."""
    rootvg_mib: int
    units: tuple[ScsiUnit, ...] = ()
    """Physical volumes, optical drives and tape drives of its own."""
    sas: int = 1
    """How many SAS adapters lead to its disks."""
    lans: tuple[str, ...] = ()
    """Networks outside that its physical Ethernet adapters are cabled to."""
    ethernet: tuple[ServerPort, ...] = ()
    fabrics: tuple[str, ...] = ()
    """Fabrics that its physical Fibre Channel ports are cabled to."""


@frozen
class Capacity:
    """What is built in, and how much of it may be used."""

    installed: int
    activated: int


@frozen
class ManagedSystem:
    """A whole machine as its administrator describes it."""

    name: str
    serial: str
    generation: ProcessorGeneration
    cores: Capacity
    memory_mib: Capacity
    lmb_mib: int
    """Memory is given out in logical memory blocks of this size."""
    edition: Edition
    pools: tuple[SharedProcessorPool, ...]
    partitions: tuple[PartitionDefinition, ...]
    system_profiles: tuple[SystemProfile, ...] = ()
    shared_ethernet: tuple[SharedEthernet, ...] = ()
    boot_servers: tuple[BootService, ...] = ()
    io_servers: tuple[VirtualIoServer, ...] = ()
    san: SanDefinition = field(default_factory=SanDefinition)
    lans: tuple[SharedEthernet, ...] = ()
    """Networks outside, by the names of their `switch`, and where they lead."""

    def partition(self, name: str) -> PartitionDefinition | None:
        return next((partition for partition in self.partitions if partition.name == name), None)

    def pool(self, number: int) -> SharedProcessorPool | None:
        """A pool with limits; None for pool 0 and where there is none."""
        return next((pool for pool in self.pools if pool.number == number), None)
