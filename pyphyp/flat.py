"""Programs that need no loader: put into storage where they say, and entered in real mode."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from emu.bits import MSR, ByteOrder
from emu.values import frozen
from firmware import elf
from firmware.device_tree import flatten

from .symbols import Symbols, of_elf

if TYPE_CHECKING:
    from collections.abc import Callable

    from emu.program import Program

    from .compose import Composition

_TREE_ALIGNMENT = 4096
_RMA_LIMIT = 256 << 20
_ELF_DATA, _ELF_LITTLE = 5, 1


@frozen
class FlatImage:
    """A program in `byte_order` to be entered in `entry_order`, which may be another.

    R3 is the address of the flattened device tree, R5 the entry of the client interface; both lie
    as high as real mode reaches.
    """

    executable: elf.Executable
    byte_order: ByteOrder
    entry_order: ByteOrder
    symbols: Callable[[], Symbols]

    def start(self, composition: Composition) -> None:
        """Put the program in place; `BootError` if it does not fit."""
        from firmware.loading import serve_client

        memory = composition.partition.memory
        self.executable.load(memory, 0)
        tree = flatten(composition.firmware.tree)
        address = min(memory.size, _RMA_LIMIT) - len(tree)
        address -= address % _TREE_ALIGNMENT
        memory.write(address, tree)
        client_entry = address - _TREE_ALIGNMENT
        program = ((segment.address, segment.size) for segment in self.executable.segments)
        kept = (*program, (client_entry, _TREE_ALIGNMENT + len(tree)))
        serve_client(composition.firmware, client_entry, kept)
        registers = composition.partition.engine.registers
        registers.msr = MSR(0).replace(SF=1, LE=int(self.entry_order is ByteOrder.LITTLE))
        registers.set_gpr(3, address)
        registers.set_gpr(5, client_entry)
        registers.nip = self.executable.entry


def from_program(program: Program) -> FlatImage:
    """What `emu.assembler.assemble` gave."""
    size = program.end - program.origin
    segment = elf.Segment(program.origin, program.image(), size)
    executable = elf.Executable((segment,), program.entry)
    return FlatImage(executable, program.byte_order, program.entry_order, partial(_labels, program))


def _labels(program: Program) -> Symbols:
    return Symbols((program.symbols[name], name) for name in program.labels)


def from_elf(image: bytes) -> FlatImage:
    """An ELF executable, entered in its own byte order; `BootError` if it is none."""
    order = byte_order_of(image)
    return FlatImage(elf.parse(image), order, order, partial(of_elf, image))


def byte_order_of(image: bytes) -> ByteOrder:
    """That of an ELF file."""
    little = image[_ELF_DATA : _ELF_DATA + 1] == bytes((_ELF_LITTLE,))
    return ByteOrder.LITTLE if little else ByteOrder.BIG
