"""Cores of dedicated partitions: lent or kept, while these are activated and while they are not."""

from __future__ import annotations

import pytest

from hypervisor.dispatching.dispatcher import CapacityError, ProcessorDispatcher
from hypervisor.dispatching.records import WINDOW
from hypervisor.system.share import DedicatedShare, SharedShare, SharingMode
from hypervisor.system.units import ProcUnits

from .synthetic import BUSY, Synthetic, dispatch
from .test_dispatching import consumed


def test_an_owner_that_does_not_donate_lends_nothing() -> None:
    half = ((WINDOW // 4, WINDOW // 4),)
    members = [
        (DedicatedShare(1, SharingMode.SHARE_IDLE_ALWAYS), [Synthetic(half, donates=False)]),
        (SharedShare(ProcUnits(50), 2, capped=False), [Synthetic(BUSY), Synthetic(BUSY)]),
    ]
    dispatcher = dispatch(2, members)
    for _ in range(10):
        dispatcher.run_window()
    assert dispatcher.cores[1].lent == 0
    assert consumed(dispatcher.members[1]) == pytest.approx(5 * WINDOW, rel=0.01)
    assert consumed(dispatcher.members[2]) == pytest.approx(10 * WINDOW, rel=0.01)


@pytest.mark.parametrize(
    ("mode", "lent"),
    [
        (SharingMode.KEEP_IDLE, False),
        (SharingMode.SHARE_IDLE, True),
        (SharingMode.SHARE_IDLE_ACTIVE, False),
        (SharingMode.SHARE_IDLE_ALWAYS, True),
    ],
)
def test_cores_of_a_partition_that_was_switched_off_are_lent_by_its_mode(
    mode: SharingMode, lent: bool
) -> None:
    busy = SharedShare(ProcUnits(50), 2, capped=False)
    members = [
        (DedicatedShare(1, mode), [Synthetic(BUSY)]),
        (busy, [Synthetic(BUSY), Synthetic(BUSY)]),
    ]
    dispatcher = dispatch(2, members)
    dispatcher.run_window()
    dispatcher.remove(1)
    before = consumed(dispatcher.members[2])
    for _ in range(10):
        dispatcher.run_window()
    used = consumed(dispatcher.members[2]) - before
    assert used == pytest.approx(10 * WINDOW * (1 + lent), rel=0.01)
    dispatcher.add(1, DedicatedShare(1, mode), [Synthetic(BUSY, wake=dispatcher.now)])
    dispatcher.run_window()
    assert consumed(dispatcher.members[1]) == WINDOW


def test_cores_that_are_kept_go_to_whoever_has_a_claim_to_them() -> None:
    """To the partition itself, to one that is activated, to shared ones that are entitled to more,
    and in the place of one that failed."""
    keeps = DedicatedShare(1, SharingMode.KEEP_IDLE)
    dispatcher = dispatch(4, [(keeps, [Synthetic(BUSY)]) for _ in range(3)])
    was_on = {n: dispatcher.members[n].processors[0].core for n in (1, 2, 3)}
    for number in (1, 2):
        dispatcher.remove(number)
    assert [core.kept_for for core in dispatcher.cores] == [None, None, 2, 1]
    dispatcher.add(2, keeps, [Synthetic(BUSY)])
    assert dispatcher.members[2].processors[0].core is was_on[2]
    dispatcher.add(4, keeps, [Synthetic(BUSY)])
    assert dispatcher.members[4].processors[0].core is dispatcher.cores[0]
    dispatcher.add(5, SharedShare(ProcUnits(50), 1), [Synthetic(BUSY)])
    assert [core.pooled for core in dispatcher.cores] == [False, False, False, True]
    for number in (2, 5):
        dispatcher.remove(number)
    core = was_on[3]
    assert core is not None
    dispatcher.fail_core(core.number)
    assert dispatcher.members[3].processors[0].core is was_on[2]


def standing(dispatcher: ProcessorDispatcher) -> list[object]:
    """Who has which core, and on which one everybody goes on."""
    cores = [(core.failed, core.owner, core.kept_for) for core in dispatcher.cores]
    return [*cores, *(processor.core for processor in dispatcher.processors)]


@pytest.mark.parametrize("beside", [DedicatedShare(1), SharedShare(ProcUnits(50), 1)])
def test_a_core_that_nothing_can_replace_is_refused_to_fail_and_goes_on_working(
    beside: DedicatedShare | SharedShare,
) -> None:
    """The last one of a dedicated partition, or of all shared ones."""
    members = [(DedicatedShare(1), [Synthetic(BUSY)]), (beside, [Synthetic(BUSY)])]
    dispatcher = dispatch(2, members)
    dispatcher.run_window()
    before = standing(dispatcher)
    for core in dispatcher.cores:
        with pytest.raises(CapacityError, match=r"no core left|no other core"):
            dispatcher.fail_core(core.number)
    assert standing(dispatcher) == before
    dispatcher.run_window()
    entitled = 2 * WINDOW if beside.dedicated else WINDOW
    assert [consumed(m) for m in dispatcher.members.values()] == [2 * WINDOW, entitled]


def test_processors_of_a_dedicated_partition_share_the_cores_it_has_left_evenly() -> None:
    """However many have failed; and each has one of its own again once there are some."""
    processors = [Synthetic(BUSY) for _ in range(4)]
    dispatcher = dispatch(4, [(DedicatedShare(4), processors)])
    member = dispatcher.members[1]

    def used(windows: int) -> list[float]:
        before = [p.times.consumed for p in member.processors]
        for _ in range(windows):
            dispatcher.run_window()
        after = [p.times.consumed for p in member.processors]
        return [(b - a) / (windows * WINDOW) for a, b in zip(before, after, strict=True)]

    assert used(4) == [1] * 4
    for failing, working in ((0, 3), (3, 2), (1, 1)):
        dispatcher.fail_core(failing)
        cores = [processor.core for processor in member.processors]
        assert {core for core in cores if core is not None} == {
            core for core in dispatcher.cores if not core.failed
        }
        each = used(4)
        assert sum(each) == pytest.approx(working)
        assert min(each) > 0
    assert each == pytest.approx([0.25] * 4, abs=0.03)
    with pytest.raises(CapacityError, match="last core"):
        dispatcher.fail_core(2)
    for _ in range(3):
        dispatcher.add_core()
    assert used(4) == [1] * 4


def test_cores_that_failed_are_not_given_out_and_shared_partitions_keep_one() -> None:
    shared = SharedShare(ProcUnits(100), 1)
    dispatcher = dispatch(2, [(shared, [Synthetic(BUSY)])])
    dispatcher.fail_core(1)
    with pytest.raises(CapacityError, match="needs 1 cores, 0 free"):
        dispatcher.add(2, DedicatedShare(1), [Synthetic(BUSY)])
    dispatcher.remove(1)
    dispatcher.add(2, DedicatedShare(1), [Synthetic(BUSY)])
    with pytest.raises(CapacityError, match="no core is left for the shared partition 1"):
        dispatcher.add(1, shared, [Synthetic(BUSY)])
    dispatcher.run_window()
    assert consumed(dispatcher.members[2]) == WINDOW
