"""Hashed page tables, spelled out: what the native walker (native/hash.c) means.

The SLB maps a segment of the effective address space to one of the virtual; a hash of the virtual
page's number selects two groups of eight entries of the page table, and the one that names the
page maps it.  The table belongs to the hypervisor and lies outside the partition's storage.

Entries are in the format of Power ISA 2.07, which hypercalls use on later processors too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .bits import MSR, Field, SplitField, Word
from .translation import Access, Cause, Refused, Translated, in_real_mode, reached
from .values import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .memory import Memory

ENTRY_BYTES = 16
ENTRIES_A_GROUP = 8
SLB_SLOTS = 32
SEGMENT_SHIFTS = {0: 28, 1: 40}
"""Log2 of a segment's size, by B."""
_VIRTUAL_BITS = 78
_HASH_BITS = 39
AVPN_SHIFT = 23
"""Log2 of what an abbreviated virtual page number leaves out."""


class SlbEsid(Word):
    """First doubleword of an SLB entry, RB of slbmte (Power ISA III 5.9.3.2)."""

    ESID = Field(0, 35)
    V = Field(36)


class SlbVsid(Word):
    """Second doubleword of an SLB entry, RS of slbmte."""

    B = Field(0, 1)
    VSID = Field(2, 51)
    VSID_1T = Field(2, 39)
    KS = Field(52)
    KP = Field(53)
    N = Field(54)
    L = Field(55)
    C = Field(56)
    LP = Field(58, 59)


class PteHigh(Word):
    """First doubleword of a page table entry (Power ISA 2.07 III 5.7.7.1)."""

    B = Field(0, 1)
    AVPN = Field(2, 56)
    LOCKS = Field(57, 58)  # software bits, of which the hypervisor has two
    BOLTED = Field(59)  # and Linux this one
    LAST = Field(60)
    L = Field(61)
    H = Field(62)
    V = Field(63)

    @property
    def compared(self) -> int:
        """Segment size and page number where they stand: what callers are held against."""
        return int(self.replace(LOCKS=0, BOLTED=0, LAST=0, L=0, H=0, V=0))


class PteLow(Word):
    """Second doubleword of a page table entry."""

    PP0 = Field(0)
    RESERVED = Field(1)
    KEY_HIGH = Field(2, 3)
    RPN = Field(4, 51)  # its low bits are LP if L is on
    KEY_LOW = Field(52, 54)
    R = Field(55)
    C = Field(56)
    WIMG = Field(57, 60)
    G = Field(60)
    N = Field(61)
    PP12 = Field(62, 63)
    KEY = SplitField(KEY_HIGH, KEY_LOW)
    PP = SplitField(PP0, PP12)


@frozen
class PageSize:
    """A page of 2^`actual` bytes in a segment of base pages of 2^`base`."""

    base: int
    actual: int


@frozen
class PageEncoding:
    """How one page size is written: `penc` stands in the low bits of RPN if L is on."""

    size: PageSize
    penc: int

    @property
    def large(self) -> bool:
        return self.size.actual != 12


ENCODINGS = tuple(
    PageEncoding(PageSize(base, actual), penc)
    for base, actual, penc in (
        (12, 12, 0x0),
        (12, 16, 0x7),
        (12, 24, 0x38),
        (16, 16, 0x1),
        (16, 24, 0x8),
        (24, 24, 0x0),
    )
)
"""The page sizes of the processor, in the terms of `ibm,segment-page-sizes`."""
SEGMENT_ENCODINGS = {12: (0, 0b00), 16: (1, 0b01), 24: (1, 0b00)}
"""L and LP of an SLB entry, by its base page's log2."""


@frozen
class HashState:
    """What of the processor's state decides a translation."""

    msr: MSR
    segments: tuple[tuple[SlbEsid, SlbVsid], ...]
    amr: int = 0
    iamr: int = 0
    devices: tuple[range, ...] = ()
    """The real addresses of device pages."""


def page_size(high: PteHigh, low: PteLow) -> PageSize | None:
    """The size of the page an entry maps; None where it names none that there is."""
    if not high.L:
        return PageSize(12, 12)
    for encoding in ENCODINGS:
        if encoding.large:
            low_bits = (1 << encoding.size.actual - 12) - 1
            if low.RPN & low_bits == encoding.penc:
                return encoding.size
    return None


def real_page(low: PteLow, size: PageSize) -> int:
    """The address an entry maps its page to."""
    return low.RPN << 12 & ~((1 << size.actual) - 1)


def translate(
    memory: Memory, table: Memory, state: HashState, effective: int, access: Access
) -> Translated | Refused:
    """What the processor would make of an access; reference and change bits stay as they are."""
    if (real := in_real_mode(state.msr, effective, access)) is not None:
        return reached(memory, state.devices, real, access, otherwise=Cause.PROTECTION)
    outcome = _walk(table, state, effective, access)
    if isinstance(outcome, Refused):
        return outcome
    return reached(memory, state.devices, outcome, access, otherwise=Cause.NO_TRANSLATION)


def _walk(table: Memory, state: HashState, effective: int, access: Access) -> Translated | Refused:
    """Effective to virtual by the SLB, virtual to real by the table (Power ISA 2.07 III 5.7)."""
    if (segment := _find_segment(state.segments, effective)) is None:
        return Refused(Cause.SEGMENT)
    if (found := _find_entry(table, segment, effective)) is None:
        return Refused(Cause.NO_TRANSLATION)
    low, size = found
    protected = _protection(state.msr, segment, low)
    keyed = _key_protection(state, low)
    executable = frozenset(Access)
    if segment.N or low.N or low.G:
        executable -= {Access.FETCH}
    permits = protected & keyed & executable
    if access not in permits:
        return Refused(_cause(access, protected, keyed, executable))
    within = (1 << size.actual) - 1
    return Translated(real_page(low, size) | effective & within, permits)


def _find_segment(segments: Iterable[tuple[SlbEsid, SlbVsid]], effective: int) -> SlbVsid | None:
    for esid, vsid in segments:
        if esid.V and (esid ^ effective) >> SEGMENT_SHIFTS[vsid.B] == 0:
            return vsid
    return None


def _find_entry(table: Memory, segment: SlbVsid, effective: int) -> tuple[PteLow, PageSize] | None:
    """The entry of the virtual page: its second doubleword and the page's size."""
    bases = [b for b, encoded in SEGMENT_ENCODINGS.items() if encoded == (segment.L, segment.LP)]
    if not bases:
        return None
    base, segment_shift = bases[0], SEGMENT_SHIFTS[segment.B]
    within = effective & (1 << segment_shift) - 1
    number = segment.VSID_1T if segment.B else segment.VSID
    virtual = number << segment_shift | within
    primary = hash_of(number, within >> base, segment.B)
    groups = table.size // (ENTRIES_A_GROUP * ENTRY_BYTES)
    for secondary in (0, 1):
        group = (~primary if secondary else primary) % groups
        for slot in range(ENTRIES_A_GROUP):
            address = (group * ENTRIES_A_GROUP + slot) * ENTRY_BYTES
            high, low = PteHigh(table.u64(address)), PteLow(table.u64(address + 8))
            if not high.V or secondary != high.H or high.B != segment.B:
                continue
            ignored = max(base - AVPN_SHIFT, 0)
            if high.AVPN >> ignored != virtual >> AVPN_SHIFT + ignored:
                continue
            size = page_size(high, low)
            if size is not None and size.base == base:
                return low, size
    return None


def hash_of(vsid: int, page: int, b: int) -> int:
    """The primary hash of page number `page` of a segment (Power ISA 2.07 III 5.7.7.2)."""
    spread = vsid ^ vsid << 25 if b else vsid
    return (spread ^ page) & (1 << _HASH_BITS) - 1


_NOTHING: frozenset[Access] = frozenset()
_READS = frozenset({Access.LOAD, Access.FETCH})
_ALL = frozenset(Access)
_PROTECTION = {
    0b000: (_ALL, _NOTHING),
    0b001: (_ALL, _READS),
    0b010: (_ALL, _ALL),
    0b011: (_READS, _READS),
    0b110: (_READS, _NOTHING),
}
"""By PP: what is permitted while the key that the segment gives the state is 0, and 1."""


def _protection(msr: MSR, segment: SlbVsid, low: PteLow) -> frozenset[Access]:
    """Page protection (Power ISA 2.07 III 5.7.9.2)."""
    key = segment.KP if msr.PR else segment.KS
    return _PROTECTION.get(low.PP, (_NOTHING, _NOTHING))[key]


def _key_protection(state: HashState, low: PteLow) -> frozenset[Access]:
    """Virtual page class key protection (Power ISA 2.07 III 5.7.9.1)."""
    shift = 62 - 2 * low.KEY
    amr, iamr = state.amr >> shift, state.iamr >> shift
    permits = _ALL
    if amr & 1:
        permits -= {Access.LOAD}
    if amr & 2:
        permits -= {Access.STORE}
    if iamr & 1:
        permits -= {Access.FETCH}
    return permits


def _cause(
    access: Access,
    protected: frozenset[Access],
    keyed: frozenset[Access],
    executable: frozenset[Access],
) -> Cause:
    """All that stands in an access's way, as DSISR or SRR1 tells it."""
    cause = Cause(0)
    if access not in executable:
        cause |= Cause.NO_EXECUTE
    elif access not in protected:
        cause |= Cause.PROTECTION
    if access not in keyed:
        cause |= Cause.KEY
    return cause
