"""A logical partition: storage, processors, adapters, and the loop that runs them.

`Partition.run` is the main path of the whole project: the engine runs until something leaves it
as a typed exit, the exit is answered here, the engine goes on.  A guest can be refused and can
end its own partition; nothing it does raises through `run`.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Annotated, Protocol

from emu.engine import TIME_BASE_HZ, UNLIMITED, Engine
from emu.engine_state import EngineState
from emu.exits import Checkstop, DebugStop, DeviceAccess, Exit, Hypercall, Paused, Preempted
from emu.memory import Memory
from emu.state import Ticks, check, record
from emu.values import frozen

from . import page_table_calls
from .abi import MAXIMUM_PROCESSORS, Mmu
from .capacity import OneProcessor
from .devices import Devices
from .dispatch import Dispatcher, DispatcherState
from .generator import GeneratorState, generator_state, restore_generator
from .interrupts import Interrupts, InterruptState
from .nonmaskable import NonmaskableInterrupts, NonmaskableState
from .outcome import STUCK, Ending, Outcome, Progress
from .page_table import PageTable, PageTableState, usual_shift
from .processor import Standing, VirtualProcessor, WaitState
from .time_of_day import TimeOfDay
from .vio import tce
from .vio.bus import VirtualIo, VirtualIoState
from .watchdog import NEVER, Action, Watchdog, Watchdogs

if TYPE_CHECKING:
    from collections import Counter

    from .capacity import CapacityManager
    from .configuration import PartitionConfiguration
    from .hcall import HcallTable


__all__ = ["Ending", "Outcome", "Partition", "PartitionState", "Progress", "TimeOfDay"]

_WATCHDOG_ENDINGS = {
    Action.POWER_OFF: Ending.POWER_OFF,
    Action.RESTART: Ending.REBOOT,
    Action.DUMP_RESTART: Ending.REBOOT,
}


@frozen
class Turn:
    """A processor has the core until the time base reaches `ends`."""

    processor: VirtualProcessor
    ends: int


class PartitionFirmware(Protocol):
    """What the hypervisor knows of firmware: guests enter it with the address of a block."""

    def call_rtas(self, processor: VirtualProcessor, block: int) -> None: ...
    def call_client_interface(self, processor: VirtualProcessor, block: int) -> None: ...


_EPOCHS = range(-(1 << 34), 1 << 36)


@record
class StoppedTurn:
    processor: int
    ends: Ticks


@record
class PartitionState:
    """All that a partition is, besides its configuration and the bytes of its storage."""

    engine: EngineState
    page_table: PageTableState | None
    processors: tuple[WaitState, ...]
    dispatcher: DispatcherState
    interrupts: InterruptState
    virtual_io: VirtualIoState
    epoch: Annotated[int, _EPOCHS]
    random: GeneratorState
    hcalls: dict[int, Ticks]
    """How often each was made."""
    outcome: Outcome | None
    watchdogs: tuple[Watchdog, ...]
    nonmaskable: NonmaskableState
    stopped_turn: StoppedTurn | None
    """The turn that a debugger's stop interrupted."""


class Partition:
    """One partition over an engine of its own; `close` it or use it in `with`.

    `seed` feeds H_RANDOM and `darn`; `epoch` is the time of day at time base 0, seconds since 1970.
    `capacity` gives it its processors; without one it has one processor of its own.
    """

    def __init__(
        self,
        configuration: PartitionConfiguration,
        hcalls: HcallTable,
        *,
        epoch: int = 0,
        seed: int = 0,
        capacity: CapacityManager | None = None,
    ) -> None:
        self.configuration = configuration
        self.capacity = capacity or OneProcessor(self)
        self.hcalls = hcalls
        self.memory = Memory(configuration.memory_bytes)
        self.engine = Engine(self.memory, configuration.clock)
        self.devices = Devices(self.engine)
        for call, number in {
            **page_table_calls.ANSWERED_BY_ENGINE,
            **tce.ANSWERED_BY_ENGINE,
        }.items():
            if hcalls.get(number) is not None:
                self.engine.bind_answered_call(call, number)
        self.page_table = self._new_page_table()
        self.interrupts = Interrupts(
            configuration.virtual_processors,
            self.memory,
            self.devices,
            configuration.interrupt_offer,
        )
        self.virtual_io = VirtualIo(self.memory, self.interrupts, self.engine.dma_windows)
        self.watchdogs = Watchdogs()
        self.nonmaskable = NonmaskableInterrupts(self)
        self.time_of_day = TimeOfDay(epoch)
        self.random = random.Random(seed)
        self.engine.seed_random(random.Random(f"darn {seed}").getrandbits(64))
        self.processors = self._add_processors(configuration.virtual_processors)
        self.dispatcher = Dispatcher(self.processors, configuration.interleaving)
        self.firmware: PartitionFirmware | None = None
        self.outcome: Outcome | None = None
        self.debug_stop: tuple[VirtualProcessor, DebugStop] | None = None
        """Who stopped for a debugger, and why: set when `run` reports STOPPED."""
        self._stopped_turn: Turn | None = None

    def _new_page_table(self) -> PageTable | None:
        """Processors translate by hashed page tables until the guest chooses otherwise."""
        if self.configuration.mmu is Mmu.RADIX:
            return None
        table = PageTable(self.engine, self.memory, self.devices, usual_shift(self.memory.size))
        table.use()
        return table

    def _add_processors(self, count: int) -> list[VirtualProcessor]:
        """Processor 0 is ready to be booted; the others wait for start-cpu."""
        if not 1 <= count <= MAXIMUM_PROCESSORS:
            raise ValueError(f"{count} virtual processors: 1 to {MAXIMUM_PROCESSORS} are possible")
        others = [self.engine.add_processor() for _ in range(1, count)]
        return [
            VirtualProcessor(0, self, self.engine),
            *(VirtualProcessor(n, self, self.engine, Standing.STOPPED) for n in others),
        ]

    def close(self) -> None:
        self.engine.close()
        if self.page_table is not None:
            self.page_table.close()
        self.memory.close()

    def end(self, ending: Ending, reason: str = "", *, dump: bool = False) -> None:
        """End the run, with a dump if that is asked for; the first ending counts."""
        if self.outcome is None:
            self.outcome = Outcome(ending, reason, dump)

    @property
    def hcall_counts(self) -> Counter[int]:
        """How often each hcall was made, by number; -1: those that there are not."""
        self.hcalls.counts.update(self.engine.take_answered())
        return self.hcalls.counts

    def checkstop(self, reason: str) -> None:
        """The machine cannot go on with this partition."""
        self.end(Ending.CHECKSTOP, reason)

    # -- state -----------------------------------------------------------------------------

    def state(self) -> PartitionState:
        """Between two runs: what there is to keep."""
        turn = self._stopped_turn
        return PartitionState(
            engine=self.engine.state(),
            page_table=None if self.page_table is None else self.page_table.state(),
            processors=tuple(processor.state() for processor in self.processors),
            dispatcher=self.dispatcher.state(),
            interrupts=self.interrupts.state(),
            virtual_io=self.virtual_io.state(),
            epoch=self.time_of_day.epoch,
            random=generator_state(self.random),
            hcalls=dict(self.hcall_counts),
            outcome=self.outcome,
            watchdogs=self.watchdogs.state(),
            nonmaskable=self.nonmaskable.state(),
            stopped_turn=None if turn is None else StoppedTurn(turn.processor.number, turn.ends),
        )

    def restore(self, state: PartitionState) -> None:
        """Become what `state` says; the storage is filled already, the page table not yet.

        Raises `StateError` or `StorageError`; the partition is then good for nothing.
        """
        count = len(self.processors)
        check(len(state.processors) == count, f"{len(state.processors)} processors, not {count}")
        self.engine.restore(state.engine)
        same = (state.page_table is None) == (self.page_table is None)
        check(same, "there is a hashed page table in one of configuration and state only")
        if self.page_table is not None and state.page_table is not None:
            self.page_table.restore(state.page_table)
        for processor, its in zip(self.processors, state.processors, strict=True):
            processor.restore(its)
        self.dispatcher.restore(state.dispatcher)
        self.virtual_io.restore(state.virtual_io)
        self.interrupts.restore(state.interrupts)
        self.time_of_day.epoch = state.epoch
        restore_generator(self.random, state.random)
        self.hcall_counts.clear()
        self.hcalls.counts.update(state.hcalls)
        self.outcome = state.outcome
        self.watchdogs.restore(state.watchdogs)
        self.nonmaskable.restore(state.nonmaskable)
        self._stopped_turn = None
        if (turn := state.stopped_turn) is not None:
            check(0 <= turn.processor < count, f"there is no processor {turn.processor}")
            self._stopped_turn = Turn(self.processors[turn.processor], turn.ends)

    # -- time ------------------------------------------------------------------------------

    @property
    def time_base(self) -> int:
        return self.engine.time_base

    @property
    def next_event(self) -> int:
        """The time base at which a waiting partition has work of its own accord.

        Where it waits for interrupts from outside alone, somebody looks again in a second.
        """
        due = min(*(p.next_event for p in self.processors), self.watchdogs.due)
        return self.time_base + TIME_BASE_HZ if due == NEVER else due

    def pass_time(self, until: int) -> None:
        """Let idle time go by up to time base `until`."""
        if until > self.time_base:
            self.engine.advance_time_base(until - self.time_base)

    # -- running ---------------------------------------------------------------------------

    def run(self, until: int) -> Progress:
        """Run up to time base `until`; comes back early when idle or ended.

        An idle partition is moved on with `pass_time`, by whoever knows what idle time means:
        skipped in a batch run, waited for when a person is at the console.
        """
        while self.outcome is None:
            if self.time_base >= self.watchdogs.due:
                return self._watchdog_expired()
            turn, self._stopped_turn = self._stopped_turn, None
            if turn is None or turn.processor.standing is not Standing.READY:
                if (processor := self.dispatcher.choose(self.time_base)) is None:
                    return self._idle()
                if self.time_base >= until:
                    return Progress.RAN
                turn = Turn(processor, min(until, self.dispatcher.turn_ends))
            self.engine.answer_calls(not self.hcalls.interceptors)
            ends = min(turn.ends, self.watchdogs.due)
            left = self._enter(turn.processor, ends, self.dispatcher.pauses)
            while isinstance(left, Hypercall) and self._undisturbed(ends):
                left = self._enter(turn.processor, ends, UNLIMITED)
            self.dispatcher.paused(self.engine.pauses_left)
            match left:
                case Preempted():
                    if self.time_base < ends:  # stopped from outside
                        return Progress.RAN
                case Paused():
                    self.dispatcher.end_turn()
                case DebugStop() as stop:
                    self.debug_stop, self._stopped_turn = (turn.processor, stop), turn
                    return Progress.STOPPED
        return Progress.ENDED

    def run_processor(self, processor: VirtualProcessor, start: int, until: int) -> Progress:
        """Run `processor` alone from time base `start` to `until`, as if on a core of its own.

        Others of the partition may have run up to later times, on other cores.  RAN, before
        `until`, where it gave the rest of its turn away: `dispatcher.take_preferred` has to whom.
        """
        self.engine.select(processor.number)
        self.engine.set_time_base(start)
        self.dispatcher.hold(processor, until)
        self.engine.answer_calls(not self.hcalls.interceptors)
        while self.outcome is None:
            if self.time_base >= self.watchdogs.due:
                return self._watchdog_expired()
            if not processor.wake_if_interrupted():
                return Progress.IDLE
            if self.time_base >= self.dispatcher.turn_ends:
                return Progress.RAN
            ends = min(until, self.watchdogs.due)
            left = self._enter(processor, ends, UNLIMITED)
            while isinstance(left, Hypercall) and self._undisturbed(ends):
                left = self._enter(processor, ends, UNLIMITED)
            if isinstance(left, DebugStop):
                self.debug_stop = processor, left
                return Progress.STOPPED
            if len(self.processors) > 1 and not isinstance(left, Preempted):
                for other in self.processors:
                    other.wake_if_interrupted()  # by the call: they are ready since now
        return Progress.ENDED

    def _undisturbed(self, ends: int) -> bool:
        """Whether the turn goes on behind a call: the core itself sees whether its time is up."""
        if self.outcome is not None or self.watchdogs.due < ends:
            return False
        return self.dispatcher.alone(ends)

    def _enter(self, processor: VirtualProcessor, until: int, pauses: int) -> Exit:
        """Run `processor` up to its next exit, which is answered."""
        self.engine.select(processor.number)
        self.engine.set_external_interrupt(self.interrupts.pending(processor.number))
        if self.nonmaskable.deferred:
            self.nonmaskable.deliver_deferred(processor)
        exit_ = self.engine.run(until, pauses)
        match exit_:
            case Hypercall():
                self.hcalls.dispatch(processor)
            case DeviceAccess():
                self.devices.carry_out(processor.number, exit_)
            case Checkstop(reason):
                self.end(Ending.CHECKSTOP, reason)
        return exit_

    def step(self, processor: VirtualProcessor) -> DebugStop | None:
        """Run one instruction of `processor` for a debugger; the others stand still.

        A hypercall or an access to a device is answered and its step done; idle time passes up to
        the processor's next event.  None where the instruction was such a one, or the processor
        waits for others.
        """
        if not processor.wake_if_interrupted() and (due := processor.next_event) != NEVER:
            self.pass_time(due)
        if not processor.wake_if_interrupted() or self.outcome is not None:
            return None
        self.engine.select(processor.number)
        self.engine.answer_calls(not self.hcalls.interceptors)
        self.engine.debugging.step()
        try:
            while isinstance(exit_ := self._enter(processor, UNLIMITED, UNLIMITED), Preempted):
                pass  # by a stop that came too late for the run before
        finally:
            self.engine.select(processor.number)
            self.engine.debugging.step(False)
        return exit_ if isinstance(exit_, DebugStop) else None

    def _idle(self) -> Progress:
        waits = any(p.awaits_interrupt or p.next_event != NEVER for p in self.processors)
        if waits or self.watchdogs.due != NEVER:
            return Progress.IDLE
        self.end(Ending.CRASH, STUCK)
        return Progress.ENDED

    def _watchdog_expired(self) -> Progress:
        expired = self.watchdogs.first()
        self.end(
            _WATCHDOG_ENDINGS[expired.action],
            f"watchdog {expired.number} expired",
            dump=expired.action is Action.DUMP_RESTART,
        )
        return Progress.ENDED
