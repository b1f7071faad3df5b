"""Radix translation, spelled out: what the native walker (native/translation.c) means.

The native code answers the processor's TLB misses; this twin answers nobody in a hurry.  It
states the rules in the manual's words, and the tests hold the two together.  Hashed page tables
are `hash_translation.py`.
"""

from __future__ import annotations

from enum import Flag, IntEnum
from typing import TYPE_CHECKING

from .bits import MSR, Field, Word
from .values import frozen

if TYPE_CHECKING:
    from .memory import Memory

_EFFECTIVE_REAL_BITS = 60
_PAGE_SHIFT = 12
_ENTRY = 8


class Cause(Flag):
    """Why a translation is refused: bits as in DSISR and SRR1; the first two stand alone."""

    SEGMENT = 1
    DEVICE = 2
    NO_TRANSLATION = 0x4000_0000
    NO_EXECUTE = 0x1000_0000
    PROTECTION = 0x0800_0000
    KEY = 0x0020_0000


class Access(IntEnum):
    LOAD = 0
    STORE = 1
    FETCH = 2


@frozen
class Refused:
    cause: Cause


@frozen
class Translated:
    """A logical real address, and what the page permits in the current state."""

    real: int
    permits: frozenset[Access]


class ProcessTableEntry(Word):
    """First doubleword of a process table entry for radix (Power ISA III 6.7.7.2)."""

    RTS1 = Field(1, 2)  # radix tree size, its two high bits
    RPDB = Field(4, 55)  # root page directory base, in units of 256 bytes
    RTS2 = Field(56, 58)  # radix tree size, its three low bits
    RPDS = Field(59, 63)  # root page directory size: log2 of its entries

    @property
    def size(self) -> int:
        """Effective address bits translated."""
        return (self.RTS1 << 3 | self.RTS2) + 31


class PageDirectoryEntry(Word):
    """A valid entry that is no leaf (Power ISA III 6.7.10.1)."""

    VALID = Field(0)
    LEAF = Field(1)
    NLB = Field(4, 55)  # next level base, in units of 256 bytes
    NLS = Field(59, 63)  # next level size: log2 of its entries


class PageTableEntry(Word):
    """A leaf (Power ISA III 6.7.10.2)."""

    VALID = Field(0)
    LEAF = Field(1)
    RPN = Field(7, 51)
    REFERENCE = Field(55)
    CHANGE = Field(56)
    PRIVILEGED = Field(60)
    READ = Field(61)
    WRITE = Field(62)
    EXECUTE = Field(63)


@frozen
class TranslationState:
    """What of the processor's state decides a translation."""

    msr: MSR
    process_table: int
    process_table_size: int
    pid: int = 0
    amr: int = 0
    iamr: int = 0
    devices: tuple[range, ...] = ()
    """The real addresses of device pages: accesses to them are carried out outside the core."""


def translate(
    memory: Memory, state: TranslationState, effective: int, access: Access
) -> Translated | Refused:
    """What the processor would make of an access; reference and change bits stay as they are."""
    if (real := in_real_mode(state.msr, effective, access)) is not None:
        return reached(memory, state.devices, real, access, otherwise=Cause.PROTECTION)
    outcome = _walk(memory, state, effective, access)
    if isinstance(outcome, Refused):
        return outcome
    return reached(memory, state.devices, outcome, access, otherwise=Cause.NO_TRANSLATION)


def in_real_mode(msr: MSR, effective: int, access: Access) -> Translated | None:
    """Where an access goes if translation is off for such; None where it is on."""
    if msr.IR if access is Access.FETCH else msr.DR:
        return None
    return Translated(effective & (1 << _EFFECTIVE_REAL_BITS) - 1, frozenset(Access))


def reached(
    memory: Memory,
    devices: tuple[range, ...],
    found: Translated,
    access: Access,
    *,
    otherwise: Cause,
) -> Translated | Refused:
    """What is found, if it lies in storage."""
    if memory.contains(found.real):
        return found
    if access is not Access.FETCH and any(found.real in pages for pages in devices):
        return Refused(Cause.DEVICE)
    return Refused(otherwise)


def _walk(
    memory: Memory, state: TranslationState, effective: int, access: Access
) -> Translated | Refused:
    """Radix tree translation (Power ISA III 6.7.11)."""
    match effective >> 62:  # the quadrant
        case 0:
            process = state.pid
        case 3:
            process = 0
        case _:
            return Refused(Cause.SEGMENT)
    if (leaf := _find_leaf(memory, state, process, effective & (1 << 62) - 1)) is None:
        return Refused(Cause.NO_TRANSLATION)
    entry, page_bits = leaf
    permits = _permissions(state, entry)
    if access not in permits:
        if access is Access.FETCH and not entry.EXECUTE:
            return Refused(Cause.NO_EXECUTE)
        return Refused(Cause.PROTECTION)
    within = (1 << page_bits) - 1
    return Translated(entry.RPN << _PAGE_SHIFT & ~within | effective & within, permits)


def _find_leaf(
    memory: Memory, state: TranslationState, process: int, offset: int
) -> tuple[PageTableEntry, int] | None:
    """The leaf that maps `offset` within the quadrant, and log2 of its page's size."""
    if process * 16 >= state.process_table_size:
        return None
    if (first := _load(memory, state.process_table + process * 16)) is None:
        return None
    root = ProcessTableEntry(first)
    left, base, index_bits = root.size, root.RPDB << 8, root.RPDS
    if offset >> left:
        return None
    while 5 <= index_bits <= 16 and index_bits + _PAGE_SHIFT <= left:
        left -= index_bits
        index = offset >> left & (1 << index_bits) - 1
        if (raw := _load(memory, base + index * _ENTRY)) is None:
            return None
        entry = PageDirectoryEntry(raw)
        if not entry.VALID:
            return None
        if entry.LEAF:
            return PageTableEntry(raw), left
        base, index_bits = entry.NLB << 8, entry.NLS
    return None


def _load(memory: Memory, real: int) -> int | None:
    return memory.u64(real) if memory.contains(real, 8) else None


def _permissions(state: TranslationState, entry: PageTableEntry) -> frozenset[Access]:
    """Encoded access authority, then keys (Power ISA III 6.7.10.3, 6.7.13.3)."""
    permits: set[Access] = set()
    if entry.READ or entry.WRITE:
        permits.add(Access.LOAD)
    if entry.WRITE:
        permits.add(Access.STORE)
    if entry.EXECUTE:
        permits.add(Access.FETCH)
    if entry.PRIVILEGED:
        return frozenset() if state.msr.PR else frozenset(permits)
    if not state.msr.PR:  # key 0 bounds privileged accesses to problem-state pages
        loads_off, stores_off, fetches_off = (
            state.amr >> 62 & 1,
            state.amr >> 63,
            state.iamr >> 62 & 1,
        )
        permits -= {Access.LOAD} if loads_off else set()
        permits -= {Access.STORE} if stores_off else set()
        permits -= {Access.FETCH} if fetches_off else set()
    return frozenset(permits)
