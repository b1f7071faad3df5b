"""Partitions of a managed machine with virtual SCSI between them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from emu.assembler import assemble
from emu.state import StateError
from hypervisor.vio.adapter import Slot
from hypervisor.vio.configuration import PairedAdapter, PairedRole
from pyphyp.actions import ActivatePartition, ShutdownPartition
from pyphyp.flat import from_program
from pyphyp.managed import ManagedMachine
from pyphyp.slots import SlotError

from .managed import dedicated, system

if TYPE_CHECKING:
    from pyphyp.starts import Start

SERVER, CLIENT = Slot(10), Slot(20)
QUEUE, DATA, GOT, COUNT = 0x20000, 0x21000, 0x22000, 0x23000
_CALL = """
.macro hcall number
        li      r3,\\number
        sc      1
.endm
.macro map slot, page
        load64  r4,\\slot
        load64  r5,\\page
        load64  r6,\\page+3
        hcall   0x20            # H_PUT_TCE
.endm
        .org    0x1000
_start:
"""


def guest(slot: Slot, work: str) -> Start:
    """It registers its queue, and then does `work` over and over."""
    maps = "".join(f"map {slot.liobn:#x}, {page:#x}\n" for page in (QUEUE, DATA, GOT))
    return from_program(
        assemble(f"""{_CALL}{maps}
        load64  r4,{slot.unit:#x}
        load64  r5,{QUEUE:#x}
        li      r6,0x1000
        hcall   0xFC            # H_REG_CRQ
        li      r14,0
1:      addi    r14,r14,1
        load64  r15,{COUNT:#x}
        std     r14,0(r15)
        {work}
        b       1b
""")
    )


def send(slot: Slot) -> str:
    """A message with what was counted; the next element of the ring is freed."""
    return f"""
        load64  r4,{slot.unit:#x}
        load64  r5,0x8001000000000000
        mr      r6,r14
        hcall   0x108           # H_SEND_CRQ
"""


COPY = f"""
        li      r4,8
        load64  r5,{SERVER.remote_liobn:#x}
        load64  r6,{DATA:#x}
        load64  r7,{SERVER.liobn:#x}
        load64  r8,{GOT:#x}
        hcall   0x110           # H_COPY_RDMA
"""
COUNT_UP = f"""
        load64  r15,{DATA:#x}
        std     r14,0(r15)
        li      r16,0x4000
        mtctr   r16
2:      bdnz    2b
"""
STARTS = {
    "lpar1": guest(SERVER, COPY + send(SERVER)),
    "lpar2": guest(CLIENT, COUNT_UP + send(CLIENT)),
}


def machine(threads: int = 1, **options: Any) -> ManagedMachine:
    its = system(2, [dedicated(1), dedicated(1)])
    server, client = its.partitions
    pairs = (
        PairedAdapter(10, PairedRole.SERVER, "lpar2", 20),
        PairedAdapter(20, PairedRole.CLIENT, "lpar1", 10),
    )
    partitions = (
        replace(server, paired_adapters=pairs[:1]),
        replace(client, paired_adapters=pairs[1:]),
    )
    made = ManagedMachine(
        replace(its, partitions=partitions),
        epoch=0,
        host_threads=threads,
        starts=STARTS,
        **options,
    )
    made.power_on()
    return made


def counted(its: ManagedMachine) -> list[int]:
    return [its.partitions[name].memory.u64(COUNT) for name in STARTS]


def course(threads: int) -> tuple[list[int], list[bytes], list[dict[int, int]]]:
    with machine(threads) as its:
        its.run(windows=6)
        partitions = [its.partitions[name] for name in STARTS]
        storage = [each.memory.read(QUEUE, 0x4000) for each in partitions]
        calls = [dict(each.composition.partition.hcall_counts) for each in partitions]
        return counted(its), storage, calls


def test_what_partitions_send_and_copy_is_the_same_with_1_and_2_host_threads() -> None:
    counts, storage, calls = course(1)
    got = int.from_bytes(storage[0][GOT - QUEUE : GOT - QUEUE + 8], "big")
    assert 0 < got <= counts[1]
    assert storage[0][0] == storage[1][0] == 0x80
    assert calls[0][0x110] == counts[0] - 1 or calls[0][0x110] == counts[0]
    assert course(2) == (counts, storage, calls)


def test_each_copy_waits_for_the_end_of_a_slice() -> None:
    with machine() as its:
        its.run(windows=2)
        before = counted(its)[0]
        its.run(windows=10)
        assert counted(its)[0] - before == 50


@pytest.mark.parametrize("gone", ["lpar1", "lpar2"])
def test_a_partition_that_ends_leaves_a_partner_that_runs_and_finds_it_again(gone: str) -> None:
    other = "lpar2" if gone == "lpar1" else "lpar1"
    with machine() as its:
        its.run(windows=2)
        its.partitions[other].memory.write(QUEUE, bytes(0x1000))
        its.perform(ShutdownPartition(gone, immediate=True))
        its.run(windows=1)
        ring = its.partitions[other].memory.read(QUEUE, 0x1000)
        assert b"\xff\x01" in {ring[at : at + 2] for at in range(0, 0x1000, 16)}
        assert its.partitions[other].runs
        its.perform(ActivatePartition(gone))
        its.run(windows=2)
        assert its.partitions[gone].memory.read(QUEUE, 2) == b"\x80\x01"
        before = its.partitions["lpar1"].memory.u64(GOT)
        its.run(windows=2)
        assert its.partitions["lpar1"].memory.u64(GOT) > before


def test_a_paired_partition_is_not_saved_and_gets_no_more_pairs_while_it_runs() -> None:
    with machine() as its:
        its.run(windows=1)
        with pytest.raises(StateError, match="partners in this machine"):
            its.partitions["lpar1"].run_state()
        with pytest.raises(SlotError, match="defined with the machine"):
            its.partitions["lpar1"].add_adapter(PairedAdapter(11, PairedRole.SERVER, "lpar2", 21))
        assert [usage.what for usage in its.partitions["lpar2"].slots()][1:] == [
            "virtual SCSI client, partner lpar1 slot 10"
        ]
