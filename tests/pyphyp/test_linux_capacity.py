"""What Debian's unmodified kernel learns of the processors it shares."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

import pytest

from emu.engine import TIME_BASE_HZ
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine

from .managed import SPINNER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyphyp.console import Console

pytestmark = pytest.mark.linux

MACHINE = """
[machine]
cores = 1
memory = "2G"

[[partition]]
name = "lpar1"
guest = "linux"
memory = "512M"
units = 0.6
virtual_processors = 2

[[partition]]
name = "lpar2"
guest = "hello"
memory = "64M"
units = 0.4
"""
HZ = 100  # of /proc/stat
VPA_WAITED, VPA_DISPERSION, VPA_LOG_INDEX = (0x158, 0x160), 0x104, 0x218
ENTRY = struct.Struct(">BBHIIIQQQQ")
BUSY = "n=0; while [ $n -lt 9999 ]; do n=$((n+1)); done"


@pytest.fixture(scope="module")
def machine() -> Iterator[ManagedMachine]:
    """Linux at its shell, and a neighbour that is always busy."""
    system = parse(MACHINE).system
    with ManagedMachine(system, epoch=0, host_threads=1, starts={"lpar2": SPINNER}) as made:
        made.power_on()
        made.partitions["lpar1"].console.wait_for("~# ")
        yield made


def run(console: Console, command: str) -> str:
    """What a command prints."""
    begins = len(console.output)
    console.send(f"{command}; echo do''ne\n")
    console.wait_for("done")
    console.wait_for("~# ")
    return console.output[begins:]


def steal(console: Console) -> int:
    """Clock ticks that Linux says were stolen."""
    found = re.search(r"^cpu +(?:\d+ ){7}(\d+)", run(console, "grep cpu /proc/stat"), re.MULTILINE)
    assert found is not None
    return int(found[1])


def test_steal_time_is_what_the_dispatcher_let_it_wait(machine: ManagedMachine) -> None:
    lpar = machine.partitions["lpar1"]
    processors = machine.dispatcher.members[1].processors
    waited_before = sum(processor.times.waited for processor in processors)
    before = steal(lpar.console)
    run(lpar.console, f"{BUSY} & {BUSY}; wait")
    stolen = (steal(lpar.console) - before) / HZ
    waited = sum(processor.times.waited for processor in processors) - waited_before
    assert stolen > 0.3
    assert stolen == pytest.approx(waited / TIME_BASE_HZ, rel=0.03, abs=0.04)
    in_areas = 0
    for processor in lpar.composition.partition.processors:
        assert processor.areas.vpa is not None
        in_areas += sum(lpar.memory.u64(processor.areas.vpa[0] + at) for at in VPA_WAITED)
    assert steal(lpar.console) / HZ == pytest.approx(in_areas / TIME_BASE_HZ, rel=0.02, abs=0.1)


def test_vcpudispatch_stats_and_the_log_are_the_schedule(machine: ManagedMachine) -> None:
    lpar = machine.partitions["lpar1"]
    run(lpar.console, "echo 1 >/proc/powerpc/vcpudispatch_stats")
    run(lpar.console, f"{BUSY} & {BUSY}; wait")
    shown = re.findall(
        r"^cpu(\d+) (\d+) (\d+) 0 0 0 (\d+) 0 0",
        run(lpar.console, "cat /proc/powerpc/vcpudispatch_stats"),
        re.MULTILINE,
    )
    assert [int(line[0]) for line in shown] == [0, 1]
    for number, dispatches, on_same_core, at_home in (map(int, line) for line in shown):
        assert dispatches == on_same_core == at_home
        areas = lpar.composition.partition.processors[number].areas
        assert areas.vpa is not None
        assert areas.trace_log is not None
        index = lpar.memory.u64(areas.vpa[0] + VPA_LOG_INDEX)
        # Linux looks at the log 50 times a second, and does not count its first entry.
        assert 0 <= index - 1 - dispatches <= 20
        slots = areas.trace_log[1] // ENTRY.size
        logged = []
        for n in range(max(index - slots, 0), index):
            at = areas.trace_log[0] + n % slots * ENTRY.size
            logged.append(ENTRY.unpack(lpar.memory.read(at, ENTRY.size)))
        mine = [d for d in machine.schedule if (d.partition, d.processor) == (1, number)]
        by_start = {dispatch.start: n for n, dispatch in enumerate(mine)}
        over = [entry for entry in logged if entry[6] in by_start]
        assert len(over) >= len(logged) - 1
        for reason, preemption, core, *waits, start, _, _, _ in (entry[:10] for entry in over):
            n = by_start[start]
            assert (reason, core) == (mine[n].reason, mine[n].core)
            assert preemption == mine[n - 1].preemption
            assert sum(waits) == start - mine[n - 1].end
