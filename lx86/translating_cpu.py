"""A `Cpu` that translates: the program's code becomes POWER code, which an engine runs."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from . import exchange, flags, lower, often
from .block import Block, Out, Why
from .code import Code, FetchFault
from .code_cache import CodeCache
from .constants import pin
from .convention import (
    BASE,
    CONTEXT,
    CONTEXT_PAGE,
    EIP,
    ONE,
    PINNED,
    SLOT,
    SLOT_BITS,
    SLOTS,
    ZERO,
)
from .cpu import (
    Access,
    EngineFailure,
    Exit,
    Fault,
    FloatingState,
    Preempted,
    SystemCall,
    Trap,
    Vector,
    X86State,
)
from .cpuid import ALL, Feature
from .decoder import Undefined
from .fpu.assistant import Assistant
from .fpu.file import RegisterFile
from .fpu.lower_x87 import CONSTANTS, CONSTANTS_AT
from .host import DF, HostInstructions
from .machine import Called, Interrupted, Machine, OutOfTime
from .options import Options
from .region import build
from .registers import NoTemporary
from .state import HOMES, Recovery
from .storage import PAGE, WRITE, StorageFault, pages_of
from .translate import translate

if TYPE_CHECKING:
    from collections.abc import Callable

    from emu.exits import Checkstop

    from .fpu.lowering import Assist
    from .storage import Storage

_TRAPS = {
    Why.ILLEGAL: Vector.INVALID_OPCODE,
    Why.PRIVILEGED: Vector.GENERAL_PROTECTION,
    Why.BREAKPOINT: Vector.BREAKPOINT,
}
_STORAGE, _PROGRAM = (0x300, 0x380, 0x600), 0x700


class TranslatingCpu:
    """A `Cpu`."""

    def __init__(
        self, storage: Storage, features: Feature = ALL, options: Options | None = None
    ) -> None:
        self._storage = storage
        self._options = options or Options()
        self._lowerings = lower.table()
        self.machine = Machine(storage)
        self.cache = CodeCache(self.machine)
        self.code = Code(storage)
        self._host = HostInstructions(storage, lambda: self.machine.instructions, features)
        self.state = X86State()
        self.on_block: Callable[[Block], None] | None = None
        """Is shown each block that is translated."""
        self._file = RegisterFile(self.machine.registers)
        self._assistant = Assistant(self._file, self.machine.registers, storage)
        self.machine.context(CONSTANTS_AT, len(CONSTANTS))[:] = CONSTANTS
        often.begin(self.machine, self._options.often)
        for register, value in ((ONE, 1), (ZERO, 0), (SLOT, SLOTS), (CONTEXT, CONTEXT_PAGE)):
            self.machine.registers.set_gpr(register, value)
        storage.observe(self)

    def close(self) -> None:
        self._storage.observe(None)
        self.machine.close()

    def floating(self) -> FloatingState:
        return self._file.read()

    def set_floating(self, floating: FloatingState) -> None:
        self._file.write(floating)

    # -- what the storage tells ------------------------------------------------------------

    def invalidate(self, start: int, length: int) -> None:
        pages = pages_of(start, length)
        changed = [page for page in pages if page in self.machine.protected]
        for page in changed:
            self._drop(page)

    def mapping_changed(self, start: int, length: int) -> None:
        first, last = start // PAGE, (start + length - 1) // PAGE
        self.cache.drop(first, last)
        self.code.forget(first, last)
        self.machine.protected -= {p for p in self.machine.protected if first <= p <= last}
        self.machine.remap(start, length)

    def _drop(self, page: int) -> None:
        self.cache.drop(page, page)
        self.code.forget(page, page)
        self.machine.protected.discard(page)
        self.machine.remap(page * PAGE, PAGE)

    # -- state -----------------------------------------------------------------------------

    def _load_state(self) -> None:
        exchange.load(self.state, self.machine)

    def _store_state(self, at: Recovery) -> None:
        """The program's state at a place of its translation."""
        self._file.settle(at.floating)
        self._read_state(at)

    def _read_state(self, at: Recovery) -> None:
        """All but x87, MMX and SSE, which are left as they are."""
        exchange.read(self.state, self.machine, at)

    # -- translating -----------------------------------------------------------------------

    def _entry(self, eip: int, down: bool) -> int:
        """Where the code for an address is.  Raises `FetchFault`."""
        entries = self.cache.entries_down if down else self.cache.entries
        address = entries.get(eip)
        return self._translate(eip, down) if address is None else address

    def _translate(self, eip: int, down: bool, whole: bool = False) -> int:
        if self.cache.full:
            self.cache.flush()
        began = time.perf_counter()
        first = bool(self._options.first_region) and not down and not whole
        block = self._block(eip, down, first=first)
        if block.flags_returned and not self._options.exact_flags:
            self.keep_flags()
            block = self._block(eip, down, first=first)
        self._protect(block)
        self.cache.add(block, down)
        self.cache.counts.seconds += time.perf_counter() - began
        if self.on_block:
            self.on_block(block)
        return block.entries[eip]

    def keep_flags(self) -> None:
        """From now on flags pass through RET and other branches by registers."""
        self._options = replace(self._options, exact_flags=True)
        self.cache.flush()
        self.code.forget_everything()

    def _block(self, eip: int, down: bool, single: bool = False, first: bool = False) -> Block:
        region = build(self.code, eip, self._options, down=down, single=single, first=first)
        if not single and (pinned := pin(region, self._options)) != self._options:
            self._options = pinned
            for register, value in zip(
                (BASE, *PINNED), (pinned.base, *pinned.constants), strict=False
            ):
                self.machine.registers.set_gpr(register, value & 0xFFFFFFFF)
        key = self._file.stack_key
        return translate(region, self.cache.next, self._options, self._lowerings, down, key)

    def _protect(self, block: Block) -> None:
        # What was looked at, too: it stays decoded.
        pages = (block.pages | self.code.fresh) - self.machine.protected
        self.code.fresh.clear()
        for page in pages:
            self.machine.protected.add(page)
            if page * PAGE < SLOTS and self._storage.permissions[page] & WRITE:
                self.machine.remap(page * PAGE, PAGE)

    # -- running ---------------------------------------------------------------------------

    def run(self, budget: int) -> Exit:
        """`budget` is in POWER instructions."""
        end = self.machine.instructions + budget
        self._load_state()
        try:
            at: int | Exit = self._go_on()
            while isinstance(at, int):
                left = end - self.machine.instructions
                if left <= 0:
                    return self._preempt(at)
                at = self._outcome(self.machine.run(at, left))
        except NoTemporary:
            return EngineFailure("an instruction needs more registers than there are")
        return at

    def _outcome(self, why: Called | Interrupted | OutOfTime | Checkstop) -> int | Exit:
        if isinstance(why, Called):
            out = self.cache.out_at(why.address)
            if out is None and (assist := self._assist_at(why.address)):
                return self._assist(assist)
            if out is None:
                return EngineFailure(f"a call from {why.address:#x}")
            return self._leave(out)
        if isinstance(why, Interrupted):
            return self._interrupt(why)
        if isinstance(why, OutOfTime):
            return self._preempt(self.machine.registers.nip)
        return EngineFailure(why.reason)

    def _go_on(self) -> int | Exit:
        """At the state's EIP, whose state the registers hold."""
        modes = self._options.flush_to_zero, self._options.exact_sse
        if self._file.modes != modes:
            flush, exact = self._file.modes
            self._options = replace(self._options, flush_to_zero=flush, exact_sse=exact)
            self.cache.flush()
        try:
            return self._entry(self.state.eip, bool(self.state.eflags & DF))
        except FetchFault as fault:
            return Fault(fault.address, Access.EXECUTE)

    def _leave(self, out: Out) -> int | Exit:
        match out.why:
            case Why.LINK | Why.INDIRECT:
                target = out.target
                if out.why is Why.INDIRECT:
                    target = self.machine.registers.gpr(EIP) & 0xFFFFFFFF
                return self._branch(target, out.recovery)
            case Why.OFTEN:
                return self._again(out.target)
            case Why.SYSTEM_CALL:
                self._store_state(out.recovery)
                return SystemCall()
            case Why.FETCH:
                self._store_state(out.recovery)
                return self._go_on_or_trap()
            case Why.HOST:
                self._store_state(out.recovery)
                return self._execute(out)
            case _:
                self._store_state(out.recovery)
                return Trap(_TRAPS[out.why])

    def _go_on_or_trap(self) -> Exit:
        try:
            self.code.fetch(self.state.eip)
        except FetchFault as fault:
            return Fault(fault.address, Access.EXECUTE)
        except Undefined:
            return Trap(Vector.INVALID_OPCODE)
        return EngineFailure("code appeared")

    def _branch(self, target: int, recovery: Recovery) -> int | Exit:
        try:
            return self._entry(target, bool(self.state.eflags & DF))
        except FetchFault as fault:
            self._store_state(replace(recovery, eip=target))
            return Fault(fault.address, Access.EXECUTE)

    def _again(self, eip: int) -> int:
        """A first region is worth all its code."""
        often.begin_again(self.machine, eip, self._options.often)
        at = self._translate(eip, False, whole=True)
        key = eip, self._file.stack_key
        if key in self.cache.versions:
            self.cache.versions[key] = at
        self.cache.use_version(eip, at)
        return at

    def _execute(self, out: Out) -> int | Exit:
        i = out.instruction
        assert i is not None
        try:
            trap = self._host.execute(i, self.state)
        except StorageFault as fault:
            access = Access.WRITE if i.name in ("pushf", "enter") else Access.READ
            return Fault(fault.address, access)
        if trap is not None:
            return trap
        self._load_state()
        return self._go_on()

    def _interrupt(self, why: Interrupted) -> int | Exit:
        if SLOTS <= why.address < SLOTS + (4 << SLOT_BITS):
            return self._through_slot()
        if why.vector == _PROGRAM and (assist := self._assist_at(why.address)):
            return self._assist(assist)
        block = self.cache.block_at(why.address)
        recovery = block.recoveries.get(why.address) if block else None
        if recovery is None:
            return EngineFailure(f"interrupt {why.vector:#x} at {why.address:#x}")
        self._store_state(recovery)
        if why.vector in _STORAGE:
            if why.store and why.data // PAGE in self.machine.protected:
                return self._store_to_code(why.data // PAGE)
            return Fault(why.data, Access.WRITE if why.store else Access.READ)
        if why.vector == _PROGRAM:
            return Trap(Vector.DIVIDE_ERROR)
        return EngineFailure(f"interrupt {why.vector:#x} at {why.address:#x}")

    def _assist_at(self, address: int) -> Assist | None:
        block = self.cache.block_at(address)
        return block.assists.get(address) if block else None

    def _assist(self, assist: Assist) -> int | Exit:
        """An instruction of x87, MMX or SSE that translated code leaves to the host."""
        self._read_state(assist.recovery)
        if assist.check:
            at = self._assistant.check(assist)
            if at is None:
                self._file.settle(assist.before)
                self._load_state()
                return self._version()
        else:
            at = self._assistant.carry_out(assist, self.state)
            if at is None:
                self._load_state()
                return self._go_on()
        return at

    def _version(self) -> int | Exit:
        """Code at the state's EIP for the x87's stack as it is."""
        eip, key = self.state.eip, self._file.stack_key
        at = self.cache.versions.get((eip, key))
        down = bool(self.state.eflags & DF)
        if at is None:
            try:
                at = self._translate(eip, down)
            except FetchFault as fault:
                return Fault(fault.address, Access.EXECUTE)
            if not down:
                self.cache.versions[eip, key] = at
        if not down:
            self.cache.use_version(eip, at)
        return at

    def _through_slot(self) -> int | Exit:
        eip = self.machine.registers.gpr(EIP) & 0xFFFFFFFF
        wanted = self.code.wanted(eip, False)
        if wanted and not self._options.exact_flags:
            self.keep_flags()
        live = flags.EVERY if self._options.exact_flags else 0
        at = self._branch(eip, Recovery(eip, HOMES, live, False, False, 0))
        if isinstance(at, int) and not self.state.eflags & DF:
            self.cache.fill_slot(eip)
        return at

    def _store_to_code(self, page: int) -> int | Exit:
        """A store to a page with translated code: forget that code, and carry out the store alone.

        It may come from that very page, so its instruction is translated by itself and not kept.
        """
        if not self._storage.permissions[page] & WRITE:
            return Fault(page * PAGE, Access.WRITE)
        self._drop(page)
        self._load_state()
        try:
            block = self._block(self.state.eip, bool(self.state.eflags & DF), single=True)
        except FetchFault as fault:
            return Fault(fault.address, Access.EXECUTE)
        self.code.forget_fresh()
        self.cache.add(block, False, link=False)
        return block.entries[self.state.eip]

    def _preempt(self, at: int) -> Exit:
        """Go on to the next place where the program's state is known."""
        while True:
            block = self.cache.block_at(at)
            recovery = block.safe.get(at) if block else None
            if recovery is not None:
                self._store_state(recovery)
                return Preempted()
            why = self.machine.run(at, 1)
            if isinstance(why, OutOfTime):
                at = self.machine.registers.nip
                continue
            outcome = self._outcome(why)
            if not isinstance(outcome, int):
                return outcome
            at = outcome
