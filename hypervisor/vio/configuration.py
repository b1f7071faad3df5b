"""The virtual adapters of a partition, as whoever builds one says them."""

from __future__ import annotations

from enum import Enum

from emu.values import frozen
from hypervisor.network.switch import DEFAULT_SWITCH, DEFAULT_VLAN, PortSettings
from hypervisor.scsi.target import TARGETS, UNITS

from .adapter import Slot

FIRST_FREE_SLOT = 2
"""Slots before it are for consoles, as on PowerVM."""
FIRST_SERVING_SLOT = 10
"""Where server adapters are, if nobody chooses."""
FIRST_SERVED_SLOT = 20
"""Where client adapters of Virtual I/O Servers are, if nobody chooses."""
FIRST_FC_SLOT = 56
"""Where virtual Fibre Channel adapters are, if nobody chooses: the last of 64 slots."""
MOST_FC_ADAPTERS = 8
FIRST_FURTHER_CONSOLE = 32
"""The slot of the third console, behind those that disks and Ethernet adapters are given."""
MAC_BYTES = 6
MOST_ALLOWED = 4
"""Addresses of a guest's own choice, beside the adapter's, as on PowerVM."""


class TerminalProtocol(Enum):
    """How a guest speaks with a virtual terminal (LoPAR 17.5.2)."""

    RAW = "raw"
    """Plain characters: `hvterm1`."""
    HVSI = "hvsi"
    """Packets with modem signals: `hvterm-protocol`."""


class Backend(Enum):
    """Where a console goes, besides to scripts and `pyphyp console`."""

    TERMINAL = "terminal"
    """That of the command which runs the partition."""
    SOCKET = "socket"
    """A Unix socket, for any number of terminals."""
    FILE = "file"
    """What is written is appended to a file."""
    NONE = "none"


@frozen
class ConsoleAdapter:
    """A client virtual terminal in a slot; `path` is that of the backend's socket or file."""

    slot: int = 0
    protocol: TerminalProtocol = TerminalProtocol.RAW
    backend: Backend = Backend.TERMINAL
    path: str = ""

    def __post_init__(self) -> None:
        Slot(self.slot)
        if bool(self.path) != (self.backend in (Backend.SOCKET, Backend.FILE)):
            raise ValueError("a console at a socket or a file, and no other, has a path")

    @staticmethod
    def place(number: int) -> int:
        """The slot of console `number`, counted from 0, where nobody chooses."""
        if number < FIRST_FREE_SLOT:
            return number
        return FIRST_FURTHER_CONSOLE + number - FIRST_FREE_SLOT


@frozen
class TerminalServer:
    """A server virtual terminal in a slot, and the console that it can be connected to."""

    slot: int
    client: str
    """A partition's name."""
    client_slot: int = 0

    def __post_init__(self) -> None:
        Slot(self.slot)
        Slot(self.client_slot)


class Medium(Enum):
    """What a logical unit is."""

    DISK = "disk"
    OPTICAL = "optical"
    TAPE = "tape"


class DiskFormat(Enum):
    """How a disk's content lies in its file."""

    RAW = "raw"
    QCOW2 = "qcow2"


@frozen
class ScsiUnit:
    """A logical unit and the file or block device it is kept in; an empty drive has none.

    `format` is what whoever builds the machine says; what stands in the file never decides.
    """

    medium: Medium
    path: str = ""
    target: int = 0
    lun: int = 0
    read_only: bool = False
    format: DiskFormat = DiskFormat.RAW
    capacity: int = 0
    """Bytes that go on a tape."""
    shared: bool = False
    """Whether others use the disk, too."""

    def __post_init__(self) -> None:
        """Raise ValueError for what no adapter can have."""
        if not 0 <= self.target < TARGETS:
            raise ValueError(f"target {self.target}: 0 to {TARGETS - 1} are possible")
        if not 0 <= self.lun < UNITS:
            raise ValueError(f"LUN {self.lun}: 0 to {UNITS - 1} are possible")
        if self.medium is Medium.DISK and not self.path:
            raise ValueError("a disk needs a file")


@frozen
class EthernetAdapter:
    """A virtual Ethernet adapter in a slot, and where it is plugged in.

    Its `address` (six bytes) follows from machine, partition and slot, if it is not given.
    """

    slot: int
    switch: str = DEFAULT_SWITCH
    vlan: int = DEFAULT_VLAN
    more_vlans: tuple[int, ...] = ()
    trunk_priority: int = 0
    address: bytes = b""
    allowed: tuple[bytes, ...] | None = None
    """Addresses that the guest may take instead; None: any."""

    def __post_init__(self) -> None:
        """Raise ValueError for what no adapter can have."""
        Slot(self.slot)
        PortSettings(self.vlan, frozenset(self.more_vlans), self.trunk_priority)
        if self.allowed is not None and len(self.allowed) > MOST_ALLOWED:
            raise ValueError(f"{MOST_ALLOWED} addresses at most may be allowed")
        for address in (self.address, *(self.allowed or ())):
            if address and (len(address) != MAC_BYTES or address[0] & 1 or not any(address)):
                raise ValueError(f"{address.hex(':')} is no adapter's address")

    @property
    def settings(self) -> PortSettings:
        return PortSettings(self.vlan, frozenset(self.more_vlans), self.trunk_priority)


class PairedRole(Enum):
    SERVER = "server"
    CLIENT = "client"


@frozen
class PairedAdapter:
    """One of two virtual SCSI adapters of two partitions, of which one serves the other."""

    slot: int
    role: PairedRole
    partner: str
    """The other's partition, by its name."""
    partner_slot: int

    def __post_init__(self) -> None:
        Slot(self.slot)
        Slot(self.partner_slot)


@frozen
class FibreChannelAdapter:
    """A client adapter of virtual Fibre Channel in a slot, and who carries it.

    That is a `fabric` itself, or a Virtual I/O Server (`server`) that has mapped it to one of its
    physical ports, `port` at first, if one is named.
    """

    slot: int
    fabric: str = ""
    server: str = ""
    port: str = ""

    def __post_init__(self) -> None:
        Slot(self.slot)
        if bool(self.fabric) == bool(self.server):
            raise ValueError(f"slot {self.slot}: a fabric or a Virtual I/O Server is needed")
        if self.port and not self.server:
            raise ValueError(f"slot {self.slot}: physical ports are a Virtual I/O Server's")


@frozen
class ScsiAdapter:
    """A client adapter of virtual SCSI in a slot, and what the server behind it offers."""

    slot: int
    units: tuple[ScsiUnit, ...] = ()
    server: str = ""
    """A Virtual I/O Server that offers what it has mapped, instead of units; by its name."""

    def __post_init__(self) -> None:
        Slot(self.slot)
        if self.server and self.units:
            raise ValueError(f"slot {self.slot}: what {self.server} offers is its own business")
        places = [(unit.target, unit.lun) for unit in self.units]
        if len(set(places)) < len(places):
            raise ValueError(f"slot {self.slot}: two logical units have one address")


Adapter = (
    ConsoleAdapter
    | ScsiAdapter
    | EthernetAdapter
    | PairedAdapter
    | FibreChannelAdapter
    | TerminalServer
)
