"""What a guest writes over its VPA and dispatch trace log is its own affair, and nobody else's."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import pytest

from hypervisor import splpar_areas
from hypervisor.dispatching.records import WINDOW
from hypervisor.dispatching.schedule import Dispatch
from hypervisor.system.share import SharingMode
from pyphyp.managed import ManagedMachine
from pyphyp.usage import PartitionState

from .managed import COUNT, SPINNER, consumed, dedicated, shared, system
from .test_managed_capacity import LOG, VPA, traced

if TYPE_CHECKING:
    from pyphyp.starts import Start

TABLE, DOUBLEWORDS, ELSEWHERE = 0x6000, 64, 0xC000
LOG_BYTES = 4096
WINDOWS = 12
QUIET = bytes(8 * DOUBLEWORDS)
LATENCY = "VPA_CEDE_LATENCY"
"""The one field that has a guest itself sleep longer, or for ever."""


def fields() -> dict[str, int]:
    """Each field of the VPA that the hypervisor knows, and the trace log's own places."""
    found = {"trace log": LOG, "length of the trace log": LOG + 4, "its end": LOG + LOG_BYTES - 8}
    for name, value in vars(splpar_areas).items():
        if name.startswith("VPA_") and name not in ("VPA_MINIMUM", LATENCY):
            offsets = [value] if isinstance(value, int) else list(value[:2])
            found |= {f"{name} {offset:#x}": VPA + offset for offset in offsets}
    return found


def values(seed: int) -> bytes:
    """What is written, one doubleword after the other: anything, and the ends of what there is."""
    source = random.Random(seed)
    ends = [(1 << 64) - 1, 1 << 63, 1 << 31, 1, 0x0101010101010101, 0]
    rest = [source.getrandbits(64) for _ in range(DOUBLEWORDS - len(ends))]
    return struct.pack(f">{DOUBLEWORDS}Q", *source.sample(ends + rest, DOUBLEWORDS))


def scribbler(address: int) -> Start:
    """A guest that writes the doublewords of its table to `address`, works a little, cedes, makes
    itself ready with a prod, and gives its turn to others."""
    return traced(f"""
        li      r30,{TABLE}
        li      r31,0
        load64  r28,{address}
        li      r26,0
1:      ldx     r29,r30,r31
        std     r29,0(r28)
        addi    r31,r31,8
        andi.   r31,r31,{8 * DOUBLEWORDS - 1}
        load64  r27,20000
        mtctr   r27
2:      bdnz    2b
        addi    r26,r26,1
        std     r26,{COUNT}(0)
        li      r3,0xE4             # H_CONFER, to all
        li      r4,-1
        li      r5,0
        sc      1
        li      r3,0xE8             # H_PROD, of itself
        li      r4,0
        sc      1
        li      r3,0xE0             # H_CEDE, which comes back at once
        sc      1
        li      r3,0xE0             # and which waits
        sc      1
        b       1b
""")


def run(machine: ManagedMachine, written: bytes) -> None:
    machine.power_on()
    machine.partitions["lpar1"].memory.write(TABLE, written)
    machine.run(windows=WINDOWS)


Course = tuple[list[Dispatch], list[int]]


def course(address: int, written: bytes) -> Course:
    """Who ran where and when, and how far everybody came."""
    starts = {"lpar1": scribbler(address), "lpar2": SPINNER, "lpar3": SPINNER}
    its = system(1, [shared(20), shared(30), shared(10, weight=9)])
    with ManagedMachine(its, epoch=0, host_threads=1, starts=starts) as machine:
        run(machine, written)
        assert all(p.state is PartitionState.RUNNING for p in machine.partitions.values())
        counts = [p.memory.u64(COUNT) for p in machine.partitions.values()]
        return list(machine.schedule), counts


@pytest.fixture(scope="module")
def undisturbed() -> Course:
    """With a guest that writes zeros elsewhere."""
    its = course(ELSEWHERE, QUIET)
    assert its[1][0] > 10
    return its


@pytest.mark.parametrize("field", fields())
def test_no_field_of_its_areas_changes_what_anybody_gets(field: str, undisturbed: Course) -> None:
    """Nor when: it is, to the tick, as if the guest wrote elsewhere."""
    assert course(fields()[field], values(len(field))) == undisturbed


def test_a_dedicated_partition_s_nonsense_lends_its_idle_time_or_not_and_no_more() -> None:
    """Whether it lends is its own to say; it gets its processor back, others what is theirs."""
    shares = [dedicated(1, SharingMode.SHARE_IDLE_ACTIVE), shared(50), shared(50, weight=9)]
    for name, address in fields().items():
        starts = {"lpar1": scribbler(address), "lpar2": SPINNER, "lpar3": SPINNER}
        its = system(2, shares)
        with ManagedMachine(its, epoch=0, host_threads=1, starts=starts) as machine:
            run(machine, values(3))
            owner = machine.dispatcher.members[1].processors[0].times
            assert owner.waited <= 16 * owner.dispatches, name
            _, capped, uncapped = consumed(machine)
            half = WINDOWS * WINDOW // 2
            assert capped == pytest.approx(half, rel=0.01), name
            assert half * 0.99 <= uncapped <= half + owner.donated + 1000, name
            assert machine.partitions["lpar1"].memory.u64(COUNT) > 10, name


@pytest.mark.parametrize("seed", range(4))
def test_how_deeply_a_guest_sleeps_takes_nothing_from_others(seed: int) -> None:
    """It may sleep for ever; what it does not use the others have."""
    latency = VPA + splpar_areas.VPA_CEDE_LATENCY
    starts = {"lpar1": scribbler(latency), "lpar2": SPINNER, "lpar3": SPINNER}
    its = system(1, [shared(20), shared(30), shared(10, weight=9)])
    with ManagedMachine(its, epoch=0, host_threads=1, starts=starts) as machine:
        run(machine, values(seed))
        *_, capped, uncapped = consumed(machine)  # where nothing can wake the first, it is over
        assert capped == pytest.approx(0.3 * WINDOWS * WINDOW, rel=0.01)
        assert uncapped >= 0.5 * WINDOWS * WINDOW
