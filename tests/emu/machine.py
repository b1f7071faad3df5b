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


@contextmanager
def bare(size: int = MIB) -> Iterator[Bare]:
    with Memory(size) as memory:
        engine = Engine(memory)
        try:
            yield Bare(memory, engine)
        finally:
            engine.close()
