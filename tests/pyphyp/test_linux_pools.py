"""Debian in three shared processor pools of one core: maximum and reserved units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hypervisor.dispatching.records import WINDOW
from pyphyp import actions
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine

from .managed import consumed
from .test_linux_capacity import run
from .test_linux_dedicated import BUSY, processor_time, times

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.linux

MACHINE = """
[machine]
cores = 1
memory = "2G"

[[pool]]
number = 1
maximum = 0.8
reserved = 0.2

[[pool]]
number = 2
maximum = 0.3
"""
MEMBER = """
[[partition]]
name = "{}"
guest = "linux"
memory = "512M"
units = 0.2
weight = {}
pool = {}
"""
NAMES = ["reserves", "licensed", "others"]
WINDOWS = 60


@pytest.fixture(scope="module")
def machine() -> Iterator[ManagedMachine]:
    members = zip(NAMES, (1, 255, 255), (1, 2, 0), strict=True)
    system = parse(MACHINE + "".join(MEMBER.format(*each) for each in members)).system
    with ManagedMachine(system, epoch=0) as made:
        made.power_on()
        for name in NAMES:
            made.partitions[name].console.wait_for("~# ")
        yield made


def used(machine: ManagedMachine) -> list[float]:
    """Each one's part of the core."""
    before, begun = consumed(machine), machine.now
    machine.run(windows=WINDOWS)
    passed = machine.now - begun
    return [(b - a) / passed for a, b in zip(before, consumed(machine), strict=True)]


def stolen(machine: ManagedMachine, name: str) -> tuple[int, float]:
    """What Linux says was stolen, and what the dispatcher let it wait: hundredths of a second."""
    _, _, steal = processor_time(machine.partitions[name].console)
    return steal, times(machine, name)[0].waited / WINDOW


def test_pools_have_their_maxima_and_what_is_reserved_for_them(machine: ManagedMachine) -> None:
    for name in ("licensed", "others"):
        run(machine.partitions[name].console, BUSY)
    _, licensed, others = used(machine)
    # Nobody asks for what is reserved, so it is everybody's, up to the maximum of a pool.
    assert licensed == pytest.approx(0.3, abs=0.01)
    assert others == pytest.approx(0.7, abs=0.02)
    run(machine.partitions["reserves"].console, BUSY)
    machine.run(windows=5)
    # Above its 0.2 units a weight of 1 gets next to nothing but what its pool has reserved.
    before = [stolen(machine, name) for name in NAMES]
    assert used(machine) == pytest.approx([0.4, 0.3, 0.3], abs=0.01)
    for name, (steal, waited) in zip(NAMES, before, strict=True):
        steal_then, waited_then = stolen(machine, name)
        assert steal_then - steal == pytest.approx(waited_then - waited, abs=6)
        assert waited_then - waited > 0.55 * WINDOWS


def test_a_pool_s_new_limits_hold_for_its_members_at_once(machine: ManagedMachine) -> None:
    machine.perform(actions.ChangePool(1, reserved=0))
    machine.perform(actions.ChangePool(2, maximum=100))
    machine.run(windows=15)  # in which it makes up for some of what it could not have
    assert used(machine) == pytest.approx([0.2, 0.4, 0.4], abs=0.01)
