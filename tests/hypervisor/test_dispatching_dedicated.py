"""Cores of dedicated partitions: lent or kept, while these are activated and while they are not."""

from __future__ import annotations

import pytest

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
