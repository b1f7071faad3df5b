"""Clearing the hashed page table, and exchanging it for one of another size.

LoPAR 14.5.4.1.9 and 14.5.4.6.2.  Entries that are bolted move to the new table by themselves, to
the same place of the group that their hash selects there; all others the guest enters again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.hash_translation import ENTRIES_A_GROUP, ENTRY_BYTES, hash_of

from .abi import Flags, H, HcallError
from .hcall import HcallGroup
from .page_table import LARGEST_SHIFT, SMALLEST_SHIFT, shift_of
from .page_table_calls import table_of
from .virtual_page import virtual_page

if TYPE_CHECKING:
    from emu.hash_translation import PteHigh, PteLow
    from emu.memory import Memory

    from .page_table import PageTable
    from .processor import VirtualProcessor

hcalls = HcallGroup()


@hcalls.define(0x358, papr="14.5.4.6.2", function_set="hcall-clr-hpt")
def h_clear_hpt(caller: VirtualProcessor) -> None:
    """Make all entries invalid."""
    table_of(caller).clear()


@hcalls.define(0x36C, papr="14.5.4.1.9.1", function_set="hcall-hpt-resize")
def h_resize_hpt_prepare(caller: VirtualProcessor, flags: Flags, shift: int) -> None:
    """Have a page table of 2^`shift` bytes at hand; 0: give it up."""
    table = table_of(caller)
    if not flags and table.pending is not None and shift_of(table.pending) == shift:
        return
    table.discard_pending()
    if flags:
        raise HcallError(H.PARAMETER, f"flags {flags:#x}: there are none")
    if not shift:
        return
    if not SMALLEST_SHIFT <= shift <= LARGEST_SHIFT:
        raise HcallError(
            H.PARAMETER, f"2^{shift} bytes: 2^{SMALLEST_SHIFT} to 2^{LARGEST_SHIFT} are possible"
        )
    if shift > table.largest_shift:
        raise HcallError(H.RESOURCE, f"2^{shift} bytes: at most 2^{table.largest_shift}")
    try:
        table.prepare(shift)
    except MemoryError as refused:
        raise HcallError(H.RESOURCE, str(refused)) from None


@hcalls.define(0x370, papr="14.5.4.1.9.2", function_set="hcall-hpt-resize")
def h_resize_hpt_commit(caller: VirtualProcessor, flags: Flags, shift: int) -> None:
    """Let the pending table take the old one's place, with the bolted entries."""
    table = table_of(caller)
    if table.pending is None:
        raise HcallError(H.CLOSED, "no table is pending")
    if flags or shift_of(table.pending) != shift:
        raise HcallError(H.CLOSED, f"flags {flags:#x}, 2^{shift} bytes: another table is pending")
    _move_bolted(table, table.pending)
    table.commit()


def _move_bolted(table: PageTable, to: Memory) -> None:
    """Enter what is bolted into the other table; H_PTEG_FULL where two need one place."""
    moved: dict[int, tuple[PteHigh, PteLow]] = {}
    for ptex, high, low in table.all_valid():
        if high.BOLTED and (place := _moved(ptex, high, low, to)) is not None:
            if place in moved:
                raise HcallError(H.PTEG_FULL, f"two bolted entries need entry {place:#x}")
            moved[place] = high, low
    for place, (high, low) in moved.items():
        to.write_u64(place * ENTRY_BYTES, high)
        to.write_u64(place * ENTRY_BYTES + 8, low)


def _moved(ptex: int, high: PteHigh, low: PteLow, new: Memory) -> int | None:
    """Where an entry belongs in the new table."""
    if (where := virtual_page(ptex, high, low)) is None:
        return None
    found = hash_of(where.vsid, where.page, high.B)
    groups = new.size // (ENTRIES_A_GROUP * ENTRY_BYTES)
    return ((~found if high.H else found) % groups) * ENTRIES_A_GROUP + ptex % ENTRIES_A_GROUP
