"""A partition's hashed page table, and the hcalls that change it (LoPAR 14.5.4.1).

The table lies outside the partition's storage: the guest reaches it by these calls only, so no
entry ever maps what the partition does not have, storage or device pages.  Entries keep the format
the calls use, with logical real page numbers, as the processor model reads them
(`emu/hash_translation.py`).

What a guest calls all the time the engine carries out by itself, unless somebody looks on
(`page_table_calls.py`); the handlers there say what it means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

from emu.hash_translation import (
    ENTRIES_A_GROUP,
    ENTRY_BYTES,
    PteHigh,
    PteLow,
    page_size,
    real_page,
)
from emu.memory import Memory
from emu.state import check, record

from .abi import H, HcallError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emu.engine import Engine

    from .devices import Devices

SMALLEST_SHIFT, LARGEST_SHIFT = 18, 46
"""Log2 of a table's bytes."""
_GROWTH = 2
"""A guest may have its table made so many powers of two larger than usual."""
_STORAGE_SHARE = 7
"""Log2 of the usual share of a table in the partition's storage: 1/128."""


def shift_of(table: Memory) -> int:
    """Log2 of its size in bytes."""
    return table.size.bit_length() - 1


def usual_shift(memory_bytes: int) -> int:
    """Log2 of the size of the table that a partition with so much storage gets."""
    return max((memory_bytes - 1).bit_length() - _STORAGE_SHARE, SMALLEST_SHIFT)


Shift = Annotated[int, range(SMALLEST_SHIFT, LARGEST_SHIFT + 1)]


@record
class PageTableState:
    """What is known of the table; its entries are bulk data, saved beside the storage."""

    in_use: bool
    """The processors translate by it, and not by radix trees."""
    shift: Shift
    pending_shift: Shift | None


class Page(NamedTuple):
    """A page as an entry maps it, at logical real `address`."""

    address: int
    length: int
    device: bool


class PageTable:
    """The hashed page table of a partition whose processors `engine` runs."""

    def __init__(self, engine: Engine, memory: Memory, devices: Devices, shift: int) -> None:
        self._engine, self._memory, self._devices = engine, memory, devices
        self.content = Memory(1 << shift)
        self.pending: Memory | None = None
        """What becomes the table when a resize is committed."""
        self.in_use = False

    def close(self) -> None:
        """Give the host's storage back; the engine is closed already."""
        self.discard_pending()
        self.content.close()

    def use(self) -> None:
        """Let the processors translate by this table from now on."""
        self.in_use = True
        self._engine.set_page_table(self.content)

    def leave(self) -> None:
        """The processors translate by radix trees; the table stays as it is."""
        self.in_use = False

    @property
    def shift(self) -> int:
        return shift_of(self.content)

    @property
    def largest_shift(self) -> int:
        """What the guest may have of the host's storage."""
        return usual_shift(self._memory.size) + _GROWTH

    @property
    def entries(self) -> int:
        return self.content.size // ENTRY_BYTES

    # -- entries ---------------------------------------------------------------------------

    def check(self, ptex: int) -> None:
        """Refuse an index outside the table."""
        if ptex >= self.entries:
            raise HcallError(H.PARAMETER, f"entry {ptex:#x}: there are {self.entries:#x}")

    def read(self, ptex: int) -> tuple[PteHigh, PteLow]:
        address = ptex * ENTRY_BYTES
        return PteHigh(self.content.u64(address)), PteLow(self.content.u64(address + 8))

    def write(self, ptex: int, high: int, low: int) -> None:
        address = ptex * ENTRY_BYTES
        self.content.write_u64(address, high)
        self.content.write_u64(address + 8, low)

    def valid(self, ptex: int) -> tuple[PteHigh, PteLow]:
        """The entry, which must be valid."""
        high, low = self.read(ptex)
        if not high.V:
            raise HcallError(H.NOT_FOUND, f"entry {ptex:#x} is not valid")
        return high, low

    def forget(self) -> None:
        """Let no processor use what it keeps of an entry that has changed."""
        self._engine.flush_translations()

    def free_slot(self, ptex: int, *, exact: bool) -> int:
        """Where a new entry can go: `ptex` itself, or somewhere in its group."""
        first = ptex if exact else ptex // ENTRIES_A_GROUP * ENTRIES_A_GROUP
        slots = range(first, first + (1 if exact else ENTRIES_A_GROUP))
        for slot in slots:
            if not self.read(slot)[0].V:
                return slot
        raise HcallError(H.PTEG_FULL, f"no free entry in {len(slots)} from {first:#x} on")

    def page(self, high: PteHigh, low: PteLow) -> Page:
        """The page that an entry is to map; it must be the partition's."""
        if (size := page_size(high, low)) is None:
            raise HcallError(H.PARAMETER, f"{low!r} encodes no page size")
        page = real_page(low, size), 1 << size.actual
        if self._memory.contains(*page):
            return Page(*page, device=False)
        if self._devices.contains(*page):
            return Page(*page, device=True)
        raise HcallError(
            H.PARAMETER, f"{page[1]:#x} bytes at {page[0]:#x} are neither storage nor a device's"
        )

    def all_valid(self) -> Iterator[tuple[int, PteHigh, PteLow]]:
        """The valid entries with their indices."""
        for piece in self.content.pieces_in_use():
            first = piece.address // ENTRY_BYTES
            for ptex in range(first, first + piece.length // ENTRY_BYTES):
                high, low = self.read(ptex)
                if high.V:
                    yield ptex, high, low

    def clear(self) -> None:
        """Make all entries invalid."""
        self._replace(Memory(self.content.size))

    # -- another size ----------------------------------------------------------------------

    def prepare(self, shift: int) -> None:
        """Have another table of 2^`shift` bytes at hand; MemoryError where the host refuses."""
        self.discard_pending()
        self.pending = Memory(1 << shift)

    def discard_pending(self) -> None:
        pending, self.pending = self.pending, None
        if pending is not None:
            pending.close()

    def commit(self) -> None:
        """The pending table takes the old one's place, with what was entered there."""
        assert self.pending is not None
        pending, self.pending = self.pending, None
        self._replace(pending)

    def _replace(self, content: Memory) -> None:
        old, self.content = self.content, content
        if self.in_use:
            self._engine.set_page_table(content)
        old.close()

    # -- state -----------------------------------------------------------------------------

    def state(self) -> PageTableState:
        pending = None if self.pending is None else shift_of(self.pending)
        return PageTableState(self.in_use, self.shift, pending)

    def restore(self, state: PageTableState) -> None:
        """Become empty, and in size and use what `state` says; the engine is set up for radix."""
        largest = max(state.shift, state.pending_shift or 0)
        check(largest <= self.largest_shift, f"a page table of 2^{largest} bytes")
        self.leave()
        self._replace(Memory(1 << state.shift))
        self.discard_pending()
        if state.pending_shift is not None:
            self.prepare(state.pending_shift)
        if state.in_use:
            self.use()
