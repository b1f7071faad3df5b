"""Activating partitions: what they get of what is free."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypervisor.system.allocation import Allocation
from hypervisor.system.bounds import Bounds
from hypervisor.system.definition import (
    Capacity,
    DedicatedProcessors,
    SharedProcessorPool,
    SharedProcessors,
)
from hypervisor.system.errors import ManagementError
from hypervisor.system.share import DedicatedShare, SharedShare
from hypervisor.system.units import ProcUnits

from .systems import LMB_MIB, partition, profile, shared, system

if TYPE_CHECKING:
    from hypervisor.system.allocation import PartitionResources
    from hypervisor.system.definition import ManagedSystem

POOL = 1


def allocation(*processors: SharedProcessors | DedicatedProcessors, cores: int = 2) -> Allocation:
    """A system of partitions lpar1, lpar2, ... with these claims."""
    each = (partition(n, profile(its)) for n, its in enumerate(processors, 1))
    return Allocation(system(*each, cores=Capacity(cores, cores)))


def dedicated(minimum: int, desired: int) -> DedicatedProcessors:
    return DedicatedProcessors(Bounds(minimum, desired, desired))


def test_a_partition_gets_what_it_desires_if_that_is_free() -> None:
    got = allocation(shared((10, 50, 100), (1, 2, 2))).activate("lpar1")
    assert got.share == SharedShare(ProcUnits(50), 2)
    assert got.memory_mib == 128


def test_it_gets_less_down_to_its_minimum() -> None:
    it = allocation(shared((150, 150, 150), (2, 2, 2)), shared((10, 60, 100), (1, 1, 2)))
    it.activate("lpar1")
    assert it.activate("lpar2").share == SharedShare(ProcUnits(50), 1)


def test_fewer_units_are_given_to_fewer_virtual_processors() -> None:
    it = allocation(shared((180, 180, 180), (2, 2, 2)), shared((10, 60, 100), (1, 10, 10)))
    it.activate("lpar1")
    assert it.activate("lpar2").share == SharedShare(ProcUnits(20), 4)


def test_it_gets_nothing_below_its_minimum_and_the_numbers_are_told() -> None:
    it = allocation(shared((150, 150, 150), (2, 2, 2)), shared((60, 60, 100), (1, 1, 2)))
    it.activate("lpar1")
    with pytest.raises(ManagementError, match=r"lpar2 needs 0\.60 .*: 0\.50 are free in pool 0"):
        it.activate("lpar2")
    assert it.free_units == 50


def test_dedicated_processors_are_whole_ones() -> None:
    it = allocation(shared((10, 10, 10), (1, 1, 1)), dedicated(1, 2), dedicated(1, 1))
    it.activate("lpar1")
    assert it.activate("lpar2").share == DedicatedShare(1)
    assert (it.shared_cores, it.dedicated_cores) == (1, 1)
    with pytest.raises(ManagementError, match=r"lpar3 needs 1 .*: 0 whole ones are free"):
        it.activate("lpar3")


def test_memory_is_given_in_logical_memory_blocks() -> None:
    big = profile(shared(), (64, 1024, 2048))
    tight = system(partition(1, big), partition(2, big), memory_mib=Capacity(4096, 1216))
    it = Allocation(tight)
    assert it.activate("lpar1").memory_mib == 1024
    assert it.activate("lpar2").memory_mib == 192
    assert it.free_mib == 0


def test_what_is_released_is_free_again() -> None:
    it = allocation(shared((150, 150, 150), (2, 2, 2)), shared((60, 60, 100), (1, 1, 2)))
    it.activate("lpar1")
    it.release("lpar1")
    it.release("lpar1")
    assert it.activate("lpar2").share.entitled == 60


def test_a_pools_reserve_is_given_to_nobody() -> None:
    pool = SharedProcessorPool(POOL, "web", ProcUnits(100), ProcUnits(50))
    inside = replace(shared((10, 80, 100), (1, 1, 1)), pool=POOL)
    outside = shared((10, 200, 200), (1, 2, 2))
    two = (partition(1, profile(inside)), partition(2, profile(outside)))
    it = Allocation(system(*two, pools=(pool,)))
    assert it.activate("lpar1").share.entitled == 50
    assert it.activate("lpar2").share.entitled == 200 - 50 - 50


@pytest.mark.parametrize(
    ("name", "chosen", "message"),
    [
        ("lpar9", None, "there is no partition 'lpar9': there are lpar1, lpar2"),
        ("lpar1", "fast", "lpar1 has no profile 'fast': it has normal"),
        ("lpar2", None, "lpar2 is activated already"),
    ],
)
def test_what_cannot_be_activated_is_refused(name: str, chosen: str | None, message: str) -> None:
    it = allocation(shared(), shared())
    it.activate("lpar2")
    with pytest.raises(ManagementError, match=message):
        it.activate(name, chosen)


def test_a_share_is_changed_within_the_profile_and_what_is_free() -> None:
    it = allocation(shared((10, 50, 150), (1, 2, 2)), shared((100, 100, 100), (1, 1, 1)))
    it.activate("lpar1")
    it.activate("lpar2")
    changed = SharedShare(ProcUnits(100), 2, capped=False, weight=255)
    assert it.change("lpar1", changed).share == changed
    for units, virtual, why in (
        (101, 2, r"1\.00 can be had"),
        (151, 2, r"0\.10 to 1\.50"),
        (9, 1, r"0\.10 to 1\.00"),
        (20, 3, "1 to 2 by its profile"),
    ):
        with pytest.raises(ManagementError, match=why):
            it.change("lpar1", SharedShare(ProcUnits(units), virtual))
    resources = it.resources("lpar1")
    assert resources is not None
    assert resources.share == changed


# -- for any system ------------------------------------------------------------------------


@st.composite
def bounds(draw: st.DrawFn, highest: int, step: int = 1) -> Bounds[int]:
    three = draw(st.lists(st.integers(1, highest), min_size=3, max_size=3))
    return Bounds(*(step * n for n in sorted(three)))


@st.composite
def claims(draw: st.DrawFn) -> SharedProcessors | DedicatedProcessors:
    counts = draw(bounds(4))
    if draw(st.booleans()):
        return DedicatedProcessors(counts)
    units = Bounds(
        *(ProcUnits(max(n, draw(st.integers(1, 20))) * 5 * n) for _, n in counts.by_kind())
    )
    ordered = Bounds(*sorted((units.minimum, units.desired, units.maximum)))
    pool = draw(st.sampled_from((0, POOL)))
    return SharedProcessors(ordered, counts, draw(st.booleans()), draw(st.integers(0, 255)), pool)


@st.composite
def systems(draw: st.DrawFn) -> ManagedSystem:
    each = draw(st.lists(st.tuples(claims(), bounds(16, LMB_MIB)), min_size=1, max_size=8))
    profiles = [profile(its, (m.minimum, m.desired, m.maximum)) for its, m in each]
    cores, mib = draw(st.integers(1, 8)), LMB_MIB * draw(st.integers(1, 64))
    reserved = draw(st.integers(0, 100))
    pool = SharedProcessorPool(POOL, "web", ProcUnits(100), ProcUnits(reserved))
    return system(
        *(partition(n, its) for n, its in enumerate(profiles, 1)),
        cores=Capacity(8, cores),
        memory_mib=Capacity(LMB_MIB * 64, mib),
        pools=(pool,),
    )


def in_bounds(got: PartitionResources) -> bool:
    """Whether a partition has at least its minimum and at most what it desires."""
    memory, processors, share = got.profile.memory_mib, got.profile.processors, got.share
    good = memory.minimum <= got.memory_mib <= memory.desired
    if isinstance(processors, SharedProcessors):
        virtual, units = processors.virtual, processors.units
        good &= units.minimum <= share.entitled <= units.desired
        good &= 5 * share.virtual_processors <= share.entitled <= 100 * share.virtual_processors
    else:
        virtual = processors.processors
    return good and virtual.minimum <= share.virtual_processors <= virtual.desired


@given(systems(), st.data())
def test_no_more_is_given_than_there_is_and_never_less_than_a_minimum(
    it: ManagedSystem, data: st.DataObject
) -> None:
    given_out = Allocation(it)
    names = [its.name for its in it.partitions]
    for name in data.draw(st.lists(st.sampled_from(names), max_size=20)):
        if given_out.resources(name) is not None:
            given_out.release(name)
            continue
        try:
            got = given_out.activate(name)
        except ManagementError:
            continue
        assert in_bounds(got)
        assert given_out.free_units >= 0
        assert given_out.free_mib >= 0
        pool = it.pools[0]
        assert given_out.entitled(POOL) + pool.reserved <= pool.maximum
        wanted = ProcUnits.processors(given_out.dedicated_cores) + given_out.entitled()
        assert wanted + pool.reserved <= ProcUnits.processors(it.cores.activated)
    for name in names:
        given_out.release(name)
    assert given_out.free_mib == it.memory_mib.activated
    assert not given_out.given


@given(systems(), st.data())
def test_what_each_gets_does_not_depend_on_the_order_of_the_definition(
    it: ManagedSystem, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(it.partitions))
    names = [its.name for its in it.partitions]

    def results(of: ManagedSystem) -> list[PartitionResources]:
        given_out = Allocation(of)
        for name in names:
            try:
                given_out.activate(name)
            except ManagementError:
                assert given_out.resources(name) is None
        return list(given_out.given)

    assert results(it) == results(replace(it, partitions=tuple(order)))
