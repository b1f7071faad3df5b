"""Traces: what a guest calls, executes and accesses, and the interrupts it takes, a line each.

For people, on a stream, decoded:

    [  0.000184625] cpu0 H_PUT_TERM_CHAR(unit=0x30000000, length=3, "abc") = H_SUCCESS

For programs, a JSON object a line: always `time` (ticks of the time base), `partition`,
`processor`, `kind` and `text` (the line for people), then what belongs to the kind.  Registers
are hexadecimal text, as not every reader of JSON holds 64 bits.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from emu.debugging import Watched
from emu.engine import TIME_BASE_HZ
from emu.interrupts import interrupt_name
from emu.tracing import EVERYWHERE

from . import decode
from .events import CallKind, Event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

    from emu.engine import InterruptTaken

    from .compose import Composition
    from .events import TableEvent
    from .partition import Partition
    from .range_traces import AccessEvent, InstructionEvent, RangeTrace

    Value = str | int | Mapping[str, str] | Sequence[str] | None

_NANOSECONDS = 10**9


class Kind(Enum):
    """What can be traced; the value is its word on the command line."""

    HCALL = "hcall"
    RTAS = "rtas"
    CLIENT = "of"
    INTERRUPT = "irq"
    INSTRUCTION = "insn"
    ACCESS = "mem"
    LOAD = "load"
    STORE = "store"


_ACCESSES = {
    Kind.ACCESS: Watched.LOADS | Watched.STORES,
    Kind.LOAD: Watched.LOADS,
    Kind.STORE: Watched.STORES,
}
"""The kinds that are of accesses; they and instructions may be bounded to places."""
_NUMBER_BYTES = 16
"""What is larger is shown byte by byte."""


class TraceSink(Protocol):
    """Where records go."""

    def record(self, time_base: int, partition: Partition, text: str, **fields: Value) -> None:
        """One record: `text` for people, `fields` for programs."""

    def flush(self) -> None: ...


class TextTrace:
    """Lines for people on `stream`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def record(self, time_base: int, partition: Partition, text: str, **fields: Value) -> None:
        seconds, rest = divmod(time_base, TIME_BASE_HZ)
        who = "" if partition.configuration.number == 1 else f"{partition.name} "
        stamp = f"{seconds:3d}.{rest * _NANOSECONDS // TIME_BASE_HZ:09d}"
        self._stream.write(f"[{stamp}] {who}cpu{fields['processor']} {text}\n")

    def flush(self) -> None:
        self._stream.flush()


class JsonTrace:
    """Objects for programs on `stream`, one a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def record(self, time_base: int, partition: Partition, text: str, **fields: Value) -> None:
        head: dict[str, Value] = {"time": time_base, "partition": partition.name}
        self._stream.write(json.dumps(head | fields | {"text": text}) + "\n")

    def flush(self) -> None:
        self._stream.flush()


class Tracer:
    """Traces the `kinds` of every partition it is attached to into `sinks`.

    `places` are those (`pyphyp.places`) where instructions and accesses are traced; a kind of
    these that stands among `kinds` is traced everywhere.  The trace ends after `limit` records.
    """

    def __init__(
        self,
        kinds: frozenset[Kind],
        *sinks: TraceSink,
        places: tuple[tuple[Kind, str], ...] = (),
        limit: int | None = None,
    ) -> None:
        self.kinds = kinds
        self._sinks = sinks
        self._places: tuple[tuple[Kind, str | range], ...] = places
        bounded = (Kind.INSTRUCTION, *_ACCESSES)
        self._places += tuple((kind, EVERYWHERE) for kind in bounded if kind in kinds)
        self._left = limit
        self._ranges: dict[Partition, list[RangeTrace]] = {}
        self._failure: OSError | None = None

    def attach(self, partition: Partition, composition: Composition) -> None:
        """Watch a partition just built; before its first instruction."""
        calls = _CallTrace(self, partition)
        if Kind.HCALL in self.kinds:
            composition.partition.hcalls.interceptors.append(calls)
        if Kind.RTAS in self.kinds:
            composition.firmware.rtas.interceptors.append(calls)
        if Kind.CLIENT in self.kinds:
            composition.firmware.services.interceptors.append(calls)
        engine = composition.partition.engine
        if Kind.INTERRUPT in self.kinds:
            engine.observe_interrupts(lambda taken: self._interrupt(partition, taken))
        if partition not in self._ranges:  # traces by range go on after a reboot
            self._ranges[partition] = [
                self._trace_range(partition, kind, where) for kind, where in self._places
            ]

    def _trace_range(self, partition: Partition, kind: Kind, where: str | range) -> RangeTrace:
        if kind is Kind.INSTRUCTION:
            return partition.trace_instructions(where, self._instruction)
        return partition.trace_accesses(where, self._access, _ACCESSES[kind])

    def settle(self) -> None:
        """Between windows: write out what is buffered; raises what writing failed with."""
        if self._failure is not None:
            raise self._failure
        for sink in self._sinks:
            sink.flush()

    def record(self, time_base: int, partition: Partition, text: str, **fields: Value) -> None:
        if self._left == 0:
            return
        for sink in self._sinks:
            sink.record(time_base, partition, text, **fields)
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self._end(time_base, partition, fields["processor"])

    def _end(self, time_base: int, partition: Partition, processor: Value) -> None:
        """So many records and no more; the guest runs at full speed from here on."""
        for sink in self._sinks:
            text = "the trace ends here: its limit is reached"
            sink.record(time_base, partition, text, processor=processor, kind="end")
        for traces in self._ranges.values():
            for trace in traces:
                trace.stop()

    def _from_engine(
        self, time_base: int, partition: Partition, text: str, **fields: Value
    ) -> None:
        """As `record`, from a callback of the engine, which no exception may leave."""
        if self._failure is not None:
            return
        try:
            self.record(time_base, partition, text, **fields)
        except OSError as failure:
            self._failure = failure
            partition.stop()

    def _interrupt(self, partition: Partition, taken: InterruptTaken) -> None:
        name = interrupt_name(taken.vector)
        text = f"interrupt: {name} SRR0={taken.srr0:#018x} SRR1={taken.srr1:#018x}"
        self._from_engine(
            taken.time_base,
            partition,
            text,
            processor=partition.composition.partition.engine.selected,
            kind=Kind.INTERRUPT.value,
            name=name,
            vector=f"{taken.vector:#x}",
            srr0=f"{taken.srr0:#x}",
            srr1=f"{taken.srr1:#x}",
        )

    def _instruction(self, event: InstructionEvent) -> None:
        word, symbol = event.word, event.symbol
        self.record(
            event.time_base,
            event.partition,
            f"{event.address:016x}  {event.text}{_bracketed(symbol)}",
            processor=event.processor,
            kind=Kind.INSTRUCTION.value,
            address=f"{event.address:#x}",
            symbol=symbol or None,
            word=None if word is None else f"{word:#010x}",
            instruction=event.text,
        )

    def _access(self, event: AccessEvent) -> None:
        name, arrow = ("store", "<-") if event.stored else ("load", "->")
        value, data = event.value, None if event.data is None else event.data.hex()
        number = None
        if value is not None and event.size <= _NUMBER_BYTES:
            number = f"{value:#0{2 + 2 * event.size}x}"
        self.record(
            event.time_base,
            event.partition,
            f"{name:5s} {event.address:016x}{_bracketed(event.symbol)} {event.size} {arrow} "
            f"{number or data or '(no storage)'}  by {event.pc:016x}{_bracketed(event.caller)}",
            processor=event.processor,
            kind=Kind.ACCESS.value,
            access=name,
            address=f"{event.address:#x}",
            symbol=event.symbol or None,
            size=event.size,
            value=number,
            data=data,
            pc=f"{event.pc:#x}",
            caller=event.caller or None,
        )


def _bracketed(symbol: str) -> str:
    return f" <{symbol}>" if symbol else ""


class _CallTrace:
    """The interceptor that records calls once their outcome is known."""

    def __init__(self, tracer: Tracer, partition: Partition) -> None:
        self._tracer, self._partition = tracer, partition

    def before(self, event: TableEvent) -> None:
        pass

    def replace(self, event: TableEvent) -> None:
        return None

    def after(self, table_event: TableEvent) -> None:
        event = Event(self._partition, table_event)
        name = event.name if event.kind is not CallKind.CLIENT else decode.plain(event.name)
        self._tracer.record(
            event.time_base,
            self._partition,
            f"{name}({decode.arguments(event)}) = {decode.outcome(event)}",
            processor=event.processor.number,
            kind=event.kind.value,
            name=name,
            number=None if event.number is None else f"{event.number:#x}",
            arguments={key: f"{value:#x}" for key, value in event.arguments.items()},
            code=event.code_name,
            results=[f"{value:#x}" for value in event.results],
            why=event.why,
        )
