"""Debian with four virtual processors under the dispatcher."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pyphyp import actions
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine
from pyphyp.usage import PartitionState
from tests.pyphyp.managed import consumed

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.linux

MACHINE = '[machine]\ncores = {}\nmemory = "2G"\nepoch = 0\n'
PARTITION = (
    '[[partition]]\nname = "one"\nguest = "linux"\nmemory = "1G"\n'
    "units = {}\nvirtual_processors = 4\n"
)
COUNT = "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done"
BUSY = f"for n in 1 2 3 4; do ({COUNT}; echo done $n) & done; wait; echo all\n"


@contextmanager
def machine(cores: int, units: str) -> Iterator[ManagedMachine]:
    file = parse(MACHINE.format(cores) + PARTITION.format(units))
    with ManagedMachine(file.system, epoch=0) as its:
        its.power_on()
        its.partitions["one"].console.wait_for("# ", seconds=120)
        yield its


@pytest.fixture(params=[(1, "0.9"), (4, "3.2")], ids=["one core", "four cores"])
def booted(request: pytest.FixtureRequest) -> Iterator[ManagedMachine]:
    with machine(*request.param) as its:
        yield its


def test_four_processors_do_their_work_on_any_number_of_cores(booted: ManagedMachine) -> None:
    console = booted.partitions["one"].console
    console.send("nproc\n")
    console.wait_for("\n4", seconds=10)
    before, begin = consumed(booted)[0], booted.now
    console.send(BUSY)
    console.wait_for("\nall", seconds=60)
    units = (consumed(booted)[0] - before) / (booted.now - begin)
    cores = len(booted.dispatcher.cores)
    assert 0.6 * cores < units <= cores  # capped at 0.9 and 3.2
    console.send("dmesg -r | grep '^<[0-4]>'; echo looked\n")
    console.wait_for("\nlooked", seconds=10)
    assert "stall" not in console.output


def test_a_core_that_fails_leaves_its_work_to_the_others() -> None:
    with machine(4, "2.0") as its:
        console = its.partitions["one"].console
        console.send(BUSY)
        its.run(windows=5)
        its.perform(actions.FailCore(0))
        console.wait_for("\nall", seconds=60)
        assert its.partitions["one"].state is PartitionState.RUNNING
        assert its.dispatcher.cores[0].failed
