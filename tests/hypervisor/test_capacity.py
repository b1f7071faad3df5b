"""Capacity of a partition that runs alone: H_GET_PPP, H_SET_PPP, H_PIC (LoPAR 14.11.3, 14.11.4)."""

from __future__ import annotations

import pytest

from hypervisor.abi import H
from hypervisor.capacity import Capacity, PoolCapacity
from hypervisor.system.bounds import Bounds
from hypervisor.system.share import DedicatedShare, SharedShare
from hypervisor.system.units import NONE, ProcUnits
from tests.hypervisor.lpar import Lpar, opened

STATUS, SHARED = 0x09, 2
HERE = 0x8000


def test_one_virtual_processor_has_a_processor_of_its_own(lpar: Lpar) -> None:
    answer = lpar.call("H_GET_PPP")
    assert answer.code == H.SUCCESS
    capped, platform_processors = 1 << 48, 1
    assert answer.results[:5] == (100, 0, 0xFFFF, capped | platform_processors, 0)


def test_several_share_one_processor_and_are_capped_at_it(lpar3: Lpar) -> None:
    answer = lpar3.call("H_GET_PPP")
    capped, pool_processors, platform_processors = 1 << 48, 1 << 16, 1
    assert answer.results[:4] == (100, 0, 0, capped | pool_processors | platform_processors)
    assert answer.results[4] == 1 << 48 | 100 << 24 | 100


@pytest.mark.parametrize(("processors", "status"), [(1, 0), (3, SHARED)])
def test_the_vpa_says_whether_processors_are_shared(processors: int, status: int) -> None:
    with opened(processors) as made:
        made.memory.write_u16(HERE + 4, 640)
        assert made.code("H_REGISTER_VPA", 1 << 45, 0, HERE) == H.SUCCESS
        assert made.memory.u8(HERE + STATUS) == status


def test_nothing_else_can_be_had_than_the_one_processor(lpar3: Lpar) -> None:
    assert lpar3.code("H_SET_PPP", 100, 0) == H.SUCCESS
    assert lpar3.code("H_SET_PPP", 50, 0) == H.CONSTRAINED
    assert lpar3.code("H_SET_PPP", 200, 0) == H.CONSTRAINED
    assert lpar3.code("H_SET_PPP", 100, 9) == H.CONSTRAINED
    assert lpar3.code("H_SET_PPP", 100, 256) == H.PARAMETER
    assert lpar3.call("H_GET_PPP").results[0] == 100


def test_idle_time_of_the_processor_counts(lpar3: Lpar) -> None:
    lpar3.partition.pass_time(5_000)
    answer = lpar3.call("H_PIC")
    assert answer.code == H.SUCCESS
    assert answer.results[:5] == (5_000, 1, 5_000, 0, 0)
    assert [lpar3.processor().gpr(n) for n in (9, 10, 11, 12)] == [0, 5_000, 0, 0]


# ---- what can be given of what is asked for ---------------------------------------------------


def capacity(share: SharedShare | DedicatedShare, unallocated: int = 0) -> Capacity:
    return Capacity(
        share=share,
        units=Bounds(ProcUnits(20), ProcUnits(50), ProcUnits(150)),
        virtual=Bounds(1, 2, 4),
        memory_mib=Bounds.exactly(64),
        weight=100,
        least_units=ProcUnits(5),
        unallocated=ProcUnits(unallocated),
        pool=PoolCapacity(4, ProcUnits(400), NONE),
        shared_processors=4,
        active_processors=4,
        potential_processors=8,
    )


@pytest.mark.parametrize(
    ("virtual", "unallocated", "asked", "given"),
    [
        (2, 100, 60, 60),
        (2, 5, 60, 55),  # what is unallocated
        (2, 500, 151, 150),  # the profile's maximum
        (1, 500, 101, 100),  # a whole processor for each virtual one
        (2, 100, 19, 20),  # the profile's minimum
        (8, 100, 0, 40),  # the least for each virtual processor
        (2, 100, 1 << 63, 150),
        (2, -30, 60, 50),  # nothing is free, nothing is taken away
    ],
)
def test_entitlement_is_constrained(virtual: int, unallocated: int, asked: int, given: int) -> None:
    share = SharedShare(ProcUnits(50), virtual, capped=False, weight=80)
    assert capacity(share, unallocated).constrained(asked, 80) == (given, 80)


def test_weight_is_constrained_by_the_profile_s() -> None:
    share = SharedShare(ProcUnits(50), 2, capped=False, weight=80)
    assert [capacity(share).constrained(50, weight)[1] for weight in (0, 100, 255)] == [0, 100, 100]
    assert capacity(SharedShare(ProcUnits(50), 2)).constrained(50, 9) == (50, 0)
    assert capacity(DedicatedShare(2)).constrained(50, 9) == (200, 0)
