"""The tables of DMA windows, known to the core so that it puts entries by itself (native/dma.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .native import ffi, lib

if TYPE_CHECKING:
    from array import array


class DmaWindows:
    """Those of one engine's partition, by logical I/O bus number."""

    def __init__(self, core: Any) -> None:
        self._core = core
        self._entries: dict[int, Any] = {}

    def add(self, liobn: int, entries: array[int]) -> None:
        """Let the core put `entries`, a doubleword for each page; their array stays where it is."""
        buffer = ffi.from_buffer("uint64_t[]", entries, require_writable=True)
        if lib.core_add_dma_window(self._core, liobn, buffer, len(entries)):
            raise MemoryError("the host has no room for another DMA window")
        self._entries[liobn] = buffer  # which keeps anybody from moving the array

    def remove(self, liobn: int) -> None:
        lib.core_remove_dma_window(self._core, liobn)
        del self._entries[liobn]
