"""XIVE's pages as guest code sees them: sources, queues in storage, the thread management area."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.state import StateError, plain, rebuild
from hypervisor.abi import H
from hypervisor.interrupts import InterruptMode, InterruptState
from hypervisor.partition import Progress
from hypervisor.xive import FIRST_IPI, EventState, Queue
from hypervisor.xive_pages import OS_PAGE, USER_PAGE, queue_page, source_page
from tests.hypervisor.lpar import CONSOLE_INTERRUPT, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypervisor.xive import Source, XiveController
    from tests.hypervisor.lpar import Lpar

QUEUE, ENTRIES = 0x10000, 1024
IPI, PRIORITY, EVENT = FIRST_IPI, 5, 0x123
GENERATION = 1 << 31


@pytest.fixture
def lpar() -> Iterator[Lpar]:
    """Two processors under XIVE; an IPI to processor 1."""
    with opened(processors=2) as made:
        made.partition.interrupts.use(InterruptMode.XIVE)
        connect(made)
        yield made


def connect(lpar: Lpar, flags: int = 1, number: int = IPI, server: int = 1) -> None:
    assert lpar.code("H_INT_SET_QUEUE_CONFIG", flags, server, PRIORITY, QUEUE, 12) == H.SUCCESS
    assert lpar.code("H_INT_SET_SOURCE_CONFIG", 2, number, server, PRIORITY, EVENT) == H.SUCCESS
    load(lpar, source_page(number) + 0xC00)
    controller(lpar).context(server).set_cppr(0xFF)


def controller(lpar: Lpar) -> XiveController:
    return lpar.partition.interrupts.xive


def ipi(lpar: Lpar) -> Source:
    source = controller(lpar).source(IPI)
    assert source is not None
    return source


def load(lpar: Lpar, address: int, length: int = 8, processor: int = 0) -> int:
    return lpar.partition.devices.load(processor, address, length)


def store(lpar: Lpar, address: int, value: int = 0, length: int = 8, processor: int = 0) -> None:
    lpar.partition.devices.store(processor, address, length, value)


def entries(lpar: Lpar, count: int = 4) -> list[int]:
    return list(lpar.memory.words(QUEUE, count))


# -- sources ---------------------------------------------------------------------------------

TRIGGERS = [
    (EventState.RESET, EventState.PENDING, True),
    (EventState.PENDING, EventState.QUEUED, False),
    (EventState.QUEUED, EventState.QUEUED, False),
    (EventState.OFF, EventState.OFF, False),
]
ENDS = [
    (EventState.RESET, EventState.RESET, False),
    (EventState.PENDING, EventState.RESET, False),
    (EventState.QUEUED, EventState.PENDING, True),
    (EventState.OFF, EventState.OFF, False),
]


@pytest.mark.parametrize(("before", "after", "routed"), TRIGGERS)
def test_a_trigger_is_routed_or_waits_or_is_dropped(
    lpar: Lpar, before: EventState, after: EventState, routed: bool
) -> None:
    ipi(lpar).state = before
    store(lpar, source_page(IPI))
    assert ipi(lpar).state is after
    assert entries(lpar, 1) == [GENERATION | EVENT if routed else 0]


@pytest.mark.parametrize(("before", "after", "routed"), ENDS)
@pytest.mark.parametrize("by_store", [True, False])
def test_the_end_of_an_event_routes_the_one_that_waited(
    lpar: Lpar, by_store: bool, before: EventState, after: EventState, routed: bool
) -> None:
    ipi(lpar).state = before
    if by_store:
        store(lpar, source_page(IPI) + 0x400)
    else:
        assert load(lpar, source_page(IPI)) == routed
    assert ipi(lpar).state is after
    assert entries(lpar, 1) == [GENERATION | EVENT if routed else 0]


@pytest.mark.parametrize("before", list(EventState))
@pytest.mark.parametrize("after", list(EventState))
def test_a_load_sets_a_state_and_gives_the_one_before(
    lpar: Lpar, before: EventState, after: EventState
) -> None:
    ipi(lpar).state = before
    assert load(lpar, source_page(IPI) + 0x800) == before
    assert load(lpar, source_page(IPI) + 0xC00 + 0x100 * after) == before
    assert ipi(lpar).state is after
    store(lpar, source_page(IPI) + 0xC00 + 0x100 * before)
    store(lpar, source_page(IPI) + 0x800)
    assert ipi(lpar).state is before
    assert entries(lpar, 1) == [0]


def test_a_page_without_a_source_reads_as_ones(lpar: Lpar) -> None:
    assert load(lpar, source_page(IPI - 1), 4) == 0xFFFF_FFFF
    store(lpar, source_page(IPI - 1))


# -- queues ----------------------------------------------------------------------------------


def test_a_queue_wraps_and_flips_its_generation(lpar: Lpar) -> None:
    for _ in range(ENTRIES + 1):
        store(lpar, source_page(IPI))
        store(lpar, source_page(IPI) + 0x400)
    assert entries(lpar, 2) == [EVENT, GENERATION | EVENT]
    assert lpar.memory.u32(QUEUE + 0x1000) == 0


def test_a_source_without_a_queue_loses_its_events(lpar: Lpar) -> None:
    lpar.code("H_INT_SET_QUEUE_CONFIG", 0, 1, PRIORITY, 0, 0)
    store(lpar, source_page(IPI))
    assert ipi(lpar).state is EventState.PENDING
    assert entries(lpar, 1) == [0]
    assert not lpar.partition.interrupts.pending(1)


def test_a_queue_that_does_not_always_notify_does_so_once_until_its_end(lpar: Lpar) -> None:
    connect(lpar, flags=0)
    context, page = controller(lpar).context(1), queue_page(1, PRIORITY)
    for _ in range(3):
        ipi(lpar).state = EventState.RESET
        store(lpar, source_page(IPI))
    assert entries(lpar, 4) == [GENERATION | EVENT] * 3 + [0]
    assert context.acknowledge()
    context.set_cppr(0xFF)
    assert not context.interrupts
    store(lpar, page)  # not possible
    assert load(lpar, page + 0x800) == EventState.QUEUED
    assert load(lpar, page) == 1
    assert context.acknowledge()
    assert load(lpar, page) == 0
    assert load(lpar, page + 0xD00) == EventState.RESET
    assert controller(lpar).queue(1, PRIORITY).state is EventState.OFF


# -- the thread management area --------------------------------------------------------------


def test_the_ring_of_the_operating_system_shows_the_callers_context(lpar: Lpar) -> None:
    ring = OS_PAGE + 0x10
    assert load(lpar, ring) == 0x0000_00FF_FF00_FFFF
    assert load(lpar, ring, processor=1) == 0x00FF_00FF_FF00_FFFF
    store(lpar, source_page(IPI))
    assert load(lpar, ring, processor=1) == 0x80FF_04FF_FF00_FF05
    assert load(lpar, ring + 1, 1, processor=1) == 0xFF
    assert load(lpar, ring + 6, 2, processor=1) == 0xFF05
    assert load(lpar, ring + 8, 4, processor=1) == 0x8000_0001
    assert load(lpar, ring + 12, 4, processor=1) == 0


def test_an_acknowledgement_takes_the_most_favoured_priority(lpar: Lpar) -> None:
    context = controller(lpar).context(0)
    acknowledge = OS_PAGE + 0x810
    assert load(lpar, acknowledge, 2) == 0
    store(lpar, OS_PAGE + 0x11, 6, 1)
    for priority in (7, 5, 3):
        store(lpar, OS_PAGE + 0x812, priority, 1)
    assert load(lpar, acknowledge, 2) == 0x8003
    assert load(lpar, acknowledge, 2) == 3
    store(lpar, OS_PAGE + 0x11, 6, 1)
    assert load(lpar, acknowledge, 2) == 0x8005
    store(lpar, OS_PAGE + 0x11, 7, 1)
    assert load(lpar, acknowledge, 2) == 7
    store(lpar, OS_PAGE + 0x11, 8, 1)
    assert context.cppr == 0xFF
    assert load(lpar, acknowledge, 2) == 0x8007


def test_an_acknowledgement_to_storage_leaves_the_ring_in_the_reporting_line(lpar: Lpar) -> None:
    lpar.code("H_INT_SET_OS_REPORTING_LINE", 0, 0x4000, caller=1)
    store(lpar, source_page(IPI))
    store(lpar, OS_PAGE + 0xC10, 0, 1, processor=1)
    assert lpar.memory.u64(0x4000) == 0x80FF_04FF_FF00_FF05
    assert controller(lpar).context(1).cppr == PRIORITY
    store(lpar, OS_PAGE + 0xC10, 0, 1)  # processor 0 has no line


@pytest.mark.parametrize(
    ("address", "length", "value"),
    [
        (OS_PAGE, 8, 0),
        (OS_PAGE + 0x38, 8, 0),
        (OS_PAGE + 0x40, 4, 0xFFFF_FFFF),
        (OS_PAGE + 0x810, 4, 0xFFFF_FFFF),
        (OS_PAGE + 0x818, 8, (1 << 64) - 1),
        (USER_PAGE + 0x10, 1, 0xFF),
    ],
)
def test_what_is_not_the_operating_systems_tells_nothing(
    lpar: Lpar, address: int, length: int, value: int
) -> None:
    before = lpar.partition.interrupts.state()
    assert load(lpar, address, length) == value
    store(lpar, address, value, length)
    assert lpar.partition.interrupts.state() == before


@pytest.mark.parametrize(
    ("offset", "value", "length"), [(0x11, 5, 2), (0x10, 5, 4), (0x812, 8, 1), (0x812, 3, 2)]
)
def test_stores_of_the_wrong_width_or_value_do_nothing(
    lpar: Lpar, offset: int, value: int, length: int
) -> None:
    before = lpar.partition.interrupts.state()
    store(lpar, OS_PAGE + offset, value, length)
    assert lpar.partition.interrupts.state() == before


# -- guests ----------------------------------------------------------------------------------

RECEIVER = f"""
        load64  r5,{OS_PAGE:#x}
        li      r3,0xff
        stb     r3,0x11(r5)             # CPPR
1:      li      r3,H_CEDE
        sc      1
        b       1b
"""
HANDLER = f"""
        load64  r5,{OS_PAGE:#x}
        lhz     r20,0x810(r5)           # acknowledge
        lis     r6,{QUEUE >> 16:#x}
        lwz     r21,0(r6)
        load64  r5,{source_page(IPI):#x}
        std     r3,0x400(r5)            # the end of the event
        li      r22,1
2:      b       2b
"""
SENDER = f"""
        load64  r5,{source_page(IPI):#x}
        std     r3,0(r5)
1:      b       1b
"""


def test_a_processor_interrupts_another_with_one_store(lpar: Lpar) -> None:
    lpar.load(HANDLER, at=0x500)
    lpar.start(RECEIVER, at=0x4000, number=1)
    lpar.start(SENDER, at=0x5000, number=0)
    assert lpar.partition.run(1_000_000) is Progress.RAN
    receiver = lpar.processor(1)
    assert receiver.gpr(20) == 0x8000 | PRIORITY
    assert receiver.gpr(21) == GENERATION | EVENT
    assert receiver.gpr(22) == 1
    assert ipi(lpar).state is EventState.RESET
    assert lpar.partition.engine.counts().device_accesses == 4


def test_a_terminal_interrupts_through_either_controller(lpar: Lpar) -> None:
    connect(lpar, number=CONSOLE_INTERRUPT)
    lpar.console.type(b"x")
    assert lpar.partition.interrupts.pending(1)
    assert entries(lpar, 1) == [GENERATION | EVENT]
    lpar.partition.interrupts.use(InterruptMode.XICS)
    assert not lpar.partition.interrupts.pending(1)
    lpar.partition.interrupts.xics.set_source(CONSOLE_INTERRUPT, 1, 5)
    lpar.partition.interrupts.xics.server(1).cppr = 0xFF
    lpar.console.read(1)
    lpar.console.type(b"y")
    assert lpar.partition.interrupts.pending(1)


def test_under_xics_there_are_no_device_pages(lpar: Lpar) -> None:
    lpar.partition.interrupts.use(InterruptMode.XICS)
    lpar.load("load64 r3,0xdead\n1: b 1b\n", at=0x300)
    lpar.start(SENDER)
    lpar.partition.run(1000)
    assert lpar.processor(0).gpr(3) == 0xDEAD


def test_a_storm_of_events_costs_no_more_than_its_stores(lpar: Lpar) -> None:
    lpar.start(f"load64 r5,{source_page(IPI):#x}\n1: std r3,0(r5)\n std r3,0x400(r5)\n b 1b\n")
    lpar.partition.run(30_000)
    assert lpar.partition.time_base < 31_000
    assert lpar.partition.outcome is None


def test_an_entry_over_code_runs_as_code(lpar: Lpar) -> None:
    """The entry is `lwz r0,EVENT(0)`."""
    lpar.code("H_INT_SET_QUEUE_CONFIG", 1, 1, PRIORITY, 0x5000, 12)
    lpar.memory.write_u32(EVENT, 0x1234_5678)
    lpar.start(f"1: nop\n load64 r5,{source_page(IPI):#x}\n std r3,0(r5)\n b 1b\n", at=0x5000)
    lpar.partition.run(1000)
    assert lpar.memory.u32(0x5000) == GENERATION | EVENT
    assert lpar.processor(0).gpr(0) == 0x1234_5678


# -- H_LOGICAL_CI_LOAD and H_LOGICAL_CI_STORE ------------------------------------------------


def test_device_pages_can_be_accessed_by_hcall(lpar: Lpar) -> None:
    assert lpar.code("H_LOGICAL_CI_STORE", 8, source_page(IPI), 0) == H.SUCCESS
    answer = lpar.call("H_LOGICAL_CI_LOAD", 8, source_page(IPI) + 0x800)
    assert (answer.code, answer.results[0]) == (H.SUCCESS, EventState.PENDING)
    assert lpar.code("H_LOGICAL_CI_STORE", 1, OS_PAGE + 0x11, 0xF03) == H.SUCCESS
    assert controller(lpar).context(0).cppr == 3


@pytest.mark.parametrize(
    ("size", "address"),
    [(3, OS_PAGE), (16, OS_PAGE), (2, OS_PAGE + 1), (8, 0), (8, OS_PAGE - (1 << 40))],
)
def test_only_device_pages_are_accessed_as_such(lpar: Lpar, size: int, address: int) -> None:
    assert lpar.code("H_LOGICAL_CI_LOAD", size, address) == H.PARAMETER
    assert lpar.code("H_LOGICAL_CI_STORE", size, address, 0) == H.PARAMETER


# -- state -----------------------------------------------------------------------------------


def test_a_restored_controller_goes_on_where_it_was(lpar: Lpar) -> None:
    store(lpar, source_page(IPI))
    state = rebuild(InterruptState, plain(lpar.partition.interrupts.state()))
    with opened(processors=2) as other:
        other.partition.interrupts.restore(state)
        assert other.partition.interrupts.state() == state
        assert other.partition.interrupts.pending(1)
        ipi(other).state = EventState.RESET
        store(other, source_page(IPI))
        assert entries(other, 2) == [0, GENERATION | EVENT]


@pytest.mark.parametrize(
    "queue",
    [
        Queue(QUEUE, 13),
        Queue(QUEUE, 64),
        Queue(QUEUE, -1),
        Queue(QUEUE + 4, 12),
        Queue(1 << 40, 12),
        Queue(-0x1000, 12),
        Queue(QUEUE, 12, index=1024),
        Queue(QUEUE, 12, generation=2),
    ],
)
def test_a_state_with_a_queue_that_cannot_be_is_refused(lpar: Lpar, queue: Queue) -> None:
    controller(lpar).set_queue(1, PRIORITY, queue)
    state = lpar.partition.interrupts.state()
    with opened(processors=2) as other, pytest.raises(StateError, match="event queue"):
        other.partition.interrupts.restore(state)
