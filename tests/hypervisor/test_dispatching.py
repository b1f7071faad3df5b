"""The dispatcher's promises, for any machine and any pattern of demand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypervisor.dispatching.records import WINDOW
from hypervisor.system.definition import SharedProcessorPool
from hypervisor.system.share import DedicatedShare, SharedShare, SharingMode
from hypervisor.system.units import ProcUnits

from .synthetic import BUSY, IDLE, Demand, Synthetic, dispatch

if TYPE_CHECKING:
    from hypervisor.dispatching.dispatcher import ProcessorDispatcher
    from hypervisor.dispatching.members import Member

TICKS = WINDOW // 100
"""Of a window, a hundredth of a processor."""
BURST = st.integers(30_000, 3 * WINDOW)
DEMANDS: st.SearchStrategy[Demand] = st.one_of(
    st.just(BUSY),
    st.just(IDLE),
    st.lists(st.tuples(BURST, BURST), min_size=1, max_size=3).map(tuple),
)
OVERSHOOT = 40
"""Ticks by which a run can last longer than it may: a block of instructions is not cut."""


@st.composite
def partitions(draw: Any, cores: int, demands: st.SearchStrategy[Demand] = DEMANDS) -> Any:
    """Shared partitions that fit `cores` processors, with processors of any demand."""
    result, free = [], cores * 100
    for _ in range(draw(st.integers(1, 8))):
        if free < 5:
            break
        virtual = draw(st.integers(1, min(3, free // 5)))
        units = draw(st.integers(5 * virtual, min(free, 100 * virtual)))
        free -= units
        share = SharedShare(
            ProcUnits(units), virtual, draw(st.booleans()), draw(st.integers(0, 255))
        )
        processors = [
            Synthetic(draw(demands), draw(st.integers(0, OVERSHOOT))) for _ in range(virtual)
        ]
        result.append((share, processors))
    return result


@st.composite
def machines(draw: Any, demands: st.SearchStrategy[Demand] = DEMANDS) -> Any:
    cores = draw(st.integers(1, 4))
    return cores, draw(partitions(cores, demands))


def consumed(member: Member) -> int:
    return sum(processor.times.consumed for processor in member.processors)


def runs_of(dispatcher: ProcessorDispatcher) -> list[list[tuple[int, int]]]:
    found = []
    for processor in dispatcher.processors:
        assert isinstance(processor.runnable, Synthetic)
        found.append(processor.runnable.runs)
    return found


@settings(max_examples=15, deadline=None)
@given(machines())
def test_all_time_is_accounted_for_to_the_tick(machine: Any) -> None:
    dispatcher = dispatch(*machine)
    for _ in range(6):
        dispatcher.run_window()
        for core in dispatcher.cores:
            assert core.clock >= dispatcher.now
            assert core.used + core.idle == core.clock
        for processor in dispatcher.processors:
            times = processor.times
            assert times.consumed + times.waited + times.ceded == processor.counted_until
            assert 0 <= processor.counted_until - dispatcher.now <= OVERSHOOT
    used = sum(core.used for core in dispatcher.cores)
    assert used == sum(processor.times.consumed for processor in dispatcher.processors)
    assert used == sum(end - start for runs in runs_of(dispatcher) for start, end in runs)


@settings(max_examples=15, deadline=None)
@given(machines())
def test_a_capped_partition_never_gets_more_than_its_entitlement(machine: Any) -> None:
    dispatcher = dispatch(*machine)
    for window in range(1, 7):
        dispatcher.run_window()
        for member in dispatcher.members.values():
            if member.share.capped or not member.weight:
                for processor in member.processors:
                    assert processor.times.consumed <= processor.times.entitled + OVERSHOOT
                assert consumed(member) <= window * member.share.entitled * TICKS + 3 * OVERSHOOT


@settings(max_examples=15, deadline=None)
@given(machines())
def test_no_processor_is_on_two_cores_at_once_and_no_core_has_two(machine: Any) -> None:
    dispatcher = dispatch(*machine)
    for _ in range(6):
        dispatcher.run_window()
    for runs in runs_of(dispatcher):
        assert all(end <= start for (_, end), (start, _) in pairwise(runs))
    for core in dispatcher.cores:
        on_core = [d for d in dispatcher.schedule if d.core == core.number]
        assert all(before.end <= after.start for before, after in pairwise(on_core))


@settings(max_examples=12, deadline=None)
@given(machines(st.just(BUSY)))
def test_busy_processors_get_their_entitlement(machine: Any) -> None:
    dispatcher = dispatch(*machine)
    windows = 20
    for _ in range(windows):
        dispatcher.run_window()
    for processor in dispatcher.processors:
        times = processor.times
        short = times.entitled - (times.consumed - times.spare)
        assert short <= max(0.01 * times.entitled, WINDOW // 20), (processor.member.share, times)


@settings(max_examples=12, deadline=None)
@given(machines())
def test_nobody_with_entitlement_waits_for_long(machine: Any) -> None:
    dispatcher = dispatch(*machine)
    for _ in range(12):
        before = [processor.times.consumed for processor in dispatcher.processors]
        waited = [processor.times.waited for processor in dispatcher.processors]
        for _ in range(3):
            dispatcher.run_window()
        for n, processor in enumerate(dispatcher.processors):
            if processor.times.waited - waited[n] >= 3 * WINDOW - OVERSHOOT:
                assert processor.times.consumed > before[n]


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 4).flatmap(lambda cores: st.tuples(st.just(cores), partitions(cores))))
def test_the_same_machine_takes_the_same_course(machine: Any) -> None:
    cores, members = machine
    schedules = []
    for _ in range(2):
        fresh = [
            (share, [Synthetic(p.demand, p.overshoot) for p in processors])
            for share, processors in members
        ]
        dispatcher = dispatch(cores, fresh)
        for _ in range(5):
            dispatcher.run_window()
        schedules.append(list(dispatcher.schedule))
    assert schedules[0] == schedules[1]


@settings(max_examples=12, deadline=None)
@given(machines(st.sampled_from([BUSY, IDLE])), st.integers(1, 255))
def test_what_others_leave_is_used_by_those_who_may(machine: Any, weight: int) -> None:
    """There are as many busy uncapped processors as cores: these are never idle."""
    cores, members = machine
    members = members[: max(1, len(members) // 2)]
    entitled = sum(share.entitled for share, _ in members)
    if entitled + 5 * cores > 100 * cores:
        members, entitled = [], 0
    share = SharedShare(ProcUnits(5 * cores), cores, capped=False, weight=weight)
    members.append((share, [Synthetic(BUSY) for _ in range(cores)]))
    dispatcher = dispatch(cores, members)
    windows = 10
    for _ in range(windows):
        dispatcher.run_window()
    idle = sum(core.idle for core in dispatcher.cores)
    assert idle < 0.02 * windows * WINDOW * cores


def test_what_a_bursty_neighbour_leaves_is_used() -> None:
    """Its bursts and waits are much shorter than a slice."""
    bursts = ((30_000, 30_000),)
    members = [
        (SharedShare(ProcUnits(5), 1, capped=False, weight=1), [Synthetic(bursts)]),
        (SharedShare(ProcUnits(10), 2, capped=False, weight=1), [Synthetic(BUSY), Synthetic(BUSY)]),
    ]
    dispatcher = dispatch(2, members)
    for _ in range(5):
        dispatcher.run_window()
    assert sum(core.idle for core in dispatcher.cores) < 0.02 * 5 * WINDOW * 2


@settings(max_examples=6, deadline=None)
@given(
    st.lists(st.integers(1, 255), min_size=2, max_size=5),
    st.integers(1, 2),
    st.integers(5, 15),
)
def test_spare_time_goes_by_weight(weights: list[int], cores: int, units: int) -> None:
    weights = [max(weight, max(weights) // 8) for weight in weights]
    members = [
        (SharedShare(ProcUnits(units), 1, capped=False, weight=weight), [Synthetic(BUSY)])
        for weight in weights
    ]
    dispatcher = dispatch(cores, members)
    windows = 250
    for _ in range(windows):
        dispatcher.run_window()
    spare = [processor.times.spare for processor in dispatcher.processors]
    whole = windows * (WINDOW - units * TICKS)
    unbounded = [(s, w) for s, w in zip(spare, weights, strict=True) if s < 0.99 * whole]
    total, of_all = sum(s for s, _ in unbounded), sum(w for _, w in unbounded)
    for ticks, weight in unbounded:
        assert ticks / total == pytest.approx(weight / of_all, rel=0.01)


@st.composite
def pooled(draw: Any) -> Any:
    """A machine whose partitions are in pool 0 and two others."""
    cores = draw(st.integers(2, 4))
    members = draw(partitions(cores))
    placed = []
    for share, processors in members:
        pool = draw(st.integers(0, 2))
        placed.append(
            (
                SharedShare(share.entitled, len(processors), share.capped, share.weight, pool),
                processors,
            )
        )
    pools = []
    for number in (1, 2):
        entitled = sum(share.entitled for share, _ in placed if share.pool == number)
        maximum = draw(st.integers(max(entitled, 5), max(entitled, 5) + 100))
        pools.append(SharedProcessorPool(number, f"pool{number}", ProcUnits(maximum)))
    return cores, placed, pools


@settings(max_examples=15, deadline=None)
@given(pooled())
def test_a_pool_never_uses_more_than_its_maximum(machine: Any) -> None:
    cores, members, pools = machine
    dispatcher = dispatch(cores, members, pools)
    for window in range(1, 9):
        dispatcher.run_window()
        for pool in pools:
            used = dispatcher.pools[pool.number]
            late = used.entitled + cores * OVERSHOOT * 8
            assert used.total <= window * pool.maximum * TICKS + late


def test_unused_entitlement_is_its_own_pools_first() -> None:
    pools = [SharedProcessorPool(n, f"pool{n}", ProcUnits(100)) for n in (1, 2)]
    members = [
        (SharedShare(ProcUnits(40), 1, pool=1), [Synthetic(IDLE)]),
        (SharedShare(ProcUnits(10), 1, capped=False, weight=1, pool=1), [Synthetic(BUSY)]),
        (SharedShare(ProcUnits(50), 1, capped=False, weight=255, pool=2), [Synthetic(BUSY)]),
    ]
    dispatcher = dispatch(1, members, pools)
    for _ in range(20):
        dispatcher.run_window()
    assert consumed(dispatcher.members[2]) == pytest.approx(20 * 50 * TICKS, rel=0.01)
    assert consumed(dispatcher.members[3]) == pytest.approx(20 * 50 * TICKS, rel=0.01)


def test_reserved_units_are_the_pools_own() -> None:
    pools = [SharedProcessorPool(1, "first", ProcUnits(100), ProcUnits(30))]
    members = [
        (SharedShare(ProcUnits(20), 1, capped=False, weight=1, pool=1), [Synthetic(BUSY)]),
        (SharedShare(ProcUnits(20), 1, capped=False, weight=255), [Synthetic(BUSY)]),
    ]
    dispatcher = dispatch(1, members, pools)
    for _ in range(20):
        dispatcher.run_window()
    first = consumed(dispatcher.members[1]) / (20 * WINDOW)
    assert first == pytest.approx(0.5 + 0.3 / 256, abs=0.01)


@pytest.mark.parametrize("limited", ["by its pool", "by its processors"])
def test_who_could_not_use_its_part_does_not_make_up_for_it(limited: str) -> None:
    """It has the higher weight, and is bounded for a while; the other one still gets its own."""
    pools = [SharedProcessorPool(1, "first", ProcUnits(15))]
    share = SharedShare(ProcUnits(10), 1, capped=False, weight=10)
    other = SharedShare(ProcUnits(10), 1, capped=False, weight=10)
    if limited == "by its pool":
        members = [(replace(share, pool=1), [Synthetic(BUSY)]), (other, [Synthetic(BUSY)])]
        dispatcher = dispatch(1, members, pools)
    else:
        three = [Synthetic(BUSY) for _ in range(3)]
        members = [(share, [Synthetic(BUSY)]), (replace(other, virtual_processors=3), three)]
        dispatcher = dispatch(3, members)
    for _ in range(100):
        dispatcher.run_window()
    if limited == "by its pool":
        dispatcher.set_pool(1, 100, 0)
    else:
        dispatcher.fail_core(0)
        dispatcher.fail_core(1)
    before = [consumed(member) for member in dispatcher.members.values()]
    for _ in range(100):
        dispatcher.run_window()
    after = [consumed(member) for member in dispatcher.members.values()]
    used = [(b - a) / (100 * WINDOW) for a, b in zip(before, after, strict=True)]
    assert used == pytest.approx([0.5, 0.5], abs=0.07)


def test_ten_micro_partitions_of_one_core_progress_evenly() -> None:
    members = [(SharedShare(ProcUnits(10), 1), [Synthetic(BUSY, 7)]) for _ in range(10)]
    dispatcher = dispatch(1, members)
    for _ in range(50):
        dispatcher.run_window()
    each = [consumed(member) for member in dispatcher.members.values()]
    assert max(each) - min(each) < 0.01 * min(each)
    assert len(dispatcher.schedule) < 11 * 50  # once in a window, each for all it has


@pytest.mark.parametrize(
    ("mode", "lent"),
    [
        (SharingMode.KEEP_IDLE, False),
        (SharingMode.SHARE_IDLE, False),
        (SharingMode.SHARE_IDLE_ACTIVE, True),
        (SharingMode.SHARE_IDLE_ALWAYS, True),
    ],
)
def test_an_active_partition_lends_idle_cores_by_its_mode(mode: SharingMode, lent: bool) -> None:
    half = ((WINDOW // 4, WINDOW // 4),)
    owner, guest = Synthetic(half), Synthetic(BUSY)
    members = [
        (DedicatedShare(1, mode), [owner]),
        (SharedShare(ProcUnits(50), 2, capped=False, weight=128), [guest, Synthetic(BUSY)]),
    ]
    dispatcher = dispatch(2, members)
    for _ in range(20):
        dispatcher.run_window()
    times = dispatcher.members[1].processors[0].times
    assert times.waited == 0  # its owner gets a lent core back at once
    assert times.consumed == pytest.approx(10 * WINDOW, rel=0.01)
    assert times.donated == pytest.approx(10 * WINDOW if lent else 0, rel=0.02)
    assert dispatcher.cores[1].lent == times.donated


def test_a_failing_core_leaves_its_work_to_the_others() -> None:
    members = [(SharedShare(ProcUnits(60), 1), [Synthetic(BUSY)]) for _ in range(3)]
    dispatcher = dispatch(2, members)
    for _ in range(4):
        dispatcher.run_window()
    before = [consumed(member) for member in dispatcher.members.values()]
    dispatcher.fail_core(0)
    for _ in range(20):
        dispatcher.run_window()
    after = [consumed(member) for member in dispatcher.members.values()]
    each = [now - then for now, then in zip(after, before, strict=True)]
    assert each == [pytest.approx(20 * WINDOW / 3, rel=0.02)] * 3  # one core for 1.80 units
    assert dispatcher.cores[0].used <= 4 * WINDOW


def test_a_failed_core_of_a_dedicated_partition_is_replaced_from_the_shared_ones() -> None:
    members = [
        (DedicatedShare(1), [Synthetic(BUSY)]),
        (SharedShare(ProcUnits(50), 1), [Synthetic(BUSY)]),
    ]
    dispatcher = dispatch(3, members)
    dispatcher.run_window()
    dispatcher.fail_core(2)
    for _ in range(9):
        dispatcher.run_window()
    assert consumed(dispatcher.members[1]) == 10 * WINDOW
    assert consumed(dispatcher.members[2]) == 5 * WINDOW
