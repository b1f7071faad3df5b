"""What firmware finds on disks and discs, and what it makes of rubbish."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from firmware.device_error import DeviceError
from firmware.disk_label import Extent, extent_of, partitions
from firmware.iso9660 import read_file
from tests.firmware.devices import BLOCKS, Bytes, device, disk_with
from tests.firmware.labels import BLOCK, LINUX, PREP, gpt, iso, mbr_record

if TYPE_CHECKING:
    from hypervisor.partition import Partition


def test_partitions_of_a_master_boot_record(partition: Partition) -> None:
    record = mbr_record((0x41, 1, 64), (0x83, 100, 200), (0x05, 400, 1000))
    logical = mbr_record((0x83, 10, 20), (0x05, 500, 100))
    last = mbr_record((0x96, 1, 9))
    medium = disk_with([(0, record), (400, logical), (900, last)])
    found = partitions(device(partition, medium))
    places = [(its.number, its.extent.start // BLOCK, its.extent.length // BLOCK) for its in found]
    assert places == [(1, 1, 64), (2, 100, 200), (5, 410, 20), (6, 901, 9)]
    assert [its.number for its in found if its.prep] == [1]
    assert [its.number for its in found if its.chrp] == [6]


def test_partitions_of_a_guid_table(partition: Partition) -> None:
    table = gpt(BLOCKS, (PREP, 100, 163), (LINUX, 200, 299))
    found = partitions(device(partition, disk_with(table.items())))
    assert [(its.number, its.extent) for its in found] == [
        (1, Extent(100 * BLOCK, 64 * BLOCK)),
        (2, Extent(200 * BLOCK, 100 * BLOCK)),
    ]
    assert [its.prep for its in found] == [True, False]


def test_the_second_guid_table_serves_where_the_first_is_damaged(partition: Partition) -> None:
    table = gpt(BLOCKS, (PREP, 100, 163))
    table[1] = bytes(BLOCK)
    assert [its.prep for its in partitions(device(partition, disk_with(table.items())))] == [True]


def test_a_partition_beyond_the_end_of_the_disk_is_left_out(partition: Partition) -> None:
    record = mbr_record((0x41, 1, BLOCKS), (0x83, 1, BLOCKS - 1))
    assert [p.number for p in partitions(device(partition, disk_with([(0, record)])))] == [2]


def test_a_chain_of_logical_partitions_that_turns_back_ends(partition: Partition) -> None:
    around = mbr_record((0x83, 1, 1), (0x05, 0, 100))
    medium = disk_with([(0, mbr_record((0x05, 400, 100))), (400, around)])
    assert len(partitions(device(partition, medium))) == 1


def test_a_chain_of_empty_records_is_followed_so_far_and_no_further(partition: Partition) -> None:
    chain = [(n, mbr_record((0x05, n - 400 + 1, 1))) for n in range(400, BLOCKS - 1)]
    medium = disk_with([(0, mbr_record((0x05, 400, BLOCKS - 400))), *chain])
    reads = 0

    def counted(offset: int, length: int) -> bytes:
        nonlocal reads
        reads += 1
        return bytes(medium.content[offset : offset + length])

    medium.read = counted  # type: ignore[method-assign]
    assert partitions(device(partition, medium)) == []
    assert reads <= 130


def test_random_labels_give_partitions_on_the_disk_or_none(partition: Partition) -> None:
    source = random.Random(5)
    table = gpt(BLOCKS, (PREP, 100, 163), (LINUX, 200, 299))
    medium = disk_with()
    its = device(partition, medium)
    for _ in range(300):
        for block, data in table.items():
            medium.write(block * BLOCK, data)
        for _ in range(source.randrange(1, 6)):
            block = source.choice([0, 0, 1, 2])
            medium.content[block * BLOCK + source.randrange(BLOCK)] = source.randrange(256)
        for found in partitions(its):
            assert 0 < sum(found.extent) <= medium.size


def test_extents_by_number(partition: Partition) -> None:
    its = device(partition, disk_with([(0, mbr_record((0x41, 1, 64)))]))
    assert extent_of(its, 0) == Extent(0, BLOCKS * BLOCK)
    assert extent_of(its, 1) == Extent(BLOCK, 64 * BLOCK)
    with pytest.raises(DeviceError, match="no partition 2"):
        extent_of(its, 2)


def test_files_of_a_disc(partition: Partition) -> None:
    disc = Bytes(iso({"PPC/A.TXT;1": b"text", "TOP.ELF;1": b"x" * 5000}), read_only=True)
    its = device(partition, disc)
    everything = Extent(0, its.size())
    assert read_file(its, everything, r"\ppc\a.txt", 100) == b"text"
    assert read_file(its, everything, r"\top.elf", 5000) == b"x" * 5000
    assert read_file(its, everything, r"\ppc", 5000) is None
    assert read_file(its, everything, r"\ppc\b.txt", 5000) is None
    assert read_file(its, everything, r"\top.elf\b.txt", 5000) is None
    with pytest.raises(DeviceError, match="at most 4999"):
        read_file(its, everything, r"\top.elf", 4999)


def test_a_damaged_disc_gives_a_file_or_a_refusal(partition: Partition) -> None:
    whole = iso({"PPC/BOOTINFO.TXT;1": b"text", "TOP.ELF;1": b"x" * 5000})
    disc = Bytes(whole, read_only=True)
    its = device(partition, disc)
    source = random.Random(6)
    for _ in range(300):
        disc.content[:] = whole
        for _ in range(4):
            disc.content[source.randrange(16 * 2048, len(whole))] = source.randrange(256)
        try:
            found = read_file(its, Extent(0, len(whole)), r"\ppc\bootinfo.txt", 1 << 16)
        except DeviceError:
            continue
        assert found is None or len(found) <= 1 << 16
