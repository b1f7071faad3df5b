"""Partitions of a disk: master boot record and GUID partition table (UEFI 5.2, 5.3)."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from .device_error import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .block_devices import BlockDevice

PREP_TYPE, CHRP_TYPE = 0x41, 0x96
"""MBR types of what firmware boots from: an ELF program; a file system of ISO 9660."""
PREP_GUID = UUID("9e1a2d38-c612-4316-aa26-8b49521e5a8b").bytes_le
_GPT_TYPE = 0xEE
_EXTENDED = frozenset({0x05, 0x0F, 0x85})
_MOST_PARTITIONS = 128
_MBR_ENTRIES, _MBR_MARK = 446, b"\x55\xaa"
_ENTRY = struct.Struct("<4xB3xII")
_GPT_HEADER = struct.Struct("<8s4xII4x8x8x8x8x16xQIII")
_GPT_MARK = b"EFI PART"


class Extent(NamedTuple):
    """Bytes of a device that lie together."""

    start: int
    length: int


class DiskPartition(NamedTuple):
    """Number, place, and whether firmware boots from it."""

    number: int
    extent: Extent
    prep: bool = False
    chrp: bool = False


def partitions(device: BlockDevice) -> list[DiskPartition]:
    """What the label says, as far as it lies on the device; raises `DeviceError`."""
    block, count = device.geometry()
    if block * count < 2 * 512:
        return []
    record = device.read(0, 512)
    if record[510:512] != _MBR_MARK:
        return []
    entries = list(_entries(record))
    if any(kind == _GPT_TYPE for _, kind, _, _ in entries):
        found = _guid_partitions(device, block, count)
    else:
        found = _mbr_partitions(device, block, entries)
    return [its for its in found if sum(its.extent) <= block * count and its.extent.length]


def extent_of(device: BlockDevice, number: int) -> Extent:
    """Where a partition lies, or all of the device for 0; raises `DeviceError`."""
    if number == 0:
        return Extent(0, device.size())
    for its in partitions(device):
        if its.number == number:
            return its.extent
    raise DeviceError(f"no partition {number}")


def _entries(record: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Number, type, first block and blocks of the entries in use."""
    for n in range(4):
        kind, first, count = _ENTRY.unpack_from(record, _MBR_ENTRIES + n * _ENTRY.size)
        if kind and count:
            yield n + 1, kind, first, count


def _mbr_partitions(
    device: BlockDevice, block: int, entries: list[tuple[int, int, int, int]]
) -> Iterator[DiskPartition]:
    for number, kind, first, count in entries:
        if kind not in _EXTENDED:
            yield _partition(number, kind, first, count, block)
    number = 5
    for outer in (first for _, kind, first, _ in entries if kind in _EXTENDED):
        at: int | None = outer
        for _ in range(_MOST_PARTITIONS):  # records; each may have none, and another behind it
            if at is None or number >= _MOST_PARTITIONS:
                break
            try:
                record = device.read(at * block, 512)
            except DeviceError:  # a chain that leads off the disk
                return
            here, at = at, None
            for _, kind, first, count in _entries(record):
                if kind in _EXTENDED:
                    at = outer + first
                else:
                    yield _partition(number, kind, here + first, count, block)
                    number += 1
            if at is not None and at <= here:  # chains go upwards, or round and round
                return


def _partition(number: int, kind: int, first: int, count: int, block: int) -> DiskPartition:
    extent = Extent(first * block, count * block)
    return DiskPartition(number, extent, kind == PREP_TYPE, kind == CHRP_TYPE)


def _guid_partitions(device: BlockDevice, block: int, count: int) -> Iterator[DiskPartition]:
    """From the first intact one of the two tables."""
    for header_at in (1, count - 1):
        try:
            if (table := _guid_table(device, block, header_at)) is None:
                continue
        except DeviceError:  # of blocks that are not there
            continue
        size, data = table
        for n in range(len(data) // size):
            entry = data[n * size : (n + 1) * size]
            first, last = struct.unpack_from("<QQ", entry, 32)
            if any(entry[:16]) and last >= first:
                extent = Extent(first * block, (last - first + 1) * block)
                yield DiskPartition(n + 1, extent, entry[:16] == PREP_GUID)
        return


def _guid_table(device: BlockDevice, block: int, header_at: int) -> tuple[int, bytes] | None:
    """Size of an entry and all entries; None where the checksums say that there is no table."""
    header = device.read(header_at * block, 512)
    mark, size, checksum, table_at, entries, entry_size, table_sum = _GPT_HEADER.unpack_from(header)
    if mark != _GPT_MARK or not 92 <= size <= 512:
        return None
    if zlib.crc32(header[:16] + bytes(4) + header[20:size]) != checksum:
        return None
    if entry_size % 128 or not 128 <= entry_size <= 4096 or entries > _MOST_PARTITIONS:
        return None
    data = device.read(table_at * block, entries * entry_size)
    return (entry_size, data) if zlib.crc32(data) == table_sum else None
