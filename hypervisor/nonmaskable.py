"""System resets and machine checks: the interrupts that no processor can mask.

An operating system may register handlers of its own with firmware (`ibm,nmi-register`, LoPAR
7.3.14).  They are entered as the interrupt's vector would be, in real mode, with R3 pointing to
where the R3 they interrupted is kept; for a machine check an error log stands behind it.  The
storage for that lies in the RTAS area, which is firmware's, and there is one log for all
processors: a handler gives it back with `ibm,nmi-interlock`.  Until then other processors' machine
checks wait, and another one of the same processor is more than it can bear.

Where none is registered and none stands at the vector, the processor would take one program
interrupt after another for ever, and nobody would know: the partition has crashed instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol

from emu.engine_state import MACHINE_CHECK, SYSTEM_RESET, Nonmaskable
from emu.state import U32, U64, Length, check, record
from emu.values import slotted

from .abi import MAXIMUM_PROCESSORS
from .outcome import Ending
from .processor import Standing

if TYPE_CHECKING:
    from emu.memory import Memory

    from .processor import VirtualProcessor

ERROR_LOG_BYTES = 2048
_PROGRAM_INTERRUPT, _NO_INSTRUCTION = 0x700, bytes(4)
_R3_BYTES = 8
_RESET_AREAS = _R3_BYTES + ERROR_LOG_BYTES
_RESET_AREA_BYTES = 16
AREA_BYTES = _RESET_AREAS + MAXIMUM_PROCESSORS * _RESET_AREA_BYTES
"""Of the RTAS area: R3 and the log of a machine check, then R3 of each processor's reset."""


@record
class Handlers:
    """The effective addresses, in real mode, of what an operating system registered."""

    system_reset: U64
    machine_check: U64


@record
class MachineCheck:
    """What a processor found wrong: as registers tell it, and as the error log does."""

    srr1: U64
    dar: U64
    dsisr: U32
    log: Annotated[bytes, Length(0, ERROR_LOG_BYTES)]


@record
class WaitingCheck:
    processor: Annotated[int, range(MAXIMUM_PROCESSORS)]
    check: MachineCheck


@record
class DeferredCheck:
    """A check that comes when its processor can bear it, and is no more where it asked for it."""

    processor: Annotated[int, range(MAXIMUM_PROCESSORS)]
    check: MachineCheck
    asked_at: U64


@record
class NonmaskableState:
    area: U64 | None
    handlers: Handlers | None
    holder: Annotated[int, range(MAXIMUM_PROCESSORS)] | None
    waiting: Annotated[tuple[WaitingCheck, ...], Length(0, MAXIMUM_PROCESSORS)]
    deferred: Annotated[tuple[DeferredCheck, ...], Length(0, MAXIMUM_PROCESSORS)]


class Owner(Protocol):
    """The partition, as this file needs it."""

    @property
    def memory(self) -> Memory: ...
    @property
    def processors(self) -> list[VirtualProcessor]: ...
    def checkstop(self, reason: str) -> None: ...
    def end(self, ending: Ending, reason: str = "") -> None: ...


@slotted
class NonmaskableInterrupts:
    """Those of one partition."""

    owner: Owner
    area: int | None = None
    """Where firmware has room for `AREA_BYTES`; None until RTAS is there."""
    handlers: Handlers | None = None
    _holder: int | None = None
    """The processor whose handler has the error log."""
    _waiting: tuple[WaitingCheck, ...] = ()
    deferred: tuple[DeferredCheck, ...] = ()
    """At most one of each processor."""

    # -- delivering ------------------------------------------------------------------------

    def system_reset(self, processor: VirtualProcessor) -> None:
        """Interrupt `processor` with a system reset; one that is stopped sees nothing of it."""
        if self.handlers is None or self.area is None:
            if self._handled("system reset", SYSTEM_RESET, processor):
                processor.interrupt_at_once(system_reset=SYSTEM_RESET)
            return
        save = self.area + _RESET_AREAS + processor.number * _RESET_AREA_BYTES
        interrupt = Nonmaskable(self.handlers.system_reset, save)
        processor.interrupt_at_once(system_reset=interrupt)

    def machine_check(self, processor: VirtualProcessor, found: MachineCheck) -> None:
        """Interrupt `processor` with a machine check, or have it wait for the error log.

        A processor that is stopped finds nothing.
        """
        if processor.standing is Standing.STOPPED:
            return
        if self.handlers is None or self.area is None:
            architected = Nonmaskable(MACHINE_CHECK.handler, 0, found.srr1, found.dar, found.dsisr)
            if self._handled("machine check", architected, processor):
                processor.interrupt_at_once(machine_check=architected)
        elif self._holder is None:
            self._holder = processor.number
            self.owner.memory.write(self.area + _R3_BYTES, found.log)
            interrupt = Nonmaskable(
                self.handlers.machine_check, self.area, found.srr1, found.dar, found.dsisr
            )
            processor.interrupt_at_once(machine_check=interrupt)
        elif self._holder == processor.number:
            self.owner.checkstop(f"a machine check of processor {processor.number} within another")
        elif any(w.processor == processor.number for w in self._waiting):
            self.owner.checkstop(f"two machine checks of processor {processor.number} wait")
        else:
            self._waiting += (WaitingCheck(processor.number, found),)

    def _handled(self, interrupt: str, at_vector: Nonmaskable, processor: VirtualProcessor) -> bool:
        """Whether anything is at the vector; where nothing is, the partition has ended by that."""
        vectors = (at_vector.handler, _PROGRAM_INTERRUPT)
        found = any(self.owner.memory.read(vector, 4) != _NO_INSTRUCTION for vector in vectors)
        if not found and processor.standing is not Standing.STOPPED:
            where = f"no handler is registered, and at {at_vector.handler:#x} is none"
            self.owner.end(Ending.CRASH, f"a {interrupt} that nobody handles: {where}")
        return found

    def defer(self, processor: VirtualProcessor, found: MachineCheck) -> bool:
        """Interrupt `processor`, which asks for that, once it has gone on; False: one waits."""
        if any(d.processor == processor.number for d in self.deferred):
            return False
        asked_at = processor.registers.nip
        self.deferred += (DeferredCheck(processor.number, found, asked_at),)
        return True

    def deliver_deferred(self, processor: VirtualProcessor) -> None:
        """Before `processor` runs: interrupt it if a check is due and recoverable."""
        registers = processor.registers
        for each in self.deferred:
            due = each.processor == processor.number and registers.nip != each.asked_at
            if due and registers.msr.RI:
                self.deferred = tuple(d for d in self.deferred if d is not each)
                self.machine_check(processor, each.check)

    # -- what a guest asks -----------------------------------------------------------------

    def gives_back_log(self, processor: VirtualProcessor) -> bool:
        """`processor` needs its error log no more; False if it has none."""
        if self._holder != processor.number:
            return False
        self._holder = None
        while self._waiting and self._holder is None:
            first, *others = self._waiting
            self._waiting = tuple(others)
            self.machine_check(self.owner.processors[first.processor], first.check)
        return True

    # -- state -----------------------------------------------------------------------------

    def state(self) -> NonmaskableState:
        return NonmaskableState(
            self.area, self.handlers, self._holder, self._waiting, self.deferred
        )

    def restore(self, state: NonmaskableState) -> None:
        count = len(self.owner.processors)
        waiting = [each.processor for each in state.waiting]
        deferred = [each.processor for each in state.deferred]
        for number in (state.holder, *waiting, *deferred):
            check(number is None or number < count, f"there is no processor {number}")
        if state.area is not None:
            self.owner.memory.check(state.area, AREA_BYTES)
        self.area, self.handlers = state.area, state.handlers
        self._holder, self._waiting = state.holder, state.waiting
        self.deferred = state.deferred
