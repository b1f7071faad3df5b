"""A partition's terminal on the command's own: keys to the guest, its output to the screen.

In pipes and batch jobs the end of input does not end the guest.  While input may come the guest's
idle time lasts as long as it says, on the host's clock; else it is skipped.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING

from emu.values import frozen
from firmware.error_logs import QueueFullError
from hypervisor.vio.configuration import Backend

from .own_terminal import EndRequested, OutputClosedError, OwnTerminal
from .pacing import wait_for_host
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from hypervisor.partition import Outcome

    from .partition import Partition
    from .transcript import Transcript

HELP = """\
Ctrl-] q       end the partition at once (as pulling its plug)
Ctrl-] p       press the power button: the guest is asked to power off in order
Ctrl-] n       system reset: the interrupt that makes a guest dump, or enter its debugger
Ctrl-] s       save the partition, for pyphyp restore, and go on
Ctrl-] i       show where the partition is
Ctrl-] Ctrl-]  send Ctrl-] itself
Ctrl-] ?       this help"""
_INPUT_AHEAD = 1 << 16
"""Bytes of input read from the host that may wait for the guest."""
_LONGEST_POLL = 1.0
"""Seconds after which a wait looks at the terminal's job control again."""


class Finish(Enum):
    """Why an attended run is over."""

    ENDED = "the partition ended"
    GUEST_TIME = "its time is used up"
    HOST_TIME = "the host's time is used up"
    QUIT = "quit at the console"
    SIGNAL = "a signal"


@frozen
class RunEnd:
    """How a run ended; `outcome` with `ENDED`, `signal` with `SIGNAL`."""

    finish: Finish
    outcome: Outcome | None = None
    signal: signal.Signals | None = None


class ConsoleSession:
    """The command's terminal, joined to `partition` while entered; attends its run."""

    def __init__(
        self,
        partition: Partition,
        *,
        input_descriptor: int = 0,
        output_descriptor: int = 1,
        host_seconds: float | None = None,
        save: Callable[[], str] | None = None,
    ) -> None:
        self._partition = partition
        self._terminal = OwnTerminal(input_descriptor, output_descriptor, on_ending=partition.stop)
        self._save = save
        backends = [console.adapter.backend for console in partition.consoles]
        its = [c for c in partition.consoles if c.adapter.backend is Backend.TERMINAL]
        self._transcript: Transcript | None = its[0].transcript if its else None
        """Of the first console that is at a terminal; the command has but one."""
        self._others = Backend.SOCKET in backends
        """Whether somebody may type elsewhere."""
        self._deadline = None if host_seconds is None else time.monotonic() + host_seconds
        self._watch = Watch(input_descriptor, partition.pause, self._deadline)
        self._news_here, self._news_there = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._quit = self._disturbed = False

    def __enter__(self) -> Self:
        self._terminal.__enter__()
        if self._transcript is not None:
            self._transcript.listeners.append(self._terminal.write)
        self._partition.wake_listeners.append(self._woken)
        self._watch.input_open = self._terminal.open
        self._watch.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._watch.close()
        self._partition.wake_listeners.remove(self._woken)
        if self._transcript is not None:
            self._transcript.listeners.remove(self._terminal.write)
        os.close(self._news_there)
        os.close(self._news_here)
        self._terminal.__exit__(kind, error, at)

    def _woken(self) -> None:
        """Another console has input; called in another thread."""
        with suppress(BlockingIOError):
            os.write(self._news_there, b"\0")

    def say(self, text: str) -> None:
        """A message of ours, on lines of its own beside the guest's."""
        self._terminal.say(text)

    # -- running ---------------------------------------------------------------------------

    def run(self, seconds: float | None = None) -> RunEnd:
        """Run until the partition ends, or for so many seconds of its time, or until told."""
        try:
            outcome = self._partition.run(seconds=seconds, attendant=self)
        except OutputClosedError:
            return RunEnd(Finish.SIGNAL, signal=signal.SIGPIPE)
        except EndRequested:
            outcome = None
        if outcome is not None:
            return RunEnd(Finish.ENDED, outcome)
        if self._terminal.signals.received is not None:
            return RunEnd(Finish.SIGNAL, signal=self._terminal.signals.received)
        if self._quit:
            return RunEnd(Finish.QUIT)
        return RunEnd(Finish.HOST_TIME if self._late else Finish.GUEST_TIME)

    @property
    def _late(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def look(self) -> bool:
        """Between windows: take what was typed; False if the run is over."""
        if self._terminal.open:
            self._poll(0)
        return not (self._quit or self._terminal.signals.received or self._late)

    def wait(self, ticks: int, doorbells: Sequence[int] = ()) -> int:
        """Idle time lasts as long as it says while anything may come; else it is skipped."""
        if not (self._terminal.open or self._others or doorbells):
            return ticks
        return wait_for_host(ticks, lambda seconds: self._disturbed_within(seconds, doorbells))

    def rest(self, seconds: float, doorbells: Sequence[int] = ()) -> None:
        self._disturbed_within(seconds, doorbells)

    def _disturbed_within(self, seconds: float, doorbells: Sequence[int]) -> bool:
        end = time.monotonic() + seconds
        self._disturbed = False
        while not self._disturbed and not self._terminal.signals.received:
            now = time.monotonic()
            if self._late:
                return True
            if now >= end:
                return False
            limit = min(end, now + _LONGEST_POLL, self._deadline or end)
            self._poll(limit - now, doorbells)
        return True

    def _poll(self, seconds: float, doorbells: Sequence[int] = ()) -> None:
        """Wait that long for input, a doorbell or a signal, and take what was typed."""
        room = self._transcript is None or self._transcript.waiting < _INPUT_AHEAD
        ready = self._terminal.poll(seconds, self._news_here, *doorbells, reading=room)
        if self._news_here in ready:
            os.read(self._news_here, 4096)
            self._disturbed = True
        if self._terminal.input in ready:
            self._read()
        if not ready.isdisjoint(doorbells):
            self._disturbed = True

    # -- input -----------------------------------------------------------------------------

    def _read(self) -> None:
        keys = self._terminal.read()
        self._disturbed = True
        self._watch.input_open = self._terminal.open
        if self._transcript is not None:
            self._transcript.send(keys.guest)
        for command in keys.commands:
            self._obey(command)

    def _obey(self, command: str) -> None:
        match command:
            case "q" | "Q" | ".":
                self._quit = True
            case "n" | "N":
                self.say("system reset")
                self._partition.system_reset()
            case "p" | "P":
                self._press_power_button()
            case "s" | "S":
                self.say(self._saved())
            case "i" | "I":
                self.say(status_line(self._partition))
            case _:
                self.say(f"the keys are\n{HELP}")

    def _press_power_button(self) -> None:
        try:
            self._partition.request_shutdown()
        except QueueFullError as wrong:
            self.say(str(wrong))
        else:
            self.say("power button")

    def _saved(self) -> str:
        if self._save is None:
            return "nothing is saved here"
        try:
            return self._save()
        except OSError as error:
            return f"not saved: {error.filename or ''}: {error.strerror}"


def status_line(partition: Partition) -> str:
    """Where a partition is, in one line."""
    stats, registers = partition.stats(), partition.registers
    return (
        f"{partition.name}: {stats.guest_seconds:.3f} s of guest time, "
        f"instructions: {stats.instructions_text}, {stats.mips:.0f} MIPS, "
        f"NIP {registers.nip:#018x}, {registers.msr!r}"
    )
