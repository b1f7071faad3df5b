"""The storage network that --fc asks for: one fabric with one storage in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.san.definition import FabricDefinition, SanDefinition, StorageDefinition
from hypervisor.vio.configuration import FIRST_FC_SLOT, FibreChannelAdapter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyphyp.disk_files import DiskFile

_FABRIC, _STORAGE = "fabric1", "storage1"


def storage_of(disks: Sequence[DiskFile]) -> SanDefinition:
    """The disks are LUN 0, 1 and so on."""
    storage = StorageDefinition(_STORAGE, (_FABRIC,), tuple(disk.unit(0) for disk in disks))
    return SanDefinition((FabricDefinition(_FABRIC),), (storage,))


def fc_adapters() -> list[FibreChannelAdapter]:
    """The partition's."""
    return [FibreChannelAdapter(FIRST_FC_SLOT, _FABRIC)]
