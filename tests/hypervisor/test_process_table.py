"""The process table and what is cached of it (LoPAR 14.13.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.bits import MSR
from hypervisor.abi import DOUBLEWORD, H
from tests.hypervisor.lpar import ABOVE

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar

NEW, DEREGISTER, MAINTAIN = 0b11000, 0b10000, 0b00000
RADIX, BY_INSTRUCTION = 0b00100, 0b00001
TABLE, TREE = 0x61000, 0x70000
SOMEWHERE = 0x1234_5678
REGISTER = "H_REGISTER_PROCESS_TABLE"


@pytest.fixture
def mapped(lpar: Lpar) -> Lpar:
    """Storage with a tree that maps page 0 of process 0 to 0x5000."""
    lpar.memory.write_u64(TABLE, 0x2000_0000_0000_00A5 | TREE)  # 44 bits, 2^5 entries
    for level in range(3):
        lpar.memory.write_u64(TREE + 0x1000 * level, 1 << 63 | TREE + 0x1000 * (level + 1) | 9)
    lpar.memory.write_u64(TREE + 0x3000, 0xC000_0000_0000_5187)
    lpar.processor().registers.msr = MSR(0).replace(SF=1, IR=1, DR=1)
    return lpar


def translated(lpar: Lpar) -> int | None:
    return lpar.engine.translate(0x10)


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize("radix", [RADIX, RADIX | 0b10, RADIX | BY_INSTRUCTION])
def test_translation_starts_at_the_table_that_is_registered(
    mapped: Lpar, radix: int, size: int
) -> None:
    assert translated(mapped) is None
    assert mapped.code(REGISTER, NEW | radix, TABLE, 0, size) == H.SUCCESS
    assert translated(mapped) == 0x5010


@pytest.mark.parametrize("operation", [MAINTAIN, MAINTAIN | 0b01000])
def test_a_table_stays_registered_while_it_is_maintained(mapped: Lpar, operation: int) -> None:
    mapped.code(REGISTER, NEW | RADIX, TABLE, 0, 0)
    assert mapped.code(REGISTER, operation | RADIX, 0, 0, 0) == H.SUCCESS
    assert translated(mapped) == 0x5010


def test_there_is_no_translation_after_deregistration(mapped: Lpar) -> None:
    mapped.code(REGISTER, NEW | RADIX, TABLE, 0, 0)
    assert mapped.code(REGISTER, DEREGISTER | RADIX, 0, 0, 0) == H.SUCCESS
    assert translated(mapped) is None


@pytest.mark.parametrize(
    ("flags", "base", "page_size", "size", "code"),
    [
        (NEW | RADIX | 1 << 5, TABLE, 0, 0, H.PARAMETER),
        (NEW | RADIX | 1 << 63, TABLE, 0, 0, H.PARAMETER),
        (NEW | RADIX, TABLE + 1, 1, 25, H.P2),
        (NEW | RADIX, TABLE + 0x800, 0, 0, H.P2),
        (NEW | RADIX, TABLE, 1, 25, H.P3),
        (NEW | RADIX, TABLE, 0, 25, H.P4),
        (NEW | RADIX, TABLE, 0, DOUBLEWORD, H.P4),
        (NEW | RADIX, ABOVE, 0, 0, H.P2),
        (NEW | RADIX, ABOVE - 0x1000, 0, 1, H.P2),
        (NEW | RADIX, 1 << 63, 0, 0, H.P2),
    ],
)
def test_wrong_registrations_are_refused_by_the_first_that_is_wrong(
    mapped: Lpar, flags: int, base: int, page_size: int, size: int, code: H
) -> None:
    mapped.code(REGISTER, NEW | RADIX, TABLE, 0, 0)
    assert mapped.code(REGISTER, flags, base, page_size, size) == code
    assert translated(mapped) == 0x5010


CLASS, SIZE_1T, ONE_SEGMENT, NEST = 1 << 16, 1 << 8, 0b10, 0b01


@pytest.mark.parametrize("flags", [ONE_SEGMENT, ONE_SEGMENT | CLASS, ONE_SEGMENT | SIZE_1T, NEST])
def test_segments_can_be_forgotten(lpar: Lpar, flags: int) -> None:
    assert lpar.code("H_CLEAN_SLB", flags, 3, 0) == H.SUCCESS


@pytest.mark.parametrize(
    ("flags", "esid", "code"),
    [
        (0, 0, H.PARAMETER),
        (NEST | ONE_SEGMENT, 0, H.PARAMETER),
        (NEST | CLASS, 0, H.PARAMETER),
        (NEST | SIZE_1T, 0, H.PARAMETER),
        (ONE_SEGMENT | 0b100, 0, H.PARAMETER),
        (NEST | 1 << 63, 1, H.PARAMETER),
        (NEST, 1, H.P3),
    ],
)
def test_segments_are_named_as_specified(lpar: Lpar, flags: int, esid: int, code: H) -> None:
    assert lpar.code("H_CLEAN_SLB", flags, 3, esid) == code


def test_a_process_can_be_invalidated(lpar: Lpar) -> None:
    for flags in range(4):
        assert lpar.code("H_INVALIDATE_PID", flags, 3) == H.SUCCESS
    for flags in (4, 1 << 63, DOUBLEWORD):
        assert lpar.code("H_INVALIDATE_PID", flags, 3) == H.PARAMETER


TLB, WALKS, TABLE_CACHE, NESTED = 0b10, 0b100, 0b1000, 0b1
ALL_PROCESSORS, CALLER, ACCELERATORS = 0b1, 0b10, 0b100
PAGES_64K, ALL_SIZES = 0b10, DOUBLEWORD
SHOOT_DOWN = "H_RPT_INVALIDATE"


def test_what_is_cached_of_a_changed_translation_is_forgotten(mapped: Lpar) -> None:
    """Page 0 is moved from 0x5000 to 0x6000 by the guest itself, in real mode."""
    mapped.code(REGISTER, NEW | RADIX, TABLE, 0, 0)
    mapped.memory.write_u64(0x5010, 5)
    mapped.memory.write_u64(0x6010, 6)
    mapped.start(
        f"""
        mfmsr   r20
        ori     r21, r20, 0x10
        mtmsrd  r21
        ld      r22, 0x10(0)
        mtmsrd  r20
        load64  r23, {TREE + 0x3000}
        load64  r24, 0xC000000000006187
        std     r24, 0(r23)
        mtmsrd  r21
        ld      r25, 0x10(0)
        li      r3, {SHOOT_DOWN}
        li      r4, 0
        li      r5, {ALL_PROCESSORS}
        li      r6, {TLB}
        li      r7, {PAGES_64K}
        li      r8, 0
        li      r9, -1
        sc      1
        ld      r26, 0x10(0)
        b       .
        """,
        at=0x8000,
    )
    mapped.partition.run(mapped.partition.time_base + 200)
    seen = [mapped.processor().gpr(n) for n in (22, 25, 26)]
    assert seen == [5, 5, 6], "cached, then forgotten"


@pytest.mark.parametrize(
    ("pid", "targets", "kinds", "sizes", "start", "end", "code"),
    [
        (0, ALL_PROCESSORS | ACCELERATORS, TLB | WALKS | TABLE_CACHE, ALL_SIZES, 0, -1, H.SUCCESS),
        (7, CALLER, WALKS, PAGES_64K, 0x1000, 0x1000, H.SUCCESS),
        (1 << 32, ALL_PROCESSORS, TLB, ALL_SIZES, 0, -1, H.PARAMETER),
        (7, 0, TLB, ALL_SIZES, 0, -1, H.P2),
        (7, 0b1000, TLB, ALL_SIZES, 0, -1, H.P2),
        (7, ALL_PROCESSORS, 0, ALL_SIZES, 0, -1, H.P3),
        (7, ALL_PROCESSORS, 0b10000, ALL_SIZES, 0, -1, H.P3),
        (7, ALL_PROCESSORS, NESTED | TLB, ALL_SIZES, 0, -1, H.FUNCTION),
        (7, ALL_PROCESSORS, TLB, 0, 0, -1, H.P4),
        (7, ALL_PROCESSORS, TLB, 0b10001, 0, -1, H.P4),
        (7, ALL_PROCESSORS, TLB, ALL_SIZES, 0x1000, 0xFFF, H.P5),
    ],
)
def test_a_shootdown_names_process_targets_kinds_page_sizes_and_range(
    mapped: Lpar, pid: int, targets: int, kinds: int, sizes: int, start: int, end: int, code: H
) -> None:
    mapped.code(REGISTER, NEW | RADIX, TABLE, 0, 0)
    asked = (pid, targets, kinds, sizes, start, end & DOUBLEWORD)
    assert mapped.code(SHOOT_DOWN, *asked) == code


def test_there_is_nothing_to_shoot_down_under_a_hashed_page_table(lpar: Lpar) -> None:
    asked = (0, ALL_PROCESSORS, TLB, ALL_SIZES, 0, DOUBLEWORD)
    assert lpar.code(SHOOT_DOWN, *asked) == H.UNSUPPORTED
