"""Device pages in the hashed page table, entered and reached by guest code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.assembler import assemble
from emu.bits import MSR
from emu.hash_translation import ENTRIES_A_GROUP, PteHigh, PteLow, SlbEsid, SlbVsid, hash_of
from hypervisor.abi import H, InterruptMode, InterruptOffer
from hypervisor.page_table_calls import PteFlags
from hypervisor.xive import FIRST_IPI, SOURCES, EventState
from hypervisor.xive_pages import PAGE as PAGE_BYTES
from hypervisor.xive_pages import USER_PAGE, source_page
from tests.hypervisor.test_page_table import ENTER, EXACT, Guest

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = 0x8000
VSID, PAGE = 0x321, 0x45
"""Segment and page by which the guest sees the device, in pages of 64 KiB."""
LARGE = PteHigh(0).replace(AVPN=VSID << 5 | PAGE >> 7, V=1, L=1)
INHIBITED, GUARDED = 0b0100, 0b0101


def entry(address: int, wimg: int = GUARDED) -> PteLow:
    """An entry of a page of 64 KiB."""
    return PteLow(0).replace(RPN=address >> 12 | 1, WIMG=wimg, PP12=2)


@pytest.fixture(params=[False, True], ids=["engine", "handlers"])
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    made = Guest(watched=request.param, interrupts=InterruptOffer.XIVE)
    yield made
    made.partition.close()


@pytest.mark.parametrize("wimg", [INHIBITED, GUARDED, 0b0110, 0b0111])
def test_a_device_page_is_entered_where_caching_is_inhibited(guest: Guest, wimg: int) -> None:
    low = entry(source_page(FIRST_IPI), wimg)
    assert guest.code(ENTER, EXACT, 0, LARGE, low) == H.SUCCESS
    assert guest.table.read(0) == (LARGE, low)


@pytest.mark.parametrize("wimg", [0b0010, 0b0000, 0b1100, 0b1110, 0b0001])
def test_a_device_page_is_not_entered_as_storage_is(guest: Guest, wimg: int) -> None:
    assert guest.code(ENTER, EXACT, 0, LARGE, entry(source_page(FIRST_IPI), wimg)) == H.PARAMETER


def test_a_page_that_reaches_beyond_the_devices_is_not_entered(guest: Guest) -> None:
    before, behind = source_page(0) - PAGE_BYTES, source_page(SOURCES)
    for address in (before, behind):
        assert guest.code(ENTER, EXACT, 0, LARGE, entry(address)) == H.PARAMETER
    huge = PteLow(0).replace(RPN=USER_PAGE >> 24 << 12, WIMG=GUARDED, PP12=2)  # penc 0: 16 MiB
    assert guest.code(ENTER, EXACT, 0, LARGE, huge) == H.PARAMETER
    guest.partition.interrupts.use(InterruptMode.XICS)
    assert guest.code(ENTER, EXACT, 1, LARGE, entry(source_page(0))) == H.PARAMETER


def test_clearing_does_not_reach_a_device(guest: Guest) -> None:
    zero = EXACT | PteFlags(0).replace(ZERO_PAGE=1, I_CACHE_INVALIDATE=1)
    assert guest.code(ENTER, zero, 0, LARGE, entry(source_page(FIRST_IPI))) == H.SUCCESS


def test_a_device_is_reached_through_its_entry(guest: Guest) -> None:
    """The event state of an interrupt source, set by a load and read by the next."""
    source = guest.partition.interrupts.xive.source(FIRST_IPI)
    assert source is not None
    source.state = EventState.OFF
    group = hash_of(VSID, PAGE, 0) % (guest.table.entries // ENTRIES_A_GROUP)
    low = entry(source_page(FIRST_IPI))
    assert guest.code(ENTER, EXACT, group * ENTRIES_A_GROUP, LARGE, low) == H.SUCCESS
    segment = SlbVsid(0).replace(VSID=VSID, L=1, LP=1)
    program = assemble(
        f"""
        load64  r4, {int(SlbEsid(0).replace(ESID=2, V=1) | 1)}
        load64  r5, {int(segment)}
        slbmte  r5, r4
        load64  r6, 0x{(2 << 28) + (PAGE << 16):x}
        mfmsr   r7
        ori     r8, r7, 0x10
        mtmsrd  r8
        isync
        ld      r9, 0xc00(r6)       # the state becomes 00
        ld      r10, 0x800(r6)
        mtmsrd  r7
        b       .
        """,
        origin=CODE,
    )
    guest.partition.memory.write(CODE, program.image())
    registers = guest.partition.processors[0].registers
    registers.msr, registers.nip = MSR(0).replace(SF=1), CODE
    guest.partition.run(guest.partition.time_base + 200)
    assert (registers.gpr(9), registers.gpr(10)) == (EventState.OFF, 0)
    assert source.state == 0
