"""Debian's unmodified hvc driver on several consoles, with plain characters and with packets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyphyp.dialogue import Console
    from pyphyp.managed_partition import ManagedPartition

pytestmark = pytest.mark.linux

MACHINE = """
[machine]
cores = 1
memory = "1G"

[[partition]]
name = "lpar1"
guest = "linux"
memory = "512M"
units = 1

[[partition.console]]

[[partition.console]]
protocol = "hvsi"
log = %s
"""
SHELL = "setsid sh -c 'exec sh -i <>/dev/hvc1 >&0 2>&1' &\n"
"""A shell whose terminal is hvc1."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("consoles") / "hvc1.log"


@pytest.fixture(scope="module")
def partition(log: Path) -> Iterator[ManagedPartition]:
    system = parse(MACHINE % json.dumps(str(log))).system
    with ManagedMachine(system, epoch=0, host_threads=1) as machine:
        machine.power_on()
        made = machine.partitions["lpar1"]
        made.console.wait_for("~# ")
        made.console.send(SHELL)
        made.consoles[1].wait_for("# ", seconds=5)
        yield made


def ask(console: Console, question: str, answer: str) -> None:
    console.send(question + "\n")
    console.wait_for(answer, seconds=5)


def test_shells_on_hvc0_and_hvc1_are_used_at_once(partition: ManagedPartition, log: Path) -> None:
    first, second = partition.consoles
    loop = "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; echo $i $(tty)"
    first.send(loop + "\n")
    second.send(loop + "\n")
    second.wait_for("2000 /dev/hvc1", seconds=20)
    first.wait_for("2000 /dev/hvc0", seconds=20)
    assert "/dev/hvc1" not in first.output.partition(SHELL)[2].partition("/dev/hvc1")[2]
    assert "2000 /dev/hvc1" in log.read_text()


def test_long_lines_go_both_ways_through_packets(partition: ManagedPartition) -> None:
    words = " ".join(f"word{n}" for n in range(100))
    ask(partition.consoles[1], f"echo {words} | md5sum", "  -")
    ask(partition.consoles[1], f"echo {words} | wc -c", str(len(words) + 1))
    ask(partition.consoles[1], "seq -s, 1000 3000", ",2999,3000")


def test_linux_knows_what_the_protocol_has_to_say(partition: ManagedPartition) -> None:
    ask(partition.console, "cat /proc/device-tree/vdevice/vty@30000001/compatible", "hvterm-proto")
    state = partition.composition.consoles[1].state().session
    assert state is not None
    assert state.opened
    assert state.terminal_ready
