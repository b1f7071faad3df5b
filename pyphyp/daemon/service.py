"""The daemon: a machine that runs window after window, and the desk where operators ask for things.

Everything that changes the machine happens in the thread that runs it, between two windows:
requests from the socket, from signals and from deadlines alike.  Each is recorded with its tick
(`journal`), so the run can be repeated.
"""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import Future, InvalidStateError
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from emu.engine import TIME_BASE_HZ
from emu.values import frozen, slotted
from hypervisor.dispatching.records import NEVER, WINDOW
from hypervisor.system.errors import ManagementError
from pyphyp.actions import RunViosCommand, ShutdownPartition, TypeAtConsole
from pyphyp.pacing import Pace, wait_for_host
from pyphyp.usage import PartitionState

from .connection import BusyError
from .consoles import Consoles
from .inbox import Inbox
from .protocol import Notice
from .streams import NoticeBoard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pyphyp.actions import Action
    from pyphyp.activated import Activated
    from pyphyp.pacing import Attendant
    from pyphyp.slots import PartitionSlots
    from pyphyp.timeline import Timeline
    from pyphyp.transcript import Transcript
    from pyphyp.usage import MachineUsage
    from pyphyp.vios.shell import Answer

    from .journal import Journal
    from .protocol import AskSchedule
    from .streams import ConsoleStream

_INPUT_AHEAD = 1 << 16
"""Bytes of input that may wait for a guest."""
UP = (PartitionState.RUNNING, PartitionState.SHUTTING_DOWN)


@frozen
class Standing:
    """What a partition is doing, and why it ended if it did."""

    state: PartitionState
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.state.value}: {self.reason}" if self.reason else self.state.value


class Managed(Protocol):
    """What the daemon needs of a managed machine."""

    @property
    def name(self) -> str: ...
    @property
    def now(self) -> int:
        """Ticks since it was switched on."""

    def perform(self, action: Action) -> str:
        """Do it; gives a line about that, or raises `ManagementError`."""

    def run(self, *, attendant: Attendant) -> object:
        """Run windows until the attendant looks away, or no partition runs."""

    def pass_idle(self, attendant: Attendant) -> None:
        """No partition runs: let some time pass."""

    def usage(self) -> MachineUsage: ...
    def activation(self) -> Activated: ...
    def run_vios(self, server: str, command: str) -> Answer: ...
    def vios_words(self, server: str, line: str) -> list[str]: ...
    def schedule(self, first: int | None, last: int | None, most: int) -> Timeline:
        """Who had which core in so many windows."""

    def standings(self) -> Mapping[str, Standing]:
        """All partitions, by name, in the order of their numbers."""

    def slots(self, partition: str) -> PartitionSlots:
        """A partition's adapters; `ManagementError` where it does not run."""

    def transcripts(self) -> Mapping[tuple[str, int], Transcript]:
        """The consoles of those that were activated, by slot; each one's first console first."""

    def on_input(self, wake: Callable[[], None]) -> None:
        """Have `wake` called, in any thread, when something was typed at a console's socket."""


@slotted
class _PoweringOff:
    deadline: float
    done: Future[str] = field(default_factory=Future)


class Daemon:
    """Runs `machine`; what operators ask goes through here (`connection.Desk`).

    `paced`: idle time lasts on the host's clock, as people expect; else it is skipped.
    `enough(usage)` is asked once in a second of the machine's time, and ends the run; so does
    tick `until`.
    """

    def __init__(
        self,
        machine: Managed,
        *,
        journal: Journal,
        directory: Path | None,
        paced: bool = True,
        enough: Callable[[MachineUsage], bool] = lambda usage: False,
        until: int | None = None,
    ) -> None:
        self._machine, self._journal, self._paced, self._enough = machine, journal, paced, enough
        self._until = NEVER if until is None else until
        self._inbox = Inbox()
        self._listeners: list[Callable[[], None]] = []
        self.notices = NoticeBoard(self._tell)
        self._standings = dict(machine.standings())
        self._consoles = Consoles(self._standings, self._tell, directory)
        self._consoles.connect(machine.transcripts())
        machine.on_input(self._inbox.wake)
        self._pace = Pace(machine.now)
        self._powering_off: _PoweringOff | None = None
        self._next_look = machine.now
        self._over = False
        self.on_notice: Callable[[Notice], None] = lambda notice: None

    def tell_news(self, listener: Callable[[], None]) -> None:
        """Have `listener` called, in any thread, whenever something was written or noticed."""
        self._listeners.append(listener)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    # -- the desk, for other threads ---------------------------------------------------------

    @property
    def machine(self) -> str:
        return self._machine.name

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._standings)

    def console(self, partition: str, slot: int | None = None) -> ConsoleStream:
        return self._consoles.stream(partition, slot)

    def perform(self, action: Action) -> Future[str]:
        return self._inbox.put(partial(self._perform, action))

    def usage(self) -> Future[MachineUsage]:
        return self._inbox.put(self._machine.usage)

    def activation(self) -> Future[Activated]:
        return self._inbox.put(self._machine.activation)

    def run_vios(self, server: str, command: str) -> Future[Answer]:
        return self._inbox.put(partial(self._run_vios, server, command))

    def _run_vios(self, server: str, command: str) -> Answer:
        now = self._machine.now
        answer = self._machine.run_vios(server, command)
        action = RunViosCommand(server, command)
        if answer.status:
            self._journal.refused(now, action, answer.err)
        else:
            self._journal.performed(now, action)
        return answer

    def vios_words(self, server: str, line: str) -> Future[list[str]]:
        return self._inbox.put(partial(self._machine.vios_words, server, line))

    def schedule(self, wanted: AskSchedule) -> Future[Timeline]:
        ask = partial(self._machine.schedule, wanted.first, wanted.last, wanted.most)
        return self._inbox.put(ask)

    def slots(self, partition: str) -> Future[PartitionSlots]:
        return self._inbox.put(partial(self._machine.slots, partition))

    def power_off(self, *, immediate: bool, seconds: int) -> Future[str]:
        """End the partitions and then the run; safe in a signal handler too."""
        request = _PoweringOff(time.monotonic() + (0 if immediate else seconds))
        self._inbox.put(partial(self._begin_power_off, request))
        return request.done

    # -- running -----------------------------------------------------------------------------

    def run(self) -> None:
        """Run the machine until it is powered off, or enough."""
        try:
            while not self._over:
                self._machine.run(attendant=self)
                if not self._over and not self._up():
                    self._over = not self._paced and self._powering_off is None
                    self._machine.pass_idle(self)
        finally:
            self._inbox.close()
            self._consoles.flush()
            self._journal.close(self._machine.now)
            if self._powering_off is not None:
                with contextlib.suppress(InvalidStateError):  # nobody waits any more
                    self._powering_off.done.set_result(f"{self.machine} is off")

    def look(self) -> bool:
        """Between windows."""
        if self._paced and (ahead := self._pace.ahead(self._machine.now)) > 0:
            self._disturbed_within(ahead)
        self._inbox.carry_out()
        self._consoles.flush()
        self._look_at_standings()
        if self._powering_off is not None:
            self._go_on_powering_off(self._powering_off)
        elif self._machine.now >= self._next_look:
            self._next_look = self._machine.now + TIME_BASE_HZ
            self._over = self._over or self._enough(self._machine.usage())
        self._over = self._over or self._machine.now >= self._until
        return not self._over

    def wait(self, ticks: int, doorbells: Sequence[int] = ()) -> int:
        """The machine is idle."""
        ticks = min(ticks, -(-(self._until - self._machine.now) // WINDOW) * WINDOW)
        if not (self._paced or doorbells):
            return ticks
        return wait_for_host(ticks, lambda seconds: self._disturbed_within(seconds, doorbells))

    def rest(self, seconds: float, doorbells: Sequence[int] = ()) -> None:
        """The machine is idle, and its time passes by itself."""
        self._disturbed_within(seconds, doorbells)

    def _disturbed_within(self, seconds: float, doorbells: Sequence[int] = ()) -> bool:
        if self._powering_off is not None:
            seconds = min(seconds, max(0.0, self._powering_off.deadline - time.monotonic()))
            disturbed = self._inbox.wait(seconds, doorbells)
            return disturbed or time.monotonic() >= self._powering_off.deadline
        return self._inbox.wait(seconds, doorbells)

    def act(self, action: Action) -> str:
        """Perform it now, in the machine's thread; raises `ManagementError`."""
        return self._perform(action)

    def _perform(self, action: Action) -> str:
        if isinstance(action, TypeAtConsole):
            transcript = self._consoles.transcript(action.partition, action.console)
            if transcript is not None and transcript.waiting >= _INPUT_AHEAD:
                raise BusyError(f"{action.partition} does not read what is typed")
        now = self._machine.now
        try:
            said = self._machine.perform(action)
        except ManagementError as wrong:
            self._journal.refused(now, action, str(wrong))
            raise
        self._journal.performed(now, action)
        self._consoles.connect(self._machine.transcripts())
        return said

    def _look_at_standings(self) -> None:
        now = self._machine.now
        for name, standing in self._machine.standings().items():
            if standing != self._standings.get(name):
                self._standings[name] = standing
                self.post(Notice(now, name, str(standing)))

    def post(self, notice: Notice) -> None:
        """Tell everybody who follows."""
        self._journal.noticed(notice)
        self.notices.post(notice)
        self.on_notice(notice)

    # -- powering off ------------------------------------------------------------------------

    def _begin_power_off(self, request: _PoweringOff) -> None:
        before, self._powering_off = self._powering_off, request
        if before is not None:  # asked again: the sooner of both counts, and both are answered
            request.deadline = min(request.deadline, before.deadline)
            request.done.add_done_callback(partial(_pass_on, before.done))
            return
        self.post(Notice(self._machine.now, "", "powering off"))
        if request.deadline > time.monotonic():
            self._shut_down(immediate=False)

    def _go_on_powering_off(self, request: _PoweringOff) -> None:
        if self._up() and time.monotonic() >= request.deadline:
            self._shut_down(immediate=True)
            self._look_at_standings()
        self._over = not self._up()

    def _up(self) -> list[str]:
        return [name for name, its in self._machine.standings().items() if its.state in UP]

    def _shut_down(self, *, immediate: bool) -> None:
        for name in self._up():
            try:
                self._perform(ShutdownPartition(name, immediate))
            except ManagementError as wrong:
                why = wrong.why.removeprefix(f"{name} ")
                self.post(Notice(self._machine.now, name, why))
                if not immediate:
                    self._perform(ShutdownPartition(name, immediate=True))


def _pass_on(to: Future[str], answered: Future[str]) -> None:
    with contextlib.suppress(Exception):
        to.set_result(answered.result())
