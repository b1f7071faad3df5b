"""Partitions of a managed machine, with real guest code under the dispatcher."""

from __future__ import annotations

import pytest

from hypervisor.dispatching.records import WINDOW
from hypervisor.partition import Ending
from hypervisor.system.definition import ToyKernel
from hypervisor.system.errors import ManagementError
from pyphyp import actions
from pyphyp.guest_starts import start_of
from pyphyp.partition import ClosedError
from pyphyp.usage import PartitionState

from .managed import CEDER, COUNT, SPINNER, consumed, machine, shared

TOLERANCE = 0.01


def test_busy_capped_partitions_get_their_entitlement_and_no_more() -> None:
    with machine(1, [shared(50), shared(30), shared(10)], SPINNER) as its:
        its.run(windows=20)
        shares = [ticks / its.now for ticks in consumed(its)]
        assert shares == pytest.approx([0.5, 0.3, 0.1], rel=TOLERANCE)
        core = its.dispatcher.cores[0]
        assert core.used + core.idle == core.clock
        counted = [its.partitions[name].memory.u64(COUNT) for name in ("lpar1", "lpar2", "lpar3")]
        assert counted == [pytest.approx(ticks / 3, abs=2) for ticks in consumed(its)]


def test_busy_uncapped_partitions_use_the_whole_core() -> None:
    with machine(1, [shared(50, weight=128), shared(30, weight=64)], SPINNER) as its:
        its.run(windows=20)
        assert sum(consumed(its)) == pytest.approx(its.now, rel=0.001)
        assert its.dispatcher.cores[0].idle == 0


def test_a_ceding_partition_leaves_its_time_to_an_uncapped_one() -> None:
    starts = {"lpar1": CEDER, "lpar2": SPINNER}
    with machine(1, [shared(50), shared(10, weight=1)], starts) as its:
        its.run(windows=10)
        assert its.partitions["lpar1"].memory.u64(COUNT) == 10  # each decrementer interrupt
        first, second = consumed(its)
        assert first < WINDOW // 100
        assert second > 0.98 * its.now


def test_windows_in_which_all_wait_are_skipped_and_accounted_for() -> None:
    with machine(1, [shared(50)], start_of(ToyKernel("ticks"))) as its:
        lpar = its.partitions["lpar1"]
        lpar.console.wait_for("tick 3")
        assert 3 * 512_000_000 < its.now < 3 * 512_000_000 + 2 * WINDOW
        times = its.dispatcher.members[1].processors[0].times
        assert times.consumed + times.waited + times.ceded == its.now


def test_a_guest_that_ends_is_switched_off_and_can_be_activated_again() -> None:
    with machine(1, [shared(50)], start_of(ToyKernel("hello"))) as its:
        its.run()
        lpar = its.partitions["lpar1"]
        assert lpar.outcome is not None
        assert lpar.outcome.ending is Ending.EXIT
        assert lpar.state is PartitionState.POWERED_OFF
        assert "Hello" in lpar.console.output
        its.perform(actions.ActivatePartition("lpar1"))
        its.run()
        assert its.partitions["lpar1"] is not lpar
        assert "Hello" in its.partitions["lpar1"].console.output


def test_a_closed_machine_says_so() -> None:
    with machine(1, [shared(50)], SPINNER) as its:
        its.run(windows=1)
    with pytest.raises(ClosedError, match="closed"):
        its.run(windows=1)
    with pytest.raises(ClosedError):
        its.partitions["lpar1"].run()


def test_requests_that_cannot_be_carried_out_are_refused() -> None:
    with machine(1, [shared(50)], SPINNER) as its:
        for request, why in (
            (actions.ActivatePartition("lpar1"), "activated already"),
            (actions.ActivatePartition("lpar9"), "no partition"),
            (actions.ShutdownPartition("lpar9"), "does not run"),
            (actions.FailCore(7), "no core 7"),
        ):
            with pytest.raises(ManagementError, match=why):
                its.perform(request)
