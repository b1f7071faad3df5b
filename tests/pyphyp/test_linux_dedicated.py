"""Debian partitions with processors of their own, beside one that shares: the four modes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from emu.engine import TIME_BASE_HZ
from hypervisor.dispatching.records import WINDOW
from hypervisor.splpar_areas import VPA_DONATED_BUSY, VPA_DONATED_IDLE
from hypervisor.system.share import SharingMode
from pyphyp import actions
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine

from .test_linux_capacity import HZ, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypervisor.dispatching.members import Times
    from pyphyp.console import Console

pytestmark = pytest.mark.linux

MACHINE = """
[machine]
cores = 5
memory = "3G"

[[partition]]
name = "web"
number = 9
guest = "linux"
memory = "512M"
units = 0.5
virtual_processors = 5
weight = 128
"""
OWNER = """
[[partition]]
name = "{0}"
guest = "linux"
memory = "512M"
dedicated = 1
sharing = "{0}"
"""
MODES = [mode.value for mode in SharingMode]
BUSY = "while :; do :; done & true"
WINDOWS = 20
EXACT = 1e-4
"""A window's end cuts no block of instructions."""


@pytest.fixture(scope="module")
def machine() -> Iterator[ManagedMachine]:
    """All at their shells; the shared one computes on as many processors as it can have."""
    system = parse(MACHINE + "".join(map(OWNER.format, MODES))).system
    with ManagedMachine(system, epoch=0) as made:
        made.power_on()
        for name in (*MODES, "web"):
            made.partitions[name].console.wait_for("~# ")
        run(made.partitions["web"].console, f"for n in 1 2 3 4 5; do {BUSY}; done")
        yield made


def times(machine: ManagedMachine, name: str) -> list[Times]:
    member = machine.dispatcher.members[machine.partitions[name].configuration.number]
    return [processor.times for processor in member.processors]


def used(machine: ManagedMachine, name: str) -> int:
    return sum(each.consumed for each in times(machine, name))


def donated_fields(machine: ManagedMachine, name: str) -> list[int]:
    """Of the VPA: by PURR and SPURR while Linux said that it was idle, and else."""
    partition = machine.partitions[name]
    areas = partition.composition.partition.processors[0].areas
    assert areas.vpa is not None
    fields = (*VPA_DONATED_IDLE, *VPA_DONATED_BUSY)
    return [partition.memory.u64(areas.vpa[0] + field) for field in fields]


def test_debian_knows_how_deeply_its_processor_can_sleep(machine: ManagedMachine) -> None:
    """It takes the shortest latency it is told for that of its own cedes, and makes such."""
    console = machine.partitions["keep_idle_procs"].console
    state = "(cd /sys/devices/system/cpu/cpu0/cpuidle/state1; cat name latency usage)"
    cedes = []
    for _ in range(2):
        found = re.search(r"^CEDE\s+1\s+(\d+)\s", run(console, state), re.MULTILINE)
        assert found is not None
        cedes.append(int(found[1]))
        machine.run(seconds=3)
    assert cedes[1] > cedes[0]


def test_an_idle_debian_lends_its_processor_or_keeps_it_as_its_mode_says(
    machine: ManagedMachine,
) -> None:
    before = {name: times(machine, name)[0].donated for name in MODES}
    of_web = used(machine, "web")
    machine.run(windows=WINDOWS)
    lent = {name: times(machine, name)[0].donated - before[name] for name in MODES}
    for mode in SharingMode:
        whole = WINDOWS * WINDOW if mode.while_active else 0
        assert lent[mode.value] == pytest.approx(whole, rel=0.01)
    # The one core that is nobody's own, and what is lent: all of it is used.
    whole = WINDOWS * WINDOW + sum(lent.values())
    assert used(machine, "web") - of_web == pytest.approx(whole, rel=EXACT)


def processor_time(console: Console) -> tuple[int, int, int]:
    """Clock ticks that Linux says it was busy, idle, and had stolen."""
    found = re.search(r"^cpu +(.*?)\r?$", run(console, "grep '^cpu ' /proc/stat"), re.MULTILINE)
    assert found is not None
    user, nice, system, idle, iowait, irq, softirq, steal, *_ = map(int, found[1].split())
    return user + nice + system + irq + softirq, idle + iowait, steal


def test_debian_is_told_what_it_donated_and_nothing_was_stolen(machine: ManagedMachine) -> None:
    before = {
        name: (machine.now, processor_time(machine.partitions[name].console)) for name in MODES
    }
    machine.run(windows=WINDOWS)
    for mode in SharingMode:
        told, donated = donated_fields(machine, mode.value), times(machine, mode.value)[0].donated
        began, shown = before[mode.value]
        busy, idle, stolen = processor_time(machine.partitions[mode.value].console)
        passed = (machine.now - began) / TIME_BASE_HZ * HZ
        assert stolen == 0
        assert busy - shown[0] <= 3
        assert busy + idle - sum(shown) == pytest.approx(passed, abs=4)
        # Told when it is dispatched next; Linux is, every other second at least.
        by_purr, by_spurr, *while_busy = told
        assert by_purr == by_spurr
        assert while_busy == [0, 0]
        if mode.while_active:
            assert 0.4 * donated < by_purr <= donated
        else:
            assert by_purr == donated == 0


def test_its_owner_gets_a_lent_processor_back_at_once(machine: ManagedMachine) -> None:
    for name in MODES:
        waited = times(machine, name)[0].waited
        run(machine.partitions[name].console, BUSY)
        begun = used(machine, name)
        machine.run(windows=WINDOWS)
        assert used(machine, name) - begun == pytest.approx(WINDOWS * WINDOW, rel=EXACT)
        each = times(machine, name)[0]
        # Whoever had it ran to the end of a block of instructions, no further.
        assert each.waited - waited <= 40 * each.dispatches
    of_web = used(machine, "web")
    machine.run(windows=5)
    assert used(machine, "web") - of_web == pytest.approx(5 * WINDOW, rel=EXACT)


def test_while_it_is_switched_off_its_processor_is_lent_as_its_mode_says(
    machine: ManagedMachine,
) -> None:
    lent = 0
    for mode in SharingMode:
        machine.perform(actions.ShutdownPartition(mode.value, immediate=True))
        lent += mode.while_inactive
        of_web = used(machine, "web")
        machine.run(windows=5)
        assert used(machine, "web") - of_web == pytest.approx((1 + lent) * 5 * WINDOW, rel=EXACT)
    for name in MODES:
        machine.perform(actions.ActivatePartition(name))
    machine.run(windows=5)
    each = [used(machine, name) for name in MODES]
    assert each == pytest.approx([5 * WINDOW] * len(MODES), rel=EXACT)
