"""Traces by range from scripts and from the command line."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from emu.debugging import Watched
from pyphyp import Machine, PlaceError
from pyphyp.guest_list import assemble_toy
from pyphyp.places import needs_symbols, resolve
from pyphyp.symbols import Symbol, Symbols
from pyphyp.trace import JsonTrace, Kind, TextTrace, Tracer
from tests.pyphyp.guests import FOREVER, PRELUDE, START, program
from tests.pyphyp.test_cli import run

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.range_traces import AccessEvent, InstructionEvent

COUNTER = """
        load64  r7,counter
        li      r4,3
        mtctr   r4
again:  lwz     r5,0(r7)
        addi    r5,r5,1
        stw     r5,0(r7)
        bdnz    again
"""
DATA = """
        .org 0x2000
counter: .long 7
"""
GUEST = program(COUNTER + FOREVER + DATA)
SYMBOLS = Symbols(
    [Symbol(0x1000, "main", 0x40), (0x2000, "loop"), Symbol(0x3000, "count", 8, code=False)]
)


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("0x4000-0x4100", range(0x4000, 0x4100)),
        ("main", range(0x1000, 0x1040)),
        ("loop", range(0x2000, 0x3000)),
        ("count+4", range(0x3000, 0x3004)),
        ("main-loop", range(0x1000, 0x2000)),
        ("4096", range(0x1000, 0x1004)),
        ("0xfffffffffffffff0+16", range((1 << 64) - 16, 1 << 64)),
    ],
)
def test_places_are_numbers_names_and_lengths(text: str, addresses: range) -> None:
    assert resolve(text, SYMBOLS) == addresses
    assert needs_symbols(text) is any(c in text for c in "oa")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no place"),
        ("1-2-3", "is no place"),
        ("-5", "is no place"),
        ("mian", "no symbol is called 'mian'; did you mean main"),
        ("0x10-0x10", "there is nothing from 0x10 to 0x10"),
        ("0xffffffffffffffff+2", "there is nothing"),
        ("main+count", "a number of bytes"),
    ],
)
def test_what_is_no_place_is_refused_with_words(text: str, why: str) -> None:
    with pytest.raises(PlaceError, match=why):
        resolve(text, SYMBOLS)
    with pytest.raises(PlaceError, match="no symbols are known"):
        resolve("main", Symbols())


def test_scripts_are_told_of_instructions_and_accesses() -> None:
    code: list[InstructionEvent] = []
    data: list[AccessEvent] = []
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="16M")
        partition.load(GUEST)
        partition.trace_instructions("again+8", code.append)
        partition.trace_accesses("counter+4", data.append)
        partition.run(instructions=100)
        assert [(event.symbol, event.text) for event in code] == [
            ("again", "lwz r5, 0(r7)"),
            ("again+0x4", "addi r5, r5, 1"),
        ] * 3
        first, second = data[:2]
        assert (first.symbol, first.stored, first.value, first.caller) == (
            "counter",
            False,
            7,
            "again",
        )
        assert (second.stored, second.value, second.size) == (True, 8, 4)
        assert second.data == b"\0\0\0\x08"
        assert len(data) == 6
        assert (second.processor, second.partition) == (0, partition)


def test_a_traced_partition_executes_what_it_would_have() -> None:
    counts = []
    for traced in (False, True):
        with Machine(epoch=0) as machine:
            partition = machine.add_partition(memory="16M", processors=2)
            partition.load(assemble_toy("smp"))
            if traced:
                partition.trace_instructions(range(0x1000, 0x1400), lambda _: None)
                partition.trace_accesses(range(0x2000, 0x3000), lambda _: None)
            partition.run(instructions=300_000)
            counts.append(
                (partition.stats().instructions, partition.ticks, partition.console.output)
            )
    assert counts[0] == counts[1]


def test_a_trace_ends_in_the_middle_of_a_run_and_begins_again() -> None:
    seen: list[AccessEvent] = []
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="16M")
        partition.load(GUEST)
        trace = partition.trace_accesses("counter", seen.append, Watched.STORES)
        partition.run(instructions=9)
        before = len(seen)
        trace.stop()
        trace.stop()
        partition.run(instructions=4)
        assert len(seen) == before
        partition.trace_accesses("counter", seen.append, Watched.STORES)
        partition.run(instructions=50)
        assert before < len(seen) <= 3


def test_a_trace_goes_on_when_the_guest_is_booted_again() -> None:
    seen: list[InstructionEvent] = []
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="16M")
        partition.trace_instructions("again+4", seen.append)  # nothing is booted yet
        for _ in range(2):
            partition.load(GUEST)
            partition.run(instructions=50)
        assert len(seen) == 6


def test_what_a_function_raises_ends_the_run_and_comes_out_of_it() -> None:
    def fail(event: InstructionEvent) -> None:
        raise LookupError(event.symbol)

    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="16M")
        partition.load(GUEST)
        partition.trace_instructions("again+4", fail)
        with pytest.raises(LookupError, match="again"):
            partition.run(instructions=50)
        with pytest.raises(PlaceError, match="did you mean again"):
            partition.trace_instructions("agian", fail)


def traced(*places: tuple[Kind, str], limit: int | None = None) -> tuple[str, list[dict[str, str]]]:
    """The text and the objects that a trace of GUEST gives."""
    text, objects = io.StringIO(), io.StringIO()
    sinks = TextTrace(text), JsonTrace(objects)
    tracer = Tracer(frozenset(), *sinks, places=places, limit=limit)
    with Machine(epoch=0, tracers=(tracer,)) as machine:
        partition = machine.add_partition(memory="16M")
        partition.load(GUEST)
        partition.run(instructions=100)
    return text.getvalue(), [json.loads(line) for line in objects.getvalue().splitlines()]


def test_accesses_are_lines_for_people_and_objects_for_programs() -> None:
    text, objects = traced((Kind.STORE, "counter"))
    assert text.splitlines()[0].endswith(
        "cpu0 store 0000000000002000 <counter> 4 <- 0x00000008  by 0000000000001024 <again+0x8>"
    )
    assert len(objects) == 3
    del objects[0]["text"], objects[0]["time"]
    assert objects[0] == {
        "partition": "partition1",
        "processor": 0,
        "kind": "mem",
        "access": "store",
        "address": "0x2000",
        "symbol": "counter",
        "size": 4,
        "value": "0x00000008",
        "data": "00000008",
        "pc": "0x1024",
        "caller": "again+0x8",
    }


def test_a_trace_ends_at_its_limit() -> None:
    text, objects = traced((Kind.ACCESS, "counter"), (Kind.INSTRUCTION, "again+16"), limit=4)
    assert len(objects) == 5
    assert objects[-1]["kind"] == "end"
    assert "its limit is reached" in text.splitlines()[-1]


def test_command_line_traces_places(tmp_path: Path) -> None:
    source = tmp_path / "guest.s"
    source.write_text(PRELUDE + START + COUNTER + FOREVER + DATA)
    end = ("--timeout", "0.001")
    good = run(
        "run", str(source), *end, "--trace", "insn:again+4,load:counter", "--trace-limit", "3"
    )
    lines = [line for line in good.stderr.splitlines() if "cpu0" in line]
    assert len(lines) == 4
    assert "lwz r5, 0(r7) <again>" in lines[0]
    assert "load  0000000000002000 <counter> 4 -> 0x00000007" in lines[1]
    wrong = run("run", str(source), *end, "--trace", "insn:nowhere")
    assert wrong.returncode == 1
    assert "no symbol is called 'nowhere'" in wrong.stderr
    for words, why in (("mem:1-2-3", "is no place"), ("irq:main", "nothing is called")):
        wrong = run("run", str(source), "--trace", words)
        assert wrong.returncode == 2
        assert why in wrong.stderr
