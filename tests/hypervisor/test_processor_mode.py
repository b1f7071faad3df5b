"""H_SET_MODE, SPRG0 and storage by logical address (LoPAR 14.5.4.3, 14.5.4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.bits import MSR, ByteOrder
from hypervisor.abi import DOUBLEWORD, H
from tests.hypervisor.lpar import ABOVE

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar

LOCATION, BYTE_ORDER = 3, 4


def test_the_codes_of_unsupported_flags_count_bits_from_the_high_order_one() -> None:
    assert H.unsupported_flag(1 << 63) is H.UNSUPPORTED_FLAG_START
    assert H.unsupported_flag(1) == -256 - 63
    assert H.unsupported_flag(0b1110) == -256 - 60
    assert H(-318).title == "H_UNSUPPORTED_FLAG_62"
    for other in (-320, -78):
        with pytest.raises(ValueError, match="not a valid H"):
            H(other)


@pytest.mark.parametrize(("flags", "order"), [(0, ByteOrder.BIG), (1, ByteOrder.LITTLE)])
def test_h_set_mode_chooses_the_byte_order_of_interrupts(
    lpar: Lpar, flags: int, order: ByteOrder
) -> None:
    assert lpar.code("H_SET_MODE", 1 - flags, BYTE_ORDER, 0, 0) == H.SUCCESS
    assert lpar.code("H_SET_MODE", flags, BYTE_ORDER, 0, 0) == H.SUCCESS
    assert lpar.engine.interrupts_little_endian == bool(flags)
    lpar.start("sc 0\n b .")
    lpar.memory.write_u32(0xC00, 0x3A80_0007)  # li r20,7
    lpar.memory.write_u32(0xC04, 0x4800_0000)
    if order is ByteOrder.LITTLE:
        lpar.memory.write(0xC00, bytes.fromhex("0700803a 00000048"))
    lpar.partition.run(100)
    assert lpar.processor().gpr(20) == 7
    assert flags == lpar.processor().registers.msr.LE


@pytest.mark.parametrize(
    ("flags", "address"), [(0, 0xC00), (2, 0x18C00), (3, 0xC000_0000_0000_4C00)]
)
def test_h_set_mode_chooses_where_interrupts_go_under_translation(
    lpar: Lpar, flags: int, address: int
) -> None:
    assert lpar.code("H_SET_MODE", flags, LOCATION, 0, 0) == H.SUCCESS
    lpar.processor().start(0x4000, 0)
    lpar.processor().registers.msr = MSR(0).replace(SF=1, IR=1, DR=1)
    lpar.partition.run(1)  # no segments: the fetch itself interrupts
    assert lpar.processor().registers.nip == address - 0xC00 + 0x480


@pytest.mark.parametrize("resource", [0, 5, 6, 1 << 32 | 4, DOUBLEWORD])
def test_h_set_mode_refuses_a_resource_it_does_not_offer_before_all_else(
    lpar: Lpar, resource: int
) -> None:
    assert lpar.code("H_SET_MODE", DOUBLEWORD, resource, 1, 1) == H.P2


@pytest.mark.parametrize("resource", [LOCATION, BYTE_ORDER])
def test_h_set_mode_wants_no_values_with_modes(lpar: Lpar, resource: int) -> None:
    assert lpar.code("H_SET_MODE", 0, resource, 1, 1) == H.P3
    assert lpar.code("H_SET_MODE", 0, resource, 0, 1) == H.P4


@pytest.mark.parametrize(
    ("resource", "flags", "bit"),
    [
        (BYTE_ORDER, 2, 62),
        (BYTE_ORDER, 3, 62),
        (BYTE_ORDER, 1 << 63, 0),
        (LOCATION, 1, 63),
        (LOCATION, 4, 61),
        (LOCATION, 7, 61),
        (LOCATION, DOUBLEWORD, 0),
    ],
)
def test_h_set_mode_names_the_flag_bit_it_does_not_support(
    lpar: Lpar, resource: int, flags: int, bit: int
) -> None:
    lpar.call("H_SET_MODE", 1, BYTE_ORDER, 0, 0)
    assert lpar.code("H_SET_MODE", flags, resource, 0, 0) == -256 - bit
    assert lpar.engine.interrupts_little_endian


def test_h_set_sprg0_sets_it_for_the_caller_alone(lpar3: Lpar) -> None:
    assert lpar3.code("H_SET_SPRG0", DOUBLEWORD, caller=1) == H.SUCCESS
    assert lpar3.processor(1).registers.spr("sprg0") == DOUBLEWORD
    assert lpar3.processor(0).registers.spr("sprg0") == 0


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_cache_load_and_store_move_the_low_order_bytes(lpar: Lpar, size: int) -> None:
    value = 0x1122_3344_5566_7788
    low = value & (1 << 8 * size) - 1
    lpar.memory.write(0x8000, b"\xee" * 16)
    assert lpar.code("H_LOGICAL_CACHE_STORE", size, 0x8000, value) == H.SUCCESS
    assert lpar.memory.read(0x8000, 9) == low.to_bytes(size, "big").ljust(9, b"\xee")
    answer = lpar.call("H_LOGICAL_CACHE_LOAD", size, 0x8000)
    assert (answer.code, answer.results[0]) == (H.SUCCESS, low)


@pytest.mark.parametrize(
    ("size", "address"),
    [
        (0, 0x8000),
        (3, 0x8000),
        (16, 0x8000),
        (DOUBLEWORD, 0x8000),
        (2, 0x8001),
        (4, 0x8002),
        (8, 0x8004),
        (1, ABOVE),
        (8, ABOVE - 4),
        (8, DOUBLEWORD - 7),
    ],
)
def test_cache_load_and_store_refuse_odd_sizes_and_foreign_or_unaligned_addresses(
    lpar: Lpar, size: int, address: int
) -> None:
    before = lpar.everything()
    assert lpar.code("H_LOGICAL_CACHE_LOAD", size, address) == H.PARAMETER
    assert lpar.code("H_LOGICAL_CACHE_STORE", size, address, DOUBLEWORD) == H.PARAMETER
    assert lpar.everything() == before


@pytest.mark.parametrize("name", ["H_LOGICAL_ICBI", "H_LOGICAL_DCBF"])
def test_cache_blocks_outside_storage_are_refused(lpar: Lpar, name: str) -> None:
    assert lpar.code(name, ABOVE - 1) == H.SUCCESS
    assert lpar.code(name, ABOVE) == H.PARAMETER
    assert lpar.code(name, DOUBLEWORD) == H.PARAMETER
