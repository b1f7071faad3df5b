"""The POWER processor that runs translated code: one engine over the program's storage.

The program's pages lie at the same real addresses, with a radix tree of two levels whose leaves say
what the program may do.  Interrupts come to a page of hypervisor calls, so that each is an exit
with its vector in NIP.
"""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emu.bits import MSR
from emu.engine import Engine, InterruptLocation
from emu.exits import Checkstop, Exit, Hypercall
from emu.native import ffi
from emu.translation import PageDirectoryEntry, PageTableEntry, ProcessTableEntry

from .convention import CODE, CODE_END, CONTEXT_PAGE, CONTEXT_SIZE, SLOT_BITS, SLOTS, TABLES
from .storage import PAGE, PROGRAM_END, SIZE, Page

if TYPE_CHECKING:
    from emu.tracing import WordCounts

    from .storage import Storage

PROCESSES, ROOT, PRIVILEGED_ROOT, PRIVILEGED_LEAF, VECTORS = (
    TABLES + n for n in (0, 0x2000, 0x4000, 0x6000, 0x8000)
)
LEAVES = TABLES + 0x10_0000
_INDEX_BITS = 10
_TREE = ProcessTableEntry.RTS2.place(1) | ProcessTableEntry.RPDS.place(_INDEX_BITS)  # 32 bits
_LEAF = (
    PageTableEntry.VALID.place(1)
    | PageTableEntry.LEAF.place(1)
    | PageTableEntry.REFERENCE.place(1)
    | PageTableEntry.CHANGE.place(1)
)
_READ, _WRITE = PageTableEntry.READ.place(1), PageTableEntry.WRITE.place(1)
_EXECUTE = PageTableEntry.EXECUTE.place(1)
_LARGE = 1 << 22
HANDLERS = 0xC000_0000_0000_4000
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
        self.pointer: Any = ffi.cast("uint8_t *", storage.pointer)
        self.size = SIZE
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
        self._running = _RUNNING | (MSR.SF.place(1) if long else 0)
        self._addresses = (1 << 64 if long else 1 << 32) - 1
        self._engine = Engine(_Window(storage))  # type: ignore[arg-type]
        self._engine.share_storage()
        self.registers = self._engine.registers
        self._executed: int | None = None
        self.protected: set[int] = set()
        """Pages whose stores are refused: translated code comes from them."""
        self._decrementer_ends = 0
        self._fresh = CODE
        """From there on no code was written yet."""
        self._make_tables(_LEAF | _READ if long else _LEAF | _EXECUTE)
        self._engine.set_process_table(PROCESSES, PAGE)
        self._engine.set_interrupt_location(InterruptLocation.OFFSET_C000000000004000)
        self._engine.set_interrupts_little_endian(True)
        self.registers.set_spr("pidr", 1)
        self.registers.set_spr("lpcr", 0)

    def close(self) -> None:
        self._executed = self.instructions
        self._engine.close()

    # -- translation tables ----------------------------------------------------------------

    def _raw(self, address: int, data: bytes | bytearray) -> None:
        self._storage.raw(address, len(data))[:] = data

    def _words(self, address: int, values: list[int]) -> None:
        words = array("Q", values)
        if sys.byteorder == "little":
            words.byteswap()
        self._raw(address, words.tobytes())

    def _make_tables(self, slot: int) -> None:
        """`slot`: what the pages of slots are for."""
        self._words(
            PROCESSES,
            [
                _TREE | ProcessTableEntry.RPDB.place(PRIVILEGED_ROOT >> 8), 0,
                _TREE | ProcessTableEntry.RPDB.place(ROOT >> 8), 0,
            ],
        )  # fmt: skip
        directory = PageDirectoryEntry.VALID.place(1) | PageDirectoryEntry.NLS.place(_INDEX_BITS)
        self._words(
            ROOT,
            [
                directory | PageDirectoryEntry.NLB.place(LEAVES + n * 0x2000 >> 8)
                for n in range(1 << _INDEX_BITS)
            ],
        )
        slots = range(SLOTS, SLOTS + (4 << SLOT_BITS), _LARGE)
        self._words(ROOT + 8 * (SLOTS // _LARGE), [slot | at for at in slots])
        code = range(CODE, 1 << 32, _LARGE)
        self._words(ROOT + 8 * (CODE // _LARGE), [_LEAF | _EXECUTE | at for at in code])
        self._words(
            PRIVILEGED_ROOT, [directory | PageDirectoryEntry.NLB.place(PRIVILEGED_LEAF >> 8)]
        )
        privileged = _LEAF | _EXECUTE | _READ | PageTableEntry.PRIVILEGED.place(1)
        self._words(PRIVILEGED_LEAF + 8 * 4, [privileged | VECTORS + n * PAGE for n in range(4)])
        self._raw(VECTORS, _CALL * (4 * PAGE // 4))
        context = range(CONTEXT_PAGE, CONTEXT_PAGE + CONTEXT_SIZE, PAGE)
        self._words(
            LEAVES + 8 * (CONTEXT_PAGE // PAGE), [_LEAF | _READ | _WRITE | at for at in context]
        )
        self.map(0, PROGRAM_END)

    def map(self, start: int, length: int) -> None:
        """Have the processor see what these pages of the program permit."""
        for address, size, permissions in self._storage.runs(start, length):
            bits = _LEAF
            if permissions & (Page.READ | Page.EXECUTE | Page.WRITE):
                bits |= _READ
            if permissions & Page.WRITE:
                bits |= _WRITE
            self._words(
                LEAVES + 8 * (address // PAGE),
                [
                    bits & ~_WRITE | at if at // PAGE in self.protected else bits | at
                    for at in range(address, address + size, PAGE)
                ],
            )

    def remap(self, start: int, length: int) -> None:
        """As `map`, where there was something else."""
        self._raw(LEAVES + 8 * (start // PAGE), bytes(8 * (length // PAGE)))
        self.map(start, length)
        self._engine.flush_translations()

    # -- code and context ------------------------------------------------------------------

    def write_code(self, address: int, code: bytes | bytearray) -> None:
        """Instructions; what the engine made of those before is forgotten."""
        if address >= self._fresh:
            self._raw(address, code)
            self._fresh = address + len(code)
        else:
            self._engine.storage_written(address, code)

    def write_context(self, displacement: int, value: int) -> None:
        at = CONTEXT_PAGE + displacement
        self._raw(at, (value & 0xFFFFFFFF).to_bytes(4, "little"))

    def context(self, displacement: int, length: int) -> memoryview:
        """Bytes of the context themselves."""
        return self._storage.raw(CONTEXT_PAGE + displacement, length)

    def count_words(self) -> WordCounts:
        """Have it counted from now on how often each word of code runs."""
        return self._engine.tracing.count_words(range(CODE, CODE_END))

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
        registers.msr = self._running
        registers.nip = address
        end = self._engine.time_base + budget
        why = self._run(end)
        while not isinstance(why, Hypercall | Checkstop) and registers.nip < HANDLERS:
            if self._engine.time_base >= end:
                break
            why = self._run(end)
        at = registers.nip - 4 if isinstance(why, Hypercall) else registers.nip
        if at >= HANDLERS:  # perhaps time is up there, too
            return Interrupted(
                at - HANDLERS,
                registers.spr("srr0"),
                registers.spr("dar") & self._addresses,
                bool(registers.spr("dsisr") & 0x0200_0000),
            )
        if isinstance(why, Hypercall):
            return Called(at)
        if isinstance(why, Checkstop):
            return why
        return OutOfTime()
