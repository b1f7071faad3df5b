"""Translation control entries: which storage virtual adapters may reach (LoPAR 14.5.4.2).

Each adapter that does DMA has a window of I/O bus addresses, named by a logical I/O bus number
(liobn).  The guest puts an entry for each 4 KiB page of it; an adapter's access goes through these
entries and no other way, so it reaches the partition's own storage and what the guest allowed.
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, NewType, Protocol

from emu.answered_call import AnsweredCall
from emu.state import check, record
from hypervisor.abi import H, HcallError, LogicalReal
from hypervisor.hcall import HcallGroup

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emu.dma_windows import DmaWindows
    from emu.memory import Memory

hcalls = HcallGroup()

Liobn = NewType("Liobn", int)
"""Logical I/O bus number: names a DMA window of the calling partition."""
IoBusAddress = NewType("IoBusAddress", int)
"""An address within such a window."""

PAGE = 4096
WINDOW_BYTES = 256 << 20
"""The size of every window; they begin at 0."""
PAGES = WINDOW_BYTES // PAGE
READ, WRITE = 1, 2
"""What the adapter may do with a page: the low-order bits of its entry."""
_ACCESS = READ | WRITE
_NO_ENTRIES = bytes(8 * PAGES)
_REAL_PAGE = (1 << 64) - PAGE
_INDIRECT_AT_MOST = PAGE // 8
ANSWERED_BY_ENGINE = {
    AnsweredCall.PUT_TCE: 0x20,
    AnsweredCall.STUFF_TCE: 0x138,
    AnsweredCall.PUT_TCE_INDIRECT: 0x13C,
}
"""What need not leave the engine while nobody looks on; the handlers here say what it means."""


class DmaError(Exception):
    """An adapter's access that the window does not allow."""


@record
class TceTableState:
    """The entries that are not 0, by page."""

    liobn: int
    entries: dict[int, int]


class TceTable:
    """One window of `memory`'s partition: an adapter's only way to it."""

    def __init__(self, liobn: Liobn, memory: Memory) -> None:
        self.liobn = liobn
        self._memory = memory
        self._entries = array("Q", bytes(8 * PAGES))

    def get(self, ioba: IoBusAddress) -> int:
        """The entry for an address; `HcallError` outside the window."""
        return self._entries[self._page(ioba)]

    def put(self, ioba: IoBusAddress, tces: Sequence[int]) -> None:
        """Put entries for as many pages from `ioba` on, all of them or none."""
        first = self._page(ioba)
        if first + len(tces) > PAGES:
            raise HcallError(H.PARAMETER, f"{len(tces)} pages at {ioba:#x} end behind the window")
        self._check(tces)
        if tces:
            self._entries[first : first + len(tces)] = array("Q", tces)

    def fill(self, ioba: IoBusAddress, tce: int, count: int) -> None:
        """Put the same entry for `count` pages."""
        first = self._page(ioba)
        if count > PAGES - first:
            raise HcallError(H.PARAMETER, f"{count} pages at {ioba:#x} end behind the window")
        self._check([tce])
        if count:  # a slice of none would be resized, which the engine's hold forbids
            self._entries[first : first + count] = array("Q", [tce]) * count

    @property
    def use(self) -> str:
        """That something is allowed; empty if nothing is."""
        nothing = self._entries.tobytes() == _NO_ENTRIES
        return "" if nothing else "translations of its DMA window are valid"

    def clear(self) -> None:
        """Allow nothing any more."""
        self._entries[:] = array("Q", bytes(8 * PAGES))

    def show_to(self, windows: DmaWindows) -> None:
        """Let the engine put entries, too."""
        windows.add(self.liobn, self._entries)

    def _page(self, ioba: int) -> int:
        if not 0 <= ioba < WINDOW_BYTES:
            raise HcallError(H.PARAMETER, f"{ioba:#x} lies outside the window")
        return ioba // PAGE

    def _check(self, tces: Sequence[int]) -> None:
        highest = max(tces, default=0) & _REAL_PAGE
        if highest + PAGE <= self._memory.size:  # nearly always: all in one go
            return
        for tce in tces:
            if tce & _ACCESS and not self._memory.contains(tce & _REAL_PAGE, PAGE):
                raise HcallError(H.PARAMETER, f"entry {tce:#x} names no page of storage")

    # -- what the adapter does -------------------------------------------------------------

    def read(self, ioba: int, length: int) -> bytes:
        """`length` bytes; raises `DmaError` where a page may not be read."""
        if length <= PAGE - ioba % PAGE:  # nearly always within one page
            return self._memory.read(self._real(ioba, READ), length) if length else b""
        return b"".join(self.look(ioba, length))

    def look(self, ioba: int, length: int) -> list[memoryview]:
        """As `read`: the pieces of storage themselves, for the moment."""
        return [self._memory.look(*piece) for piece in self._pieces(ioba, length, READ)]

    def write(self, ioba: int, data: bytes | memoryview) -> None:
        """Write `data`, or nothing of it: raises `DmaError` where a page may not be written."""
        if 0 < len(data) <= PAGE - ioba % PAGE:  # nearly always within one page
            self._memory.write(self._real(ioba, WRITE), data)
            return
        pieces = self._pieces(ioba, len(data), WRITE)
        if len(pieces) == 1:
            self._memory.write(pieces[0][0], data)
            return
        done, view = 0, memoryview(data)
        for address, length in pieces:
            self._memory.write(address, view[done : done + length])
            done += length

    def check(self, ioba: int, length: int, access: int) -> None:
        """Raise `DmaError` unless all pages allow `access`."""
        self._pieces(ioba, length, access)

    def _real(self, ioba: int, access: int) -> int:
        entry = self._entries[ioba // PAGE] if 0 <= ioba < WINDOW_BYTES else 0
        if entry & access != access:
            raise DmaError(f"liobn {self.liobn:#x}: no access to {ioba:#x}")
        return (entry & _REAL_PAGE) + ioba % PAGE

    def _pieces(self, ioba: int, length: int, access: int) -> list[tuple[int, int]]:
        """Address and length of the storage behind `length` bytes, neighbours joined."""
        if length < 0 or ioba < 0 or ioba + length > WINDOW_BYTES:
            raise DmaError(f"liobn {self.liobn:#x}: {length} bytes at {ioba:#x} lie outside")
        if not length:
            return []
        pieces = []
        start = end = self._real(ioba, access)
        for entry in self._entries[ioba // PAGE : (ioba + length - 1) // PAGE + 1]:
            if entry & access != access:
                raise DmaError(f"liobn {self.liobn:#x}: no access behind {ioba:#x}")
            real = entry & _REAL_PAGE
            if real != end & _REAL_PAGE:
                pieces.append((start, end - start))
                start = real
            end = real + PAGE
        pieces.append((start, end - start - -(ioba + length) % PAGE))
        return pieces

    # -- state -----------------------------------------------------------------------------

    def state(self) -> TceTableState:
        return TceTableState(self.liobn, {n: e for n, e in enumerate(self._entries) if e})

    def restore(self, state: TceTableState) -> None:
        check(state.liobn == self.liobn, f"entries of liobn {state.liobn:#x}")
        self.clear()
        for page, entry in state.entries.items():
            check(0 <= page < PAGES, f"liobn {self.liobn:#x} has no page {page}")
            valid = not entry & _ACCESS or self._memory.contains(entry & _REAL_PAGE, PAGE)
            check(valid, f"liobn {self.liobn:#x}: {entry:#x} names no page of storage")
            self._entries[page] = entry


class TceTables:
    """The windows of one partition."""

    def __init__(self, memory: Memory, windows: DmaWindows | None = None) -> None:
        """`windows` are the engine's, which then puts entries by itself."""
        self._memory, self._windows = memory, windows
        self._tables: dict[int, TceTable] = {}

    def __iter__(self) -> Iterator[TceTable]:
        """By liobn."""
        return iter([self._tables[liobn] for liobn in sorted(self._tables)])

    def add(self, liobn: Liobn) -> TceTable:
        if liobn in self._tables:
            raise ValueError(f"liobn {liobn:#x} is taken")
        table = self._tables[liobn] = TceTable(liobn, self._memory)
        if self._windows is not None:
            table.show_to(self._windows)
        return table

    def remove(self, liobn: Liobn) -> None:
        del self._tables[liobn]
        if self._windows is not None:
            self._windows.remove(liobn)

    def find(self, liobn: int) -> TceTable | None:
        return self._tables.get(liobn)

    def table(self, liobn: int) -> TceTable:
        """The window a guest names."""
        if (found := self.find(liobn)) is None:
            raise HcallError(H.PARAMETER, f"no liobn {liobn:#x}")
        return found

    def state(self) -> tuple[TceTableState, ...]:
        return tuple(table.state() for table in self)

    def restore(self, state: tuple[TceTableState, ...]) -> None:
        check([t.liobn for t in state] == sorted(self._tables), "other DMA windows than here")
        for table, its in zip(self, state, strict=True):
            table.restore(its)


class TablesOfPartition(Protocol):
    @property
    def tce_tables(self) -> TceTables: ...


class TceOwner(Protocol):
    @property
    def memory(self) -> Memory: ...
    @property
    def virtual_io(self) -> TablesOfPartition: ...


class TceCaller(Protocol):
    """A processor whose partition has DMA windows."""

    @property
    def partition(self) -> TceOwner: ...


@hcalls.define(0x1C, papr="14.5.4.2.1", function_set="hcall-tce")
def h_get_tce(caller: TceCaller, liobn: Liobn, ioba: IoBusAddress) -> int:
    """The entry for the page of an I/O bus address."""
    return caller.partition.virtual_io.tce_tables.table(liobn).get(ioba)


@hcalls.define(0x20, papr="14.5.4.2.2", function_set="hcall-tce")
def h_put_tce(caller: TceCaller, liobn: Liobn, ioba: IoBusAddress, tce: int) -> None:
    """Let the adapter reach a page of storage, or no longer."""
    caller.partition.virtual_io.tce_tables.table(liobn).put(ioba, [tce])


@hcalls.define(0x138, papr="14.5.4.2.3", function_set="hcall-multi-tce")
def h_stuff_tce(caller: TceCaller, liobn: Liobn, ioba: IoBusAddress, tce: int, count: int) -> None:
    """Put the same entry for `count` pages, most often 0."""
    caller.partition.virtual_io.tce_tables.table(liobn).fill(ioba, tce, count)


@hcalls.define(0x13C, papr="14.5.4.2.4", function_set="hcall-multi-tce")
def h_put_tce_indirect(
    caller: TceCaller, liobn: Liobn, ioba: IoBusAddress, address: LogicalReal, count: int
) -> None:
    """Put `count` (at most 512) entries that a page of storage lists."""
    table = caller.partition.virtual_io.tce_tables.table(liobn)
    if address % PAGE or not 0 < count <= _INDIRECT_AT_MOST:
        raise HcallError(H.PARAMETER, f"{count} entries at {address:#x}: up to 512 of one page")
    entries = struct.unpack(f">{count}Q", caller.partition.memory.read(address, 8 * count))
    table.put(ioba, entries)
