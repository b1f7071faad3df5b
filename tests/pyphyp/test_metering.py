"""What a machine tells of its processors' last second and of all its time."""

from __future__ import annotations

import pytest

from hypervisor.dispatching.records import WINDOW
from hypervisor.system.errors import ManagementError
from hypervisor.system.share import SharingMode
from pyphyp.actions import ActivatePartition, FailCore, ShutdownPartition
from pyphyp.daemon.hosted import HostedMachine
from pyphyp.metering import Meter
from pyphyp.pacing import Unattended
from pyphyp.usage import CoreState, PartitionState, ProcessorMode

from .managed import CEDER, SPINNER, dedicated, machine, shared

SECOND = 100
"""Windows."""


class Windows(Unattended):
    """Looks away after so many windows."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.left = count

    def look(self) -> bool:
        self.left -= 1
        return self.left >= 0


def test_the_last_second_is_what_changed_in_it() -> None:
    with machine(1, [shared(50), shared(20)], SPINNER) as its:
        hosted = HostedMachine(its)
        hosted.run(attendant=Windows(150))
        hosted.perform(ShutdownPartition("lpar1", immediate=True))
        hosted.run(attendant=Windows(50))
        usage = hosted.usage()
        one, two = usage.partitions
        assert usage.now == 200 * WINDOW
        assert one.last_second.elapsed == pytest.approx(100 * WINDOW, abs=10 * WINDOW)
        assert one.since_start.consumed == pytest.approx(75 * WINDOW, rel=0.01)
        assert one.last_second.consumed == pytest.approx(25 * WINDOW, rel=0.2)
        assert two.last_second.consumed * 5 == pytest.approx(two.last_second.elapsed, rel=0.01)
        assert two.since_start.consumed * 5 == pytest.approx(usage.now, rel=0.01)


def test_every_tick_of_a_partition_is_told() -> None:
    with machine(1, [shared(50), shared(30, weight=9)], {"lpar1": CEDER, "lpar2": SPINNER}) as its:
        its.run(windows=30)
        for partition in Meter(its).usage().partitions:
            times = partition.since_start
            assert times.consumed + times.waited + times.ceded == times.elapsed
        assert times.spare > 0


def test_what_a_partition_has_is_told() -> None:
    shares = [shared(50, weight=7), shared(20), dedicated(1, SharingMode.SHARE_IDLE_ALWAYS)]
    with machine(2, shares, CEDER) as its:
        its.run(windows=1)
        usage = Meter(its).usage()
        assert [(p.mode, p.weight, p.units, p.sharing) for p in usage.partitions] == [
            (ProcessorMode.UNCAPPED, 7, 50, None),
            (ProcessorMode.CAPPED, None, 20, None),
            (ProcessorMode.DEDICATED, None, 100, "share_idle_procs_always"),
        ]
        assert (usage.pools[0].entitled, usage.pools[0].maximum) == (70, 100)
        assert [core.owner for core in usage.cores] == [None, 3]


def test_states_follow_what_happens() -> None:
    with machine(2, [shared(50), shared(20)], SPINNER) as its:
        hosted = HostedMachine(its)
        hosted.run(attendant=Windows(2))
        hosted.perform(ShutdownPartition("lpar1", immediate=True))
        hosted.perform(FailCore(1))
        hosted.run(attendant=Windows(2))
        usage = hosted.usage()
        assert [p.state for p in usage.partitions] == [
            PartitionState.POWERED_OFF,
            PartitionState.RUNNING,
        ]
        assert [core.state for core in usage.cores] == [CoreState.ACTIVE, CoreState.FAILED]
        assert (
            str(hosted.standings()["lpar1"]) == "Powered Off: power off: shut down by the operator"
        )
        hosted.perform(ActivatePartition("lpar1"))
        assert hosted.standings()["lpar1"].state is PartitionState.RUNNING


def test_whoever_mistypes_a_name_is_told_the_names() -> None:
    with (
        machine(1, [shared(50)], CEDER) as its,
        pytest.raises(ManagementError, match="there is no partition 'lpra1': there are lpar1"),
    ):
        HostedMachine(its).perform(ActivatePartition("lpra1"))
