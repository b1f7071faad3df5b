"""A storage area network as whoever builds a machine says it."""

from __future__ import annotations

from typing import Annotated

from emu.state import record
from hypervisor.scsi.elements import MOST_DRIVES, MOST_PORTS, MOST_SLOTS
from hypervisor.vio.configuration import ScsiUnit

MOST_FABRICS = 16
MOST_STORAGE = 32
"""Storage of one machine; each port has a place in a switch."""
MOST_STORAGE_PORTS = 8
MOST_SERVER_PORTS = 16
"""Physical ports of one Virtual I/O Server."""
MOST_LUNS = 1 << 14
"""By flat space addressing (SAM-5 4.7.7.3)."""


@record
class Zone:
    """Ports that see each other.

    A member is a world wide port name, or the name of a partition, of a storage, or of one of
    their ports (`web/56`, `ds8k/0`).
    """

    name: str
    members: tuple[str, ...]


@record
class FabricDefinition:
    """One fabric; without zones all its ports see each other."""

    name: str
    zones: tuple[Zone, ...] = ()


@record
class LibraryDefinition:
    """A tape library whose cartridges are tape images in a `directory` of the host."""

    directory: str
    drives: Annotated[int, range(1, MOST_DRIVES + 1)] = 1
    slots: Annotated[int, range(1, MOST_SLOTS + 1)] = 8
    ports: Annotated[int, range(MOST_PORTS + 1)] = 1
    """Import and export elements."""


@record
class StorageDefinition:
    """Storage with a port in each of `fabrics`; its units are LUN 0, 1 and so on.

    Of a tape library they are its changer, and then its drives.
    """

    name: str
    fabrics: tuple[str, ...]
    units: tuple[ScsiUnit, ...] = ()
    library: LibraryDefinition | None = None


@record
class SanDefinition:
    fabrics: tuple[FabricDefinition, ...] = ()
    storage: tuple[StorageDefinition, ...] = ()
