"""A storage area network as whoever builds a machine says it."""

from __future__ import annotations

from emu.state import record
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
class StorageDefinition:
    """Storage with a port in each of `fabrics`; its units are LUN 0, 1 and so on."""

    name: str
    fabrics: tuple[str, ...]
    units: tuple[ScsiUnit, ...] = ()


@record
class SanDefinition:
    fabrics: tuple[FabricDefinition, ...] = ()
    storage: tuple[StorageDefinition, ...] = ()
