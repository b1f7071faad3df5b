"""No partition of a managed machine trusts another, and a failure of ours is one partition's."""

from __future__ import annotations

import mmap
import random
from typing import TYPE_CHECKING, NoReturn

import pytest

from emu.assembler import assemble
from hypervisor.dispatching.records import WINDOW
from hypervisor.vio.adapter import Slot
from pyphyp.flat import from_program
from pyphyp.managed import ManagedMachine
from pyphyp.usage import PartitionState
from tests.emu.test_broken_engine import protect

from .managed import COUNT, SPINNER, consumed, shared, system

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.starts import Start

KEPT = 0x100000
SEED_AT = 0x4000


def caller(seed: int, calls: int = 400) -> Start:
    """A guest that makes calls with numbers and addresses of its neighbours, over and over."""
    source = random.Random(seed)
    hcalls = list(range(0x4, 0x450, 4))
    slots = [Slot(n) for n in range(6)]
    numbers = [
        *(slot.unit for slot in slots),
        *(slot.liobn for slot in slots),
        *(slot.interrupt for slot in slots),
        *range(8),
        *(KEPT, KEPT + 8, SEED_AT, 1 << 24, (1 << 64) - 1, 1 << 63, 0x50000000),
    ]
    code = [".org 0x1000", "_start:"]
    for _ in range(calls):
        number = source.choice(hcalls)
        if number in (0xE0, 0xE4, 0x298, 0xFC00):  # cede, confer, join: to go on
            continue
        code.append(f"        li r3,{number}")
        code += [
            f"        load64 r{register},{source.choice(numbers):#x}" for register in range(4, 10)
        ]
        code.append("        sc 1")
    code.append("        b _start")
    return from_program(assemble("\n".join(code)))


def test_a_hostile_partition_changes_nothing_of_its_neighbours_and_takes_no_more_than_its_own() -> (
    None
):
    survived = 0
    for seed in range(8):
        its = system(1, [shared(30), shared(30), shared(40, weight=128)])
        starts = {"lpar1": caller(seed), "lpar2": SPINNER, "lpar3": SPINNER}
        with ManagedMachine(its, epoch=0, host_threads=2, starts=starts) as machine:
            machine.power_on()
            content = random.Random(seed).randbytes(1 << 20)
            for name in ("lpar2", "lpar3"):
                machine.partitions[name].memory.write(KEPT, content)
            machine.run(windows=30)
            for name in ("lpar2", "lpar3"):
                other = machine.partitions[name]
                assert other.state is PartitionState.RUNNING
                assert other.memory.read(KEPT, len(content)) == content
                assert other.memory.u64(COUNT) > 1000
            if machine.partitions["lpar1"].state is not PartitionState.RUNNING:
                continue  # it has ended itself: that is its own affair
            survived += 1
            hostile, second, _ = consumed(machine)
            assert hostile <= 0.3 * machine.now + WINDOW // 100
            assert second == pytest.approx(0.3 * machine.now, rel=0.01)
    assert survived


def test_a_failure_of_ours_stops_its_partition_with_a_dump_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    its = system(1, [shared(50), shared(50)])
    starts = {"lpar1": caller(1), "lpar2": SPINNER}
    with ManagedMachine(its, epoch=0, host_threads=1, starts=starts, dumps=tmp_path) as machine:
        machine.power_on()
        machine.run(windows=2)
        failing = machine.partitions["lpar1"]

        def fails(*_: object) -> NoReturn:
            raise RuntimeError("a fault of the machine's own")

        failing.composition.partition.hcalls.dispatch = fails  # type: ignore[method-assign]
        machine.run(windows=2)
        assert failing.state is PartitionState.ERROR
        assert isinstance(failing.failure, RuntimeError)
        dump = tmp_path / "lpar1.core"
        assert dump.read_bytes()[:4] == b"\x7fELF"
        before = machine.partitions["lpar2"].memory.u64(COUNT)
        machine.run(windows=2)
        assert machine.partitions["lpar2"].memory.u64(COUNT) > before + 1000
        assert machine.partitions["lpar2"].state is PartitionState.RUNNING


@pytest.mark.parametrize("threads", [1, 2])
def test_a_fault_inside_the_engine_stops_its_partition_with_a_dump_and_the_others_go_on(
    threads: int, tmp_path: Path
) -> None:
    its = system(2, [shared(50), shared(50), shared(50)])
    starts = {f"lpar{n}": SPINNER for n in (1, 2, 3)}
    with ManagedMachine(
        its, epoch=0, host_threads=threads, starts=starts, dumps=tmp_path
    ) as machine:
        machine.power_on()
        machine.run(windows=2)
        failing = machine.partitions["lpar2"]
        readable = mmap.PROT_READ | mmap.PROT_WRITE
        failing.crash_listeners.insert(0, lambda: protect(failing.memory, 0, readable))
        protect(failing.memory, 0, 0)  # where it counts
        machine.run(windows=2)
        assert failing.state is PartitionState.ERROR
        assert failing.outcome is not None
        assert failing.outcome.reason.startswith("the engine failed: an address that is not there")
        assert (tmp_path / "lpar2.core").read_bytes()[:4] == b"\x7fELF"
        others = [machine.partitions[name] for name in ("lpar1", "lpar3")]
        before = [other.memory.u64(COUNT) for other in others]
        machine.run(windows=2)
        assert all(o.memory.u64(COUNT) > n + 1000 for o, n in zip(others, before, strict=True))
        machine.activate("lpar2")
        machine.run(windows=2)
        assert machine.partitions["lpar2"].memory.u64(COUNT) > 1000
