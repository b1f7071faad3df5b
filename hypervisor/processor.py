"""A virtual processor: registers that the engine holds, and what the hypervisor knows of it."""

from __future__ import annotations

from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING, Annotated

from emu.bits import MSR
from emu.state import Ticks, record
from emu.values import slotted

from .cede_latency import CLASSIC, SETTINGS, CedeSetting, setting_for
from .dispatch_trace import LastPreemption, tell_of_dispatch
from .dispatching.records import Wake
from .splpar_areas import RegisteredAreas
from .watchdog import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emu.engine import Engine
    from emu.engine_state import Nonmaskable
    from emu.registers import Registers

    from .dispatching.records import Dispatched, Preemption
    from .partition import Partition


class Standing(Enum):
    """What a virtual processor waits for, if for anything."""

    READY = "it runs when its turn comes"
    CEDED = "an interrupt or a prod"
    JOINED = "a prod"
    RESTING = "a time, within a call of firmware"
    WAKING = "a time: it was woken from a deep sleep"
    STOPPED = "start-cpu"
    POSTPONED = "the answer to its hcall"


_READY, _CEDED = Standing.READY, Standing.CEDED  # an enumeration looks its members up slowly


@record
class WaitState:
    """What the hypervisor knows of a processor; its registers are the engine's."""

    standing: Standing
    prodded: bool
    areas: RegisteredAreas
    ready_since: Ticks
    woken_by: Wake
    preemption: LastPreemption | None
    rests_until: Ticks
    sleep: Annotated[int, range(len(SETTINGS))]
    """The cede latency specifier of its last cede."""


@slotted
class VirtualProcessor:
    """Virtual processor `number` of `partition`."""

    number: int
    partition: Partition
    engine: Engine
    standing: Standing = Standing.READY
    prodded: bool = False
    areas: RegisteredAreas = field(default_factory=RegisteredAreas)
    ready_since: int = 0
    """The time base at which what it waited for happened."""
    rests_until: int = 0
    """The time base a resting or waking one waits for."""
    sleep: CedeSetting = CLASSIC
    """How deeply it sleeps while it cedes."""
    woken_by: Wake = Wake.SYSTEM_RESET
    """What that was."""
    preemption: LastPreemption | None = None
    """When and why it lost the core last."""

    # -- state -----------------------------------------------------------------------------

    @property
    def registers(self) -> Registers:
        """This processor's registers, until another is selected."""
        engine = self.engine
        if engine.selected != self.number:
            engine.select(self.number)
        return engine.registers

    @property
    def time_base(self) -> int:
        return self.engine.time_base

    @property
    def privileged(self) -> bool:
        return self.registers.privileged

    def gpr(self, n: int) -> int:
        return self.registers.gpr(n)

    def gprs(self, first: int, count: int) -> list[int]:
        return self.registers.gprs(first, count)

    def set_gpr(self, n: int, value: int) -> None:
        self.registers.set_gpr(n, value)

    def set_debug_registers(self, **values: int) -> None:
        """Set CIABR, DAWR or DAWRX, by name."""
        registers = self.registers
        for name, value in values.items():
            registers.set_spr(name, value)
        self.engine.debug_registers_changed()

    def set_gprs(self, first: int, values: Iterable[int]) -> None:
        self.registers.set_gprs(first, values)

    def state(self) -> WaitState:
        return WaitState(
            self.standing,
            self.prodded,
            self.areas,
            self.ready_since,
            self.woken_by,
            self.preemption,
            self.rests_until,
            self.sleep.specifier,
        )

    def restore(self, state: WaitState) -> None:
        state.areas.check(self.partition.memory)
        self.standing, self.prodded, self.areas = state.standing, state.prodded, state.areas
        self.rests_until, self.sleep = state.rests_until, SETTINGS[state.sleep]
        self.ready_since, self.woken_by = state.ready_since, state.woken_by
        self.preemption = state.preemption

    # -- starting and stopping -------------------------------------------------------------

    def start(self, address: int, parameter: int) -> None:
        """Run from `address` on, in real mode and big-endian, with `parameter` in R3."""
        self.engine.select(self.number)
        self.engine.reset_processor()
        registers = self.engine.registers
        registers.msr = MSR(0).replace(SF=1, ME=1)
        registers.set_gpr(3, parameter)
        registers.nip = address
        self.prodded = False
        self.preemption = None
        self._become_ready(Wake.SYSTEM_RESET)

    def stop(self) -> None:
        """Run no more until started; areas shared with the hypervisor are given back."""
        self.areas = RegisteredAreas()
        self.standing = Standing.STOPPED

    @property
    def wake(self) -> Wake:
        """What lets it run: nobody looked yet at a decrementer that is due, or at a rest's end."""
        match self.standing:
            case Standing.CEDED:
                return Wake.DECREMENTER
            case Standing.RESTING:
                return Wake.HYPERVISOR
        return self.woken_by

    # -- on a core and off it --------------------------------------------------------------

    def dispatched(self, facts: Dispatched) -> None:
        """It has got a core: its areas tell."""
        tell_of_dispatch(self.areas, self.partition.memory, self.preemption, facts)

    def preempted(self, reason: Preemption, at: int) -> None:
        """It has lost its core."""
        nip = msr = 0
        if self.areas.trace_log is not None:
            registers = self.registers
            nip, msr = registers.nip, int(registers.msr)
        self.preemption = LastPreemption(reason, at, nip, msr)
        self.areas.count_preemption(self.partition.memory)

    # -- waiting and waking ----------------------------------------------------------------

    def cede(self) -> None:
        """Enable external interrupts and wait for one, or for a prod (LoPAR 14.11.3.3).

        What wakes it, and how soon, is by the cede latency specifier in its VPA.
        """
        self.registers.msr = self.registers.msr.replace(EE=1)
        self.sleep = setting_for(self.areas.cede_latency(self.partition.memory))
        self._wait(Standing.CEDED)

    def join(self) -> None:
        """Wait for a prod and nothing else (LoPAR 14.11.5.1)."""
        self._wait(Standing.JOINED)

    def confer_to_itself(self) -> None:
        """Wait for a prod; while MSR[EE] is on, for an interrupt too (LoPAR 14.11.3.4)."""
        self.sleep = CLASSIC
        self._wait(Standing.CEDED if self.registers.msr.EE else Standing.JOINED)

    def rest(self, until: int) -> None:
        """Go on at time base `until`: firmware that was called waits for something."""
        self.standing, self.rests_until = Standing.RESTING, until

    def _wait(self, standing: Standing) -> None:
        if self.prodded:
            self.prodded = False
        else:
            self.standing = standing

    def prod(self) -> None:
        """Wake the processor, or make its next wait return at once (LoPAR 14.11.3.5)."""
        if self.standing in (Standing.CEDED, Standing.JOINED):
            self._wake(Wake.PROD)
        else:
            self.prodded = True

    def system_reset(self) -> None:
        """Interrupt the processor with a system reset, whatever it waits for but start-cpu."""
        self.partition.nonmaskable.system_reset(self)

    def interrupt_at_once(
        self, *, system_reset: Nonmaskable | None = None, machine_check: Nonmaskable | None = None
    ) -> None:
        """Deliver one before the next instruction; to a stopped processor never."""
        if self.standing is Standing.STOPPED:
            return
        self.engine.select(self.number)
        if system_reset is not None:
            self.engine.system_reset(system_reset)
        if machine_check is not None:
            self.engine.machine_check(machine_check)
        if self.standing not in (Standing.READY, Standing.POSTPONED, Standing.WAKING):
            self._wake(Wake.SYSTEM_RESET)

    def wake_if_interrupted(self) -> bool:
        """End a cede that an interrupt is due for, or a rest; True if the processor can run."""
        if self.standing is _READY:
            return True
        if self.awaits_interrupt and self.partition.interrupts.pending(self.number):
            self._wake(Wake.EXTERNAL_INTERRUPT)
        elif (due := self.next_event) <= self.engine.time_base:
            self._become_ready(self.wake, due)
        return self.standing is _READY

    @property
    def awaits_interrupt(self) -> bool:
        """External interrupts, which come from outside, wake it."""
        return self.standing is _CEDED and self.sleep.external

    def _wake(self, wake: Wake, at: int | None = None) -> None:
        """What it waits for has happened: it is ready, or will be once it is out of its sleep."""
        if self.standing is _CEDED and self.sleep.latency:
            happened = self.engine.time_base if at is None else at
            self.standing, self.woken_by = Standing.WAKING, wake
            self.rests_until = happened + self.sleep.latency
        else:
            self._become_ready(wake, at)

    def _become_ready(self, wake: Wake, since: int | None = None) -> None:
        self.ready_since = self.engine.time_base if since is None else since
        self.standing, self.woken_by = Standing.READY, wake

    def postpone(self) -> None:
        """Its hcall is answered later: it waits, for that alone."""
        self.standing = Standing.POSTPONED

    def answer(self, now: int) -> None:
        """Make the hcall anew that was postponed, if one was, at time base `now`."""
        if self.standing is Standing.POSTPONED:
            self._become_ready(Wake.HYPERVISOR, now)
            self.partition.hcalls.dispatch(self)

    def wakes_at(self, now: int) -> int:
        """The time base from which the processor can run; `NEVER`: others must wake it.

        `now` is when the partition is asked, which may be later than its own time base.
        """
        if self.standing is _READY:
            return self.ready_since
        if self.awaits_interrupt and self.partition.interrupts.pending(self.number):
            self._wake(Wake.EXTERNAL_INTERRUPT, now)
        return self.ready_since if self.standing is _READY else self.next_event

    @property
    def next_event(self) -> int:
        """The time base at which a wait ends by itself; `NEVER`: others must end it."""
        match self.standing:
            case Standing.CEDED if self.sleep.timer:
                return self.engine.decrementer_due(self.number)
            case Standing.RESTING | Standing.WAKING:
                return self.rests_until
        return NEVER
