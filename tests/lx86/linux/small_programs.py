"""Programs of a few instructions, as ELF files."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BASE = 0x0804_8000
HEADERS = 52 + 32
ENTRY = BASE + HEADERS
DATA_OFFSET = 0x800
DATA = BASE + DATA_OFFSET
"""Where a program's data lie: in the same segment, which may be written."""


def elf(code: bytes, data: bytes = b"", *, kind: int = 2, machine: int = 3) -> bytes:
    """An executable with one segment that may be read, written and executed."""
    size = DATA_OFFSET + len(data)
    header = struct.pack(
        "<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", kind, machine, 1, ENTRY, 52, 0, 0, 52, 32, 1,
        0, 0, 0,
    )  # fmt: skip
    segment = struct.pack("<8I", 1, 0, BASE, BASE, size, size + 0x1000, 7, 0x1000)
    return (header + segment + code).ljust(DATA_OFFSET, b"\0") + data


def call(number: int, *arguments: int) -> bytes:
    """Instructions of a system call with these arguments."""
    # mov eax, ebx, ecx, edx, esi, edi, ebp: B8 and the register's number
    loads = zip((0, 3, 1, 2, 6, 7, 5), (number, *arguments), strict=False)
    code = b"".join(bytes([0xB8 + n]) + struct.pack("<I", v & 0xFFFF_FFFF) for n, v in loads)
    return code + b"\xcd\x80"


EXIT_WITH_EAX = bytes.fromhex("89c3 b801000000 cd80")


def write_program(path: Path, code: bytes, data: bytes = b"") -> Path:
    path.write_bytes(elf(code, data))
    path.chmod(0o755)
    return path
