"""The hcalls of the hashed page table: entering, removing, protecting, reading (LoPAR 14.5.4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.answered_call import AnsweredCall
from emu.bits import Field, Word
from emu.hash_translation import PteHigh, PteLow

from .abi import Flags, H, HcallError
from .hcall import HcallGroup

if TYPE_CHECKING:
    from .page_table import PageTable
    from .processor import VirtualProcessor

hcalls = HcallGroup()

LARGEST_ZEROED = 1 << 16
"""The largest page that H_ENTER clears, and whose cache blocks it cares for."""
READ_AT_ONCE = 4
_BULK_SPECIFIERS = 4


class PteFlags(Word):
    """The flags of these calls (LoPAR table "Page Frame Table Access flags field definition")."""

    EXACT = Field(24)
    R_XLATE = Field(25)
    READ_4 = Field(26)
    AVPN = Field(32)
    ANDCOND = Field(33)
    I_CACHE_INVALIDATE = Field(40)
    I_CACHE_SYNCHRONIZE = Field(41)
    ZERO_PAGE = Field(48)
    KEY_HIGH = Field(50, 51)
    KEY_LOW = Field(52, 54)
    PP0 = Field(55)
    N = Field(61)
    PP12 = Field(62, 63)


_F = PteFlags
_COMPARING = (_F.AVPN, _F.ANDCOND)
_CACHES = (_F.I_CACHE_INVALIDATE, _F.I_CACHE_SYNCHRONIZE)
_PROTECTION = (_F.KEY_HIGH, _F.KEY_LOW, _F.PP0, _F.N, _F.PP12)
SYSTEM_MEMORY = 0b0010
"""WIMG of storage: coherence required, and nothing else."""
DEVICE, DEVICE_MASK = 0b0100, 0b1100
"""WIMG of device pages: caching inhibited and not written through."""


ANSWERED_BY_ENGINE = {
    AnsweredCall.ENTER: 0x08,
    AnsweredCall.REMOVE: 0x04,
    AnsweredCall.PROTECT: 0x18,
    AnsweredCall.READ: 0x0C,
    AnsweredCall.REMOVE_BULK: 0x124,
}
"""What need not leave the engine while nobody looks on; the handlers here say what it means."""


def _flags(value: int, *known: Field) -> PteFlags:
    """The flags of a call that knows those; options that are not offered have none."""
    unknown = value
    for field in known:
        unknown &= ~field.place(-1)
    if unknown:
        raise HcallError(H.PARAMETER, f"flags {unknown:#x} are not offered")
    return PteFlags(value)


def table_of(caller: VirtualProcessor) -> PageTable:
    """The caller's page table."""
    if (table := caller.partition.page_table) is None:
        raise HcallError(H.FUNCTION, "this partition has no hashed page table")
    return table


@hcalls.define(0x08, papr="14.5.4.1.2", function_set="hcall-pft")
def h_enter(caller: VirtualProcessor, flags: Flags, ptex: int, pteh: Flags, ptel: Flags) -> int:
    """Add an entry, to the group of `ptex` or exactly there; gives its index."""
    asked = _flags(flags, _F.EXACT, _F.ZERO_PAGE, *_CACHES)
    table, high, low = table_of(caller), PteHigh(pteh), PteLow(ptel)
    table.check(ptex)
    page = table.page(high, low)
    if page.device and low.WIMG & DEVICE_MASK != DEVICE:
        raise HcallError(H.PARAMETER, f"WIMG {low.WIMG:04b}: a device needs caching inhibited")
    if not page.device and low.WIMG != SYSTEM_MEMORY:
        raise HcallError(H.PARAMETER, f"WIMG {low.WIMG:04b}: storage needs {SYSTEM_MEMORY:04b}")
    caring = asked.ZERO_PAGE or asked.I_CACHE_INVALIDATE or asked.I_CACHE_SYNCHRONIZE
    if caring and not page.device and page.length > LARGEST_ZEROED:
        raise HcallError(H.TOO_BIG, f"a page of {page.length:#x} bytes is not cleared")
    slot = table.free_slot(ptex, exact=bool(asked.EXACT))
    if asked.ZERO_PAGE and not page.device:
        caller.partition.memory.write(page.address, bytes(page.length))
    table.write(slot, high.replace(LOCKS=0, V=1), low.replace(RESERVED=0))
    return slot


def _compared(high: PteHigh, asked: PteFlags, avpn: int) -> None:
    """Refuse an entry that is not the one that the caller means."""
    if not high.V:
        raise HcallError(H.NOT_FOUND, "the entry is not valid")
    if asked.AVPN and high.compared != avpn:
        raise HcallError(H.NOT_FOUND, f"AVPN {high.compared:#x}, not {avpn:#x}")
    if asked.ANDCOND and high & avpn:
        raise HcallError(H.NOT_FOUND, f"{high:#x} has bits of {avpn:#x}")


@hcalls.define(0x04, papr="14.5.4.1.1", function_set="hcall-pft")
def h_remove(caller: VirtualProcessor, flags: Flags, ptex: int, avpn: Flags) -> tuple[int, int]:
    """Remove an entry; gives what it was."""
    asked, table = _flags(flags, *_COMPARING), table_of(caller)
    table.check(ptex)
    high, low = table.read(ptex)
    _compared(high, asked, avpn)
    table.write(ptex, 0, 0)
    table.forget()
    return high, low


@hcalls.define(0x18, papr="14.5.4.1.6", function_set="hcall-pft")
def h_protect(caller: VirtualProcessor, flags: Flags, ptex: int, avpn: Flags) -> None:
    """Set the page protection, the class key and N of an entry."""
    asked, table = _flags(flags, _F.AVPN, *_PROTECTION), table_of(caller)
    table.check(ptex)
    high, low = table.read(ptex)
    _compared(high, asked, avpn)
    protected = low.replace(
        PP0=asked.PP0,
        PP12=asked.PP12,
        KEY_HIGH=asked.KEY_HIGH,
        KEY_LOW=asked.KEY_LOW,
        N=asked.N,
        R=0,
    )
    table.write(ptex, high, protected)
    table.forget()


@hcalls.define(0x0C, papr="14.5.4.1.3", function_set="hcall-pft")
def h_read(caller: VirtualProcessor, flags: Flags, ptex: int) -> tuple[int, ...]:
    """The two doublewords of an entry, or of four; they hold logical page numbers anyway."""
    asked, table = _flags(flags, _F.READ_4, _F.R_XLATE), table_of(caller)
    table.check(ptex)
    if not asked.READ_4:
        return table.read(ptex)
    first = ptex // READ_AT_ONCE * READ_AT_ONCE
    return tuple(word for n in range(READ_AT_ONCE) for word in table.read(first + n))


@hcalls.define(0x10, papr="14.5.4.1.4", function_set="hcall-pft")
def h_clear_mod(caller: VirtualProcessor, flags: Flags, ptex: int) -> int:
    """Clear the change bit of an entry; gives its old second doubleword."""
    _flags(flags)
    table = table_of(caller)
    table.check(ptex)
    high, low = table.valid(ptex)
    if low.C:
        table.write(ptex, high, low.replace(C=0))
        table.forget()
    return low


@hcalls.define(0x14, papr="14.5.4.1.5", function_set="hcall-pft")
def h_clear_ref(caller: VirtualProcessor, flags: Flags, ptex: int) -> int:
    """Clear the reference bit of an entry; gives its old second doubleword."""
    _flags(flags)
    table = table_of(caller)
    table.check(ptex)
    high, low = table.valid(ptex)
    if low.R:
        table.write(ptex, high, low.replace(R=0))
        table.forget()
    return low


class BulkSpecifier(Word):
    """Translation specifier high of H_BULK_REMOVE; byte 0 turns into the answer."""

    TYPE = Field(0, 1)
    RESPONSE = Field(2, 3)
    REFERENCE = Field(4)
    CHANGE = Field(5)
    AVPN = Field(6)
    ANDCOND = Field(7)
    PTEX = Field(8, 63)


UNUSED, REQUEST, RESPONSE, END = range(4)
"""Types of specifiers."""
_SUCCESS, _NOT_FOUND, _PARAMETER = 0, 1, 2
"""Responses."""


@hcalls.define(0x124, papr="14.5.4.1.7", function_set="hcall-bulk")
def h_bulk_remove(
    caller: VirtualProcessor,
    high1: Flags,
    low1: Flags,
    high2: Flags,
    low2: Flags,
    high3: Flags,
    low3: Flags,
    high4: Flags,
    low4: Flags,
) -> tuple[int, ...]:
    """Remove up to four entries; each specifier tells what became of it."""
    table = table_of(caller)
    registers = [high1, low1, high2, low2, high3, low3, high4, low4]
    table.forget()
    for n in range(_BULK_SPECIFIERS):
        specifier = BulkSpecifier(registers[2 * n])
        if specifier.TYPE == END:
            break
        if specifier.TYPE != REQUEST or (specifier.AVPN and specifier.ANDCOND):
            raise HcallError(H.PARAMETER, f"specifier {n}: {specifier!r}", *registers)
        answered = _bulk_removed(table, specifier, registers[2 * n + 1])
        registers[2 * n] = Flags(answered)
        if answered.RESPONSE == _PARAMETER:
            raise HcallError(
                H.PARAMETER, f"specifier {n}: no entry {specifier.PTEX:#x}", *registers
            )
    return tuple(registers)


def _bulk_removed(table: PageTable, specifier: BulkSpecifier, avpn: int) -> BulkSpecifier:
    """Do what a specifier asks; gives it with its answer."""
    answered = specifier.replace(TYPE=RESPONSE, REFERENCE=0, CHANGE=0)
    if table.entries <= specifier.PTEX:
        return answered.replace(RESPONSE=_PARAMETER)
    high, low = table.read(specifier.PTEX)
    if (
        not high.V
        or (specifier.AVPN and high.compared != avpn)
        or (specifier.ANDCOND and high.compared & avpn)
    ):
        return answered.replace(RESPONSE=_NOT_FOUND)
    table.write(specifier.PTEX, 0, 0)
    return answered.replace(RESPONSE=_SUCCESS, REFERENCE=low.R, CHANGE=low.C)
