"""A bare processor for tests: guest code in, registers out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from emu.assembler import assemble
from emu.bits import MSR, ByteOrder
from emu.engine import Engine
from emu.exits import Exit, Hypercall
from emu.memory import MIB, Memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emu.registers import Registers

REAL = MSR(0).replace(SF=1)
PROBLEM = REAL.replace(PR=1, EE=1, IR=1, DR=1)
"""Under `Bare.identity_map`."""
BUDGET = 1_000_000


class Bare:
    """An engine and its memory; programs start at their `_start` in real mode, big-endian."""

    def __init__(self, memory: Memory, engine: Engine) -> None:
        self.memory, self.engine = memory, engine
        self.registers = engine.registers

    def load(self, source: str, at: int = 0, byte_order: ByteOrder = ByteOrder.BIG) -> int:
        """Put a program into storage from `at` on; gives its entry."""
        program = assemble(source, origin=at, byte_order=byte_order)
        self.memory.write(program.origin, program.image())
        return program.entry

    def enter(self, address: int, msr: int = REAL, **gprs: int) -> Exit:
        for name, value in gprs.items():
            self.registers.set_gpr(int(name.removeprefix("r")), value)
        self.registers.msr = msr
        self.registers.nip = address
        return self.engine.run(self.engine.time_base + BUDGET)

    def run(self, source: str, msr: int = REAL, *, at: int = 0x4000, **gprs: int) -> Registers:
        """Run a program at `at` up to its `sc 1`."""
        exit_ = self.enter(self.load(source, at), msr, **gprs)
        assert isinstance(exit_, Hypercall), f"{exit_}\n{self.registers.dump()}"
        return self.registers

    def identity_map(self) -> None:
        """Problem state may use the first 256 KiB where they are, by a tree at 0x60000."""
        table, leaf = 0x60000, 0xC000_0000_0000_0187
        self.memory.write(table, bytes(0x8000))
        self.memory.write_u64(table, 0x2000_0000_0000_00A5 | table + 0x1000)  # 44 bits, 2^5 entries
        for level in range(1, 4):
            below = table + 0x1000 * (level + 1)
            self.memory.write_u64(table + 0x1000 * level, 1 << 63 | below | 9)
        for page in range(64):
            self.memory.write_u64(table + 0x4000 + 8 * page, leaf | page << 12)
        self.registers.set_spr("pidr", 0)
        self.engine.set_process_table(table, 0x1000)


@contextmanager
def bare(size: int = MIB) -> Iterator[Bare]:
    with Memory(size) as memory:
        engine = Engine(memory)
        try:
            yield Bare(memory, engine)
        finally:
            engine.close()
