"""What an engine counts."""

from __future__ import annotations

from .values import frozen


@frozen
class Counts:
    """What an engine counted since it was opened."""

    instructions: int
    entries: int
    tlb_fills: int
    storage_interrupts: int
    hypercalls: int
    emulated: int
    device_accesses: int
    interrupts: dict[int, int]
    """By vector offset; system call vectored counts at 0x1000 + 0x20 * level."""
