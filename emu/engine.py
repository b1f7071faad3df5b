"""The engine: one Unicorn core over one partition's storage, behind a small interface.

This is the only file that knows Unicorn's library is there.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from . import engine_state, unicorn_library
from .answered_call import AnsweredCall
from .clock import Clock
from .counts import Counts
from .debugging import Debugging
from .dma_windows import DmaWindows
from .engine_state import MACHINE_CHECK, SYSTEM_RESET, EngineState, Nonmaskable
from .exits import Checkstop, DeviceAccess, Exit, Hypercall, Paused, Preempted
from .isa_level import IsaLevel
from .native import ffi, lib
from .registers import Registers
from .state import check
from .tracing import Tracing
from .translation import Access, Cause
from .unicorn_library import REMEDY, EngineError
from .values import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from .engine_state import Segment
    from .memory import Memory

TIME_BASE_HZ = 512_000_000
"""The time base counts one tick an instruction; this is the rate a guest is told."""

UNLIMITED = (1 << 64) - 1
_TIME_BASE = 268
"""The number of its register."""

_PLAIN_EXITS: dict[int, Exit] = {
    lib.CORE_HYPERCALL: Hypercall(),
    lib.CORE_PREEMPTED: Preempted(),
    lib.CORE_PAUSED: Paused(),
}
"""Those that say everything by their type."""


class InterruptLocation(IntEnum):
    """Where interrupts go while translation is on: LPCR[AIL] (Power ISA III 2.2)."""

    REAL = 0
    OFFSET_18000 = 2
    OFFSET_C000000000004000 = 3


@frozen
class InterruptTaken:
    """One interrupt the guest was given: vector offset, return state, time in ticks."""

    vector: int
    srr0: int
    srr1: int
    time_base: int


class Engine:
    """A processor over `memory`.  `close` it before the memory."""

    def __init__(self, memory: Memory, clock: Clock = Clock.COUNTED) -> None:
        error = ffi.new("char[256]")
        library = unicorn_library.path()
        self._core: Any = lib.core_open(
            library, memory.pointer, memory.size, clock is Clock.HOST, error, len(error)
        )
        if self._core == ffi.NULL:
            raise EngineError(f"{ffi.string(error).decode()}: {REMEDY}")
        self._memory = memory
        self._counts = lib.core_count(self._core)
        self._controls = lib.core_control(self._core)
        self._external = lib.core_external(self._core)
        self._counted_time = None if clock is Clock.HOST else lib.core_spr(self._core)
        """The registers in which the time base is; a call would have threads take turns."""
        self._observers: list[object] = []
        self.registers = Registers(self._core)
        self.debugging = Debugging(self._core)
        self.dma_windows = DmaWindows(self._core)
        self.tracing = Tracing(self._core)
        self.selected = 0
        self._processor_count = 1
        memory.observe_writes(self)

    def close(self) -> None:
        if self._core is not None:
            self._memory.observe_writes(None)
            lib.core_close(self._core)
            self._counted_time = None
            self._core = None  # of which the extension takes no call

    # -- running ---------------------------------------------------------------------------

    def run(self, until: int, pauses: int = UNLIMITED) -> Exit:
        """Run until the time base reaches `until`, or something needs the hypervisor.

        `pauses` is how often the guest may say that it only waits before that is an exit too.
        """
        why = lib.core_run(self._core, until, pauses)
        if (plain := _PLAIN_EXITS.get(why)) is not None:
            return plain
        match why:
            case lib.CORE_DEVICE:
                access = lib.core_device(self._core)
                return DeviceAccess(access.address, access.length, bool(access.store), access.value)
            case lib.CORE_DEBUG:
                return self.debugging.stop()
            case _:
                return Checkstop(ffi.string(lib.core_failure(self._core)).decode())

    def finish_device_access(self, value: int) -> None:
        """Complete the instruction that came back as `DeviceAccess`; a load gives `value`."""
        lib.core_finish_device(self._core, value)

    @property
    def pauses_left(self) -> int:
        """How many of the pauses that the last run allowed were not used."""
        return int(lib.core_pauses_left(self._core))

    def stop(self) -> None:
        """Make `run` come back soon; callable from any thread and from signal handlers."""
        lib.core_stop(self._core)

    def set_external_interrupt(self, pending: bool) -> None:
        """The level of the external interrupt input."""
        self._external[0] = pending

    def system_reset(self, interrupt: Nonmaskable = SYSTEM_RESET) -> None:
        """Deliver a system reset interrupt before the next instruction."""
        engine_state.write_nonmaskable(lib.core_system_reset(self._core), interrupt)

    def machine_check(self, interrupt: Nonmaskable = MACHINE_CHECK) -> None:
        """Deliver a machine check interrupt before the next instruction."""
        engine_state.write_nonmaskable(lib.core_machine_check(self._core), interrupt)

    # -- time ------------------------------------------------------------------------------

    @property
    def time_base(self) -> int:
        if self._counted_time is None:
            return int(lib.core_time_base(self._core))
        return int(self._counted_time[_TIME_BASE])

    def hold_clock(self) -> None:
        """Let time stand still until the next run, where it is the host's."""
        lib.core_hold_clock(self._core)

    def advance_time_base(self, ticks: int) -> None:
        """Let time pass without running: the processor is idle."""
        assert ticks >= 0
        lib.core_advance_time_base(self._core, ticks)

    def set_time_base(self, ticks: int) -> None:
        """Put the time base to `ticks`, also back; decrementers stay due when they were."""
        lib.core_set_time_base(self._core, ticks)

    def decrementer_due(self, processor: int) -> int:
        """The time base at which the exception of a processor's decrementer is due."""
        return int(lib.core_decrementer_due(self._core, processor))

    # -- virtual processors ----------------------------------------------------------------

    def add_processor(self) -> int:
        """Another virtual processor, as at power-on; gives its number.  0 is there already."""
        number = int(lib.core_add_processor(self._core))
        if number < 0:
            raise MemoryError("no room for another virtual processor")
        self._processor_count = number + 1
        return number

    def select(self, processor: int) -> None:
        """Let `processor` have the core: `run` and `registers` are its own from here on."""
        if processor != self.selected:
            lib.core_select(self._core, processor)
            self.selected = processor

    def reset_processor(self) -> None:
        """Put the selected processor into its state at power-on; its PURR goes on."""
        lib.core_reset_processor(self._core)

    # -- what the hypervisor sets ----------------------------------------------------------

    def set_interrupts_little_endian(self, on: bool) -> None:
        self._controls.interrupts_little_endian = on

    def share_storage(self) -> None:
        """Before the first run: other processes write to the storage, too.

        Conditional stores and the atomic operations are atomic towards them from then on.
        """
        lib.core_share_storage(self._core, 1)

    def seed_random(self, seed: int) -> None:
        """Let the numbers of `darn` follow from `seed`, 64 bits."""
        lib.core_random(self._core)[0] = seed

    @property
    def interrupts_little_endian(self) -> bool:
        return bool(self._controls.interrupts_little_endian)

    def set_interrupt_location(self, location: InterruptLocation) -> None:
        self._controls.interrupt_location = location

    @property
    def isa_level(self) -> IsaLevel:
        """What the partition's processors can do; everything that depends on it asks here."""
        return IsaLevel(lib.core_get_isa(self._core))

    def set_isa_level(self, level: IsaLevel) -> None:
        """Let the processors follow another edition, from the next run on."""
        lib.core_set_isa(self._core, level)

    def debug_registers_changed(self) -> None:
        """CIABR, DAWR or DAWRX of the selected processor were written."""
        lib.core_guest_debug_changed(self._core)

    def set_process_table(self, base: int, size: int) -> None:
        """Translate by radix trees, from the process table of `size` bytes at `base` on; 0: none.

        `base` is a logical real address.
        """
        self._controls.process_table = base
        self._controls.process_table_size = size
        lib.core_set_hash_table(self._core, ffi.NULL, 0)

    @property
    def process_table(self) -> tuple[int, int]:
        """Address and size of the one that was set last."""
        return int(self._controls.process_table), int(self._controls.process_table_size)

    def set_page_table(self, table: Memory) -> None:
        """Translate by the SLB and the hashed page table that is all of `table`.

        Its size is a power of two; it lies outside the guest's storage and stays open as long as
        it is set.
        """
        lib.core_set_hash_table(self._core, table.pointer, table.size)

    def bind_answered_call(self, call: AnsweredCall, number: int) -> None:
        """A hypercall with `number` in R3 is `call`."""
        self._controls.answered_calls[call] = number

    def answer_calls(self, on: bool) -> None:
        """Let the core carry out bound calls that succeed; all others still are exits."""
        self._controls.answers_calls = on

    def take_answered(self) -> dict[int, int]:
        """How many calls, by number, the core answered since this was asked last."""
        answered: dict[int, int] = {}
        for call in AnsweredCall:
            if count := int(self._counts.answered[call]):
                answered[int(self._controls.answered_calls[call])] = count
                self._counts.answered[call] = 0
        return answered

    def flush_translations(self) -> None:
        lib.core_flush_translations(self._core)

    def add_device_pages(self, address: int, length: int) -> None:
        """Let loads and stores there, outside storage, come back from `run`."""
        if lib.core_add_device_pages(self._core, address, length):
            raise ValueError(f"no device can have {length:#x} bytes at {address:#x}")

    def remove_device_pages(self) -> None:
        """There are no devices any more; accesses to them find no translation."""
        lib.core_remove_device_pages(self._core)

    # -- state -----------------------------------------------------------------------------

    def state(self) -> EngineState:
        """The state of all processors, between two runs."""
        selected = self.selected
        reservation = engine_state.read_reservation(self._core)
        processors = []
        for number in range(self._processor_count):
            self.select(number)
            processors.append(engine_state.read_processor(self._core))
        self.select(selected)
        engine_state.write_reservation(self._core, reservation)
        return EngineState(
            pvr=self.registers.spr("pvr"),
            time_base=self.time_base,
            instructions=int(lib.core_instructions(self._core)),
            interrupts_little_endian=self.interrupts_little_endian,
            interrupt_location=int(self._controls.interrupt_location),
            isa_level=self.isa_level,
            random=int(lib.core_random(self._core)[0]),
            process_table=self.process_table[0],
            process_table_size=self.process_table[1],
            processors=tuple(processors),
            selected=selected,
            reservation=reservation,
            counts=engine_state.read_counts(self._core),
        )

    def restore(self, state: EngineState) -> None:
        """Go on from `state`; the storage is to be what it was, too."""
        pvr = self.registers.spr("pvr")
        check(state.pvr == pvr, f"saved on a processor with PVR {state.pvr:#x}; this is {pvr:#x}")
        count = self._processor_count
        check(len(state.processors) == count, f"{len(state.processors)} processors, not {count}")
        check(state.selected < count, f"processor {state.selected} of {count} has the core")
        table = state.process_table, state.process_table_size
        check(self._memory.contains(*table), "the process table lies outside storage")
        engine_state.check_nonmaskable(state, self._memory)
        self.advance_time_base(state.time_base - self.time_base)
        for number, processor in enumerate(state.processors):
            self.select(number)
            engine_state.write_processor(self._core, processor)
        self.select(state.selected)
        lib.core_set_instructions(self._core, state.instructions)
        self.set_interrupts_little_endian(state.interrupts_little_endian)
        self.set_interrupt_location(InterruptLocation(state.interrupt_location))
        self.set_isa_level(state.isa_level)
        self.seed_random(state.random)
        self.set_process_table(*table)
        engine_state.write_reservation(self._core, state.reservation)
        engine_state.write_counts(self._core, state.counts)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The selected processor's SLB, without what is empty."""
        return engine_state.read_segments(self._core)

    @segments.setter
    def segments(self, segments: tuple[Segment, ...]) -> None:
        engine_state.write_segments(self._core, segments)
        self.flush_translations()

    def expect_plain_code(self) -> None:
        """The guest is code that a translator made: optimizing it again does not pay."""
        self._controls.plain_code = True

    # -- storage ---------------------------------------------------------------------------

    def storage_written(self, address: int, data: bytes | bytearray | memoryview) -> None:
        content = data if isinstance(data, bytes) else ffi.from_buffer(data)
        lib.core_write_storage(self._core, address, content, len(data))

    def translate(self, effective: int, access: Access = Access.LOAD) -> int | None:
        """The logical real address behind `effective` as the processor sees it now, or None."""
        outcome = self._translate(effective, access)
        return None if isinstance(outcome, Cause) else outcome

    def refusal(self, effective: int, access: Access = Access.LOAD) -> Cause | None:
        """Why the processor would refuse an access to `effective` now; None if it would not."""
        outcome = self._translate(effective, access)
        return outcome if isinstance(outcome, Cause) else None

    def _translate(self, effective: int, access: Access) -> int | Cause:
        real, cause = ffi.new("uint64_t *"), ffi.new("uint64_t *")
        if lib.core_translate(self._core, effective, access, real, cause):
            return int(real[0])
        return Cause(cause[0])

    # -- looking on ------------------------------------------------------------------------

    def counts(self) -> Counts:
        counts = self._counts
        interrupts = {index << 5: int(n) for index, n in enumerate(counts.interrupts) if n}
        return Counts(
            instructions=lib.core_instructions(self._core),
            entries=counts.entries,
            tlb_fills=counts.tlb_fills,
            storage_interrupts=counts.storage_interrupts,
            hypercalls=counts.hypercalls,
            emulated=counts.emulated,
            device_accesses=counts.device_accesses,
            interrupts=interrupts,
        )

    def observe_interrupts(self, observer: Callable[[InterruptTaken], None]) -> None:
        handle = ffi.new_handle(observer)
        self._observers.append(handle)
        lib.core_observe_interrupts(self._core, lib.interrupt_observed, handle)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def interrupt_observed(context: Any, vector: int, srr0: int, srr1: int, time_base: int) -> None:
    ffi.from_handle(context)(InterruptTaken(vector, srr0, srr1, time_base))
