"""A `Cpu` that translates: the program's code becomes POWER code, which an engine runs."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from . import exchange, flags, lower, often
from .block import TRAPS, Block, Out, Why
from .code import Code, FetchFault
from .code_cache import CodeCache
from .constants import pin
from .convention import EIP, SLOT_BITS, SLOTS
from .cpu import (
    UNLIMITED,
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
)  # fmt: skip
from .cpuid import ALL, Feature
from .decoder import Undefined
from .fpu.assistant import Assistant
from .fpu.file import RegisterFile
from .fpu.lower_masks import MASKS, MASKS_AT
from .fpu.lower_x87 import CONSTANTS, CONSTANTS_AT
from .host import DF, TF, HostInstructions
from .instruction import CS, STRINGS
from .machine import Called, Interrupted, Machine, OutOfTime
from .options import Options
from .region import Alone, Region, build
from .registers import NoTemporary
from .state import HOMES, Recovery
from .stepping import iterate, step
from .storage import PAGE, WRITE, StorageFault
from .translate import translate
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from emu.exits import Checkstop

    from .fpu.lowering import Assist
    from .instruction import Instruction
    from .storage import Storage

_ADDRESS = 0xFFFF_FFFF
_STORAGE, _PROGRAM = (0x300, 0x380, 0x600), 0x700


class TranslatingCpu:
    """A `Cpu`."""

    def __init__(
        self, storage: Storage, features: Feature = ALL, options: Options | None = None
    ) -> None:
        self._storage = storage
        self._options = options or Options()
        self._inline_calls = self._options.inline_calls
        self._lowerings = lower.table()
        self.machine = Machine(storage)
        self.cache = CodeCache(self.machine)
        self.code = Code(storage)
        self._watch = Watch(storage, self.machine, self.cache, self.code)
        self._host = HostInstructions(storage, lambda: self.machine.instructions, features)
        self.state = X86State()
        self._alone: Instruction | None = None
        """What is carried out by itself just now."""
        self.on_block: Callable[[Block], None] | None = None
        """Is shown each block that is translated."""
        self._file = RegisterFile(self.machine.registers)
        self._assistant = Assistant(self._file, self.machine.registers, storage)
        self.machine.context(CONSTANTS_AT, len(CONSTANTS))[:] = CONSTANTS
        self.machine.context(MASKS_AT, len(MASKS))[:] = MASKS
        often.begin(self.machine, self._options.often)
        exchange.begin(self.machine)
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
        self._watch.changed(start, length)

    def mapping_changed(self, start: int, length: int) -> None:
        self._watch.mapping_changed(start, length)

    # -- state -----------------------------------------------------------------------------

    def load_state(self) -> None:
        exchange.load(self.state, self.machine)

    def _store_state(self, at: Recovery) -> None:
        """The program's state at a place of its translation."""
        self._file.settle(at.floating)
        self._read_state(at)

    def _read_state(self, at: Recovery) -> None:
        """All but x87, MMX and SSE, which are left as they are."""
        exchange.read(self.state, self.machine, at)
        if code := self._options.bases[CS]:
            self.state.eip = self.state.eip - code & _ADDRESS

    @property
    def linear_eip(self) -> int:
        return self.state.eip + self._options.bases[CS] & _ADDRESS

    def _adapt(self) -> None:
        """Have code be what the state's modes and segments ask for."""
        flush, exact = self._file.modes
        options = self._options.for_segments(self.state, self._inline_calls)
        if (options.flush_to_zero, options.exact_sse) != (flush, exact):
            options = replace(options, flush_to_zero=flush, exact_sse=exact)
        if options is self._options:
            return
        self._options = options
        self.code.use_segment(options.bases[CS], options.code_16)
        self.cache.flush()

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
        block = self._block(eip, down, first)
        if block.flags_returned and not self._options.exact_flags:
            self.keep_flags()
            block = self._block(eip, down, first)
        self._watch.protect(block)
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

    def _block(self, eip: int, down: bool, first: bool) -> Block:
        region = build(self.code, eip, self._options, down=down, first=first)
        if (pinned := pin(region, self._options)) != self._options:
            self._options = pinned
            exchange.pin(self.machine, pinned)
        return self._code_for(region, down, self._options)

    def _code_for(self, region: Region, down: bool, options: Options) -> Block:
        at, key = self.cache.next, self._file.stack_key
        return translate(region, at, options, self._lowerings, down, key)

    # -- running ---------------------------------------------------------------------------

    def run(self, budget: int) -> Exit:
        """`budget` is in POWER instructions."""
        end = self.machine.instructions + budget
        self.load_state()
        try:
            at: int | Exit = self._go_on()
            while isinstance(at, int):
                left = end - self.machine.instructions
                if left <= 0:
                    return self._preempt(at)
                at = self._outcome(self.machine.run(at, left))
        except FetchFault as fault:
            return Fault(fault.address, Access.EXECUTE)
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
        self._adapt()
        if self._alone is not None:
            return Preempted()
        if self.state.eflags & TF:
            return step(self)
        return self._entry(self.linear_eip, bool(self.state.eflags & DF))

    def carry_out(self, i: Instruction) -> Exit:
        """The instruction at the state's EIP, translated by itself; `Preempted` behind it."""
        self._alone = i
        try:
            at: int | Exit = self._single()
            while isinstance(at, int):
                at = self._outcome(self.machine.run(at, UNLIMITED))
        finally:
            self._alone = None
        return at

    def _single(self, options: Options | None = None) -> int:
        """Code for one instruction, at the state's EIP, that is not kept."""
        self.load_state()
        down, at = bool(self.state.eflags & DF), self.linear_eip
        code = self.code if self._alone is None else Alone(self._alone)
        options = replace(options or self._options, slots=False)
        region = build(code, at, options, down=down, single=True)
        self.code.forget_fresh()
        self.cache.add(block := self._code_for(region, down, options), False, link=False)
        return block.entries[at]

    def _leave(self, out: Out) -> int | Exit:
        match out.why:
            case Why.LINK | Why.INDIRECT:
                target = out.target
                if out.why is Why.INDIRECT:
                    target = self.machine.registers.gpr(EIP) + self._options.bases[CS] & _ADDRESS
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
                return Trap(TRAPS[out.why])

    def _go_on_or_trap(self) -> Exit:
        try:
            self.code.fetch(self.linear_eip)
        except Undefined:
            return Trap(Vector.INVALID_OPCODE)
        return EngineFailure("code appeared")

    def _branch(self, target: int, recovery: Recovery) -> int | Exit:
        if self._alone is not None:
            self._store_state(replace(recovery, eip=target))
            return Preempted()
        try:
            return self._entry(target, bool(self.state.eflags & DF))
        except FetchFault:
            self._store_state(replace(recovery, eip=target))
            raise

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
        if i.repeat and i.name in STRINGS:
            self.load_state()
            done = iterate(self, i)
            return self._go_on() if done == Preempted() else done
        try:
            trap = self._host.execute(i.moved(-self._options.bases[CS]), self.state)
        except StorageFault as fault:
            access = Access.WRITE if i.name in ("pushf", "enter") else Access.READ
            return Fault(fault.address, access)
        if trap is not None:
            return trap
        self.load_state()
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
        if recovery.one_by_one:
            return self._single(replace(self._options, string_blocks=False))
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
                self.load_state()
                return self._version()
        else:
            at = self._assistant.carry_out(assist, self.state)
            if at is None:
                self.state.eip = self.state.eip - self._options.bases[CS] & _ADDRESS
                self.load_state()
                return self._go_on()
        return at

    def _version(self) -> int | Exit:
        """Code at the state's EIP for the x87's stack as it is."""
        if self._alone is not None:
            return self._single()
        eip, key = self.linear_eip, self._file.stack_key
        at = self.cache.versions.get((eip, key))
        down = bool(self.state.eflags & DF)
        if at is None:
            at = self._translate(eip, down)
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
        if isinstance(at, int) and not self.state.eflags & DF and self._watch.has_slot_alone(eip):
            self.cache.fill_slot(eip)
        return at

    def _store_to_code(self, page: int) -> int | Exit:
        """A store to a page with translated code: forget that code, and carry out the store alone.

        It may come from that very page, so its instruction is translated by itself and not kept.
        """
        if not self._storage.permissions[page] & WRITE:
            return Fault(page * PAGE, Access.WRITE)
        self._watch.drop(page)
        return self._single()

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
