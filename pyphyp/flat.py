"""Programs without a loader: bytes put into storage as they are, and entered in real mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emu.bits import MSR, ByteOrder
from firmware.device_tree import flatten

if TYPE_CHECKING:
    from .compose import Composition

_TREE_ALIGNMENT = 4096
_RMA_LIMIT = 256 << 20


@dataclass(frozen=True, slots=True)
class FlatImage:
    """`image` goes to `origin` and is entered at `entry` in `byte_order`.

    R3 is the address of the flattened device tree, R5 the entry of the client interface; both lie
    as high as real mode reaches.
    """

    image: bytes
    origin: int = 0
    entry: int = 0
    byte_order: ByteOrder = ByteOrder.BIG

    def start(self, composition: Composition) -> None:
        """Put the image in place; StorageError if it does not fit."""
        memory = composition.partition.memory
        memory.write(self.origin, self.image)
        tree = flatten(composition.firmware.tree)
        address = min(memory.size, _RMA_LIMIT) - len(tree)
        address -= address % _TREE_ALIGNMENT
        memory.write(address, tree)
        client_entry = address - _TREE_ALIGNMENT
        kept = ((self.origin, len(self.image)), (client_entry, _TREE_ALIGNMENT + len(tree)))
        composition.firmware.serve_client(client_entry, kept)
        registers = composition.partition.engine.registers
        registers.msr = MSR(0).replace(SF=1, LE=int(self.byte_order is ByteOrder.LITTLE))
        registers.set_gpr(3, address)
        registers.set_gpr(5, client_entry)
        registers.nip = self.entry
