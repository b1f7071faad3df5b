"""NVRAM as CHRP divides it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.nvram import NVRAM_BYTES, Nvram, formatted, header

if TYPE_CHECKING:
    from collections.abc import Iterator


def partitions(content: bytes) -> Iterator[tuple[int, bytes, int]]:
    offset = 0
    while offset < len(content):
        signature, _, units, name = struct.unpack_from(">BBH12s", content, offset)
        yield signature, name.rstrip(b"\0"), units * 16
        offset += units * 16


def checksum_by_shorts(head: bytes) -> int:
    """The checksum as a reader adds it up: 16-bit words first, folded to 8 bits at the end."""
    signature, _, *words = struct.unpack(">BBH6H", head)
    total: int = signature + sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    twice = (total >> 8) + (total << 8)
    return (total + twice >> 8) & 0xFF


def test_the_partitions_take_up_all_of_it() -> None:
    found = list(partitions(formatted()))
    assert found == [
        (0x70, b"common", 4096),
        (0x50, b"of-config", 1024),
        (0x7F, b"w" * 12, NVRAM_BYTES - 5120),
    ]


@given(st.integers(0, 255), st.binary(min_size=12, max_size=12), st.integers(1, 4095))
def test_a_header_has_the_checksum_a_reader_adds_up(
    signature: int, name: bytes, units: int
) -> None:
    head = header(signature, name, units * 16)
    assert head[1] % 255 == checksum_by_shorts(head) % 255


def test_the_checksums_of_the_formatted_partitions_are_right() -> None:
    content, offset = formatted(), 0
    for _, _, length in partitions(content):
        assert content[offset + 1] == checksum_by_shorts(content[offset : offset + 16])
        offset += length


def test_common_holds_configuration_variables() -> None:
    assert b"auto-boot?=true\0" in formatted()[:4096]


@pytest.mark.parametrize(("offset", "stored"), [(0, 4), (NVRAM_BYTES - 2, 2), (NVRAM_BYTES, 0)])
def test_store_writes_what_fits_and_never_grows(offset: int, stored: int) -> None:
    content = Nvram()
    assert content.store(offset, b"abcd") == stored
    assert len(content) == NVRAM_BYTES
    assert content.fetch(offset, 4) == b"abcd"[:stored]


def test_kept_content_is_taken_up_again() -> None:
    first = Nvram()
    first.store(100, b"kept")
    assert Nvram(first.content).fetch(100, 4) == b"kept"
