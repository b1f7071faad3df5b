"""Client terminals (LoPAR 17.5.2) and the interrupts of virtual adapters (17.2.1.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypervisor.abi import DOUBLEWORD, H
from hypervisor.vio.adapter import InterruptLine, Slot
from hypervisor.vio.vty import INPUT_LIMIT, ClientTerminal, Terminals
from tests.hypervisor.lpar import CONSOLE, CONSOLE_INTERRUPT, opened

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar

NO_TERMINAL = CONSOLE + 1


def terminal_in_slot_0() -> ClientTerminal:
    return ClientTerminal(Slot(0), InterruptLine(lambda: None))


def doublewords(text: bytes) -> tuple[int, int]:
    sixteen = text.ljust(16, b"\0")
    return int.from_bytes(sixteen[:8], "big"), int.from_bytes(sixteen[8:], "big")


def shown(lpar: Lpar) -> bytearray:
    screen = bytearray()
    lpar.console.listeners.append(screen.extend)
    return screen


def source_pending(lpar: Lpar) -> bool:
    source = lpar.interrupts.source(CONSOLE_INTERRUPT)
    assert source is not None
    pending, source.pending = source.pending, False
    return pending


def test_h_put_term_char_writes_the_characters_from_the_high_order_byte_on(lpar: Lpar) -> None:
    screen = shown(lpar)
    assert lpar.code("H_PUT_TERM_CHAR", CONSOLE, 11, *doublewords(b"hello world!")) == H.SUCCESS
    assert screen == b"hello world"


def test_h_put_term_char_writes_0_to_16_characters(lpar: Lpar) -> None:
    screen = shown(lpar)
    text = doublewords(b"0123456789abcdef")
    assert lpar.code("H_PUT_TERM_CHAR", CONSOLE, 0, *text) == H.SUCCESS
    assert screen == b""
    assert lpar.code("H_PUT_TERM_CHAR", CONSOLE, 16, *text) == H.SUCCESS
    assert screen == b"0123456789abcdef"
    for length in (17, DOUBLEWORD):
        assert lpar.code("H_PUT_TERM_CHAR", CONSOLE, length, *text) == H.PARAMETER
    assert screen == b"0123456789abcdef"


def test_h_put_term_char_needs_a_terminal_of_the_partition(lpar: Lpar) -> None:
    screen = shown(lpar)
    assert lpar.code("H_PUT_TERM_CHAR", NO_TERMINAL, 1, *doublewords(b"a")) == H.PARAMETER
    assert screen == b""


def test_h_get_term_char_gives_16_characters_at_most_and_counts_them(lpar: Lpar) -> None:
    lpar.console.type(b"0123456789abcdefXY")
    answer = lpar.call("H_GET_TERM_CHAR", CONSOLE)
    assert answer.code == H.SUCCESS
    assert answer.results[:3] == (16, *doublewords(b"0123456789abcdef"))
    answer = lpar.call("H_GET_TERM_CHAR", CONSOLE)
    assert answer.results[:3] == (2, *doublewords(b"XY"))
    assert lpar.call("H_GET_TERM_CHAR", CONSOLE).results[0] == 0


def test_h_get_term_char_needs_a_terminal_of_the_partition(lpar: Lpar) -> None:
    lpar.console.type(b"a")
    assert lpar.code("H_GET_TERM_CHAR", NO_TERMINAL) == H.PARAMETER
    assert lpar.console.waiting == 1


def test_unit_address_0_is_the_first_terminal(lpar: Lpar) -> None:
    screen = shown(lpar)
    lpar.partition.virtual_io.add_terminal(Slot(1))
    assert lpar.code("H_PUT_TERM_CHAR", 0, 1, *doublewords(b"!")) == H.SUCCESS
    assert screen == b"!"


def test_unit_address_0_is_no_terminal_where_there_is_none() -> None:
    with opened() as lpar:
        lpar.partition.virtual_io.terminals = Terminals()
        assert lpar.code("H_GET_TERM_CHAR", 0) == H.PARAMETER


def test_a_slot_is_given_once(lpar: Lpar) -> None:
    with pytest.raises(ValueError, match="slot 0 is taken"):
        lpar.partition.virtual_io.bus.add(terminal_in_slot_0())


def test_input_interrupts_when_the_queue_stops_being_empty(lpar: Lpar) -> None:
    lpar.console.type(b"")
    assert not source_pending(lpar)
    lpar.console.type(b"a")
    assert source_pending(lpar)
    lpar.console.type(b"b")
    assert not source_pending(lpar)
    lpar.call("H_GET_TERM_CHAR", CONSOLE)
    lpar.console.type(b"c")
    assert source_pending(lpar)


def test_h_vio_signal_disables_and_enables_the_interrupt(lpar: Lpar) -> None:
    assert lpar.code("H_VIO_SIGNAL", CONSOLE, 0) == H.SUCCESS
    lpar.console.type(b"a")
    assert not source_pending(lpar)
    lpar.call("H_GET_TERM_CHAR", CONSOLE)
    assert lpar.code("H_VIO_SIGNAL", CONSOLE, 1) == H.SUCCESS
    lpar.console.type(b"b")
    assert source_pending(lpar)


def test_what_happens_while_interrupts_are_disabled_never_interrupts(lpar: Lpar) -> None:
    lpar.call("H_VIO_SIGNAL", CONSOLE, 0)
    lpar.console.type(b"a")
    lpar.call("H_VIO_SIGNAL", CONSOLE, 1)
    assert not source_pending(lpar)


@pytest.mark.parametrize(
    ("unit", "mode"), [(NO_TERMINAL, 1), (0, 1), (CONSOLE, 2), (CONSOLE, DOUBLEWORD)]
)
def test_h_vio_signal_refuses_other_adapters_and_modes(lpar: Lpar, unit: int, mode: int) -> None:
    assert lpar.code("H_VIO_SIGNAL", unit, mode) == H.PARAMETER
    assert lpar.console.interrupt.enabled


def test_input_that_nobody_reads_is_bounded() -> None:
    terminal = terminal_in_slot_0()
    assert terminal.type(bytes(INPUT_LIMIT - 1)) == INPUT_LIMIT - 1
    assert terminal.type(b"abc") == 1
    assert terminal.type(b"d") == 0
    assert terminal.waiting == INPUT_LIMIT


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=40), st.none()), max_size=20))
def test_a_guest_reads_what_was_typed_in_its_order(steps: list[bytes | None]) -> None:
    terminal = terminal_in_slot_0()
    typed, read = b"", b""
    for step in steps:
        if step is None:
            read += terminal.read(16)
        else:
            terminal.type(step)
            typed += step
    assert typed == read + terminal.read(len(typed))


def test_a_zero_behind_a_carriage_return_begins_the_next_chunk(lpar: Lpar) -> None:
    lpar.console.type(b"a\r\0b\r")
    assert lpar.call("H_GET_TERM_CHAR", CONSOLE).results[:2] == (2, doublewords(b"a\r")[0])
    assert lpar.call("H_GET_TERM_CHAR", CONSOLE).results[:2] == (3, doublewords(b"\0b\r")[0])
