"""Traces for people and for programs, and the counts of a run."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from pyphyp import Event, H, HcallError, Machine
from pyphyp.decode import number, plain, quoted
from pyphyp.guest_list import assemble_toy
from pyphyp.stats import table
from pyphyp.trace import JsonTrace, Kind, TextTrace, Tracer
from tests.pyphyp.guests import FOREVER, program, put, rtas

if TYPE_CHECKING:
    from collections.abc import Callable

    from emu.program import Program
    from pyphyp import Partition

OTHERS = (Kind.INTERRUPT, Kind.INSTRUCTION)
CALLS = (Kind.HCALL, Kind.RTAS, Kind.CLIENT)


def traced(source: Program, *kinds: Kind, instructions: int = 200) -> tuple[str, list[object]]:
    """The text and the objects that a run of `source` gives."""
    text, objects = io.StringIO(), io.StringIO()
    tracer = Tracer(frozenset(kinds), TextTrace(text), JsonTrace(objects))
    with Machine(epoch=0, tracers=(tracer,)) as machine:
        partition = machine.add_partition(memory="16M")
        partition.load(source)
        partition.run(instructions=instructions)
    return text.getvalue(), [json.loads(line) for line in objects.getvalue().splitlines()]


def test_trace_of_a_toy_kernel(golden: Callable[[str, str], None]) -> None:
    text, _ = traced(assemble_toy("ticks"), *CALLS, Kind.INTERRUPT, instructions=10**6)
    golden("trace-ticks.txt", text)


def test_json_trace_of_a_toy_kernel(golden: Callable[[str, str], None]) -> None:
    _, objects = traced(assemble_toy("hello"), *CALLS, *OTHERS, instructions=10**6)
    golden("trace-hello.json", "".join(json.dumps(item) + "\n" for item in objects))


def test_terminal_hcalls_show_their_characters() -> None:
    text, objects = traced(program(put('a"\n\x07é'[:5]) + FOREVER), Kind.HCALL)
    assert text.endswith('H_PUT_TERM_CHAR(unit=0x0, length=5, "a\\"\\n\\x07\\xc3") = H_SUCCESS\n')
    assert isinstance(objects[0], dict)
    assert objects[0]["arguments"]["length"] == "0x5"


def test_refusals_are_shown_with_their_reason() -> None:
    text, objects = traced(program("        li r4,77\n        hcall 0x58\n" + FOREVER), Kind.HCALL)
    assert "= H_PARAMETER  (no terminal at unit address 0x4d)" in text
    assert isinstance(objects[0], dict)
    assert (objects[0]["code"], objects[0]["results"]) == ("H_PARAMETER", [])


def test_unknown_hcall_is_shown_by_number_with_its_registers() -> None:
    text, _ = traced(program("        li r4,9\n        hcall 0x1234\n" + FOREVER), Kind.HCALL)
    assert "0x1234(argument1=9, " in text
    assert "= H_FUNCTION" in text


def test_rtas_calls_show_status_and_results() -> None:
    with Machine(epoch=0) as machine:
        firmware = machine.add_partition(memory="16M").composition.firmware
        token = firmware.rtas.token("get-time-of-day")
    text, objects = traced(program(rtas(token, returns=8) + FOREVER), Kind.RTAS)
    assert "cpu0 get-time-of-day() = 0, 1970, 1, 1, 0, 0, 0, " in text
    assert isinstance(objects[0], dict)
    assert (objects[0]["kind"], objects[0]["code"]) == ("rtas", "0")


def test_instructions_are_disassembled() -> None:
    text, objects = traced(
        program("        li r3,88\n" + FOREVER), Kind.INSTRUCTION, instructions=2
    )
    assert "cpu0 0000000000001000  li r3, 0x58" in text
    assert isinstance(objects[0], dict)
    assert objects[0]["word"] == "0x38600058"


def test_trace_shows_what_a_script_made_of_a_call() -> None:
    text = io.StringIO()
    tracer = Tracer(frozenset(CALLS), TextTrace(text))
    with Machine(epoch=0, tracers=(tracer,)) as machine:

        @machine.after("H_RANDOM")
        def fail(event: Event) -> None:
            raise HcallError(H.BUSY, "study")

        partition = machine.add_partition(memory="16M")
        partition.load(program("        hcall H_RANDOM\n" + FOREVER))
        partition.run(instructions=20)
    assert "H_RANDOM() = H_BUSY  (study)" in text.getvalue()


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("kind", [Kind.HCALL, Kind.INTERRUPT, Kind.INSTRUCTION])
def test_trace_that_cannot_be_written_ends_the_run(kind: Kind) -> None:
    tracer = Tracer(frozenset({kind}), TextTrace(Broken()))
    with Machine(epoch=0, tracers=(tracer,)) as machine:
        partition = machine.add_partition(memory="16M")
        partition.load(assemble_toy("ticks"))
        with pytest.raises(BrokenPipeError):
            partition.run()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"abc", '"abc"'),
        (b'\\"\r\n\t\x1b[2J', '"\\\\\\"\\r\\n\\t\\x1b[2J"'),
        (b"\xff" * 65, '"' + "\\xff" * 64 + '"...'),
    ],
)
def test_bytes_of_a_guest_are_escaped(text: bytes, shown: str) -> None:
    assert quoted(text) == shown


def test_words_that_quote_a_guest_are_safe_to_print() -> None:
    assert plain("panic\x1b[31m\nnext") == "panic\\x1b[31m\\nnext"


def test_counts_are_decimal_and_addresses_hexadecimal() -> None:
    assert [number(5), number(1 << 20), number(5, hexadecimal=True)] == ["5", "0x100000", "0x5"]


# -- counts ----------------------------------------------------------------------------------


@pytest.fixture
def ticked(machine: Machine) -> Partition:
    partition = machine.add_partition(memory="16M")
    partition.load(assemble_toy("ticks"))
    partition.run()
    return partition


def test_counts_of_a_toy_kernel(ticked: Partition, golden: Callable[[str, str], None]) -> None:
    golden("stats-ticks.json", ticked.stats().json())


def test_counts_have_names(ticked: Partition) -> None:
    stats = ticked.stats()
    assert stats.interrupts == {"Decrementer": 5}
    assert stats.hcalls["H_PUT_TERM_CHAR"] == 5
    assert stats.client_services == {"exit": 1}
    assert stats.exits["hypercall"] == stats.hcalls.total()


def test_counts_of_two_boots_add_up(ticked: Partition) -> None:
    once = ticked.stats()
    ticked.load(assemble_toy("ticks"))
    ticked.run()
    twice = ticked.stats()
    assert twice.instructions == 2 * once.instructions
    assert twice.hcalls["H_PUT_TERM_CHAR"] == 10


def test_exact_counts_hold_no_host_time(ticked: Partition) -> None:
    assert "host_seconds" not in ticked.stats().json()
    assert ticked.stats().host_seconds > 0


def test_table_shows_every_count(ticked: Partition) -> None:
    from rich.console import Console

    console = Console(file=io.StringIO(), width=80)
    console.print(table(ticked.stats()))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "MIPS" in text
    assert "Decrementer" in text
    assert "5.0000" in text
