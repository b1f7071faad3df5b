"""What one sees of a partition from outside: registers, storage, code, and traces of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import ByteOrder
from emu.debugging import Watched
from emu.translation import Access

from .range_traces import AccessTrace, InstructionTrace
from .symbols import Symbols

if TYPE_CHECKING:
    from collections.abc import Callable

    from emu.exits import DebugStop
    from emu.memory import Memory
    from emu.registers import Registers
    from hypervisor.configuration import PartitionConfiguration
    from hypervisor.partition import Outcome

    from .compose import Composition
    from .range_traces import AccessEvent, InstructionEvent, RangeTrace, RangeTraces
    from .starts import Start


class Inspected:
    """The part of a `Partition` that lets it be looked into."""

    configuration: PartitionConfiguration
    range_traces: RangeTraces
    _start: Start | None
    _symbols: Symbols | None

    @property
    def composition(self) -> Composition:
        raise NotImplementedError

    @property
    def name(self) -> str:
        return self.configuration.name

    @property
    def registers(self) -> Registers:
        """The processor's registers by name; they may be written."""
        return self.composition.partition.engine.registers

    @property
    def memory(self) -> Memory:
        """The partition's storage by logical real address."""
        return self.composition.partition.memory

    @property
    def outcome(self) -> Outcome | None:
        return self.composition.partition.outcome

    def translate(self, effective: int, access: Access = Access.LOAD) -> int | None:
        """The logical real address behind `effective` as the processor sees it, or None."""
        return self.composition.partition.engine.translate(effective, access)

    @property
    def debug_stop(self) -> DebugStop | None:
        """What a breakpoint, set by the script itself, had `run` come back with None for."""
        found = self.composition.partition.debug_stop
        return None if found is None else found[1]

    @property
    def byte_order(self) -> ByteOrder:
        """That of the program booted, or the processor's."""
        if self._start is not None:
            return self._start.byte_order
        return ByteOrder.LITTLE if self.registers.msr.LE else ByteOrder.BIG

    @property
    def symbols(self) -> Symbols:
        """Names of the guest's code: its program's own unless others are set."""
        if self._symbols is None:
            self._symbols = Symbols() if self._start is None else self._start.symbols()
        return self._symbols

    @symbols.setter
    def symbols(self, symbols: Symbols) -> None:
        self._symbols = symbols

    def disassemble(self, address: int | None = None, count: int = 8) -> list[str]:
        """`count` instructions from effective `address` (the next one to run) on, a line each."""
        from .listing import listing  # loads capstone, which most runs need not

        return listing(self, self.registers.nip if address is None else address, count)

    def trace_instructions(
        self, where: str | range, function: Callable[[InstructionEvent], object]
    ) -> RangeTrace:
        """Call `function` before each instruction at `where` runs, until the trace is stopped.

        `where` are effective addresses, or text such as "start_kernel" (`pyphyp.places`).  Only
        what is traced is slower, and it executes what it would have.
        """
        trace = InstructionTrace(self.range_traces, where, function)
        self.range_traces.add(trace)
        return trace

    def trace_accesses(
        self,
        where: str | range,
        function: Callable[[AccessEvent], object],
        watched: Watched = Watched.LOADS | Watched.STORES,
    ) -> RangeTrace:
        """Call `function` after each load and store that meets `where` ("jiffies+8")."""
        trace = AccessTrace(self.range_traces, where, function, watched)
        self.range_traces.add(trace)
        return trace
