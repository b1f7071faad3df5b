"""Partitions on the host's clock: its time is theirs while they run, and nothing is counted."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pyphyp import ClockError, Ending, Machine, assemble_toy
from pyphyp.stats import NOT_COUNTED
from tests.pyphyp.guests import FOREVER, program
from tests.pyphyp.terminal import PATIENCE, PYPHYP

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp import Partition

SOON = 30.0
"""Seconds within which a slow host has done anything that takes none."""


@pytest.fixture
def partition(machine: Machine) -> Partition:
    return machine.add_partition(memory="32M", clock="host")


def test_the_time_base_moves_as_the_hosts_clock_does_while_the_guest_runs(
    partition: Partition,
) -> None:
    partition.load(program(FOREVER))
    begin = time.monotonic()
    partition.run(seconds=0.3)
    passed = time.monotonic() - begin
    assert 0.3 <= partition.seconds <= passed


def test_time_stands_still_between_runs(partition: Partition) -> None:
    partition.load(program(FOREVER))
    partition.run(seconds=0.01)
    before = partition.ticks
    time.sleep(0.05)
    assert partition.ticks == before


def test_an_idle_guest_really_waits_for_its_decrementer(partition: Partition) -> None:
    partition.load(assemble_toy("ticks"))
    begin, used = time.monotonic(), time.process_time()
    outcome = partition.run()
    assert outcome is not None
    assert outcome.ending is Ending.EXIT
    assert partition.console.output.splitlines()[-1] == "tick 5"
    passed = time.monotonic() - begin
    assert 5.0 <= partition.seconds <= passed
    assert time.process_time() - used < passed / 2


def test_a_guest_that_waits_is_stopped_from_another_thread(partition: Partition) -> None:
    partition.load(assemble_toy("ticks"))
    partition.console.wait_for("tick 1\n")
    stopper = threading.Timer(0.05, partition.stop)
    begin = time.monotonic()
    stopper.start()
    assert partition.run() is None
    stopper.join()
    assert time.monotonic() - begin < 0.9  # the next tick is a second away


def test_a_busy_guest_is_interrupted_by_its_decrementer(partition: Partition) -> None:
    partition.load(
        program(f"""
        load64  r10, 512000         # a millisecond
        mtdec   r10
        mfmsr   r10
        ori     r10, r10, 0x8000    # EE
        mtmsrd  r10
        {FOREVER}
        """)
    )
    partition.run(seconds=0.1)
    assert partition.stats().interrupts["Decrementer"] >= 1


def test_breakpoints_stop_it_and_traces_see_what_runs(partition: Partition) -> None:
    partition.load(program(f"li r20, 1\n li r20, 2\n {FOREVER}"))
    start = partition.registers.nip
    traced: list[int] = []
    partition.trace_instructions(
        range(start, start + 8), lambda event: traced.append(event.address)
    )
    partition.composition.partition.engine.debugging.add_breakpoint(start + 4)
    partition.run(seconds=SOON)
    assert partition.registers.nip == start + 4
    assert partition.registers.gpr(20) == 1
    partition.run(seconds=0.01)
    assert partition.registers.gpr(20) == 2
    assert traced == [start, start + 4]


def test_processors_take_turns(partition: Partition, machine: Machine) -> None:
    several = machine.add_partition(memory="32M", processors=3, clock="host")
    several.load(assemble_toy("smp"))
    outcome = several.run(seconds=SOON)
    assert outcome is not None
    assert outcome.ending is Ending.EXIT


def test_what_counts_instructions_is_refused_or_says_that_nothing_is_counted(
    partition: Partition,
) -> None:
    partition.load(program(FOREVER))
    with pytest.raises(ClockError, match="clock='counted' does"):
        partition.run(instructions=10)
    partition.run(seconds=0.01)
    stats = partition.stats()
    assert not stats.counted
    assert stats.instructions == 0
    assert stats.instructions_text == NOT_COUNTED
    assert "instructions" not in json.loads(stats.json())


def test_a_saved_partition_says_which_clock_is_its_own(
    partition: Partition, tmp_path: Path
) -> None:
    partition.load(assemble_toy("ticks"))
    partition.console.wait_for("tick 2\n")
    ticks = partition.ticks
    partition.save(tmp_path / "state")
    with Machine() as machine:
        restored = machine.restore(tmp_path / "state")
        assert restored.configuration.clock.value == "host"
        assert restored.ticks == ticks
        begin = time.monotonic()
        outcome = restored.run()
        assert outcome is not None
        assert restored.console.output.splitlines()[-1] == "tick 5"
        assert time.monotonic() - begin >= 2.9


def linux(command: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PYPHYP, "linux", "--clock", "host", "--host-timeout", "90", "-c", command, *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )


@pytest.mark.linux
@pytest.mark.parametrize("processors", ["1", "4"])
@pytest.mark.parametrize("mode", ["power8", "power9"])
def test_linux_lives_in_the_hosts_time(mode: str, processors: str) -> None:
    command = "date +begin:%s; sleep 2; date +end:%s; grep -c ^processor /proc/cpuinfo; nproc"
    earliest = time.time()
    done = linux(command, "--cpu-mode", mode, "--processors", processors, "--stats")
    latest = time.time()
    assert done.returncode == 0, done.stderr
    begin, end = (
        int(found[1])
        for word in ("begin", "end")
        if (found := re.search(rf"{word}:(\d+)", done.stdout))
    )
    assert earliest - 1 <= begin <= latest
    assert earliest + 1 <= end <= latest
    assert end - begin in (2, 3, 4)
    assert re.search(rf"^{processors}\s*$", done.stdout, re.MULTILINE)
    assert f"instructions {NOT_COUNTED}" in re.sub(" +", " ", done.stderr)
