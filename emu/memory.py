"""A partition's storage: bytes by logical real address, from 0 to its size.

Reads look straight into the storage the processor uses.  Writes go through the native core, so
that translated code they overwrite is translated anew.  Words are big-endian, as everything that
firmware and hypervisor exchange with a guest.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Protocol

from .native import ffi, lib

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

MIB = 1 << 20


class StorageError(Exception):
    """An access outside the storage: `address` and `length` in bytes."""

    def __init__(self, address: int, length: int, size: int) -> None:
        super().__init__(f"{length} bytes at {address:#x} lie outside the {size:#x} of storage")
        self.address, self.length, self.size = address, length, size


class StorageObserver(Protocol):
    """Whoever must know of writes from outside the processor (the engine)."""

    def storage_written(self, address: int, data: bytes) -> None: ...


class Memory:
    """`size` bytes of zeroed storage, a multiple of 4 KiB; released by `close` or `with`."""

    def __init__(self, size: int) -> None:
        if size <= 0 or size % 4096:
            raise ValueError(f"storage of {size} bytes: a positive multiple of 4096 is needed")
        self.size = size
        self.pointer = lib.storage_map(size)
        if self.pointer == ffi.NULL:
            raise MemoryError(f"the host has no {size // MIB} MiB for a partition's storage")
        self._bytes = memoryview(ffi.buffer(self.pointer, size))
        self._observer: StorageObserver | None = None

    def observe_writes(self, observer: StorageObserver | None) -> None:
        """From now on `observer` carries out the writes."""
        self._observer = observer

    def close(self) -> None:
        """Give the storage back to the host; the engine over it must be closed before."""
        if self.pointer != ffi.NULL:
            self._bytes.release()
            lib.storage_unmap(self.pointer, self.size)
            self.pointer = ffi.NULL

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def contains(self, address: int, length: int = 1) -> bool:
        return address >= 0 and length >= 0 and address + length <= self.size

    def check(self, address: int, length: int) -> None:
        """Raise `StorageError` unless the range lies inside."""
        if not self.contains(address, length):
            raise StorageError(address, length, self.size)

    def read(self, address: int, length: int) -> bytes:
        self.check(address, length)
        return bytes(self._bytes[address : address + length])

    def read_string(self, address: int, limit: int = 4096) -> bytes:
        """The bytes before the first zero, at most `limit`."""
        self.check(address, 1)
        end = min(address + limit, self.size)
        return bytes(self._bytes[address:end]).split(b"\0", 1)[0]

    def write(self, address: int, data: bytes) -> None:
        self.check(address, len(data))
        if self._observer is None:
            self._bytes[address : address + len(data)] = data
        elif data:
            self._observer.storage_written(address, data)

    def u8(self, address: int) -> int:
        self.check(address, 1)
        return self._bytes[address]

    def u16(self, address: int) -> int:
        return int.from_bytes(self.read(address, 2), "big")

    def u32(self, address: int) -> int:
        return int.from_bytes(self.read(address, 4), "big")

    def u64(self, address: int) -> int:
        return int.from_bytes(self.read(address, 8), "big")

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """`count` 32-bit words from `address` on."""
        return struct.unpack(f">{count}I", self.read(address, 4 * count))

    def write_u8(self, address: int, value: int) -> None:
        self.write(address, value.to_bytes(1, "big"))

    def write_u16(self, address: int, value: int) -> None:
        self.write(address, value.to_bytes(2, "big"))

    def write_u32(self, address: int, value: int) -> None:
        self.write(address, value.to_bytes(4, "big"))

    def write_u64(self, address: int, value: int) -> None:
        self.write(address, value.to_bytes(8, "big"))

    def write_words(self, address: int, *values: int) -> None:
        """32-bit words from `address` on."""
        self.write(address, struct.pack(f">{len(values)}I", *values))
