"""The partition's NVRAM: bytes, divided into named partitions as CHRP has it (LoPAR chapter 8).

A partition starts with a 16-byte header: signature, checksum, length in 16-byte units (header
included), name.  What no other partition takes is one of free space.
"""

from __future__ import annotations

import re
import struct

from emu.state import check

NVRAM_BYTES = 64 * 1024
UNIT_BYTES = 16
NAME_BYTES = 12

OPEN_FIRMWARE = 0x50
SYSTEM = 0x70
FREE = 0x7F
FREE_NAME = b"w" * NAME_BYTES

COMMON_BYTES = 4096
OF_CONFIG_BYTES = 1024


def header(signature: int, name: bytes, length: int) -> bytes:
    """The header of a partition of `length` bytes, a multiple of 16."""
    assert length % UNIT_BYTES == 0
    tail = struct.pack(f">H{NAME_BYTES}s", length // UNIT_BYTES, name)
    return bytes((signature, checksum(signature, tail))) + tail


def checksum(signature: int, tail: bytes) -> int:
    """The 8-bit sum, carries added back in, of a header without its checksum byte."""
    total = signature + sum(tail)
    while total > 0xFF:
        carry, total = divmod(total, 0x100)
        total += carry
    return total


def formatted(size: int = NVRAM_BYTES) -> bytes:
    """NVRAM as it leaves the factory: the configuration partitions, then free space."""
    configuration = b"real-mode?=true\0little-endian?=false\0auto-boot?=true\0"
    free = size - COMMON_BYTES - OF_CONFIG_BYTES
    parts = (
        (header(SYSTEM, b"common", COMMON_BYTES) + configuration).ljust(COMMON_BYTES, b"\0"),
        header(OPEN_FIRMWARE, b"of-config", OF_CONFIG_BYTES).ljust(OF_CONFIG_BYTES, b"\0"),
        header(FREE, FREE_NAME, free).ljust(free, b"\0"),
    )
    return b"".join(parts)


class Nvram:
    """Bytes that outlive the partition's runs; given to the next one by whoever keeps them."""

    def __init__(self, content: bytes | None = None) -> None:
        self._bytes = bytearray(formatted() if content is None else content)
        self.stores = 0
        """How often something was stored; whoever keeps the bytes sees by it that they changed."""

    def __len__(self) -> int:
        return len(self._bytes)

    @property
    def content(self) -> bytes:
        return bytes(self._bytes)

    def fetch(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on; fewer at the end."""
        return bytes(self._bytes[offset : offset + length])

    def store(self, offset: int, data: bytes) -> int:
        """Write what fits from `offset` on; gives how many bytes that were."""
        fitting = data[: max(0, len(self._bytes) - offset)]
        self._bytes[offset : offset + len(fitting)] = fitting
        self.stores += 1
        return len(fitting)

    def variables(self) -> dict[str, str]:
        """The configuration variables: boot-device and others (LoPAR 8.5)."""
        if (place := self._common()) is None:
            return {}
        text = bytes(self._bytes[place]).partition(b"\0\0")[0]
        pairs = (item.partition("=") for item in text.decode("latin-1").split("\0"))
        return {name: value for name, equals, value in pairs if equals}

    def set_variable(self, name: str, value: str | None) -> None:
        """Set a configuration variable, or forget it (None); ValueError where that cannot be."""
        if not re.fullmatch(r"[!-<>-~]{1,31}", name):
            raise ValueError(f"{name!r} is no variable's name")
        if value is not None and not re.fullmatch(r"[ -~\xa0-\xff]*", value):
            raise ValueError(f"{name}: a value is of printable characters")
        if (place := self._common()) is None:
            raise ValueError("this NVRAM has no partition for variables")
        found = {**self.variables(), name: value}
        pairs = [f"{key}={its}".encode("latin-1") for key, its in found.items() if its is not None]
        packed = b"\0".join([*pairs, b""])
        room = place.stop - place.start
        if len(packed) + 1 > room:
            raise ValueError(f"{name}: variables have {room} bytes together, and {len(packed)} now")
        self.store(place.start, packed.ljust(room, b"\0"))

    def _common(self) -> slice | None:
        """Where the variables stand."""
        at = 0
        while at + UNIT_BYTES <= len(self):
            head = self._bytes[at : at + UNIT_BYTES]
            length = int.from_bytes(head[2:4], "big") * UNIT_BYTES
            if not length or checksum(head[0], bytes(head[2:])) != head[1]:
                break
            if head[0] == SYSTEM and head[4:].rstrip(b"\0") == b"common":
                return slice(at + UNIT_BYTES, min(at + length, len(self)))
            at += length
        return None

    def state(self) -> bytes:
        return self.content

    def restore(self, state: bytes) -> None:
        check(len(state) == len(self), f"NVRAM of {len(state)} bytes; here are {len(self)}")
        self.store(0, state)
