"""Areas, waiting and waking (LoPAR 14.11.3, 14.11.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu.memory import MIB, Memory
from hypervisor.abi import DOUBLEWORD, H
from hypervisor.partition import Progress
from hypervisor.processor import Standing
from hypervisor.splpar_areas import Area, RegisteredAreas
from tests.hypervisor.lpar import ABOVE, PRIVILEGED

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar

VPA, TRACE_LOG, SLB_SHADOW, DEREGISTER = 1, 2, 3, 4
VPA_BYTES = 640
HERE, LOG, SHADOW = 0x8000, 0xA000, 0xC000
YIELD_COUNT = 0x100


def area(lpar: Lpar, function: int, address: int = 0, number: int = 0, caller: int = 0) -> int:
    return lpar.code("H_REGISTER_VPA", function << 45, number, address, caller=caller)


@pytest.fixture
def sized(lpar3: Lpar) -> Lpar:
    """Storage with the smallest area of each kind."""
    lpar3.memory.write_u16(HERE + 4, VPA_BYTES)
    lpar3.memory.write_u32(LOG + 4, 48)
    lpar3.memory.write_u32(SHADOW + 4, 8)
    return lpar3


# ---- areas ------------------------------------------------------------------------------------


def test_each_area_is_registered_by_its_function(sized: Lpar) -> None:
    for function, address in ((VPA, HERE), (TRACE_LOG, LOG), (SLB_SHADOW, SHADOW)):
        assert area(sized, function, address) == H.SUCCESS
    areas = sized.processor().areas
    assert (areas.vpa, areas.trace_log, areas.slb_shadow) == (
        (HERE, VPA_BYTES),
        (LOG, 48),
        (SHADOW, 8),
    )


def test_the_counters_of_a_vpa_start_at_0_and_the_rest_stays(sized: Lpar) -> None:
    sized.memory.write(HERE + 0x10, b"\xee" * (VPA_BYTES - 0x10))
    assert area(sized, VPA, HERE) == H.SUCCESS
    expected = bytearray(b"\xee" * (VPA_BYTES - 0x10))
    expected[0x100 - 0x10 : 0x170 - 0x10] = bytes(0x70)
    assert sized.memory.read(HERE + 0x10, len(expected)) == expected


def test_the_yield_count_starts_odd_for_a_processor_that_does_not_run(sized: Lpar) -> None:
    assert area(sized, VPA, HERE, number=2) == H.SUCCESS
    assert sized.memory.u32(HERE + YIELD_COUNT) == 1


@given(st.lists(st.booleans()), st.integers(0, 0xFFFF_FFFF))
def test_the_yield_count_is_even_after_each_dispatch_and_odd_after_each_preemption(
    dispatches: list[bool], scribbled: int
) -> None:
    with Memory(MIB) as memory:
        memory.write_u16(HERE + 4, VPA_BYTES)
        areas = RegisteredAreas()
        areas.register(Area.VPA, HERE, memory, dispatched=True)
        memory.write_u32(HERE + YIELD_COUNT, scribbled)
        for dispatched in dispatches:
            before = areas.yield_count(memory)
            (areas.count_dispatch if dispatched else areas.count_preemption)(memory)
            after = areas.yield_count(memory)
            assert before is not None
            assert after is not None
            assert after % 2 != dispatched
            assert (after - before) % (1 << 32) in (1, 2)


def test_a_trace_log_starts_at_its_first_entry(sized: Lpar) -> None:
    area(sized, VPA, HERE)
    sized.memory.write_u64(HERE + 0x218, 99)
    assert area(sized, TRACE_LOG, LOG) == H.SUCCESS
    assert sized.memory.u64(HERE + 0x218) == 0


@pytest.mark.parametrize(
    ("function", "field", "length"),
    [
        (VPA, 2, VPA_BYTES - 1),
        (VPA, 2, 0),
        (TRACE_LOG, 4, 47),
        (SLB_SHADOW, 4, 7),
        (VPA, 2, 4097),
        (SLB_SHADOW, 4, 4097),
        (TRACE_LOG, 4, ABOVE),
        (TRACE_LOG, 4, 0xFFFF_FFFF),
    ],
)
def test_an_area_has_a_least_length_and_a_place_in_storage(
    sized: Lpar, function: int, field: int, length: int
) -> None:
    area(sized, VPA, HERE)
    sized.memory.write(LOG + 4, length.to_bytes(field, "big"))
    before = sized.everything()
    assert area(sized, function, LOG) == H.PARAMETER
    assert sized.everything() == before


@pytest.mark.parametrize("function", [VPA, TRACE_LOG, SLB_SHADOW])
@pytest.mark.parametrize("address", [0, HERE + 64, HERE + 1, ABOVE, ABOVE - 64, 1 << 63])
def test_an_area_lies_on_a_cache_line_of_storage(sized: Lpar, function: int, address: int) -> None:
    before = sized.everything()
    assert area(sized, function, address) == H.PARAMETER
    assert sized.everything() == before


def test_a_vpa_and_a_shadow_stay_within_4_kib_and_a_trace_log_need_not(sized: Lpar) -> None:
    late = HERE + 0xE00
    sized.memory.write_u16(late + 4, VPA_BYTES)
    assert area(sized, VPA, late) == H.PARAMETER
    assert area(sized, VPA, HERE) == H.SUCCESS
    sized.memory.write_u32(late + 4, VPA_BYTES)
    assert area(sized, SLB_SHADOW, late) == H.PARAMETER
    assert area(sized, TRACE_LOG, late) == H.SUCCESS


def test_an_area_may_fill_its_page_to_the_last_byte(sized: Lpar) -> None:
    last = HERE + 0x1000 - 768
    sized.memory.write_u16(last + 4, 768)
    assert area(sized, VPA, last) == H.SUCCESS
    sized.memory.write_u16(last + 4, 769)
    assert area(sized, VPA, last) == H.PARAMETER


@pytest.mark.parametrize(("function", "address"), [(TRACE_LOG, LOG), (SLB_SHADOW, SHADOW)])
def test_the_other_areas_need_a_vpa_and_keep_it(sized: Lpar, function: int, address: int) -> None:
    assert area(sized, function, address) == H.RESOURCE
    area(sized, VPA, HERE)
    assert area(sized, function, address) == H.SUCCESS
    assert area(sized, VPA | DEREGISTER) == H.RESOURCE
    assert area(sized, function | DEREGISTER) == H.SUCCESS
    assert area(sized, VPA | DEREGISTER) == H.SUCCESS
    assert sized.processor().areas == RegisteredAreas()


def test_what_is_not_registered_can_be_deregistered_wherever_it_lies(sized: Lpar) -> None:
    for function in (VPA, TRACE_LOG, SLB_SHADOW):
        assert area(sized, function | DEREGISTER, ABOVE + 1) == H.SUCCESS


def test_the_last_registration_wins(sized: Lpar) -> None:
    sized.memory.write_u16(LOG + 4, 1024)
    area(sized, VPA, HERE)
    assert area(sized, VPA, LOG) == H.SUCCESS
    assert sized.processor().areas.vpa == (LOG, 1024)


@pytest.mark.parametrize("flags", [0, 4 << 45, 1 << 45 | 1, 9 << 45, 1 << 63, DOUBLEWORD])
def test_other_functions_are_refused_before_the_processor(sized: Lpar, flags: int) -> None:
    assert sized.code("H_REGISTER_VPA", flags, 99, HERE) == H.PARAMETER


@pytest.mark.parametrize("number", [3, DOUBLEWORD])
def test_an_area_belongs_to_a_processor_of_the_partition(sized: Lpar, number: int) -> None:
    for function in (VPA, VPA | DEREGISTER):
        assert area(sized, function, HERE, number) == H.PARAMETER


@pytest.mark.parametrize("function", [VPA, SLB_SHADOW])
def test_vpa_and_shadow_are_for_the_caller_or_a_stopped_processor(
    sized: Lpar, function: int
) -> None:
    sized.processor(1).standing = Standing.CEDED
    for operation in (function, function | DEREGISTER):
        assert area(sized, operation, HERE, number=1) == H.STATE
    sized.processor(1).standing = Standing.STOPPED
    assert area(sized, function | DEREGISTER, HERE, number=1) == H.SUCCESS


def test_a_trace_log_can_be_set_up_for_a_processor_that_runs(sized: Lpar) -> None:
    area(sized, VPA, HERE, number=1)
    sized.processor(1).standing = Standing.READY
    assert area(sized, TRACE_LOG, LOG, number=1) == H.SUCCESS
    assert area(sized, TRACE_LOG | DEREGISTER, number=1) == H.SUCCESS


# ---- waiting and waking -------------------------------------------------------------------------


def test_h_cede_waits_with_external_interrupts_enabled(lpar: Lpar) -> None:
    assert lpar.code("H_CEDE") == H.SUCCESS
    assert lpar.processor().registers.msr == PRIVILEGED.replace(EE=1)
    assert lpar.processor().standing is Standing.CEDED
    assert lpar.partition.run(100) is Progress.IDLE


def test_a_prod_ends_one_wait_or_prevents_the_next(lpar: Lpar) -> None:
    lpar.code("H_CEDE")
    assert lpar.code("H_PROD", 0) == H.SUCCESS
    assert lpar.processor().standing is Standing.READY
    lpar.code("H_PROD", 0)
    lpar.code("H_PROD", 0)
    lpar.code("H_CEDE")
    assert lpar.processor().standing is Standing.READY
    lpar.code("H_CEDE")
    assert lpar.processor().standing is Standing.CEDED


@pytest.mark.parametrize("number", [3, 1 << 32, DOUBLEWORD])
def test_a_prod_is_for_a_processor_of_the_partition(lpar3: Lpar, number: int) -> None:
    assert lpar3.code("H_PROD", number) == H.PARAMETER
    assert not any(processor.prodded for processor in lpar3.partition.processors)


def test_the_decrementer_wakes_a_ceded_guest_at_0x900(lpar: Lpar) -> None:
    lpar.load("mftb r21\n li r20,9\n b .", 0x900)
    lpar.start("li r4,500\n mtdec r4\n li r3,H_CEDE\n sc 1\n li r20,1\n b .")
    assert lpar.partition.run(10_000) is Progress.IDLE
    assert lpar.partition.next_event < 600
    lpar.partition.pass_time(lpar.partition.next_event)
    assert lpar.partition.run(10_000) is Progress.RAN
    assert lpar.processor().gpr(20) == 9
    assert 500 <= lpar.processor().gpr(21) < 520


def test_a_guest_goes_on_behind_its_cede_when_prodded(lpar: Lpar) -> None:
    lpar.start("li r3,H_CEDE\n li r20,0\n sc 1\n mr r20,r3\n addi r20,r20,1\n b .")
    assert lpar.partition.run(1000) is Progress.IDLE
    lpar.processor().prod()
    lpar.partition.run(2000)
    assert lpar.processor().gpr(20) == H.SUCCESS + 1


@pytest.mark.parametrize("number", [3, DOUBLEWORD - 1, 1 << 32])
def test_conferring_is_to_a_processor_of_the_partition(lpar3: Lpar, number: int) -> None:
    assert lpar3.code("H_CONFER", number, 0) == H.PARAMETER


@pytest.mark.parametrize("everyone", [DOUBLEWORD, 0xFFFF_FFFF])
def test_conferring_to_all_lets_each_have_a_turn(lpar3: Lpar, everyone: int) -> None:
    lpar3.start("li r3,H_CONFER\n mr r4,r29\n sc 1\n b .")
    lpar3.processor().set_gpr(29, everyone)
    for number in (1, 2):
        lpar3.start("li r20,1\n b .", 0x4000 + number * 0x1000, number)
    lpar3.partition.run(250_000)
    assert [lpar3.processor(number).gpr(20) for number in (1, 2)] == [1, 1]


def test_conferring_to_a_waiting_processor_counts_when_its_yield_count_is_the_one_seen(
    sized: Lpar,
) -> None:
    area(sized, VPA, HERE, number=2)
    sized.start("li r3,H_CONFER\n li r4,2\n li r5,1\n sc 1\n b .")
    for number in (1, 2):
        sized.start("addi r20,r20,1\n b .-4", 0x4000 + number * 0x1000, number)
    sized.partition.run(1000)
    assert sized.processor(1).gpr(20) == 0
    assert sized.processor(2).gpr(20) > 0
    assert sized.memory.u32(HERE + YIELD_COUNT) == 2


def test_an_even_yield_count_means_that_there_is_nothing_to_wait_for(sized: Lpar) -> None:
    area(sized, VPA, HERE, number=1)
    sized.memory.write_u32(HERE + YIELD_COUNT, 4)
    sized.start("li r3,H_CONFER\n li r4,1\n li r5,4\n sc 1\n b .")
    sized.start("li r20,1\n b .", 0x5000, 1)
    sized.partition.run(1000)
    assert sized.processor(1).gpr(20) == 0


@pytest.mark.parametrize(("ee", "standing"), [(0, Standing.JOINED), (1, Standing.CEDED)])
def test_conferring_to_oneself_waits_for_a_prod_and_with_ee_for_an_interrupt(
    lpar3: Lpar, ee: int, standing: Standing
) -> None:
    before = lpar3.processor().registers.msr = PRIVILEGED.replace(EE=ee)
    assert lpar3.code("H_CONFER", 0, 0) == H.SUCCESS
    assert lpar3.processor().standing is standing
    assert lpar3.processor().registers.msr == before
    lpar3.processor().prod()
    assert lpar3.processor().standing is Standing.READY


def test_joining_needs_external_interrupts_disabled(lpar3: Lpar) -> None:
    lpar3.processor().registers.msr = PRIVILEGED.replace(EE=1)
    assert lpar3.code("H_JOIN") == H.BAD_MODE
    assert lpar3.processor().standing is Standing.READY


def test_joining_waits_while_another_runs_and_goes_on_when_none_does(lpar3: Lpar) -> None:
    lpar3.processor(1).standing = Standing.READY
    assert lpar3.code("H_JOIN") == H.SUCCESS
    assert lpar3.processor().standing is Standing.JOINED
    assert lpar3.code("H_JOIN", caller=1) == H.CONTINUE
    assert lpar3.processor(1).standing is Standing.READY


def test_an_interrupt_does_not_end_a_join(lpar3: Lpar) -> None:
    lpar3.processor(1).standing = Standing.READY
    lpar3.call("H_CPPR", 0xFF)
    lpar3.code("H_JOIN")
    lpar3.code("H_IPI", 0, 1, caller=1)
    assert not lpar3.processor().wake_if_interrupted()
    assert lpar3.processor().standing is Standing.JOINED


def test_a_ceded_processor_is_not_joined(lpar3: Lpar) -> None:
    lpar3.processor(1).standing = Standing.CEDED
    assert lpar3.code("H_JOIN") == H.SUCCESS
    assert lpar3.processor().standing is Standing.JOINED


# ---- counting -----------------------------------------------------------------------------------


def test_h_purr_counts_what_the_caller_ran(lpar: Lpar) -> None:
    lpar.start("li r3,H_PURR\n sc 1\n mr r20,r4\n mfspr r21,309\n b .")
    lpar.partition.run(1000)
    assert 0 < lpar.processor().gpr(20) <= lpar.processor().gpr(21) < 10


def test_work_is_pending_where_another_processor_of_the_partition_is_ready(lpar3: Lpar) -> None:
    assert lpar3.code("H_POLL_PENDING") == H.SUCCESS
    lpar3.processor(2).standing = Standing.READY
    assert lpar3.code("H_POLL_PENDING") == H.PENDING
    lpar3.code("H_CEDE", caller=2)
    assert lpar3.code("H_POLL_PENDING") == H.SUCCESS
    lpar3.code("H_PROD", 2)
    assert lpar3.code("H_POLL_PENDING") == H.PENDING
