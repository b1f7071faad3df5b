"""A small partition for tests: hypercalls made from outside, or by guest code."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emu.assembler import assemble
from emu.bits import MSR, signed
from emu.memory import MIB
from hypervisor import (
    capacity_calls,
    debug_registers,
    energy,
    logical_access,
    page_init,
    performance,
    platform,
    process_table,
    processor_mode,
    splpar,
    system_reset,
    watchdog,
    xics,
    xive_hcalls,
)
from hypervisor.configuration import PartitionConfiguration
from hypervisor.hcall import HcallTable
from hypervisor.partition import Partition
from hypervisor.vio import adapter, crq, lan_calls, rdma, sub_crq, tce, vterm, vty
from hypervisor.vio.adapter import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypervisor.processor import VirtualProcessor

GROUPS = (
    vty.hcalls,
    vterm.hcalls,
    adapter.hcalls,
    tce.hcalls,
    crq.hcalls,
    rdma.hcalls,
    sub_crq.hcalls,
    lan_calls.hcalls,
    xics.hcalls,
    splpar.hcalls,
    capacity_calls.hcalls,
    processor_mode.hcalls,
    debug_registers.hcalls,
    process_table.hcalls,
    page_init.hcalls,
    platform.hcalls,
    performance.hcalls,
    energy.hcalls,
    system_reset.hcalls,
    watchdog.hcalls,
    xive_hcalls.hcalls,
    logical_access.hcalls,
)
NUMBERS = {call.name: call.number for group in GROUPS for call in group}
CONSOLE_SLOT = Slot(0)
CONSOLE, CONSOLE_INTERRUPT = CONSOLE_SLOT.unit, CONSOLE_SLOT.interrupt
UNTOUCHED = 0x5A5A_5A5A
PRIVILEGED = MSR(0).replace(SF=1)
ABOVE = MIB
"""The first address that is not storage."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands in R3, and in R4 to R9 from the first."""

    code: int
    results: tuple[int, ...]


class Lpar:
    """A partition of 1 MiB with every hcall of the hypervisor and one terminal."""

    def __init__(self, processors: int = 1) -> None:
        configuration = PartitionConfiguration(memory_bytes=MIB, virtual_processors=processors)
        self.partition = Partition(configuration, HcallTable(*GROUPS))
        self.console = self.partition.virtual_io.add_terminal(CONSOLE_SLOT)
        self.memory = self.partition.memory
        self.engine = self.partition.engine
        self.interrupts = self.partition.interrupts.xics
        for processor in self.partition.processors:
            processor.registers.msr = PRIVILEGED

    def processor(self, number: int = 0) -> VirtualProcessor:
        return self.partition.processors[number]

    def call(self, name: str | int, *arguments: int, caller: int = 0) -> Answer:
        """Make an hcall; registers behind the arguments hold UNTOUCHED."""
        processor = self.processor(caller)
        number = name if isinstance(name, int) else NUMBERS[name]
        values = (number, *arguments, *[UNTOUCHED] * (7 - len(arguments)))
        for n, value in enumerate(values, start=3):
            processor.set_gpr(n, value)
        code = self.partition.hcalls.dispatch(processor)
        assert signed(processor.gpr(3), 64) == code
        return Answer(int(code), tuple(processor.gpr(n) for n in range(4, 10)))

    def code(self, name: str | int, *arguments: int, caller: int = 0) -> int:
        """R3 of an hcall that must leave all other registers as they are."""
        answer = self.call(name, *arguments, caller=caller)
        left = (*arguments, *[UNTOUCHED] * (6 - len(arguments)))
        assert answer.results == left
        return answer.code

    def load(self, source: str, at: int) -> None:
        self.memory.write(at, assemble(hcalls() + source, origin=at).image())

    def start(self, source: str, at: int = 0x4000, number: int = 0, parameter: int = 0) -> None:
        """Let a processor run guest code that may name hcalls."""
        self.load(source, at)
        self.processor(number).start(at, parameter)

    def everything(self) -> bytes:
        """All of the storage."""
        return self.memory.read(0, self.memory.size)


def hcalls() -> str:
    """The numbers of the hcalls as assembler symbols."""
    return "".join(f".equ {name}, {number:#x}\n" for name, number in NUMBERS.items())


@contextmanager
def opened(processors: int = 1) -> Iterator[Lpar]:
    lpar = Lpar(processors)
    try:
        yield lpar
    finally:
        lpar.partition.close()
