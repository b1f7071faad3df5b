"""Which hypercalls the core can answer by itself (native/page_table.c, native/dma.c)."""

from __future__ import annotations

from enum import IntEnum


class AnsweredCall(IntEnum):
    """Hypercalls that the core can answer: on the hashed page table, and on DMA windows."""

    ENTER = 0
    REMOVE = 1
    PROTECT = 2
    READ = 3
    REMOVE_BULK = 4
    PUT_TCE = 5
    STUFF_TCE = 6
    PUT_TCE_INDIRECT = 7
