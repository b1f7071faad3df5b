"""Debian partitions and a toy kernel share a core as their definitions say."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from hypervisor.dispatching.records import WINDOW
from hypervisor.system.definition import ToyKernel
from pyphyp.guest_starts import start_of
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine
from tests.hostile.rounds import resident_bytes
from tests.pyphyp.managed import SPINNER, consumed, machine, shared

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.linux

WINDOWS = 100
TOLERANCE = 0.01
FILE = """
[machine]
cores = 1
memory = "4G"
epoch = 0

[[partition]]
name = "one"
guest = "linux"
memory = "1G"
units = 0.5
{0}

[[partition]]
name = "two"
guest = "linux"
memory = "1G"
units = 0.3
{1}

[[partition]]
name = "toy"
guest = "hello"
memory = "64M"
units = 0.1
{2}
"""


def booted(*more: str) -> Iterator[ManagedMachine]:
    file = parse(FILE.format(*more))
    with ManagedMachine(file.system, epoch=0, starts={"toy": SPINNER}) as its:
        its.power_on()
        for name in ("one", "two"):
            its.partitions[name].console.wait_for("# ", seconds=120)
        yield its


def work(its: ManagedMachine, *names: str, windows: int = WINDOWS) -> list[float]:
    """Let shells compute; each partition's part of the core from then on."""
    for name in names:
        its.partitions[name].console.send("while :; do :; done\n")
    its.run(windows=20)
    before = consumed(its)
    its.run(windows=windows)
    return [(b - a) / (windows * WINDOW) for a, b in zip(before, consumed(its), strict=True)]


@pytest.fixture
def capped() -> Iterator[ManagedMachine]:
    yield from booted("", "", "")


@pytest.fixture
def uncapped() -> Iterator[ManagedMachine]:
    yield from booted("weight = 100", "weight = 50", "weight = 50")


def test_busy_capped_partitions_get_what_they_are_entitled_to(capped: ManagedMachine) -> None:
    assert work(capped, "one", "two") == pytest.approx([0.5, 0.3, 0.1], rel=TOLERANCE)
    core = capped.dispatcher.cores[0]
    assert core.used + core.idle == core.clock


def test_spare_time_goes_by_weight_and_shells_answer(uncapped: ManagedMachine) -> None:
    # What is spare in a window goes to one of them: one turn more or less is 0.5 % of so many.
    one, two, toy = work(uncapped, "one", "two", windows=8 * WINDOWS)
    assert one + two + toy == pytest.approx(1, rel=TOLERANCE)
    assert [one - 0.5, two - 0.3, toy - 0.1] == pytest.approx([0.05, 0.025, 0.025], rel=TOLERANCE)
    console = uncapped.partitions["two"].console
    console.send("\x03")
    console.send("echo still $((6 * 7))\n")
    console.wait_for("still 42", seconds=10)


def test_idle_time_is_used_by_whoever_may(uncapped: ManagedMachine) -> None:
    one, two, toy = work(uncapped, "two")
    assert one < 0.02  # its shell waits
    assert two + toy > 0.98 * (1 - one)


def cost(partitions: int) -> int:
    """Bytes of the host's memory that so many toy partitions take, ten a core."""
    shares = [shared(10) for _ in range(partitions)]
    gc.collect()
    before = resident_bytes()
    with machine(partitions // 10, shares, start_of(ToyKernel("ticks"))) as its:
        its.run(seconds=0.2)
        assert len(its.partitions) == partitions
        return resident_bytes() - before


def test_a_hundred_partitions_in_a_process_take_no_more_than_eight_megabytes_each() -> None:
    cost(10)  # to warm up
    assert cost(100) < 100 * (8 << 20)
