"""What a medium is kept in: whoever builds a machine brings files, this layer knows bytes."""

from __future__ import annotations

from typing import Protocol


class BackingError(Exception):
    """What holds the medium failed; `full`: there is no more room."""

    def __init__(self, why: str, *, full: bool = False) -> None:
        super().__init__(why)
        self.full = full


class Backing(Protocol):
    """The bytes of a medium, 0 to `size`.  All methods but `close` may raise `BackingError`."""

    @property
    def size(self) -> int: ...
    @property
    def read_only(self) -> bool: ...
    def read(self, offset: int, length: int) -> bytes: ...
    def write(self, offset: int, data: bytes) -> None: ...
    def flush(self) -> None:
        """Return when all that was written would survive a power failure."""

    def discard(self, offset: int, length: int) -> None:
        """These bytes read as zeros from here on, and need no room."""

    def close(self) -> None: ...


class Blank:
    """A medium of zeros in the host's memory, for tests and scratch disks; sparse by pages."""

    _PAGE = 4096

    def __init__(self, size: int) -> None:
        self.size = size
        self.read_only = False
        self._pages: dict[int, bytearray] = {}

    def read(self, offset: int, length: int) -> bytes:
        data = bytearray(length)
        done = 0
        while done < length:
            page, start = divmod(offset + done, self._PAGE)
            count = min(length - done, self._PAGE - start)
            if (content := self._pages.get(page)) is not None:
                data[done : done + count] = content[start : start + count]
            done += count
        return bytes(data)

    def write(self, offset: int, data: bytes) -> None:
        done = 0
        while done < len(data):
            page, start = divmod(offset + done, self._PAGE)
            count = min(len(data) - done, self._PAGE - start)
            content = self._pages.setdefault(page, bytearray(self._PAGE))
            content[start : start + count] = data[done : done + count]
            done += count

    def flush(self) -> None:
        pass

    def discard(self, offset: int, length: int) -> None:
        first, last = -(-offset // self._PAGE), (offset + length) // self._PAGE
        for page in range(first, last):
            self._pages.pop(page, None)
        if first > last:  # within one page
            self.write(offset, bytes(length))
            return
        self.write(offset, bytes(first * self._PAGE - offset))
        self.write(last * self._PAGE, bytes(offset + length - last * self._PAGE))

    def close(self) -> None:
        self._pages.clear()
