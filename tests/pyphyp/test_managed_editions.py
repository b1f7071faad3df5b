"""What a running machine's edition lets be changed, before and after another one's key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from emu.state import StateError
from hypervisor.dispatching.records import WINDOW
from hypervisor.system.capacity_on_demand import Grant, Kind, Resource, code_for
from hypervisor.system.definition import SharedProcessorPool
from hypervisor.system.editions import Edition
from hypervisor.system.errors import ManagementError
from hypervisor.system.units import ProcUnits
from pyphyp.actions import (
    Action,
    ActivatePartition,
    ChangePool,
    ChangeProcessors,
    EnterActivationCode,
)
from pyphyp.api import Machine
from pyphyp.managed import ManagedMachine

from .managed import COUNT, SPINNER, consumed, shared, system

if TYPE_CHECKING:
    from pathlib import Path


def machine(edition: Edition, partitions: int = 4) -> ManagedMachine:
    """Partitions that spin, on two cores; all but the first three are off."""
    its = system(2, [shared(20, weight=9) for _ in range(partitions)])
    started = tuple(replace(p, start=p.number <= 3) for p in its.partitions)
    its = replace(its, edition=edition, partitions=started)
    starts = {partition.name: SPINNER for partition in started}
    made = ManagedMachine(its, epoch=0, host_threads=1, starts=starts)
    made.power_on()
    return made


def enter_key(its: ManagedMachine, edition: Edition) -> None:
    place = tuple(Edition).index(edition)
    grant = Grant(Kind.EDITION, Resource.EDITION, place)
    its.perform(EnterActivationCode(code_for(its.system.serial, grant)))


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (ActivatePartition("lpar4"), "number 4 .* express edition has 3"),
        (ChangePool(1, maximum=80), "express edition has no shared .*: a key of the standard"),
        (ChangeProcessors("lpar1", pool=1), "express edition has no shared processor pools"),
    ],
    ids=["a fourth partition", "a pool", "into a pool"],
)
def test_express_refuses_what_a_key_then_allows(action: Action, why: str) -> None:
    with machine(Edition.EXPRESS) as its:
        with pytest.raises(ManagementError, match=why):
            its.perform(action)
        enter_key(its, Edition.STANDARD)
        if isinstance(action, ChangeProcessors):
            with pytest.raises(ManagementError, match="no pool 1: there are 0"):
                its.perform(action)
            its.perform(ChangePool(1, maximum=80))
        its.perform(action)
        its.run(windows=1)


def test_a_profile_in_a_pool_is_not_activated_in_express() -> None:
    its = system(1, [shared(20, pool=1)], [SharedProcessorPool(1, "one", ProcUnits(50))])
    its = replace(its, edition=Edition.EXPRESS)
    with ManagedMachine(its, epoch=0, host_threads=1, starts={"lpar1": SPINNER}) as made:
        with pytest.raises(ManagementError, match="express edition has no shared"):
            made.power_on()
        enter_key(made, Edition.STANDARD)
        made.power_on()


@pytest.mark.parametrize("edition", [Edition.EXPRESS, Edition.STANDARD])
def test_only_enterprise_lets_a_partition_move_to_another_machine(
    edition: Edition, tmp_path: Path
) -> None:
    with machine(edition) as its, Machine(epoch=0) as other:
        its.run(windows=1)
        moving = its.partitions["lpar1"]
        with pytest.raises(ManagementError, match="no partition mobility: a key of the enterprise"):
            moving.save(tmp_path / "moving")
        enter_key(its, Edition.ENTERPRISE)
        moving.save(tmp_path / "moving")
        counted = moving.memory.u64(COUNT)
        with pytest.raises(StateError, match="does not go back"):
            moving.restore(tmp_path / "moving")
        moved = other.restore(tmp_path / "moving")
        moved.run(seconds=0.01)
        assert moved.memory.u64(COUNT) > counted
        its.run(windows=1)
        assert moving.memory.u64(COUNT) > counted


def test_a_pool_s_limits_are_changed_while_its_members_run() -> None:
    with machine(Edition.STANDARD, 3) as its:
        its.perform(ChangePool(2, maximum=30))
        its.perform(ChangeProcessors("lpar3", pool=2))
        its.run(windows=3)
        before = consumed(its)
        its.run(windows=10)
        middle = consumed(its)
        assert middle[2] - before[2] == pytest.approx(0.3 * 10 * WINDOW, rel=0.01)
        its.perform(ChangePool(2, maximum=70))
        its.run(windows=10)
        assert consumed(its)[2] - middle[2] == pytest.approx(0.7 * 10 * WINDOW, rel=0.01)
        pool = its.system.pool(2)
        assert pool is not None
        assert (pool.name, pool.maximum, pool.reserved) == ("SharedPool02", 70, 0)


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (ChangePool(0, maximum=80), "pool 0 has no limits: 1 to 63"),
        (ChangePool(3, reserved=10), "no pool 3: with a maximum"),
        (ChangePool(2, maximum=19), "0.19 units at most .*: at least 0.20"),
        (ChangePool(2, maximum=200, reserved=150), "1.50 units reserved .*: 1.40 can be had"),
        (ChangeProcessors("lpar1", pool=2), "0.20 .* of pool 2 for lpar1: 0.10 can be had"),
    ],
)
def test_limits_that_cannot_be_are_refused_and_change_nothing(action: Action, why: str) -> None:
    with machine(Edition.STANDARD, 3) as its:
        its.perform(ChangePool(2, maximum=30))
        its.perform(ChangeProcessors("lpar3", pool=2))
        before = its.system.pools, its.allocation.given
        with pytest.raises(ManagementError, match=why):
            its.perform(action)
        assert (its.system.pools, its.allocation.given) == before
