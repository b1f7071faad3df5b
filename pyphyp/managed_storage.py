"""What an operator changes in the storage network of a machine that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.san.fabric import FabricError
from hypervisor.scsi.changer import LibraryError
from hypervisor.system.errors import ManagementError

from . import actions

if TYPE_CHECKING:
    from .actions import SanAction
    from .storage_network import StorageNetwork


def change_storage_network(network: StorageNetwork | None, action: SanAction) -> None:
    """Carry it out; ManagementError where that cannot be."""
    if network is None:
        raise ManagementError("the machine has no fabrics", "[[fabric]] defines one")
    san = network.san
    try:
        match action:
            case actions.AddToZone(fabric, zone, members):
                san.zone(fabric, zone, members)
            case actions.RemoveFromZone(fabric, zone, members):
                san.unzone(fabric, zone, members)
            case actions.SetLink(port, up):
                san.set_link(port, up=up)
            case actions.ResetStorage(storage):
                san.reset(storage)
            case actions.FreezeStorage(storage, frozen):
                if frozen:
                    san.freeze(storage)
                else:
                    san.thaw(storage)
            case actions.LogInSecond(port, logged_in):
                (san.log_in if logged_in else san.log_out)(port)
            case actions.InsertCartridge(library, barcode):
                network.library(library).insert(barcode)
            case actions.ExportCartridge(library, barcode):
                network.library(library).export(barcode)
    except (FabricError, LibraryError) as wrong:
        raise ManagementError(str(wrong)) from None
