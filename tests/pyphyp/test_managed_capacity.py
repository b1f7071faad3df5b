"""What partitions of a managed machine know of their processors, and change."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from emu.assembler import assemble
from emu.bits import signed
from hypervisor.abi import H
from hypervisor.dispatching.records import WINDOW, Preemption, Wake
from hypervisor.system.definition import SharedProcessorPool
from hypervisor.system.share import SharedShare, SharingMode
from hypervisor.system.units import ProcUnits
from pyphyp.flat import from_program

from .managed import CEDER, SPINNER, dedicated, machine, shared

if TYPE_CHECKING:
    from pyphyp.managed import ManagedMachine
    from pyphyp.starts import Start

RESULTS, VPA, LOG = 0x800, 0x8000, 0xA000
ENTRY = struct.Struct(">BBHIIIQQQQ")
PURR, SPURR = "purr", "spurr"


def caller(*calls: tuple[int, ...]) -> Start:
    """A guest that makes hcalls, stores R3 to R12 of each, and spins."""
    body = ""
    for n, (number, *arguments) in enumerate(calls):
        body += f"        li      r3,{number}\n"
        body += "".join(f"        li      r{4 + i},{a}\n" for i, a in enumerate(arguments))
        body += "        sc      1\n"
        body += "".join(
            f"        std     r{r},{RESULTS + n * 80 + (r - 3) * 8}(0)\n" for r in range(3, 13)
        )
    return from_program(assemble(f"        .org 0x1000\n_start:\n{body}1:      b 1b\n"))


def results(its: ManagedMachine, name: str, call: int = 0) -> list[int]:
    """R3 (signed) to R12 of a call."""
    memory = its.partitions[name].memory
    first, *rest = (memory.u64(RESULTS + call * 80 + n * 8) for n in range(10))
    return [signed(first, 64), *rest]


GET_PPP, SET_PPP, PIC = 0xEC, 0xF0, 0xF8
POOLS = (SharedProcessorPool(2, "web", ProcUnits(150), ProcUnits(20)),)


def test_h_get_ppp_tells_the_machine_s_configuration() -> None:
    shares = [
        shared(50, virtual=2, weight=77, pool=2),
        shared(30),
        dedicated(1, SharingMode.SHARE_IDLE_ACTIVE),
    ]
    with machine(4, shares, caller((GET_PPP,)), pools=POOLS) as its:
        its.run(windows=3)
        # In all, 3.00 units are shared; 0.50 and 0.30 are given, 0.20 reserved.
        weight, pool_processors, processors = 77 << 40, 2 << 16, 4
        assert results(its, "lpar1")[:6] == [
            H.SUCCESS,
            50,
            150 - 50 - 20,
            2,
            weight | pool_processors | processors,
            3 << 48 | 150 << 24 | 70,
        ]
        capped, pool_processors = 1 << 48, 3 << 16
        assert results(its, "lpar2")[:6] == [
            H.SUCCESS,
            30,
            200,
            0,
            capped | pool_processors | processors,
            3 << 48 | 300 << 24 | 30,
        ]
        assert results(its, "lpar3")[:6] == [
            H.SUCCESS, 100, 0, 0xFFFF, capped | processors, 0
        ]  # fmt: skip


def test_h_set_ppp_changes_the_share_as_far_as_there_is_any() -> None:
    asks = caller((SET_PPP, 60, 20), (SET_PPP, 90, 90), (GET_PPP,))
    with machine(1, [shared(50, weight=50), shared(30)], {"lpar1": asks, "lpar2": SPINNER}) as its:
        its.run(windows=10)
        assert results(its, "lpar1", 0)[0] == H.SUCCESS
        assert results(its, "lpar1", 1)[0] == H.CONSTRAINED
        assert results(its, "lpar1", 2)[1:3] == [70, 0]
        assert its.partitions["lpar1"].resources.share == SharedShare(
            ProcUnits(70), 1, capped=False, weight=50
        )
        assert its.dispatcher.members[1].share.entitled == 70


def test_what_is_asked_for_in_one_slice_does_not_depend_on_the_host_s_threads() -> None:
    """Two partitions ask for the last units at the same time: the first by number gets them."""
    asks = caller((SET_PPP, 100, 0), (GET_PPP,))
    given = []
    for threads in (1, 4):
        with machine(2, [shared(80), shared(80)], asks, threads=threads) as its:
            its.run(windows=5)
            given.append([results(its, name, 1)[1] for name in ("lpar1", "lpar2")])
            assert [results(its, name)[0] for name in ("lpar1", "lpar2")] == [H.SUCCESS] * 2
    assert given == [[100, 100]] * 2
    given.clear()
    for threads in (1, 4):
        with machine(2, [shared(90), shared(90), shared(10)], asks, threads=threads) as its:
            its.run(windows=5)
            given.append([results(its, f"lpar{n}", 1)[1] for n in (1, 2, 3)])
            assert results(its, "lpar3")[0] == H.CONSTRAINED
    assert given[0] == given[1] == [100, 90, 10]


def test_a_guest_may_not_set_what_its_profile_does_not_have() -> None:
    asks = caller((SET_PPP, 0, 0), (GET_PPP,), (SET_PPP, 50, 255), (GET_PPP,), (SET_PPP, 50, 256))
    with machine(2, [shared(50, weight=50)], asks) as its:
        its.run(windows=5)
        assert results(its, "lpar1", 0)[0] == H.CONSTRAINED
        assert results(its, "lpar1", 1)[1] == 5  # the least for one virtual processor
        assert results(its, "lpar1", 2)[0] == H.CONSTRAINED
        assert results(its, "lpar1", 3)[4] >> 40 & 0xFF == 50
        assert results(its, "lpar1", 4)[0] == H.PARAMETER


def test_h_pic_counts_the_idle_time_of_the_shared_processors() -> None:
    late = "        .org 0x1000\n_start: load64 r20,20480000\n1:      mftb r3\n"
    late += "        cmpd r3,r20\n        blt 1b\n        li r3,0xF8\n        sc 1\n"
    late += "".join(f"        std r{r},{RESULTS + (r - 3) * 8}(0)\n" for r in range(3, 13))
    asks = from_program(assemble(late + "2:      b 2b\n"))
    with machine(2, [shared(50), dedicated(1)], {"lpar1": asks, "lpar2": SPINNER}) as its:
        its.run(windows=12)
        code, idle, processors, elapsed, used, spurr, pool, *shared_pools = results(its, "lpar1")
        assert (code, processors, pool) == (H.SUCCESS, 1, 0)
        assert idle == elapsed - used
        assert spurr == used
        assert shared_pools == [elapsed, used, used]
        assert used == pytest.approx(elapsed // 2, rel=0.2)
        assert elapsed >= 20_480_000 // WINDOW * WINDOW


# -- what the VPA and the dispatch trace log tell ------------------------------------------


def traced(body: str, mask: int = 7) -> Start:
    """A guest with VPA and dispatch trace log; `body` runs then, with its decrementer at 10 ms."""
    return from_program(
        assemble(f"""
        .org    0x900
        load64  r20,{WINDOW // 2}
        mtdec   r20
        rfid
        .org    0x1000
_start: li      r3,640
        li      r4,{VPA & 0x7FFF}
        oris    r4,r4,0
        ori     r4,r4,{VPA}
        sth     r3,4(r4)
        li      r3,4096
        li      r5,0
        ori     r5,r5,{LOG}
        stw     r3,4(r5)
        load64  r6,{1 << 45}
        li      r3,0xDC
        mr      r7,r4
        mr      r4,r6
        mr      r6,r7
        mr      r8,r5
        li      r5,0
        sc      1
        load64  r4,{2 << 45}
        li      r3,0xDC
        li      r5,0
        mr      r6,r8
        sc      1
        li      r3,{mask}
        stb     r3,0xB8(r7)
        li      r3,1
        mtdec   r3
{body}
""")
    )


CEDES = "1:      li r3,0xE0\n        sc 1\n        b 1b\n"
SPINS = "1:      b 1b\n"
DONATES = "        li r3,1\n        stb r3,0xB9(r7)\n"


@pytest.mark.parametrize("body", [CEDES, SPINS])
def test_the_dispatch_trace_log_is_the_schedule(body: str) -> None:
    starts = {"lpar1": traced(body), "lpar2": SPINNER, "lpar3": SPINNER}
    with machine(2, [shared(40), shared(60), shared(90)], starts) as its:
        its.run(windows=12)
        memory = its.partitions["lpar1"].memory
        count = memory.u64(VPA + 0x218)
        mine = [d for d in its.schedule if d.partition == 1]
        assert count > 5
        entries = [
            ENTRY.unpack(memory.read(LOG + n * ENTRY.size, ENTRY.size)) for n in range(count)
        ]
        # The log has no entry of the first dispatch, the schedule none of one that is not over.
        for entry, before, now in zip(entries, mine, mine[1:], strict=False):
            reason, preemption, core, *waits, start = entry[:7]
            assert (reason, core, start) == (now.reason, now.core, now.start)
            assert preemption == before.preemption
            assert sum(waits) == now.start - before.end
        assert abs(len(entries) - len(mine)) <= 1
        reasons = {(entry[0], entry[1]) for entry in entries[1:]}
        ceded, sliced = (
            (Wake.DECREMENTER, Preemption.CEDE),
            (Wake.TIME_SLICE, Preemption.TIME_SLICE),
        )
        assert reasons <= {ceded, sliced}
        assert (ceded if body is CEDES else sliced) in reasons
        times = its.dispatcher.members[1].processors[0].times
        waited = memory.u64(VPA + 0x158) + memory.u64(VPA + 0x160)
        assert waited == sum(entry[3] + entry[4] for entry in entries)
        assert waited <= times.waited
        assert memory.u32(VPA + 0x104) == times.dispersions


def test_a_capped_partition_waits_for_capacity_and_a_crowded_one_for_a_processor() -> None:
    with machine(1, [shared(50)], traced(SPINS)) as its:
        its.run(windows=10)
        memory = its.partitions["lpar1"].memory
        assert memory.u64(VPA + 0x160) == pytest.approx(9 * WINDOW // 2, rel=0.12)
        assert memory.u64(VPA + 0x158) == 0
    with machine(1, [shared(50), shared(50)], traced(SPINS)) as its:
        its.run(windows=10)
        memory = its.partitions["lpar1"].memory
        waited = memory.u64(VPA + 0x158) + memory.u64(VPA + 0x160)
        assert waited == pytest.approx(10 * WINDOW // 2, rel=0.12)


@pytest.mark.parametrize(("idle", "fields"), [(1, (0x138, 0x140)), (0, (0x148, 0x150))])
def test_the_vpa_of_a_dedicated_processor_tells_what_it_donated(
    idle: int, fields: tuple[int, int]
) -> None:
    body = f"        li r3,{idle}\n        stb r3,0xFE(r7)\n{DONATES}{CEDES}"
    starts = {"lpar1": traced(body), "lpar2": SPINNER, "lpar3": SPINNER}
    shares = [dedicated(1, SharingMode.SHARE_IDLE_ACTIVE), *[shared(50, weight=9)] * 2]
    with machine(2, shares, starts) as its:
        its.run(windows=12)
        memory = its.partitions["lpar1"].memory
        donated = its.dispatcher.members[1].processors[0].times.donated
        for field in (0x138, 0x140, 0x148, 0x150):
            told = memory.u64(VPA + field)
            if field not in fields:
                assert told == 0
            else:
                # What was lent since its last dispatch is told at the next.
                assert donated - WINDOW <= told <= donated
                assert told > 0


# -- PURR ----------------------------------------------------------------------------------


def test_purrs_of_a_core_add_up_to_the_tick() -> None:
    starts = {"lpar1": SPINNER, "lpar2": SPINNER, "lpar3": CEDER}
    with machine(1, [shared(50, virtual=2), shared(30, weight=5), shared(10)], starts) as its:
        its.run(windows=7)
        sums = {}
        for register in (PURR, SPURR):
            sums[register] = sum(
                processor.registers.spr(register)
                for name in starts
                for processor in its.partitions[name].composition.partition.processors
            )
        (core,) = its.dispatcher.cores
        assert sums[PURR] == sums[SPURR] == core.used
        assert core.used + core.idle == core.clock
        for number, name in enumerate(starts, start=1):
            for one, processor in zip(
                its.partitions[name].composition.partition.processors,
                its.dispatcher.members[number].processors,
                strict=True,
            ):
                assert one.registers.spr(PURR) == processor.times.consumed
