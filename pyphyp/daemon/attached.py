"""The caller's terminal joined to a partition's console in a machine that runs elsewhere.

Leaving it ends nothing: the partition goes on, others see the same console, and who comes back is
shown what was written meanwhile.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from hypervisor.system.errors import ManagementError
from hypervisor.system.units import ProcUnits
from pyphyp.actions import CrashPartition, ShutdownPartition, TypeAtConsole
from pyphyp.own_terminal import EndRequested, OutputClosedError, OwnTerminal
from pyphyp.usage import PartitionState
from pyphyp.usage_table import runs, share_of

from .client import BusyError
from .protocol import Attach, Output, Perform

if TYPE_CHECKING:
    import signal
    from types import TracebackType
    from typing import Self

    from pyphyp.actions import Action
    from pyphyp.usage import PartitionUsage

    from .client import Answer, Client
    from .protocol import Event

HELP = """\
Ctrl-] d       detach: the partition goes on; pyphyp console comes back to it
Ctrl-] p       press the power button: the guest is asked to power off in order
Ctrl-] n       system reset: the interrupt that makes a guest dump, or enter its debugger
Ctrl-] i       show what the partition is doing
Ctrl-] Ctrl-]  send Ctrl-] itself
Ctrl-] ?       this help"""
_UNSENT = 1 << 16
"""Bytes that may wait for a guest that does not read."""
_AT_ONCE = 1 << 12
_AGAIN = 0.1
"""Seconds until what was refused as too much is sent again."""


class Leaving(Enum):
    """Why a console was left."""

    DETACHED = "detached"
    ENDED = "the partition ended"
    MACHINE_OFF = "the machine is off"
    SIGNAL = "a signal"
    OUTPUT_CLOSED = "nobody reads the output"


class AttachedConsole:
    """Joins the terminal, or pipes, to `partition`'s console while entered."""

    def __init__(
        self,
        client: Client,
        partition: str,
        console: int | None = None,
        *,
        input_descriptor: int = 0,
        output_descriptor: int = 1,
    ) -> None:
        self._client, self._partition, self._console = client, partition, console
        self._terminal = OwnTerminal(input_descriptor, output_descriptor)
        self._unsent = b""
        self._sent = b""
        self._typed: int | None = None
        """The request whose keys are not taken yet."""
        self._busy = False
        self._others: set[int] = set()
        """Requests made by keys behind the escape key."""
        self._leaving: Leaving | None = None
        self.crashed = False

    def __enter__(self) -> Self:
        self._terminal.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._terminal.__exit__(kind, error, at)

    @property
    def signal(self) -> signal.Signals | None:
        """The one that ended it."""
        return self._terminal.signals.received

    def run(self, lines: int) -> Leaving:
        """Show the last so many lines and what comes; until left.

        Input from elsewhere than a terminal cannot ask to leave: then it ends with the partition.
        """
        its = self._usage()
        if its is not None and not runs(its):
            self._terminal.say(f"{its.name} is {its.state.value}; pyphyp activate starts it")
        attached = self._client.begin(Attach(self._partition, lines, self._console))
        try:
            while self._leaving is None:
                self._turn(attached)
        except OutputClosedError:
            return Leaving.OUTPUT_CLOSED
        except EndRequested:
            return Leaving.SIGNAL
        return self._leaving

    def _turn(self, attached: int) -> None:
        """Wait for anything, and take what came."""
        if self._client.buffered:
            self._take(attached, self._client.next_answer())
            return
        terminal = self._terminal
        seconds = _AGAIN if self._busy else None
        room = len(self._unsent) < _UNSENT
        ready = terminal.poll(seconds, self._client.fileno(), reading=room)
        if terminal.signals.received is not None:
            self._leaving = Leaving.SIGNAL
            return
        if self._client.fileno() in ready:
            self._take(attached, self._client.next_answer())
        if terminal.input in ready:
            self._read()
        self._busy = False
        self._send()

    # -- from the machine ------------------------------------------------------------------

    def _take(self, attached: int, answer: Answer) -> None:
        if answer.id == attached:
            if answer.last:
                answer.result()
                self._leaving = Leaving.MACHINE_OFF
            else:
                self._show(self._client.event(answer))
        elif answer.id == self._typed:
            self._typed = None
            self._taken(answer)
        elif answer.last and answer.id in self._others:
            self._others.discard(answer.id)
            self._terminal.say(str(answer.error or answer.value))

    def _show(self, event: Event) -> None:
        if isinstance(event, Output):
            if event.lost:
                self._terminal.say(f"{event.lost} bytes came too fast and are not shown")
            self._terminal.write(event.text)
            return
        self._terminal.say(f"{event.partition}: {event.text}")
        if not self._terminal.interactive and (its := self._usage()) and not runs(its):
            self.crashed = its.state is PartitionState.ERROR
            self._leaving = Leaving.ENDED

    def _usage(self) -> PartitionUsage | None:
        partitions = self._client.usage().partitions
        return next((its for its in partitions if its.name == self._partition), None)

    # -- from the terminal -----------------------------------------------------------------

    def _read(self) -> None:
        keys = self._terminal.read()
        self._unsent += keys.guest
        for command in keys.commands:
            self._obey(command)

    def _send(self) -> None:
        """Keys go one request after the other, or a refused one would be overtaken."""
        if self._unsent and self._typed is None:
            self._sent, self._unsent = self._unsent[:_AT_ONCE], self._unsent[_AT_ONCE:]
            typed = TypeAtConsole(self._partition, self._sent, self._console)
            self._typed = self._client.begin(Perform(typed))

    def _taken(self, answer: Answer) -> None:
        try:
            answer.result()
        except BusyError:
            self._unsent, self._busy = self._sent + self._unsent, True
        except ManagementError as wrong:
            self._unsent = b""
            self._terminal.say(str(wrong))
        else:
            self._send()

    def _obey(self, command: str) -> None:
        match command.lower():
            case "d" | "q" | ".":
                self._leaving = Leaving.DETACHED
            case "p":
                self._ask(ShutdownPartition(self._partition))
            case "n":
                self._ask(CrashPartition(self._partition))
            case "i":
                if (its := self._usage()) is not None:
                    self._terminal.say(state_line(its))
            case _:
                self._terminal.say(f"the keys are\n{HELP}")

    def _ask(self, action: Action) -> None:
        self._others.add(self._client.begin(Perform(action)))


def state_line(its: PartitionUsage) -> str:
    """What a partition is doing, in a line."""
    times = its.last_second
    used = f"{share_of(times, times.consumed)} of {ProcUnits(its.units)} units"
    return f"{its.name}: {its.state.value}, {used} consumed in the last second"
