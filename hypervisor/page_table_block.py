"""Removing the entries of up to eight neighbouring pages by one call (LoPAR 14.5.4.1.8).

All of them lie in one aligned block of eight pages of one size.  An entry tells only part of its
page's number; its place in the table tells the rest.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from emu.bits import Field, Word
from emu.hash_translation import ENCODINGS, PageSize, page_size

from .abi import Flags, H, HcallError
from .hcall import HcallGroup
from .page_table_calls import END, REQUEST, RESPONSE, table_of
from .virtual_page import virtual_page

if TYPE_CHECKING:
    from .page_table import PageTable
    from .processor import VirtualProcessor

hcalls = HcallGroup()

BLOCK_REMOVE = 0x328
BLOCK_SHIFT = 3
"""Log2 of the pages of a block."""
_LARGE = 0x80


def characteristics() -> bytes:
    """What system parameter 50 says (LoPAR 7.3.16): blocks of eight, of pages of every size."""
    sizes = bytes(_LARGE | encoding.penc if encoding.large else 0 for encoding in ENCODINGS)
    return bytes((BLOCK_SHIFT, len(sizes))) + sizes


class BlockSpecifier(Word):
    """A translation specifier; its first byte turns into the answer."""

    TYPE = Field(0, 1)
    PAGE_STATE = Field(2, 3)
    BY_AVPN = Field(7)
    PTEX = Field(16, 63)
    # of an answer
    STATUS = Field(2, 4)
    REFERENCE = Field(5)
    CHANGE = Field(6)


class Status(IntEnum):
    """What became of a specifier."""

    REMOVED = 0
    NOT_FOUND = 1
    PARAMETER = 2
    OTHER_SIZE = 3
    OTHER_BLOCK = 5


class _Anchor(NamedTuple):
    """What all pages of a block have in common."""

    size: PageSize
    segment_size: int
    vsid: int
    block: int


@hcalls.define(BLOCK_REMOVE, papr="14.5.4.1.8", function_set="hcall-block-remove")
def h_block_remove(
    caller: VirtualProcessor,
    avpn: Flags,
    ts0: Flags,
    ts1: Flags,
    ts2: Flags,
    ts3: Flags,
    ts4: Flags,
    ts5: Flags,
    ts6: Flags,
    ts7: Flags,
) -> tuple[int, ...]:
    """Remove up to eight entries of one block of pages; each specifier tells what became of it."""
    table = table_of(caller)
    registers = [ts0, ts1, ts2, ts3, ts4, ts5, ts6, ts7]
    asked = [BlockSpecifier(register) for register in registers]
    count = next((n for n, specifier in enumerate(asked) if specifier.TYPE == END), len(asked))
    for specifier in asked[:count]:
        if specifier.TYPE != REQUEST:
            raise HcallError(H.PARAMETER, f"{specifier!r} is no request")
    block = _Block(table, avpn)
    answers = [block.judge(specifier) for specifier in asked[:count]]
    results = (*(block.carry_out(*answer) for answer in answers), *registers[count:])
    table.forget()
    if any(status is not Status.REMOVED for _, status in answers):
        raise HcallError(H.PARTIAL, "not all entries were removed", *results)
    return results


class _Block:
    """A block while its entries are removed."""

    def __init__(self, table: PageTable, avpn: int) -> None:
        self._table, self._avpn = table, avpn
        self._anchor: _Anchor | None = None

    def judge(self, asked: BlockSpecifier) -> tuple[BlockSpecifier, Status]:
        """The specifier, and what its answer will be."""
        ptex = asked.PTEX
        if ptex >= self._table.entries or asked.PAGE_STATE:  # storage is not loaned to anybody
            return asked, Status.PARAMETER
        high, low = self._table.read(ptex)
        if not high.V or high.BOLTED:
            return asked, Status.NOT_FOUND
        size, where = page_size(high, low), virtual_page(ptex, high, low)
        if size is None or where is None:
            return asked, Status.PARAMETER
        if asked.BY_AVPN and high.compared != self._avpn:
            return asked, Status.NOT_FOUND
        block = where.page >> (size.actual - size.base) + BLOCK_SHIFT
        found = _Anchor(size, high.B, where.vsid, block)
        anchor = self._anchor = self._anchor or found
        if found[:2] != anchor[:2]:
            return asked, Status.OTHER_SIZE
        return asked, Status.REMOVED if found == anchor else Status.OTHER_BLOCK

    def carry_out(self, asked: BlockSpecifier, status: Status) -> int:
        """Remove the entry if that is the verdict; gives the answer."""
        answer = BlockSpecifier(0).replace(TYPE=RESPONSE, STATUS=status, PTEX=asked.PTEX)
        if status is not Status.REMOVED:
            return answer
        _, low = self._table.read(asked.PTEX)
        self._table.write(asked.PTEX, 0, 0)
        return answer.replace(REFERENCE=low.R, CHANGE=low.C)
