"""Random page tables: garbage trees, and garbage in SLB and hashed page table."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from emu.bits import MSR
from emu.engine_state import Segment
from emu.hash_translation import (
    AVPN_SHIFT,
    ENCODINGS,
    ENTRIES_A_GROUP,
    ENTRY_BYTES,
    SEGMENT_ENCODINGS,
    SEGMENT_SHIFTS,
    SLB_SLOTS,
    PteHigh,
    PteLow,
    SlbEsid,
    SlbVsid,
    hash_of,
)
from emu.memory import MIB
from emu.translation import Access

from .instructions import SKIP, VECTORS
from .rounds import STORAGE, Driver, PromiseBrokenError, Tally, hostile_partition, run
from .words import encode

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from emu.memory import Memory
    from hypervisor.partition import Partition

ROUND = 512
TICKS = 200
CODE = 0x8000
TABLES = MIB
TABLE_PAGES = 64
PROCESSES = 16
PAGES = 256
"""Entered into a hashed page table."""
GROUP_BYTES = ENTRIES_A_GROUP * ENTRY_BYTES
VALID, LEAF_BIT = 1 << 63, 1 << 62
# Each is given addresses in r4 to r11: loads and stores of every width, atomics, cache blocks.
ACCESSES = (
    0xE8640000,  # ld r3,0(r4)
    0xF8650000,  # std r3,0(r5)
    0x7C6030A8,  # ldarx r3,0,r6
    0x7C6031AD,  # stdcx. r3,0,r6
    0x7C003FEC,  # dcbz 0,r7
    0xBB880000,  # lmw r28,0(r8)
    0xBF890000,  # stmw r28,0(r9)
    0x7C60502A,  # ldx r3,0,r10
    0x7C0057AC,  # icbi 0,r10
    0x7D6903A6,  # mtctr r11
    0x4E800420,  # bctr
)


def random_entry(rng: random.Random) -> int:
    """A table entry: mostly valid, pointing into the tables, at storage, or anywhere."""
    match rng.randrange(6):
        case 0:
            return rng.getrandbits(64)
        case 1 | 2:
            table = TABLES + 0x1000 * rng.randrange(TABLE_PAGES)
            return VALID | table | rng.choice((5, 9, 9, 13, 16, rng.randrange(32)))
        case 3:
            return VALID | LEAF_BIT | rng.getrandbits(62) & ~0xE00
        case _:
            return VALID | LEAF_BIT | rng.randrange(STORAGE + MIB) & ~0xFFF | rng.getrandbits(9)


def random_root(rng: random.Random) -> int:
    """A process table entry: size of the tree, first table, size of that."""
    size = rng.choice((21, 21, rng.randrange(32)))
    table = TABLES + 0x1000 * rng.randrange(TABLE_PAGES)
    if rng.random() < 0.1:
        table = rng.getrandbits(60) & ~0xFFF
    bits = rng.choice((13, 9, 5, rng.randrange(32)))
    return (size >> 3) << 61 | (size & 7) << 5 | table | bits


def random_address(rng: random.Random) -> int:
    quadrant = rng.choice((0, 0, 0, 3, 3, 1, 2)) << 62
    width = rng.choice((12, 21, 30, 39, 52, 62))
    return quadrant | rng.getrandbits(width)


def fill(rng: random.Random, partition: Partition) -> None:
    """New tables throughout; handlers and code stay where real mode finds them."""
    memory = partition.memory
    entries = b"".join(
        random_entry(rng).to_bytes(8, "big") for _ in range(TABLE_PAGES * 0x1000 // 8 // 16)
    )
    for page in range(16):
        memory.write(TABLES + page * len(entries), entries)
    for process in range(PROCESSES):
        memory.write_u64(TABLES + 16 * process, random_root(rng))
    handler = encode(SKIP, little_endian=False)
    for vector in VECTORS:
        memory.write(vector, handler)
    memory.write(CODE, encode(ACCESSES, little_endian=False))


def random_segments(rng: random.Random) -> list[tuple[SlbEsid, SlbVsid]]:
    """An SLB: mostly of segments 1 TiB apart; some are hidden by others, or overlap."""
    segments = []
    for index in range(SLB_SLOTS):
        large, lp = rng.choice(tuple(SEGMENT_ENCODINGS.values()))
        vsid = SlbVsid(0).replace(B=rng.getrandbits(1), L=large, LP=lp, VSID=rng.getrandbits(50))
        apart = index << 12 | rng.getrandbits(4)
        anywhere = rng.getrandbits(rng.choice((1, 4, 36)))
        esid = SlbEsid(0).replace(ESID=apart if rng.random() < 0.8 else anywhere, V=1)
        segments.append((esid, SlbVsid(vsid | rng.getrandbits(3) << 9)))
    return segments


def mapped_address(rng: random.Random, segment: tuple[SlbEsid, SlbVsid], table: Memory) -> int:
    """Enter a page of a segment, at its place in the table; gives the page's effective address.

    Every third entry is spoilt by a bit, every eighth page lies where it likes.
    """
    esid, vsid = segment
    shift = SEGMENT_SHIFTS[vsid.B]
    bases = [base for base, code in SEGMENT_ENCODINGS.items() if code == (vsid.L, vsid.LP)]
    encoding = rng.choice([each for each in ENCODINGS if each.size.base == bases[0]])
    within = rng.getrandbits(rng.choice((16, 24, shift))) & ~((1 << encoding.size.actual) - 1)
    number = vsid.VSID_1T if vsid.B else vsid.VSID
    secondary = rng.getrandbits(1)
    hashed = hash_of(number, within >> encoding.size.base, vsid.B)
    group = (~hashed if secondary else hashed) % (table.size // GROUP_BYTES)
    high = PteHigh(0).replace(
        B=vsid.B,
        AVPN=(number << shift | within) >> AVPN_SHIFT,
        L=int(encoding.large),
        H=secondary,
        V=1,
    )
    real = rng.randrange(STORAGE + MIB) if rng.random() < 0.875 else rng.getrandbits(60)
    page = real >> 12 & ~((1 << encoding.size.actual - 12) - 1) | encoding.penc
    low = PteLow(0).replace(RPN=page, PP12=rng.getrandbits(2), WIMG=2, N=int(rng.random() < 0.1))
    if rng.random() < 0.1:
        low = low.replace(KEY_HIGH=rng.getrandbits(2), KEY_LOW=rng.getrandbits(3))
    entry = struct.pack(">QQ", high, low)
    if rng.random() < 0.33:
        entry = (int.from_bytes(entry, "big") ^ 1 << rng.randrange(128)).to_bytes(16, "big")
    table.write(group * GROUP_BYTES + rng.randrange(ENTRIES_A_GROUP) * ENTRY_BYTES, entry)
    return esid & ~((1 << shift) - 1) | within


def fill_hashed(rng: random.Random, partition: Partition) -> list[int]:
    """Random segments with pages in them; gives the pages' addresses."""
    table = partition.page_table
    assert table is not None
    table.use()
    segments = random_segments(rng)
    partition.engine.segments = tuple(
        Segment(index, esid, vsid) for index, (esid, vsid) in enumerate(segments)
    )
    return [mapped_address(rng, rng.choice(segments), table.content) for _ in range(PAGES)]


def play(rng: random.Random, tally: Tally) -> int:
    with hostile_partition(rng, tally) as composition:
        partition = composition.partition
        mapped: list[int] = []
        for done in range(ROUND):
            if done % 32 == 0:
                fill(rng, partition)
                table = TABLES if rng.random() < 0.8 else STORAGE - 0x1000
                partition.engine.set_process_table(table, 0x1000)
                mapped = fill_hashed(rng, partition) if rng.random() < 0.5 else []
            use(rng, partition, mapped)
    return ROUND


def use(rng: random.Random, partition: Partition, mapped: Sequence[int]) -> None:
    """Ask for translations, then run accesses through them; some to pages in `mapped`."""
    registers = partition.processors[0].registers
    registers.msr = MSR(0).replace(
        SF=1,
        IR=int(rng.random() < 0.5),
        DR=1,
        PR=int(rng.random() < 0.3),
        LE=int(rng.random() < 0.2),
        ME=1,
    )
    registers.set_spr(
        "pidr", rng.randrange(PROCESSES) if rng.random() < 0.9 else rng.getrandbits(64)
    )
    for number in range(4, 12):
        address = random_address(rng)
        if mapped and rng.random() < 0.75:
            address = rng.choice(mapped) + rng.getrandbits(12)
        registers.set_gpr(number, address)
        for access in Access:
            real = partition.engine.translate(address, access)
            if real is not None and not partition.memory.contains(real):
                raise PromiseBrokenError(f"{address:#x} translates to {real:#x}, outside storage")
    registers.nip = CODE if rng.random() < 0.7 else random_address(rng) & ~3
    run(partition, TICKS)
    partition.outcome = None


driver = Driver("page-tables", "address spaces", play)
drive = driver.drive
