"""The POWER processor that runs translated code: one engine over the program's storage.

Radix trees say where the program's pages lie in storage, and what it may do there, and where the
translator's own places are (convention.py).  Interrupts come to a page of hypervisor calls, so that
each is an exit with its vector in NIP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emu.bits import MSR
from emu.engine import Engine, InterruptLocation
from emu.exits import Checkstop, Exit, Hypercall
from emu.native import ffi

from .branches import SLOT_LOAD
from .convention import CODE_SIZE, CONTEXT_SIZE, PLACES_32, PLACES_64, in_quadrant
from .page_tree import EXECUTE, LEAF, PRIVILEGED, READ, WRITE, PageTree, Tables
from .storage import PAGE, Page

if TYPE_CHECKING:
    from emu.tracing import WordCounts

    from .storage import Storage

HANDLERS, HANDLERS_END = 0xC000_0000_0000_4000, 0xC000_0000_0000_8000
_PROCESSES, _VECTORS, _NODES = 0, 0x1_0000, 0x10_0000
"""From where tables are."""
_CALL = (0x44000022).to_bytes(4, "little")
_RUNNING = (
    MSR.PR.place(1) | MSR.IR.place(1) | MSR.DR.place(1) | MSR.LE.place(1) | MSR.ME.place(1)
    | MSR.FP.place(1) | MSR.VEC.place(1) | MSR.VSX.place(1)
    | MSR.FE0.place(1) | MSR.FE1.place(1)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Called:
    """Translated code left at this address."""

    address: int


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The instruction at `address` took an interrupt."""

    vector: int
    address: int
    data: int
    """DAR."""
    store: bool


@dataclass(frozen=True, slots=True)
class OutOfTime:
    """The budget is used up."""


class _Window:
    """The storage as an engine takes it."""

    def __init__(self, storage: Storage) -> None:
        self.pointer: Any = ffi.cast("uint8_t *", storage.whole)
        self.size = storage.space.size
        self._observer: Any = None

    def observe_writes(self, observer: Any) -> None:
        self._observer = observer

    def contains(self, address: int, length: int = 1) -> bool:
        return address >= 0 and address + length <= self.size


_LONGEST, _MARGIN = 0x7000_0000, 0x0FFF_FFFF
"""Ticks of the time base until the decrementer is set again; it has 31 bits of them."""


class Machine:
    """The processor, its translation tables, and the code it runs."""

    def __init__(self, storage: Storage, *, long: bool = False) -> None:
        """`long`: code is 64-bit code (SF = 1)."""
        self._storage = storage
        self.places = PLACES_64 if long else PLACES_32
        self._running = _RUNNING | (MSR.SF.place(1) if long else 0)
        self._addresses = (1 << 64 if long else 1 << 32) - 1
        self._engine = Engine(_Window(storage))  # type: ignore[arg-type]
        self._engine.share_storage()
        self.registers = self._engine.registers
        self._executed: int | None = None
        self.protected: set[int] = set()
        """Pages whose stores are refused: translated code comes from them."""
        self._decrementer_ends = 0
        self._elsewhere = True
        """It does not just come out of translated code, in that code's state."""
        self._fresh = self.places.code
        """From there on no code was written yet."""
        self._tables = Tables(storage.held, self.places.tables + _NODES)
        self._low = PageTree(self._tables, self.places.low_tree)
        self._high = PageTree(self._tables, self.places.high_tree)
        self._slots: dict[int, int] = {}
        """By page of the program, where the slots of its addresses are; x86-64 alone."""
        self._make_trees()
        self._engine.set_process_table(self.places.tables + _PROCESSES, PAGE)
        self._engine.set_interrupt_location(InterruptLocation.OFFSET_C000000000004000)
        self._engine.set_interrupts_little_endian(True)
        self._engine.expect_plain_code()
        self.registers.set_spr("pidr", 1)
        self.registers.set_spr("lpcr", 0)

    def close(self) -> None:
        self._executed = self.instructions
        self._engine.close()

    # -- translation tables ----------------------------------------------------------------

    def _make_trees(self) -> None:
        at = self.places
        self._tables.write(at.tables + _PROCESSES, [self._high.entry, 0, self._low.entry, 0])
        vectors = at.tables + _VECTORS
        self._storage.held(vectors, HANDLERS_END - HANDLERS)[:] = _CALL * (4 * PAGE // 4)
        start, end = in_quadrant(HANDLERS), in_quadrant(HANDLERS_END)
        self._high.lead(start, end, vectors - start, LEAF | EXECUTE | READ | PRIVILEGED)
        tree = self._high if at.code >> 62 else self._low
        for first, length, leaf in (
            (at.code, CODE_SIZE, LEAF | EXECUTE),
            (at.context, CONTEXT_SIZE, LEAF | READ | WRITE),
        ):
            tree.lead(in_quadrant(first), in_quadrant(first) + length, 0, leaf)
        read = in_quadrant(at.code_read)
        tree.lead(read, read + CODE_SIZE, in_quadrant(at.code) - read, LEAF | READ)
        if tree is self._low:
            tree.lead(at.slots, at.slots_end, 0, LEAF | EXECUTE)
        self.map(0, self._storage.end)

    def map(self, start: int, length: int) -> None:
        """Have the processor see what these pages of the program permit."""
        for address, size, permissions in self._storage.runs(start, length):
            if not permissions & (Page.READ | Page.EXECUTE | Page.WRITE):
                continue
            end, distance = address + size, self._storage.place(address) - address
            leaf = LEAF | READ | (WRITE if permissions & Page.WRITE else 0)
            self._low.lead(address, end, distance, leaf)
            if leaf & WRITE:
                for page in self._protected_among(range(address // PAGE, end // PAGE)):
                    self._low.lead(page * PAGE, page * PAGE + PAGE, distance, LEAF | READ)

    def _protected_among(self, pages: range) -> list[int]:
        few = len(pages) < len(self.protected)
        return [page for page in pages if page in self.protected] if few else [
            page for page in self.protected if page in pages
        ]  # fmt: skip

    def remap(self, start: int, length: int) -> None:
        """As `map`, where there was something else."""
        self._low.lead(start, start + length, 0, 0)
        self.map(start, length)
        self._engine.flush_translations()

    # -- code and context ------------------------------------------------------------------

    def write_code(self, address: int, code: bytes | bytearray) -> None:
        """Instructions; what the engine made of those before is forgotten."""
        if address >= self._fresh:
            self._storage.held(in_quadrant(address), len(code))[:] = code
        else:
            self._engine.storage_written(in_quadrant(address), code)
        self._fresh = max(self._fresh, address + len(code))

    def fill_slot(self, eip: int, content: int) -> None:
        """Where branches through registers to that address go from now on; 0: to the host."""
        slot, size = self.places.slot_of(eip), self.places.slot_size
        data = content.to_bytes(size, "little")
        if size == 4:
            self.write_code(slot, data)
            return
        page = eip // PAGE
        if page not in self._slots:
            self._slots[page] = self._tables.take(size * PAGE)
            start = in_quadrant(self.places.slot_of(page * PAGE))
            self._high.lead(start, start + size * PAGE, self._slots[page] - start, LEAF | READ)
        self._storage.held(self._slots[page] + eip % PAGE * size, size)[:] = data

    def found_no_slot(self, address: int) -> bool:
        """An interrupt there is that of a branch through a register to what no slot tells of."""
        if self.places.is_slot(address) or not address:
            return True
        return self._storage.held(in_quadrant(address), 4) == SLOT_LOAD.to_bytes(4, "little")

    def forget_slots(self, first: int, last: int) -> None:
        """These pages of the program's have no code any more; `remap` follows."""
        if not self._slots:
            return
        size, pages = self.places.slot_size * PAGE, range(first, last + 1)
        few = len(pages) < len(self._slots)
        for page in pages if few else list(self._slots):
            if page in pages and (held := self._slots.pop(page, None)) is not None:
                start = in_quadrant(self.places.slot_of(page * PAGE))
                self._high.lead(start, start + size, 0, 0)
                self._tables.give(held, size)

    def write_context(self, displacement: int, value: int) -> None:
        self.context(displacement, 4)[:] = (value & 0xFFFFFFFF).to_bytes(4, "little")

    def context(self, displacement: int, length: int) -> memoryview:
        """Bytes of the context themselves."""
        return self._storage.held(in_quadrant(self.places.context) + displacement, length)

    def count_words(self) -> WordCounts:
        """Have it counted from now on how often each word of code runs."""
        return self._engine.tracing.count_words(range(self.places.code, self.places.code_end))

    # -- running ---------------------------------------------------------------------------

    @property
    def instructions(self) -> int:
        """POWER instructions executed."""
        return self._engine.time_base if self._executed is None else self._executed

    def _run(self, end: int) -> Exit:
        """Until the time base is `end`, or before the decrementer interrupts problem state."""
        now = self._engine.time_base
        if now + _LONGEST // 2 > self._decrementer_ends:
            self.registers.set_spr("dec", _LONGEST + _MARGIN)
            self._decrementer_ends = now + _LONGEST
        return self._engine.run(min(end, self._decrementer_ends))

    def run(self, address: int, budget: int) -> Called | Interrupted | OutOfTime | Checkstop:
        """Run translated code from an address on."""
        registers = self.registers
        if self._elsewhere:
            registers.msr, self._elsewhere = self._running, False
        registers.nip = address
        end = self._engine.time_base + budget
        why = self._run(end)
        while not isinstance(why, Hypercall | Checkstop) and not _handles(registers.nip):
            if self._engine.time_base >= end:
                break
            why = self._run(end)
        at = registers.nip - 4 if isinstance(why, Hypercall) else registers.nip
        if _handles(at):  # perhaps time is up there, too
            self._elsewhere = True
            return Interrupted(
                at - HANDLERS,
                registers.spr("srr0"),
                registers.spr("dar") & self._addresses,
                bool(registers.spr("dsisr") & 0x0200_0000),
            )
        if isinstance(why, Hypercall):
            return Called(at)
        self._elsewhere = True
        if isinstance(why, Checkstop):
            return why
        return OutOfTime()


def _handles(address: int) -> bool:
    """It is that of an interrupt handler."""
    return HANDLERS <= address < HANDLERS_END
