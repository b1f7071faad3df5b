"""Capacity that codes activate in a running machine, for ever or for a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emu.engine import TIME_BASE_HZ
from hypervisor.dispatching.records import WINDOW
from hypervisor.system.capacity_on_demand import (
    DAY_SECONDS,
    LOG_ENTRIES,
    Grant,
    Kind,
    Resource,
    code_for,
)
from hypervisor.system.definition import Capacity
from hypervisor.system.editions import Edition
from hypervisor.system.errors import ManagementError
from hypervisor.system.units import ProcUnits
from pyphyp.actions import ChangeProcessors, EnterActivationCode, ShutdownPartition
from pyphyp.managed import ManagedMachine

from .managed import CEDER, SPINNER, consumed, shared, system

SERIAL = "PYP0001"


def machine(edition: Edition = Edition.ENTERPRISE) -> ManagedMachine:
    """Two of three cores are activated; four virtual processors' worth of spinners want more."""
    its = system(2, [shared(100, weight=9), shared(100, weight=9), shared(5, weight=9)])
    its = replace(
        its, cores=Capacity(3, 2), memory_mib=Capacity(128, 64), edition=edition,
        partitions=(*its.partitions[:2], replace(its.partitions[2], start=False)),
    )  # fmt: skip
    starts = {"lpar1": SPINNER, "lpar2": SPINNER, "lpar3": CEDER}
    made = ManagedMachine(its, epoch=0, host_threads=1, starts=starts)
    made.power_on()
    return made


def enter(its: ManagedMachine, grant: Grant) -> str:
    code = code_for(SERIAL, grant)
    its.perform(EnterActivationCode(code))
    return code


def working(its: ManagedMachine) -> int:
    return sum(not core.failed for core in its.dispatcher.cores)


def test_a_permanent_code_activates_a_core_that_partitions_then_use() -> None:
    with machine() as its:
        with pytest.raises(ManagementError, match=r"lpar3"):
            its.activate("lpar3")
        its.run(windows=2)
        assert sum(consumed(its)) == pytest.approx(4 * WINDOW, rel=0.01)
        enter(its, Grant(Kind.PERMANENT, Resource.PROCESSORS, 1))
        assert working(its) == 3
        assert its.shared_times.active_processors == 3
        its.activate("lpar3")
        assert its.allocation.free_units == ProcUnits(95)


@pytest.mark.parametrize("kind", [Kind.TRIAL, Kind.ON_OFF])
def test_an_activation_for_a_time_ends_in_machine_time(kind: Kind) -> None:
    with machine() as its:
        its.perform(ShutdownPartition("lpar1", immediate=True))
        its.perform(ShutdownPartition("lpar2", immediate=True))
        enter(its, Grant(kind, Resource.PROCESSORS, 1, days=2))
        enter(its, Grant(kind, Resource.MEMORY, 32, days=1))
        assert its.allocation.activated_mib == 96
        its.activate("lpar3")
        its.perform(ChangeProcessors("lpar3", weight=5))
        its.activation.settle(DAY_SECONDS * TIME_BASE_HZ)
        assert (working(its), its.allocation.activated_mib) == (3, 64)
        its.activation.settle((2 * DAY_SECONDS - 1) * TIME_BASE_HZ)
        assert working(its) == 3
        its.activation.settle(2 * DAY_SECONDS * TIME_BASE_HZ)
        assert working(its) == 2
        its.run(windows=2)
        assert its.partitions["lpar3"].runs


def test_what_partitions_are_entitled_to_is_returned_when_they_give_it_up() -> None:
    with machine() as its:
        enter(its, Grant(Kind.TRIAL, Resource.PROCESSORS, 1, days=1))
        its.activate("lpar3")
        its.activation.settle(DAY_SECONDS * TIME_BASE_HZ)
        assert working(its) == 3
        assert its.allocation.free_units < 0
        its.perform(ShutdownPartition("lpar3", immediate=True))
        its.run(windows=1)
        assert working(its) == 2


def test_wrong_and_used_codes_are_refused_and_recorded() -> None:
    with machine() as its:
        code = enter(its, Grant(Kind.PERMANENT, Resource.MEMORY, 16))
        other = code_for("PYP0002", Grant(Kind.PERMANENT, Resource.PROCESSORS, 1))
        too_many = code_for(SERIAL, Grant(Kind.PERMANENT, Resource.PROCESSORS, 2))
        its.run(seconds=1)
        for wrong in (code, other, too_many, "what", code[:-1] + "x", "PCP-1-2"):
            with pytest.raises(ManagementError):
                its.perform(EnterActivationCode(wrong))
        log = its.activation.on_demand.log
        assert [(entry.second, bool(entry.refused)) for entry in log] == [(0, False)] + 6 * [
            (1, True)
        ]
        assert "used before" in log[1].refused
        assert "not valid" in log[2].refused
        assert "1 installed are not activated" in log[3].refused
        assert (working(its), its.allocation.activated_mib) == (2, 80)


def test_an_edition_s_key_raises_the_edition_and_lowers_none() -> None:
    with machine(Edition.EXPRESS) as its:
        enter(its, Grant(Kind.EDITION, Resource.EDITION, 2))
        assert its.activation.on_demand.edition is Edition.ENTERPRISE
        with pytest.raises(ManagementError, match="enterprise edition"):
            enter(its, Grant(Kind.EDITION, Resource.EDITION, 1))


def test_whoever_guesses_codes_fills_no_memory() -> None:
    with machine() as its:
        for n in range(LOG_ENTRIES + 10):
            with pytest.raises(ManagementError):
                its.perform(EnterActivationCode(f"{n}" + "x" * 10_000))
        log = its.activation.on_demand.log
        assert len(log) == LOG_ENTRIES
        assert max(len(entry.code) for entry in log) < 100
