"""What a managed machine tells of itself at one moment: for `ps`, `top` and scripts.

Times are ticks of the time base, so that sums are exact; units are hundredths of a processor.
"""

from __future__ import annotations

from enum import Enum

from emu.state import U32, U64, Ticks, record


class PartitionState(Enum):
    """What `ps` shows; the words are the Hardware Management Console's."""

    NOT_ACTIVATED = "Not Activated"
    RUNNING = "Running"
    SHUTTING_DOWN = "Shutting Down"
    POWERED_OFF = "Powered Off"
    """The operating system ended it."""
    ERROR = "Error"
    """It crashed, or its engine failed."""


class ProcessorMode(Enum):
    CAPPED = "capped"
    UNCAPPED = "uncapped"
    DEDICATED = "dedicated"


class CoreState(Enum):
    ACTIVE = "active"
    INACTIVE = "not activated"
    FAILED = "failed"


@record
class ProcessorTimes:
    """A partition's processor time in an interval, summed over its virtual processors."""

    elapsed: Ticks
    """How long the interval was."""
    entitled: Ticks
    consumed: Ticks
    spare: Ticks
    """Of what was consumed, that beyond the entitlement."""
    waited: Ticks
    """Ready, and not dispatched."""
    ceded: Ticks
    donated: Ticks
    """Lent by a dedicated partition."""


@record
class PartitionUsage:
    name: str
    number: int
    state: PartitionState
    reason: str
    """Why it ended, if it did."""
    profile: str | None
    memory_mib: int
    mode: ProcessorMode
    sharing: str | None
    """The sharing mode of a dedicated partition."""
    weight: int | None
    """Of an uncapped one."""
    pool: int | None
    units: int
    """Entitled capacity; of a dedicated partition, its whole processors."""
    virtual_processors: int
    since_start: ProcessorTimes
    last_second: ProcessorTimes


@record
class PoolUsage:
    number: int
    name: str
    entitled: int
    """The entitlements of its members together."""
    reserved: int
    maximum: int
    elapsed: Ticks
    """How long the last second was, in a young machine perhaps less."""
    used: Ticks


@record
class Dispatched:
    """A virtual processor in a core's lane."""

    partition: int
    processor: int


@record
class CoreUsage:
    number: int
    state: CoreState
    elapsed: Ticks
    used: Ticks
    lent: Ticks
    """Of what was used, by others than the core's owner."""
    owner: int | None
    """Number of the partition it is dedicated to."""
    lane: tuple[Dispatched, ...]
    """Who is in its lane, in order."""


@record
class PortUsage:
    """A port of a virtual switch; frames, and their bytes without tags, since it was plugged in."""

    name: str
    """The partition's, with the adapter's slot; or where it leads outside."""
    address: bytes | None
    """None: it is not open, or leads outside."""
    vlan: int
    more_vlans: tuple[int, ...]
    trunk_priority: int
    """0: it is no trunk."""
    active: bool
    """It is the trunk that is taken."""
    sent: int
    sent_bytes: int
    received: int
    received_bytes: int
    dropped: int
    """Of what it sent: nobody took it, or too much waited."""
    lost: int
    """Of what it was given: there was no room for it."""


@record
class SwitchUsage:
    name: str
    ports: tuple[PortUsage, ...]


@record
class IoServerUsage:
    """A built-in Virtual I/O Server, which takes none of the processors' time."""

    name: str
    number: int
    state: PartitionState


@record
class FabricPortUsage:
    """A port of a Fibre Channel fabric."""

    name: str
    """The partition's with the adapter's slot, or the storage's with its port."""
    wwpn: U64
    port_id: U32
    online: bool
    logged_in: bool = True
    """Not so the second name of an adapter's pair, unless an operator logged it in."""
    sees: tuple[str, ...] = ()
    """What a partition's port can log in to: ports of storage."""


@record
class FabricUsage:
    name: str
    ports: tuple[FabricPortUsage, ...]
    zones: dict[str, tuple[str, ...]]
    """Members by the zone's name."""


@record
class ElementUsage:
    """An element of a tape library."""

    address: int
    kind: str
    barcode: str
    """Empty if the element is."""
    source: int
    """The storage element that the cartridge came from; 0: none."""


@record
class LibraryUsage:
    name: str
    elements: tuple[ElementUsage, ...]
    locked: bool
    """A partition has locked the import/export elements."""


@record
class MachineUsage:
    name: str
    now: Ticks
    windows: int
    partitions: tuple[PartitionUsage, ...]
    pools: tuple[PoolUsage, ...]
    cores: tuple[CoreUsage, ...]
    switches: tuple[SwitchUsage, ...] = ()
    io_servers: tuple[IoServerUsage, ...] = ()
    fabrics: tuple[FabricUsage, ...] = ()
    libraries: tuple[LibraryUsage, ...] = ()
