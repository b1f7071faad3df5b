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

    R3 is the address of the flattened device tree, which lies as high as real mode reaches.
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
        registers = composition.partition.engine.registers
        registers.msr = MSR(0).replace(SF=1, LE=int(self.byte_order is ByteOrder.LITTLE))
        registers.set_gpr(3, address)
        registers.nip = self.entry
