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
