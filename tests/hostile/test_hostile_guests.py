"""No guest ends, hangs or corrupts the process it runs in, or another partition."""

from __future__ import annotations

import time

import pytest

from emu.bits import MSR
from emu.memory import MIB
from tests.emu.machine import Bare, bare

from . import isolated
from .rounds import resident_bytes

PROCESS_TABLE, ROOT, DIRECTORY, LEAVES = 0x100000, 0x110000, 0x120000, 0x121000
RELOCATED = MSR(0).replace(SF=1, IR=1, DR=1, ME=1)
PAGES = 200_000
# A copy of two instructions to a new place, or another first one in an old place, and a call of it.
REWRITE = """
_start: lis r4,0x3860       # li r3,n
        lis r10,0x4e80      # blr
        ori r10,r10,0x20
1:      lis r7,1
        li r8,4096
        mtctr r8
2:      addi r5,r5,1
        rlwimi r4,r5,0,16,31
        stw r4,0(r7)
        stw r10,4(r7)
        mtlr r7
        blrl
        addi r7,r7,64
        bdnz 2b
        b 1b
"""
# Loads from so many pages, a flush, and that again; then nothing but a load and a flush.
FILL_AND_FLUSH = f"""
_start: li r10,12
1:      lis r4,0
        lis r5,{PAGES >> 16}
        ori r5,r5,{PAGES & 0xFFFF}
        mtctr r5
2:      ld r6,0(r4)
        addi r4,r4,4096
        bdnz 2b
        tlbie r0,r0,3,1,1
        addic. r10,r10,-1
        bne 1b
        sc 1
3:      ld r6,0(r4)
        tlbie r0,r0,3,1,1
        b 3b
"""


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("hypercalls", 8_000),
        ("instructions", 50_000),
        ("page-tables", 2_000),
        ("firmware-calls", 10_000),
        ("virtual-scsi", 20_000),
        ("virtual-fc", 6_000),
        ("virtual-lan", 20_000),
        ("virtual-pairs", 10_000),
        ("virtual-terminals", 10_000),
        ("slots", 20_000),
        ("x86-code", 100_000),
    ],
)
def test_a_sample_of_hostile_guests_harms_nobody(name: str, count: int) -> None:
    isolated.drive(name, seed=1, count=count, seconds=60)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("hypercalls", 1_000_000),
        ("instructions", 10_000_000),
        ("page-tables", 200_000),
        ("firmware-calls", 500_000),
        ("virtual-scsi", 1_000_000),
        ("virtual-fc", 1_000_000),
        ("virtual-lan", 1_000_000),
        ("virtual-pairs", 200_000),
        ("virtual-terminals", 200_000),
        ("slots", 1_000_000),
        ("x86-code", 2_000_000),
    ],
)
def test_hostile_guests_harm_nobody(name: str, count: int) -> None:
    isolated.drive(name, seed=2, count=count, seconds=1800)


@pytest.mark.slow
@pytest.mark.parametrize("traced", [False, True], ids=["plain", "traced elsewhere"])
def test_code_that_rewrites_itself_for_ever_takes_a_bounded_amount_of_host_memory(
    traced: bool,
) -> None:
    with bare() as machine:
        if traced:  # then each block is translated with a call of the extension
            machine.engine.tracing.trace_instructions(range(16), lambda address: None)
        machine.registers.nip = machine.load(REWRITE, at=0x1000)
        before = resident_bytes()
        for _ in range(3):
            machine.engine.run(machine.engine.time_base + 20_000_000)
            assert resident_bytes() < before + 192 * MIB


def map_two_megabytes_again_and_again(machine: Bare) -> None:
    """A radix tree that shows the first 2 MiB of storage at every multiple of 2 MiB below 1 GiB."""
    size_of_52_bits = (52 - 31 >> 3) << 61 | (52 - 31 & 7) << 5
    machine.memory.write_u64(PROCESS_TABLE, size_of_52_bits | ROOT | 13)
    machine.memory.write_u64(ROOT, 1 << 63 | DIRECTORY | 9)
    machine.memory.write_u64(DIRECTORY, 1 << 63 | LEAVES | 9)
    for entry in range(512):
        machine.memory.write_u64(LEAVES + 8 * entry, 0xC000_0000_0000_0187)
    machine.engine.set_process_table(PROCESS_TABLE, 0x1000)


def test_a_guest_that_fills_and_flushes_the_tlb_costs_the_host_neither_memory_nor_time() -> None:
    with bare(4 * MIB) as machine:
        map_two_megabytes_again_and_again(machine)
        entry = machine.load(FILL_AND_FLUSH, at=0x8000)
        before = resident_bytes()
        machine.registers.msr = RELOCATED
        machine.registers.nip = entry
        machine.engine.run(machine.engine.time_base + 12 * 4 * PAGES)
        assert machine.engine.counts().tlb_fills > 10 * PAGES
        assert resident_bytes() < before + 16 * MIB
        started = time.process_time()
        machine.engine.run(machine.engine.time_base + 1_000_000)
        assert time.process_time() - started < 5
