"""Traces of one partition by range: functions that are told of instructions and accesses.

A trace outlives the guest's reboots; a place that is named is looked up when its guest is booted.
What a function raises ends the run and comes out of it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from emu.bits import ByteOrder
from emu.translation import Access
from emu.values import frozen

from .places import needs_symbols, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from emu.debugging import Watched
    from emu.tracing import Accessed, Tracing

    from .partition import Partition


@frozen
class InstructionEvent:
    """An instruction about to run."""

    partition: Partition
    processor: int
    time_base: int
    address: int
    code: bytes | None
    """Its bytes as they lie in storage; None where there is none to fetch it from."""
    byte_order: ByteOrder

    @property
    def word(self) -> int | None:
        """Its word; of a prefixed instruction, the prefix."""
        if self.code is None:
            return None
        return int.from_bytes(self.code[:4], self.byte_order.name_for_int)

    @property
    def symbol(self) -> str:
        """`name+0x10`, or nothing."""
        return self.partition.symbols.name(self.address)

    @property
    def text(self) -> str:
        """The instruction as the disassembler writes it."""
        if self.code is None:
            return "(no storage)"
        return _disassembled(self.code, self.address, self.byte_order)


@frozen
class AccessEvent:
    """A load or store that is done."""

    partition: Partition
    processor: int
    time_base: int
    pc: int
    """The instruction's address."""
    address: int
    stored: bool
    size: int
    data: bytes | None
    """What lies there now: what was loaded, or stored; None where that is no storage."""
    byte_order: ByteOrder

    @property
    def value(self) -> int | None:
        """`data` as one number, in the processor's byte order."""
        return (
            None if self.data is None else int.from_bytes(self.data, self.byte_order.name_for_int)
        )

    @property
    def symbol(self) -> str:
        """What was accessed: `name+0x10`, or nothing."""
        return self.partition.symbols.place(self.address)

    @property
    def caller(self) -> str:
        """Where the instruction stands: `name+0x10`, or nothing."""
        return self.partition.symbols.name(self.pc)


class RangeTrace:
    """One trace of a partition, until it is stopped."""

    def __init__(self, traces: RangeTraces, where: str | range) -> None:
        self._traces, self.where = traces, where

    def stop(self) -> None:
        """End it; that it has ended already is no error."""
        self._traces.remove(self)

    def named(self) -> bool:
        return isinstance(self.where, str) and needs_symbols(self.where)

    def addresses(self, partition: Partition) -> range:
        if isinstance(self.where, str):
            return resolve(self.where, partition.symbols)
        return self.where

    def begin(self, tracing: Tracing, addresses: range) -> None:
        raise NotImplementedError

    def end(self, tracing: Tracing, addresses: range) -> None:
        raise NotImplementedError


class InstructionTrace(RangeTrace):
    """Tells `function` of each instruction, before it runs."""

    def __init__(
        self,
        traces: RangeTraces,
        where: str | range,
        function: Callable[[InstructionEvent], object],
    ) -> None:
        super().__init__(traces, where)
        self._function = function

    def begin(self, tracing: Tracing, addresses: range) -> None:
        tracing.trace_instructions(addresses, self._observed)

    def end(self, tracing: Tracing, addresses: range) -> None:
        tracing.untrace_instructions(addresses, self._observed)

    def _observed(self, address: int) -> None:
        self._traces.guard(lambda: self._function(self._traces.instruction(address)))


class AccessTrace(RangeTrace):
    """Tells `function` of each of the `watched` accesses, when it is done."""

    def __init__(
        self,
        traces: RangeTraces,
        where: str | range,
        function: Callable[[AccessEvent], object],
        watched: Watched,
    ) -> None:
        super().__init__(traces, where)
        self._function, self._watched = function, watched

    def begin(self, tracing: Tracing, addresses: range) -> None:
        tracing.trace_accesses(addresses, self._watched, self._observed)

    def end(self, tracing: Tracing, addresses: range) -> None:
        tracing.untrace_accesses(addresses, self._watched, self._observed)

    def _observed(self, accessed: Accessed) -> None:
        self._traces.guard(lambda: self._function(self._traces.accessed(accessed)))


class RangeTraces:
    """The traces of one partition, whatever engine it has at the moment."""

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._waiting: list[RangeTrace] = []
        self._running: dict[RangeTrace, range] = {}
        self._failure: BaseException | None = None

    # -- which there are -------------------------------------------------------------------

    def add(self, trace: RangeTrace) -> None:
        """Begin `trace`: at once, or when the guest whose symbols it needs is booted."""
        named = trace.named()  # raises for what is no place
        self._waiting.append(trace)
        if not named or self._partition.boots:
            self.arm()

    def remove(self, trace: RangeTrace) -> None:
        if trace in self._waiting:
            self._waiting.remove(trace)
        if (addresses := self._running.pop(trace, None)) is not None:
            trace.end(self._tracing, addresses)

    def arm(self) -> None:
        """Begin what waits; raises `PlaceError`, and `TooManyStopsError`."""
        while self._waiting:
            trace = self._waiting.pop(0)
            addresses = trace.addresses(self._partition)
            trace.begin(self._tracing, addresses)
            self._running[trace] = addresses

    def renew(self) -> None:
        """The partition has a new engine."""
        self._waiting = [*self._running, *self._waiting]
        self._running.clear()

    @property
    def _tracing(self) -> Tracing:
        return self._partition.composition.partition.engine.tracing

    # -- what they are told ----------------------------------------------------------------

    def guard(self, tell: Callable[[], object]) -> None:
        """Carry out `tell`, from translated code, which no exception may leave."""
        if self._failure is not None:
            return
        try:
            tell()
        except BaseException as failure:  # of a script's own making: `settle` raises it
            self._failure = failure
            self._partition.stop()

    def settle(self) -> None:
        """Between windows: raises what a function raised."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def instruction(self, address: int) -> InstructionEvent:
        from .fetching import instruction_bytes  # loads the tables of instructions

        partition = self._partition
        real = partition.translate(address, Access.FETCH)
        code = None
        if real is not None:
            code = instruction_bytes(partition.memory, real, self._byte_order)
        return InstructionEvent(
            partition, self._processor, self._time, address, code, self._byte_order
        )

    def accessed(self, accessed: Accessed) -> AccessEvent:
        access = Access.STORE if accessed.stored else Access.LOAD
        return AccessEvent(
            self._partition,
            self._processor,
            self._time,
            accessed.pc,
            accessed.address,
            accessed.stored,
            accessed.length,
            self._bytes(accessed.address, accessed.length, access),
            self._byte_order,
        )

    def _bytes(self, effective: int, length: int, access: Access) -> bytes | None:
        """`length` bytes, across pages perhaps."""
        data = b""
        while len(data) < length:
            at = effective + len(data)
            count = min(length - len(data), 4096 - at % 4096)
            real = self._partition.translate(at, access)
            if real is None or not self._partition.memory.contains(real, count):
                return None
            data += self._partition.memory.read(real, count)
        return data

    @property
    def _processor(self) -> int:
        return self._partition.composition.partition.engine.selected

    @property
    def _time(self) -> int:
        return self._partition.composition.partition.time_base

    @property
    def _byte_order(self) -> ByteOrder:
        return ByteOrder.LITTLE if self._partition.registers.msr.LE else ByteOrder.BIG


@lru_cache(maxsize=1 << 16)
def _disassembled(code: bytes, address: int, order: ByteOrder) -> str:
    from emu.disassembler import disassemble  # loads capstone, which most runs need not

    return next(disassemble(code, address, order)).text
