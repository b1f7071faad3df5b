"""The hcalls of XIVE exploitation mode: what they do, and what each refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hypervisor.abi import DOUBLEWORD, H, InterruptMode
from hypervisor.xive import FIRST_IPI, SOURCES, EventState
from hypervisor.xive_pages import queue_page, source_page
from tests.hypervisor.lpar import ABOVE, CONSOLE_INTERRUPT, NUMBERS, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypervisor.xive import Source
    from tests.hypervisor.lpar import Lpar

QUEUE, SHIFT = 0x10000, 12
IPI = FIRST_IPI
ALWAYS, MASK, SET_EISN, STORE, DEBUG = 1, 1, 2, 1, 1
NO_SOURCE = FIRST_IPI - 1
MINUS_ONE = DOUBLEWORD


@pytest.fixture
def lpar() -> Iterator[Lpar]:
    """Two processors under XIVE."""
    with opened(processors=2) as made:
        made.partition.interrupts.use(InterruptMode.XIVE)
        yield made


def source_of(lpar: Lpar, number: int) -> Source:
    source = lpar.partition.interrupts.xive.source(number)
    assert source is not None
    return source


XIVE_CALLS = [name for name in NUMBERS if name.startswith("H_INT_")]
XICS_CALLS = ["H_EOI", "H_CPPR", "H_IPI", "H_IPOLL", "H_XIRR", "H_XIRR_X"]


def test_there_are_all_eleven_calls() -> None:
    assert len(XIVE_CALLS) == 11


@pytest.mark.parametrize("name", XIVE_CALLS)
def test_under_xics_no_call_of_xive_is_there(lpar: Lpar, name: str) -> None:
    lpar.partition.interrupts.use(InterruptMode.XICS)
    assert lpar.code(name) == H.FUNCTION


@pytest.mark.parametrize("name", XICS_CALLS)
def test_under_xive_no_call_of_xics_is_there(lpar: Lpar, name: str) -> None:
    assert lpar.code(name) == H.FUNCTION


@pytest.mark.parametrize("name", XIVE_CALLS)
@pytest.mark.parametrize("flag", [1 << 63, 1 << 2])
def test_flags_that_no_call_knows_are_refused(lpar: Lpar, name: str, flag: int) -> None:
    assert lpar.code(name, flag) == H.PARAMETER


# The call, its arguments, and the code that names the wrong one.
REFUSALS = [
    ("H_INT_GET_SOURCE_INFO", (0, NO_SOURCE), H.P2),
    ("H_INT_GET_SOURCE_INFO", (0, SOURCES), H.P2),
    ("H_INT_GET_SOURCE_INFO", (0, MINUS_ONE), H.P2),
    ("H_INT_SET_SOURCE_CONFIG", (0, NO_SOURCE, 0, 0, 0), H.P2),
    ("H_INT_SET_SOURCE_CONFIG", (0, IPI, 2, 0, 0), H.P3),
    ("H_INT_SET_SOURCE_CONFIG", (0, IPI, MINUS_ONE, 0, 0), H.P3),
    ("H_INT_SET_SOURCE_CONFIG", (0, IPI, 0, 8, 0), H.P4),
    ("H_INT_SET_SOURCE_CONFIG", (0, IPI, 0, 0xFE, 0), H.P4),
    ("H_INT_SET_SOURCE_CONFIG", (0, IPI, 0, MINUS_ONE, 0), H.P4),
    ("H_INT_SET_SOURCE_CONFIG", (SET_EISN, IPI, 0, 0, 1 << 31), H.P5),
    ("H_INT_GET_SOURCE_CONFIG", (0, NO_SOURCE), H.P2),
    ("H_INT_GET_QUEUE_INFO", (0, 2, 0), H.P2),
    ("H_INT_GET_QUEUE_INFO", (0, 0, 8), H.P3),
    ("H_INT_SET_QUEUE_CONFIG", (0, 2, 0, QUEUE, SHIFT), H.P2),
    ("H_INT_SET_QUEUE_CONFIG", (0, 0, 8, QUEUE, SHIFT), H.P3),
    ("H_INT_SET_QUEUE_CONFIG", (0, 0, 0, QUEUE + 0x800, SHIFT), H.P4),
    ("H_INT_SET_QUEUE_CONFIG", (0, 0, 0, ABOVE, SHIFT), H.P4),
    ("H_INT_SET_QUEUE_CONFIG", (0, 0, 0, 0, 21), H.P4),
    ("H_INT_SET_QUEUE_CONFIG", (0, 0, 0, -0x1000 & MINUS_ONE, SHIFT), H.P4),
    ("H_INT_SET_QUEUE_CONFIG", (0, 0, 0, QUEUE, 13), H.P5),
    ("H_INT_SET_QUEUE_CONFIG", (0, 0, 0, QUEUE, MINUS_ONE), H.P5),
    ("H_INT_GET_QUEUE_CONFIG", (0, 2, 0), H.P2),
    ("H_INT_GET_QUEUE_CONFIG", (0, 0, 8), H.P3),
    ("H_INT_SET_OS_REPORTING_LINE", (0, 0x80), H.P2),
    ("H_INT_SET_OS_REPORTING_LINE", (0, ABOVE), H.P2),
    ("H_INT_GET_OS_REPORTING_LINE", (0, 2), H.P2),
    ("H_INT_ESB", (0, NO_SOURCE, 0, 0), H.P2),
    ("H_INT_ESB", (0, IPI, 0x10000, 0), H.P3),
    ("H_INT_SYNC", (0, NO_SOURCE), H.P2),
]


@pytest.mark.parametrize(("name", "arguments", "code"), REFUSALS)
def test_the_code_names_the_argument_that_is_wrong(
    lpar: Lpar, name: str, arguments: tuple[int, ...], code: H
) -> None:
    before = lpar.partition.interrupts.state()
    assert lpar.code(name, *arguments) == code
    assert lpar.partition.interrupts.state() == before


def test_a_source_has_one_page_that_triggers_it_and_takes_stores_as_ends(lpar: Lpar) -> None:
    for number in (IPI, CONSOLE_INTERRUPT):
        answer = lpar.call("H_INT_GET_SOURCE_INFO", 0, number)
        assert answer.code == H.SUCCESS
        assert answer.results[:4] == (0b11, source_page(number), MINUS_ONE, 16)


def test_a_source_goes_nowhere_until_it_is_configured(lpar: Lpar) -> None:
    assert lpar.call("H_INT_GET_SOURCE_CONFIG", 0, IPI).results[:3] == (0, 0xFF, IPI)
    assert lpar.code("H_INT_SET_SOURCE_CONFIG", 0, IPI, 1, 7, 0x1234) == H.SUCCESS
    assert lpar.call("H_INT_GET_SOURCE_CONFIG", 0, IPI).results[:3] == (1, 7, IPI)
    assert lpar.code("H_INT_SET_SOURCE_CONFIG", SET_EISN, IPI, 0, 3, 0x1234) == H.SUCCESS
    assert lpar.call("H_INT_GET_SOURCE_CONFIG", 0, IPI).results[:3] == (0, 3, 0x1234)


def test_priority_0xff_takes_a_source_back_to_nowhere(lpar: Lpar) -> None:
    lpar.code("H_INT_SET_SOURCE_CONFIG", SET_EISN, IPI, 1, 3, 0x1234)
    assert lpar.code("H_INT_SET_SOURCE_CONFIG", 0, IPI, 77, 0xFF, 0) == H.SUCCESS
    assert lpar.call("H_INT_GET_SOURCE_CONFIG", 0, IPI).results[:3] == (1, 0xFF, IPI)


def test_events_of_a_masked_source_are_dropped(lpar: Lpar) -> None:
    lpar.code("H_INT_SET_QUEUE_CONFIG", ALWAYS, 0, 3, QUEUE, SHIFT)
    lpar.code("H_INT_SET_SOURCE_CONFIG", MASK, IPI, 0, 3, 0)
    source_of(lpar, IPI).state = EventState.RESET
    lpar.partition.interrupts.raise_source(IPI)
    assert lpar.memory.u32(QUEUE) == 0
    assert source_of(lpar, IPI).state is EventState.PENDING


def test_a_queue_can_be_looked_at(lpar: Lpar) -> None:
    assert lpar.call("H_INT_GET_QUEUE_INFO", 0, 1, 7).results[:2] == (queue_page(1, 7), 16)
    assert lpar.call("H_INT_GET_QUEUE_CONFIG", 0, 1, 7).results[:4] == (0, 0, 0, 0)
    assert lpar.code("H_INT_SET_QUEUE_CONFIG", ALWAYS, 1, 7, QUEUE, SHIFT) == H.SUCCESS
    assert lpar.call("H_INT_GET_QUEUE_CONFIG", 0, 1, 7).results[:4] == (1, QUEUE, SHIFT, 0)
    lpar.code("H_INT_SET_SOURCE_CONFIG", 0, IPI, 1, 7, 0)
    source_of(lpar, IPI).state = EventState.RESET
    lpar.partition.interrupts.raise_source(IPI)
    shown = lpar.call("H_INT_GET_QUEUE_CONFIG", DEBUG, 1, 7).results[:4]
    assert shown == (0b11, QUEUE, SHIFT, 1)


def test_a_queue_of_size_zero_is_none(lpar: Lpar) -> None:
    lpar.code("H_INT_SET_QUEUE_CONFIG", ALWAYS, 0, 3, QUEUE, SHIFT)
    assert lpar.code("H_INT_SET_QUEUE_CONFIG", 0, 0, 3, MINUS_ONE, 0) == H.SUCCESS
    assert lpar.call("H_INT_GET_QUEUE_CONFIG", DEBUG, 0, 3).results[:4] == (0b10, 0, 0, 0)


def test_a_reporting_line_belongs_to_the_caller(lpar: Lpar) -> None:
    assert lpar.call("H_INT_GET_OS_REPORTING_LINE", 0, 1).results[0] == MINUS_ONE
    assert lpar.code("H_INT_SET_OS_REPORTING_LINE", 0, 0x300, caller=1) == H.SUCCESS
    assert lpar.call("H_INT_GET_OS_REPORTING_LINE", 0, 1).results[0] == 0x300
    assert lpar.call("H_INT_GET_OS_REPORTING_LINE", 0, 0).results[0] == MINUS_ONE
    assert lpar.code("H_INT_SET_OS_REPORTING_LINE", 0, MINUS_ONE, caller=1) == H.SUCCESS
    assert lpar.call("H_INT_GET_OS_REPORTING_LINE", 0, 1).results[0] == MINUS_ONE


def test_h_int_esb_is_an_access_to_the_page_of_a_source(lpar: Lpar) -> None:
    assert lpar.call("H_INT_ESB", 0, IPI, 0xC00, 0).results[0] == EventState.OFF
    assert source_of(lpar, IPI).state is EventState.RESET
    assert lpar.call("H_INT_ESB", STORE, IPI, 0, 0).results[0] == MINUS_ONE
    assert lpar.call("H_INT_ESB", 0, IPI, 0x800, 0).results[0] == EventState.PENDING


def test_a_sync_finds_every_event_in_its_queue(lpar: Lpar) -> None:
    assert lpar.code("H_INT_SYNC", 0, IPI) == H.SUCCESS


def test_a_reset_puts_everything_into_its_first_state(lpar: Lpar) -> None:
    first = lpar.partition.interrupts.state()
    lpar.code("H_INT_SET_QUEUE_CONFIG", ALWAYS, 0, 3, QUEUE, SHIFT)
    lpar.code("H_INT_SET_SOURCE_CONFIG", SET_EISN, IPI, 1, 3, 0x1234)
    lpar.code("H_INT_SET_OS_REPORTING_LINE", 0, 0x300)
    source_of(lpar, IPI).state = EventState.QUEUED
    lpar.partition.interrupts.xive.context(1).notify(3)
    assert lpar.partition.interrupts.state() != first
    assert lpar.code("H_INT_RESET", 0) == H.SUCCESS
    assert lpar.partition.interrupts.state() == first
