"""Partitions that wait: what H_POLL_PENDING foretells, and how deeply ceded processors sleep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.assembler import assemble
from hypervisor.abi import H
from hypervisor.cede_latency import SETTINGS
from hypervisor.dispatching.records import WINDOW, Preemption, Wake
from hypervisor.system.share import SharingMode
from pyphyp.flat import from_program
from pyphyp.usage import PartitionState

from .managed import SPINNER, dedicated, machine, shared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypervisor.dispatching.schedule import Dispatch
    from hypervisor.system.share import ProcessorShare
    from pyphyp.managed import ManagedMachine
    from pyphyp.starts import Start

VPA, CODES = 0x8000, 0x10000
REGISTER_VPA = f"""
        load64  r6,{VPA}
        li      r3,640
        sth     r3,4(r6)
        load64  r4,{1 << 45}
        li      r5,0
        li      r3,0xDC
        sc      1
        load64  r6,{VPA}
"""


def poller(donates: int = 0) -> Start:
    """Whether others wait is asked, and written down, before each cede of 1.7 ms."""
    return from_program(
        assemble(f"""
        .org    0x900           # the decrementer's interrupt vector
        load64  r20,{WINDOW * 17 // 100}
        mtdec   r20
        rfid
        .org    0x1000
_start: {REGISTER_VPA}
        li      r3,{donates}
        stb     r3,0xB9(r6)
        load64  r14,{CODES}
        li      r3,2000         # beyond the first cede
        mtdec   r3
1:      li      r3,0x1D8        # H_POLL_PENDING
        sc      1
        std     r3,0(r14)
        addi    r14,r14,8
        li      r3,0xE0         # H_CEDE
        sc      1
        b       1b
""")
    )


def foretold(its: ManagedMachine) -> list[tuple[int, bool]]:
    """What lpar1 was told before each cede; whether somebody had the core at once behind it."""
    schedule = list(its.schedule)
    ceded = [d for d in schedule if d.partition == 1 and d.preemption is Preemption.CEDE]
    began = {(d.core, d.start) for d in schedule if d.partition != 1}
    memory = its.partitions["lpar1"].memory
    codes = [memory.u64(CODES + 8 * n) for n in range(len(ceded))]
    told = [(code, (d.core, d.end) in began) for code, d in zip(codes, ceded, strict=True)]
    return told[:-1]  # who follows the last one is not over, perhaps


ALONE = [shared(20)]
CAPPED = [shared(20), shared(30)]
UNCAPPED = [shared(20), shared(30, weight=9)]
SPREAD = [shared(20), shared(30), shared(60), shared(40)]
KEPT = [dedicated(1), shared(50, weight=9)]
LENDS = [dedicated(1, SharingMode.SHARE_IDLE_ACTIVE), *[shared(50, weight=9)] * 2]


def answers(
    cores: int, shares: Sequence[ProcessorShare], donates: int = 0, threads: int = 1
) -> list[tuple[int, bool]]:
    starts = {f"lpar{n}": SPINNER for n in range(2, 5)} | {"lpar1": poller(donates)}
    with machine(cores, shares, starts, threads=threads) as its:
        its.run(windows=8)
        return foretold(its)


@pytest.mark.parametrize(
    ("cores", "shares", "donates", "codes"),
    [
        (1, ALONE, 0, {H.SUCCESS}),
        (1, CAPPED, 0, {H.SUCCESS}),
        (1, UNCAPPED, 0, {H.PENDING}),
        (2, SPREAD, 0, {H.SUCCESS, H.PENDING}),
        (2, KEPT, 1, {H.SUCCESS}),
        (2, LENDS, 0, {H.SUCCESS}),
        (2, LENDS, 1, {H.PENDING}),
    ],
)
def test_h_poll_pending_foretells_whether_a_cede_lets_another_one_run(
    cores: int, shares: Sequence[ProcessorShare], donates: int, codes: set[H]
) -> None:
    told = answers(cores, shares, donates)
    assert len(told) > 20
    assert {code for code, _ in told} == codes
    assert all((code == H.PENDING) == follows for code, follows in told)


def test_h_poll_pending_says_the_same_with_1_2_and_4_host_threads() -> None:
    alone = answers(2, SPREAD)
    assert answers(2, SPREAD, threads=2) == alone
    assert answers(2, SPREAD, threads=4) == alone


WOKEN_AT = 0x7000


def sleeper(specifier: int, number: int = 1) -> Start:
    """Processor 0 prods 1 at 15 ms; processor `number`, from 0x2000 on, sleeps by `specifier`."""
    return from_program(
        assemble(f"""
        .org    0x1000
_start: load64  r20,{WINDOW * 3 // 2}
1:      mftb    r21
        cmpd    r21,r20
        blt     1b
        li      r3,0xE8         # H_PROD
        li      r4,1
        sc      1
        mftb    r21
        std     r21,{WOKEN_AT}(0)
2:      b       2b
        .org    0x2000
        {REGISTER_VPA.replace("li      r5,0", f"li r5,{number}")}
        li      r3,{specifier}
        stb     r3,0xB0(r6)
        load64  r20,0x7fffffff  # its decrementer is due in a second or so
        mtdec   r20
3:      li      r3,0xE0
        sc      1
        b       3b
""")
    )


def woken(specifier: int, threads: int = 1) -> tuple[int, Dispatch]:
    """When processor 1 was prodded, and the dispatch that followed."""
    shares = [dedicated(2, SharingMode.SHARE_IDLE_ACTIVE), shared(50)]
    with machine(
        3, shares, {"lpar1": sleeper(specifier), "lpar2": SPINNER}, threads=threads
    ) as its:
        its.partitions["lpar1"].composition.partition.processors[1].start(0x2000, 0)
        its.run(windows=4)
        prodded = its.partitions["lpar1"].memory.u64(WOKEN_AT)
        mine = [d for d in its.schedule if (d.partition, d.processor) == (1, 1)]
        assert mine[0].preemption is Preemption.CEDE
        return prodded, mine[1]


@pytest.mark.parametrize("specifier", [0, 1, 2, 9])
def test_a_prodded_processor_is_dispatched_when_its_sleep_s_latency_is_over(
    specifier: int,
) -> None:
    prodded, dispatch = woken(specifier)
    latency = SETTINGS[min(specifier, 2)].latency
    assert dispatch.reason is Wake.PROD
    assert abs(dispatch.start - prodded - latency) < 8  # the call is within so many instructions
    assert woken(specifier, threads=2) == (prodded, dispatch)


@pytest.mark.parametrize(
    ("specifier", "state"), [(1, PartitionState.RUNNING), (2, PartitionState.ERROR)]
)
def test_a_partition_may_wait_for_interrupts_alone_but_not_for_prods_that_nobody_makes(
    specifier: int, state: PartitionState
) -> None:
    with machine(1, [shared(50)], sleeper(specifier, number=0)) as its:
        partition = its.partitions["lpar1"]
        (processor,) = partition.composition.partition.processors
        processor.start(0x2000, 0)
        its.run(seconds=3)
        assert partition.state is state
        its.run(until=lambda: its.seconds > 7)
        assert partition.state is PartitionState.ERROR or its.seconds < 9
