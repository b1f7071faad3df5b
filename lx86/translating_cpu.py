"""A `Cpu` that translates: the program's code becomes POWER code, which an engine runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from . import exchange, flags, often
from .block import TRAPS, Block, Out, Why
from .code import FetchFault
from .convention import CODE_SIZE, EIP
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
from .cpuid import DEFAULT, Model
from .decoder import Undefined
from .fpu.assistant import Assistant
from .fpu.file import RegisterFile
from .fpu.lower_x87 import CONSTANTS, CONSTANTS_AT
from .fpu.patterns import PATTERNS, PATTERNS_AT
from .host import DF, TF, HostInstructions
from .instruction import CS, STRINGS
from .left import Left
from .locks import is_locked
from .machine import Called, Interrupted, Machine, OutOfTime
from .options import Options
from .registers import NoTemporary
from .state import Recovery, homes
from .stepping import iterate, step
from .storage import PAGE, StorageFault
from .translator import Translator

if TYPE_CHECKING:
    from emu.exits import Checkstop

    from .fpu.lowering import Assist
    from .instruction import Instruction
    from .left import Study
    from .storage import Storage

_STORAGE, _PROGRAM = (0x300, 0x380, 0x600), 0x700
_NOWHERE = -1
_HALFWAY = (Why.OFTEN, Why.ILLEGAL, Why.PRIVILEGED)
"""Why code is left before an instruction that it counts."""


class TranslatingCpu:
    """A `Cpu`."""

    def __init__(
        self, storage: Storage, model: Model = DEFAULT, options: Options | None = None,
        code_limit: int = CODE_SIZE,
    ) -> None:  # fmt: skip
        """`code_limit`: bytes of translated code that are held at a time."""
        self._storage, self.model = storage, model
        options = replace(options or Options(), more=model.more)
        self.architecture = options.architecture
        self.machine = Machine(storage, long=self.architecture.long)
        self._file = RegisterFile(self.machine.registers, self.architecture.vectors)
        self.translator = t = Translator(storage, self.machine, self._file, options, code_limit)
        self.cache, self.code, self._watch = t.cache, t.code, t.watch
        self._host = HostInstructions(storage, lambda: self.machine.instructions, model)
        self.state = X86State(cs=self.architecture.code_selector)
        self._alone: Instruction | None = None
        """What is carried out by itself just now."""
        self.study: Study | None = None
        self._assistant = Assistant(self._file, self.machine.registers, storage)
        self.machine.context(CONSTANTS_AT, len(CONSTANTS))[:] = CONSTANTS
        self.machine.context(PATTERNS_AT, len(PATTERNS))[:] = PATTERNS
        often.begin(self.machine, self._options.often)
        exchange.begin(self.machine)
        storage.observe(self)

    def close(self) -> None:
        if self.translator.kept is not None:
            self.translator.kept.store.close()
        self._storage.observe(None)
        self.machine.close()

    def floating(self) -> FloatingState:
        return self._file.read()

    def set_floating(self, floating: FloatingState) -> None:
        self._file.write(floating)

    def keep_stores_whole(self) -> None:
        self.translator.keep_stores_whole()

    def begin(self) -> None:
        self.translator.begin()
        if self.study:
            self.study.program_begins()
        often.begin(self.machine, self._options.often)

    # -- what the storage tells ------------------------------------------------------------

    def invalidate(self, start: int, length: int) -> None:
        self._watch.changed(start, length)

    def mapping_changed(self, start: int, length: int) -> None:
        self._watch.mapping_changed(start, length)

    # -- state -----------------------------------------------------------------------------

    def load_state(self) -> None:
        exchange.load(self.state, self.machine, self.architecture)

    def _store_state(self, at: Recovery) -> None:
        """The program's state at a place of its translation."""
        self._file.settle(at.floating)
        self._read_state(at)

    def _read_state(self, at: Recovery) -> None:
        """All but x87, MMX and SSE, which are left as they are."""
        exchange.read(self.state, self.machine, at, self.architecture)
        if code := self._options.bases[CS]:
            self.state.eip = self.state.eip - code & self.architecture.mask

    @property
    def _options(self) -> Options:
        return self.translator.options

    @property
    def linear_eip(self) -> int:
        return self.state.eip + self._options.bases[CS] & self.architecture.mask

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
                at = self._outcome(self._run_code(at, left))
        except FetchFault as fault:
            return Fault(fault.address, Access.EXECUTE)
        except NoTemporary:
            return EngineFailure("an instruction needs more registers than there are")
        return at

    def _run_code(self, at: int, budget: int) -> Called | Interrupted | OutOfTime | Checkstop:
        return self.machine.run(at, budget)

    def _outcome(self, why: Called | Interrupted | OutOfTime | Checkstop) -> int | Exit:
        if isinstance(why, Called):
            return self._called(why.address)
        if isinstance(why, Interrupted):
            return self._interrupt(why)
        if isinstance(why, OutOfTime):
            return self._preempt(self.machine.registers.nip)
        return EngineFailure(why.reason)

    def _called(self, address: int) -> int | Exit:
        block = self.cache.block_at(address)
        if block is not None:
            index = block.index_of(address)
            if index in block.links:
                return self._link(block, index)
            if (out := block.details.outs.get(index)) is not None:
                if out.why in _HALFWAY:
                    self._left(address, out.recovery.eip, Left.CALLED)
                return self._leave(out)
            if (assist := self.cache.assist_at(address)) is not None:
                return self._assist(assist, address, Left.CALLED)
        return EngineFailure(f"a call from {address:#x}")

    def _left(self, address: int, eip: int, how: Left) -> None:
        if self.study:
            self.study.left(address, eip, how)

    def _link(self, block: Block, index: int) -> int | Exit:
        target = block.links[index]
        try:
            if self._alone is None:
                return self.translator.entry(target, bool(self.state.eflags & DF))
        except FetchFault:
            self._store_state(replace(block.details.outs[index].recovery, eip=target))
            raise
        return self._branch(target, block.details.outs[index].recovery)

    def _go_on(self) -> int | Exit:
        """At the state's EIP, whose state the registers hold."""
        self.translator.adapt(self.state)
        if self._alone is not None:
            return Preempted()
        if self.state.eflags & TF:
            return step(self)
        return self.translator.entry(self.linear_eip, bool(self.state.eflags & DF))

    def carry_out(self, i: Instruction) -> Exit:
        """The instruction at the state's EIP, translated by itself; `Preempted` behind it."""
        self._alone = i
        try:
            at: int | Exit = self._single()
            while isinstance(at, int):
                at = self._outcome(self._run_code(at, UNLIMITED))
        finally:
            self._alone = None
        return at

    def _single(self, *, string_blocks: bool = True) -> int:
        """Code for one instruction, at the state's EIP, that is not kept."""
        self.load_state()
        down = bool(self.state.eflags & DF)
        return self.translator.single(
            self.linear_eip, down, self._alone, string_blocks=string_blocks
        )

    def _leave(self, out: Out) -> int | Exit:
        match out.why:
            case Why.INDIRECT:
                target = self.machine.registers.gpr(EIP) + self._options.bases[CS]
                target &= self.architecture.mask
                return self._branch(target, out.recovery)
            case Why.OFTEN:
                return self._again(out.target)
            case Why.SYSTEM_CALL | Why.SYSCALL:
                self._store_state(out.recovery)
                if out.why is Why.SYSCALL:
                    self.state.ecx, self.state.r11 = self.state.eip, self.state.eflags
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
            return self.translator.entry(target, bool(self.state.eflags & DF))
        except FetchFault:
            self._store_state(replace(recovery, eip=target))
            raise

    def _again(self, eip: int) -> int:
        """A first region is worth all its code."""
        often.begin_again(self.machine, eip, self._options.often)
        at = self.translator.translate(eip, False, whole=True)
        key = self._file.stack_key
        if self.cache.version(eip, key) is not None:
            self.cache.add_version(eip, key, at)
        self.cache.use_version(eip, at)
        return at

    def _execute(self, out: Out) -> int | Exit:
        i = out.instruction or self.code.fetch(out.recovery.eip)
        if i.repeat and i.name in STRINGS:
            self.load_state()
            done = iterate(self, i)
            return self._go_on() if done == Preempted() else done
        try:
            trap = self._host.execute(i.moved(-self._options.bases[CS]), self.state)
        except StorageFault as fault:
            access = Access.WRITE if i.name == "pushf" or i.changes_storage else Access.READ
            return Fault(fault.address, access)
        self.state.eip &= self.architecture.mask
        if trap is not None:
            return trap
        self.load_state()
        return self._go_on()

    def _interrupt(self, why: Interrupted) -> int | Exit:
        if self.machine.found_no_slot(why.address):
            return self._through_slot()
        if why.vector == _PROGRAM and (assist := self.cache.assist_at(why.address)):
            return self._assist(assist, why.address, Left.INTERRUPTED)
        recovery = self.cache.recovery_at(why.address)
        if recovery is None:
            return EngineFailure(f"interrupt {why.vector:#x} at {why.address:#x}")
        self._left(why.address, recovery.eip, Left.INTERRUPTED)
        self._store_state(recovery)
        if recovery.one_by_one:
            return self._single(string_blocks=False)
        if why.vector in _STORAGE:
            page = why.data // PAGE
            if why.store and self._watch.refuses_stores(page):
                return self._store_to_code(page)
            stores = why.store or (self._alone or self.code.fetch(recovery.eip)).changes_storage
            return Fault(why.data, Access.WRITE if stores else Access.READ)
        if why.vector == _PROGRAM:
            return self._trapped(recovery)
        return EngineFailure(f"interrupt {why.vector:#x} at {why.address:#x}")

    def _trapped(self, recovery: Recovery) -> int | Exit:
        """A division left to the host, or a locked instruction another process came between."""
        i = self._alone or self.code.fetch(self.linear_eip)
        if is_locked(i):
            self.load_state()
            return self._go_on() if self._alone is None else self._single()
        if i.size == 8:
            return self._execute(Out(Why.HOST, recovery, instruction=i))
        return Trap(Vector.DIVIDE_ERROR)

    def _assist(self, assist: Assist, address: int, how: Left) -> int | Exit:
        """An instruction of x87, MMX or SSE that translated code leaves to the host."""
        at = self._assisted(assist)
        if at != assist.resume:
            i = assist.instruction
            eip = i.next if i and isinstance(at, int) else assist.recovery.eip
            self._left(address, eip, how)
        elif how is Left.INTERRUPTED:
            self._left(address, _NOWHERE, how)
        return at

    def _assisted(self, assist: Assist) -> int | Exit:
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
                self.state.eip = self.state.eip - self._options.bases[CS] & self.architecture.mask
                self.load_state()
                return self._go_on()
        return at

    def _version(self) -> int | Exit:
        """Code at the state's EIP for the x87's stack as it is."""
        if self._alone is not None:
            return self._single()
        eip, key = self.linear_eip, self._file.stack_key
        at = self.cache.version(eip, key)
        down = bool(self.state.eflags & DF)
        if at is None:
            at = self.translator.translate(eip, down)
            if not down:
                self.cache.add_version(eip, key, at)
        if not down:
            self.cache.use_version(eip, at)
        return at

    def _through_slot(self) -> int | Exit:
        eip = self.machine.registers.gpr(EIP) & self.architecture.mask
        live = flags.EVERY if self._options.exact_flags else 0
        recovery = Recovery(eip, homes(self.architecture), live, False, False, 0)
        at = self._branch(eip, recovery)
        if isinstance(at, int) and not live and self.cache.wants_flags(at, eip):
            self.translator.keep_flags()
            at = self._branch(eip, recovery)
        if isinstance(at, int) and not self.state.eflags & DF and self._watch.has_slot_alone(eip):
            self.cache.fill_slot(eip)
        return at

    def _store_to_code(self, page: int) -> int | Exit:
        """A store to a page with translated code: forget that code, and carry out the store alone.

        It may come from that very page, so its instruction is translated by itself and not kept.
        """
        self._watch.drop(page)
        return self._single()

    def _preempt(self, at: int) -> Exit:
        """Go on to the next place where the program's state is known."""
        while True:
            if (recovery := self.cache.safe_at(at)) is not None:
                self._left(at, recovery.eip, Left.PREEMPTED)
                self._store_state(recovery)
                return Preempted()
            why = self._run_code(at, 1)
            if isinstance(why, OutOfTime):
                at = self.machine.registers.nip
                continue
            outcome = self._outcome(why)
            if not isinstance(outcome, int):
                return outcome
            at = outcome
