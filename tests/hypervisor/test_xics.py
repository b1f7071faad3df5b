"""Interrupt presentation (LoPAR 14.5.4.7): by hcall, and as a guest is interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hypervisor.abi import DOUBLEWORD, H
from hypervisor.partition import Progress
from hypervisor.xics import XicsController
from tests.hypervisor.lpar import UNTOUCHED

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar

IPI = 2
FIRST, SECOND = 0x1010, 0x1011
LEAST = 0xFF
MASKED = 0xFF


@pytest.fixture
def sources(lpar3: Lpar) -> Lpar:
    """Two sources for server 0 of priority 5 and 7, and an open processor."""
    for number, priority in ((FIRST, 5), (SECOND, 7)):
        lpar3.interrupts.add_source(number)
        assert lpar3.interrupts.set_source(number, 0, priority)
    assert lpar3.code("H_CPPR", LEAST) == H.SUCCESS
    return lpar3


def xirr(cppr: int, source: int) -> int:
    return cppr << 24 | source


def accepted(lpar: Lpar, caller: int = 0) -> int:
    answer = lpar.call("H_XIRR", caller=caller)
    assert answer.code == H.SUCCESS
    assert answer.results[1:] == (UNTOUCHED,) * 5
    return answer.results[0]


def polled(lpar: Lpar, server: int = 0) -> tuple[int, int]:
    answer = lpar.call("H_IPOLL", server)
    assert answer.code == H.SUCCESS
    return answer.results[0], answer.results[1]


# ---- accepting and ending ------------------------------------------------------------------


def test_nothing_is_presented_at_first_whatever_is_pending(lpar: Lpar) -> None:
    lpar.interrupts.add_source(FIRST)
    lpar.interrupts.set_source(FIRST, 0, 0)
    lpar.interrupts.raise_source(FIRST)
    assert polled(lpar) == (0, MASKED)
    assert not lpar.interrupts.pending(0)
    assert accepted(lpar) == 0


def test_accepting_raises_the_cppr_to_that_of_the_interrupt(sources: Lpar) -> None:
    sources.interrupts.raise_source(FIRST)
    assert polled(sources) == (xirr(LEAST, FIRST), MASKED)
    assert accepted(sources) == xirr(LEAST, FIRST)
    assert polled(sources) == (xirr(5, 0), MASKED)


def test_accepting_when_nothing_is_pending_gives_no_source_and_keeps_the_cppr(
    sources: Lpar,
) -> None:
    assert accepted(sources) == xirr(LEAST, 0)
    assert polled(sources) == (xirr(LEAST, 0), MASKED)


def test_the_most_favoured_interrupt_is_presented_first(sources: Lpar) -> None:
    sources.interrupts.raise_source(SECOND)
    sources.interrupts.raise_source(FIRST)
    assert accepted(sources) == xirr(LEAST, FIRST)
    assert accepted(sources) == xirr(5, 0), "7 does not beat 5"
    assert sources.code("H_EOI", xirr(LEAST, FIRST)) == H.SUCCESS
    assert accepted(sources) == xirr(LEAST, SECOND)


def test_a_more_favoured_interrupt_interrupts_the_service_of_another(sources: Lpar) -> None:
    sources.interrupts.raise_source(SECOND)
    assert accepted(sources) == xirr(LEAST, SECOND)
    sources.interrupts.raise_source(FIRST)
    assert accepted(sources) == xirr(7, FIRST)
    assert sources.code("H_EOI", xirr(7, FIRST)) == H.SUCCESS
    assert sources.code("H_EOI", xirr(LEAST, SECOND)) == H.SUCCESS
    assert polled(sources) == (xirr(LEAST, 0), MASKED)


def test_a_source_is_not_presented_again_before_its_end_of_interrupt(sources: Lpar) -> None:
    sources.interrupts.raise_source(FIRST)
    accepted(sources)
    sources.interrupts.raise_source(FIRST)
    sources.call("H_CPPR", LEAST)
    assert accepted(sources) == xirr(LEAST, 0)
    assert sources.code("H_EOI", xirr(LEAST, FIRST)) == H.SUCCESS
    assert accepted(sources) == xirr(LEAST, FIRST)


@pytest.mark.parametrize("source", [0, 1, 3, FIRST - 1, 0xFFFFFF])
def test_end_of_interrupt_needs_a_source_of_the_partition(sources: Lpar, source: int) -> None:
    assert sources.code("H_EOI", xirr(0, source)) == H.PARAMETER
    assert polled(sources) == (xirr(LEAST, 0), MASKED)


def test_only_the_low_word_of_an_end_of_interrupt_counts(sources: Lpar) -> None:
    assert sources.code("H_EOI", 0xABCD << 32 | xirr(9, FIRST)) == H.SUCCESS
    assert polled(sources) == (xirr(9, 0), MASKED)


def test_end_of_interrupt_may_favour_more_as_linux_needs_it(sources: Lpar) -> None:
    sources.call("H_IPI", 0, 4)
    accepted(sources)
    assert sources.code("H_EOI", xirr(0, IPI)) == H.SUCCESS
    assert polled(sources) == (xirr(0, 0), 4)


def test_h_xirr_x_also_gives_the_time_base(sources: Lpar) -> None:
    sources.interrupts.raise_source(FIRST)
    sources.partition.pass_time(12345)
    answer = sources.call("H_XIRR_X", LEAST)
    assert answer.code == H.SUCCESS
    assert answer.results[:2] == (xirr(LEAST, FIRST), 12345)


# ---- the current processor priority ----------------------------------------------------------


def test_an_interrupt_waits_until_the_cppr_is_less_favoured_than_it(sources: Lpar) -> None:
    sources.call("H_CPPR", 5)
    sources.interrupts.raise_source(FIRST)
    assert polled(sources)[0] == xirr(5, 0), "equal is not enough"
    sources.call("H_CPPR", 6)
    assert polled(sources)[0] == xirr(6, FIRST)
    sources.call("H_CPPR", 0)
    assert polled(sources)[0] == xirr(0, 0), "what was presented is taken back"
    sources.call("H_CPPR", LEAST)
    assert accepted(sources) == xirr(LEAST, FIRST)


def test_only_the_low_byte_of_a_priority_counts(sources: Lpar) -> None:
    assert sources.code("H_CPPR", DOUBLEWORD - LEAST + 9) == H.SUCCESS
    assert polled(sources)[0] == xirr(9, 0)
    assert sources.code("H_IPI", 1, 0x1203) == H.SUCCESS
    assert polled(sources, 1)[1] == 3


# ---- inter-processor interrupts ---------------------------------------------------------------


def test_an_ipi_is_presented_until_its_mfrr_is_masked(sources: Lpar) -> None:
    sources.call("H_CPPR", LEAST, caller=1)
    assert sources.code("H_IPI", 1, 4) == H.SUCCESS
    assert polled(sources, 1) == (xirr(LEAST, IPI), 4)
    assert accepted(sources, caller=1) == xirr(LEAST, IPI)
    assert accepted(sources, caller=1) == xirr(4, 0), "4 does not beat 4"
    sources.call("H_EOI", xirr(LEAST, IPI), caller=1)
    assert accepted(sources, caller=1) == xirr(LEAST, IPI), "nobody has masked it"
    sources.call("H_IPI", 1, MASKED)
    sources.call("H_EOI", xirr(LEAST, IPI), caller=1)
    assert polled(sources, 1) == (xirr(LEAST, 0), MASKED)


def test_an_ipi_takes_its_place_among_the_sources(sources: Lpar) -> None:
    for source in (FIRST, SECOND):
        sources.interrupts.raise_source(source)
    sources.call("H_IPI", 0, 6)
    assert [accepted(sources) for _ in range(2)] == [xirr(LEAST, FIRST), xirr(5, 0)]
    sources.call("H_EOI", xirr(LEAST, FIRST))
    assert accepted(sources) == xirr(LEAST, IPI)


@pytest.mark.parametrize("server", [3, 1 << 32, DOUBLEWORD])
def test_ipis_and_polls_need_a_server_of_the_partition(sources: Lpar, server: int) -> None:
    assert sources.code("H_IPI", server, 0) == H.PARAMETER
    assert sources.code("H_IPOLL", server) == H.PARAMETER
    assert [polled(sources, n)[1] for n in range(3)] == [MASKED] * 3


# ---- sources -----------------------------------------------------------------------------------


def test_a_masked_source_keeps_its_interrupt(sources: Lpar) -> None:
    assert sources.interrupts.mask(FIRST)
    sources.interrupts.raise_source(FIRST)
    assert accepted(sources) == xirr(LEAST, 0)
    assert sources.interrupts.unmask(FIRST)
    assert accepted(sources) == xirr(LEAST, FIRST)


def test_a_source_interrupts_the_server_it_was_given_to(sources: Lpar) -> None:
    sources.call("H_CPPR", LEAST, caller=2)
    sources.interrupts.raise_source(FIRST)
    assert sources.interrupts.set_source(FIRST, 2, 5)
    assert not sources.interrupts.pending(0)
    assert accepted(sources, caller=2) == xirr(LEAST, FIRST)


def test_sources_servers_and_priorities_that_are_not_there_are_refused(sources: Lpar) -> None:
    assert not sources.interrupts.set_source(FIRST + 8, 0, 5)
    assert not sources.interrupts.set_source(FIRST, 3, 5)
    assert not sources.interrupts.set_source(FIRST, 0, 0x100)
    assert not sources.interrupts.mask(FIRST + 8)
    assert not sources.interrupts.unmask(FIRST + 8)
    source = sources.interrupts.source(FIRST)
    assert source is not None
    assert (source.server, source.priority) == (0, 5)


@pytest.mark.parametrize("number", [IPI, 0, FIRST, 1 << 24])
def test_a_source_has_a_number_of_its_own(number: int) -> None:
    controller = XicsController(servers=1)
    controller.add_source(FIRST)
    with pytest.raises(ValueError, match="taken or out of range"):
        controller.add_source(number)
    assert [source.number for source in controller] == [FIRST]


# ---- a guest is interrupted --------------------------------------------------------------------

HANDLER = """
        mfsrr0  r26
        mfsrr1  r27
        li      r3,H_XIRR
        sc      1
        mr      r25,r4
        addi    r24,r24,1
        li      r3,H_IPI            # whoever it was: no more of them
        li      r4,0
        li      r5,0xff
        sc      1
        li      r3,H_EOI
        mr      r4,r25
        sc      1
        mtsrr0  r26
        mtsrr1  r27
        rfid
"""
EXTERNAL = 0x500


def test_a_pending_interrupt_enters_the_guest_at_0x500_once(sources: Lpar) -> None:
    sources.load(HANDLER, EXTERNAL)
    sources.start(
        """
        li      r5,0
        ori     r5,r5,0x8000
        mfmsr   r6
        or      r6,r6,r5
        mtmsrd  r6,1
0:      addi    r20,r20,1
        b       0b
        """
    )
    sources.partition.run(1000)
    sources.interrupts.raise_source(FIRST)
    sources.partition.run(2000)
    assert sources.processor().gpr(25) == xirr(LEAST, FIRST)
    assert sources.processor().gpr(24) == 1
    assert sources.processor().gpr(20) > 0


def test_an_interrupt_wakes_a_ceded_guest_and_is_taken_before_it_goes_on(sources: Lpar) -> None:
    sources.load(HANDLER, EXTERNAL)
    sources.start("li r3,H_CEDE\n sc 1\n mr r20,r24\n mr r21,r3\n mfmsr r22\n b .")
    assert sources.partition.run(1000) is Progress.IDLE
    sources.interrupts.raise_source(SECOND)
    sources.partition.run(2000)
    assert sources.processor().gpr(25) == xirr(LEAST, SECOND)
    assert sources.processor().gpr(20) == 1
    assert sources.processor().gpr(22) & 0x8000


def test_a_guest_can_interrupt_itself(sources: Lpar) -> None:
    sources.load(HANDLER, EXTERNAL)
    sources.start("li r3,H_IPI\n li r4,0\n li r5,4\n sc 1\n li r3,H_CEDE\n sc 1\n li r20,1\n b .")
    sources.partition.run(1000)
    assert sources.processor().gpr(25) == xirr(LEAST, IPI)
    assert (sources.processor().gpr(24), sources.processor().gpr(20)) == (1, 1)
