"""Which virtual page an entry of the hashed page table maps.

The entry's AVPN leaves out the low 23 bits of the virtual address; the group in which it stands
is their hash and gives them back (Power ISA 2.07 III 5.7.7.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from emu.hash_translation import AVPN_SHIFT, ENTRIES_A_GROUP, SEGMENT_SHIFTS, hash_of, page_size

if TYPE_CHECKING:
    from emu.hash_translation import PteHigh, PteLow


class VirtualPage(NamedTuple):
    """A page of a segment, counted in its base pages."""

    vsid: int
    page: int


def virtual_page(ptex: int, high: PteHigh, low: PteLow) -> VirtualPage | None:
    """The page that valid entry `ptex` maps; None if its encodings mean nothing."""
    if high.B not in SEGMENT_SHIFTS or (size := page_size(high, low)) is None:
        return None
    page_bits = SEGMENT_SHIFTS[high.B] - AVPN_SHIFT
    vsid, known = high.AVPN >> page_bits, high.AVPN & (1 << page_bits) - 1
    hidden = max(AVPN_SHIFT - size.base, 0)
    page = known << hidden if hidden else known >> size.base - AVPN_SHIFT
    group = ptex // ENTRIES_A_GROUP
    primary = ~group if high.H else group
    page |= (primary ^ hash_of(vsid, page, high.B)) & (1 << hidden) - 1
    return VirtualPage(vsid, page)
