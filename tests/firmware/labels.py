"""Disks and discs as others write them: partition tables, ISO 9660."""

from __future__ import annotations

import struct
import zlib
from uuid import UUID

BLOCK, SECTOR = 512, 2048
PREP = UUID("9e1a2d38-c612-4316-aa26-8b49521e5a8b")
LINUX = UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")


def mbr_record(*entries: tuple[int, int, int]) -> bytes:
    """A boot record with partitions of (type, first block, blocks)."""
    table = b"".join(struct.pack("<4xB3xII", *entry) for entry in entries)
    return bytes(446) + table.ljust(64, b"\0") + b"\x55\xaa"


def gpt(blocks: int, *entries: tuple[UUID, int, int]) -> dict[int, bytes]:
    """By block: a GUID partition table, with partitions of (type, first and last block)."""
    table = b"".join(
        kind.bytes_le + UUID(int=n + 1).bytes_le + struct.pack("<QQQ72x", first, last, 0)
        for n, (kind, first, last) in enumerate(entries)
    ).ljust(128 * 128, b"\0")
    last = blocks - 1

    def header(here: int, other: int, table_at: int) -> bytes:
        fields = struct.pack(
            "<QQQQ16sQIII",
            here,
            other,
            34,
            last - 33,
            b"disk",
            table_at,
            128,
            128,
            zlib.crc32(table),
        )
        start = b"EFI PART" + struct.pack("<II", 0x10000, 92)
        checksum = zlib.crc32(start + bytes(8) + fields)
        return (start + struct.pack("<I4x", checksum) + fields).ljust(BLOCK, b"\0")

    return {
        0: mbr_record((0xEE, 1, last)),
        1: header(1, last, 2),
        2: table,
        last - 32: table,
        last: header(last, 1, last - 32),
    }


def _record(name: bytes, sector: int, length: int, *, directory: bool = False) -> bytes:
    both = struct.pack("<I", sector) + struct.pack(">I", sector)
    both += struct.pack("<I", length) + struct.pack(">I", length)
    body = b"\0" + both + bytes(7) + bytes([2 if directory else 0, 0, 0]) + bytes(4)
    body += bytes([len(name)]) + name
    body += b"\0" * (len(body) % 2 == 0)
    return bytes([len(body) + 1]) + body


def iso(files: dict[str, bytes]) -> bytes:
    """A file system with `files`, one directory deep: {"PPC/BOOTINFO.TXT;1": ...}."""
    sectors: list[bytes] = []

    def put(data: bytes) -> int:
        at = 18 + len(sectors)
        sectors.extend(
            data[n : n + SECTOR].ljust(SECTOR, b"\0") for n in range(0, max(len(data), 1), SECTOR)
        )
        return at

    directories: dict[str, list[bytes]] = {}
    for path, data in files.items():
        directory, _, name = path.rpartition("/")
        record = _record(name.encode(), put(data), len(data))
        directories.setdefault(directory, []).append(record)
    root = directories.pop("", [])
    for directory, records in directories.items():
        data = b"".join(records)
        root.append(_record(directory.encode(), put(data), len(data), directory=True))
    content = b"".join(root)
    own = _record(b"\0", put(content), len(content), directory=True)
    primary = (b"\x01CD001\x01" + bytes(149) + own).ljust(SECTOR, b"\0")
    end = b"\xffCD001\x01".ljust(SECTOR, b"\0")
    return bytes(16 * SECTOR) + primary + end + b"".join(sectors)
