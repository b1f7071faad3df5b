"""A virtual processor: registers that the engine holds, and what the hypervisor knows of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .splpar_areas import RegisteredAreas

if TYPE_CHECKING:
    from emu.engine import Engine
    from emu.registers import Registers

    from .partition import Partition


@dataclass(slots=True)
class VirtualProcessor:
    """Virtual processor `number` of `partition`."""

    number: int
    partition: Partition
    engine: Engine
    ceded: bool = False
    prodded: bool = False
    areas: RegisteredAreas = field(default_factory=RegisteredAreas)

    @property
    def registers(self) -> Registers:
        return self.engine.registers

    @property
    def time_base(self) -> int:
        return self.engine.time_base

    @property
    def privileged(self) -> bool:
        return not self.registers.msr.PR

    def gpr(self, n: int) -> int:
        return self.engine.registers.gpr(n)

    def set_gpr(self, n: int, value: int) -> None:
        self.engine.registers.set_gpr(n, value)

    def cede(self) -> None:
        """Enable external interrupts and wait for one, or for a prod (LoPAR 14.11.3.3)."""
        self.registers.msr = self.registers.msr.replace(EE=1)
        if self.prodded:
            self.prodded = False
        else:
            self.ceded = True
            self.areas.count_yield(self.partition.memory)

    def prod(self) -> None:
        """Wake the processor, or make its next cede return at once (LoPAR 14.11.3.5)."""
        if self.ceded:
            self._resume()
        else:
            self.prodded = True

    def wake_if_interrupted(self) -> bool:
        """End a cede that an interrupt is due for; True if the processor can run."""
        if self.ceded and self.interrupt_pending:
            self._resume()
        return not self.ceded

    def _resume(self) -> None:
        self.ceded = False
        self.areas.count_yield(self.partition.memory)

    @property
    def interrupt_pending(self) -> bool:
        external = self.partition.interrupts.pending(self.number)
        return external or self.engine.time_base >= self.engine.decrementer_due(self.number)
