"""A second storage with what the first one holds: what Unicorn's x86 works on meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..storage import EXECUTE, PAGE, READ, WRITE, Page, Storage

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK, _ROW = 16 * PAGE, 16


class Mirror:
    """Of `original`; whoever observes that tells of its changes here."""

    def __init__(self, original: Storage) -> None:
        self._original = original
        self.storage = Storage(original.space)
        self._remapped: list[tuple[int, int]] = [(0, original.end)]
        self._loaded: list[tuple[int, int]] = []

    def close(self) -> None:
        self.storage.close()

    def mapping_changed(self, start: int, length: int) -> None:
        self._remapped.append((start, length))

    def loaded(self, start: int, length: int) -> None:
        self._loaded.append((start, length))

    def update(self) -> None:
        """Have it hold what the original does: between runs anybody may have written there."""
        for start, length in self._remapped:
            self.storage.unmap(start, length)
            for at, size, kind in self._original.runs(start, length):
                self.storage.map(at, size, kind & (READ | WRITE | EXECUTE))
                self._copy(at, size, kind)
        for start, length in self._loaded:
            first = start // PAGE * PAGE
            for at, size, kind in self._original.runs(first, start + length + PAGE - 1 - first):
                self._copy(at, size, kind)
        self._remapped.clear()
        self._loaded.clear()
        for at, size in self._different():
            self.storage.load(at, self._original.raw(at, size))

    def difference(self) -> tuple[int, bytes, bytes] | None:
        """The first place of pages that can be written where the two differ, and what they hold.

        That is up to 16 bytes from there on.
        """
        for at, size in self._different():
            ours, other = bytes(self._original.raw(at, size)), bytes(self.storage.raw(at, size))
            first = next(n for n in range(size) if ours[n] != other[n])
            return at + first, ours[first : first + _ROW], other[first : first + _ROW]
        return None

    def _copy(self, at: int, size: int, kind: Page) -> None:
        if kind & (READ | WRITE | EXECUTE) and not kind & Page.BEYOND_FILE:
            self.storage.load(at, self._original.raw(at, size))

    def _different(self) -> Iterator[tuple[int, int]]:
        for start, length, kind in list(self._original.runs()):
            if not kind & WRITE or kind & Page.BEYOND_FILE:
                continue
            for at in range(start, start + length, _CHUNK):
                size = min(_CHUNK, start + length - at)
                ours, other = self._original.raw(at, size), self.storage.raw(at, size)
                if bytes(ours) != bytes(other):
                    yield at, size
