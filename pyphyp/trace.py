"""Traces: what a guest calls and the interrupts it takes, a line each, for people and programs.

For people, on a stream, decoded:

    [  0.000184625] cpu0 H_PUT_TERM_CHAR(unit=0x30000000, length=3, "abc") = H_SUCCESS

For programs, a JSON object a line: always `time` (ticks of the time base), `partition`,
`processor`, `kind` and `text` (the line for people), then what belongs to the kind.  Registers
are hexadecimal text, as not every reader of JSON holds 64 bits.
"""

from __future__ import annotations

import json
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from emu.bits import ByteOrder
from emu.engine import TIME_BASE_HZ
from emu.interrupts import interrupt_name
from emu.translation import Access

from . import decode
from .events import CallKind, Event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

    from emu.engine import InterruptTaken

    from .compose import Composition
    from .events import TableEvent
    from .partition import Partition

    Value = str | int | Mapping[str, str] | Sequence[str] | None

_NANOSECONDS = 10**9


class Kind(Enum):
    """What can be traced; the value is its word on the command line."""

    HCALL = "hcall"
    RTAS = "rtas"
    CLIENT = "of"
    INTERRUPT = "irq"
    INSTRUCTION = "insn"


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
    """Traces the `kinds` of every partition it is attached to into `sinks`."""

    def __init__(self, kinds: frozenset[Kind], *sinks: TraceSink) -> None:
        self.kinds = kinds
        self._sinks = sinks
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
        if Kind.INSTRUCTION in self.kinds:
            engine.observe_instructions(lambda address: self._instruction(partition, address))

    def settle(self) -> None:
        """Between windows: write out what is buffered; raises what writing failed with."""
        if self._failure is not None:
            raise self._failure
        for sink in self._sinks:
            sink.flush()

    def record(self, time_base: int, partition: Partition, text: str, **fields: Value) -> None:
        for sink in self._sinks:
            sink.record(time_base, partition, text, **fields)

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

    def _instruction(self, partition: Partition, address: int) -> None:
        word, text = None, "(no storage)"
        little = bool(partition.registers.msr.LE)
        real = partition.translate(address, Access.FETCH)
        if real is not None and partition.memory.contains(real, 4):
            code = partition.memory.read(real, 4)
            word = int.from_bytes(code, "little" if little else "big")
            text = _disassembled(code, address, little)
        self._from_engine(
            partition.composition.partition.time_base,
            partition,
            f"{address:016x}  {text}",
            processor=partition.composition.partition.engine.selected,
            kind=Kind.INSTRUCTION.value,
            address=f"{address:#x}",
            word=None if word is None else f"{word:#010x}",
            instruction=text,
        )


@lru_cache(maxsize=1 << 16)
def _disassembled(code: bytes, address: int, little: bool) -> str:
    from emu.disassembler import disassemble  # loads capstone, which most runs need not

    order = ByteOrder.LITTLE if little else ByteOrder.BIG
    return next(disassemble(code, address, order)).text


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
