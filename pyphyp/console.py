"""A partition's terminal on the command's own: keys to the guest, its output to the screen.

On a terminal, keys go to the guest one by one, Ctrl-C included, but for the escape key `Ctrl-]`
(telnet's) and the letter behind it.  In pipes and batch jobs input is fed as it comes; its end
does not end the guest.  While input may come the guest's idle time lasts as long as it says, on
the host's clock; else it is skipped.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from firmware.error_logs import QueueFullError

from .pacing import wait_for_host
from .rawmode import RawMode
from .signals import SignalWatch
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from hypervisor.partition import Outcome

    from .partition import Partition

ESCAPE = 0x1D
HINT = "Escape character is Ctrl-].  Ctrl-] ? lists what it can do."
HELP = """\
Ctrl-] q       end the partition at once (as pulling its plug)
Ctrl-] p       press the power button: the guest is asked to power off in order
Ctrl-] n       system reset: the interrupt that makes a guest dump, or enter its debugger
Ctrl-] s       save the partition, for pyphyp restore, and go on
Ctrl-] i       show where the partition is
Ctrl-] Ctrl-]  send Ctrl-] itself
Ctrl-] ?       this help"""
_READ_AT_ONCE = 4096
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


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended; `outcome` with `ENDED`, `signal` with `SIGNAL`."""

    finish: Finish
    outcome: Outcome | None = None
    signal: signal.Signals | None = None


class _OutputClosedError(Exception):
    """Nobody reads the output any more."""


class _EndRequested(Exception):  # noqa: N818 - a way out of the run, not an error
    """A signal came while output waited."""


class EscapeKeys:
    """Tells the keys for the guest from those behind the escape key."""

    def __init__(self) -> None:
        self._escaped = False

    def split(self, keys: bytes) -> tuple[bytes, str]:
        """What the guest gets, and the letters behind escape keys."""
        guest, commands = bytearray(), ""
        for key in keys:
            if self._escaped:
                self._escaped = False
                if key == ESCAPE:
                    guest.append(key)
                else:
                    commands += chr(key)
            elif key == ESCAPE:
                self._escaped = True
            else:
                guest.append(key)
        return bytes(guest), commands


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
        self._input, self._output = input_descriptor, output_descriptor
        self._open = _readable(input_descriptor)
        self._interactive = self._open and os.isatty(input_descriptor)
        self._save = save
        self._raw = RawMode(input_descriptor)
        self._keys = EscapeKeys()
        self._signals = SignalWatch(self._end_soon, self._raw.leave, self._resume)
        self._deadline = None if host_seconds is None else time.monotonic() + host_seconds
        self._watch = Watch(input_descriptor, partition.pause, self._deadline)
        self._quit = self._disturbed = False
        self._at_line_start = True

    def __enter__(self) -> Self:
        self._signals.__enter__()
        self._partition.console.transcript.listeners.append(self._write)
        if self._interactive:
            if sys.stderr.isatty():
                sys.stderr.write(f"{HINT}\n")
                sys.stderr.flush()
            self._raw.enter()
        self._watch.input_open = self._open
        self._watch.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._watch.close()
        self._raw.close()
        self._partition.console.transcript.listeners.remove(self._write)
        self._signals.__exit__(kind, error, at)
        if not self._at_line_start and self._messages_beside_output:
            self._at_line_start = True
            sys.stderr.write("\n")

    @property
    def _messages_beside_output(self) -> bool:
        try:
            return os.path.sameopenfile(self._output, sys.stderr.fileno())
        except (OSError, ValueError):
            return False

    def say(self, text: str) -> None:
        """A message of ours, on lines of its own beside the guest's."""
        start = "" if self._at_line_start else "\n"
        self._at_line_start = True
        sys.stderr.write(f"{start}pyphyp: {text}\n")
        sys.stderr.flush()

    # -- running ---------------------------------------------------------------------------

    def run(self, seconds: float | None = None) -> RunEnd:
        """Run until the partition ends, or for so many seconds of its time, or until told."""
        try:
            outcome = self._partition.run(seconds=seconds, attendant=self)
        except _OutputClosedError:
            return RunEnd(Finish.SIGNAL, signal=signal.SIGPIPE)
        except _EndRequested:
            outcome = None
        if outcome is not None:
            return RunEnd(Finish.ENDED, outcome)
        if self._signals.received is not None:
            return RunEnd(Finish.SIGNAL, signal=self._signals.received)
        if self._quit:
            return RunEnd(Finish.QUIT)
        return RunEnd(Finish.HOST_TIME if self._late else Finish.GUEST_TIME)

    @property
    def _late(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def look(self) -> bool:
        """Between windows: take what was typed; False if the run is over."""
        if self._open:
            self._poll(0)
        return not (self._quit or self._signals.received or self._late)

    def wait(self, ticks: int) -> int:
        """Idle time lasts as long as it says while somebody may type; else it is skipped."""
        return wait_for_host(ticks, self._disturbed_within) if self._open else ticks

    def rest(self, seconds: float) -> None:
        self._disturbed_within(seconds)

    def _disturbed_within(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        self._disturbed = False
        while not self._disturbed and not self._signals.received:
            now = time.monotonic()
            if self._late:
                return True
            if now >= end:
                return False
            limit = min(end, now + _LONGEST_POLL, self._deadline or end)
            self._poll(limit - now)
        return True

    def _poll(self, seconds: float) -> None:
        """Wait that long for input or a signal, and take what comes."""
        waiting = select.poll()
        waiting.register(self._signals.descriptor, select.POLLIN)
        if self._may_read():
            waiting.register(self._input, select.POLLIN)
        for descriptor, _ in waiting.poll(max(0, seconds) * 1000):
            if descriptor == self._input:
                self._read()
            else:
                self._signals.drain()

    def _may_read(self) -> bool:
        if not self._open or self._partition.console.transcript.waiting >= _INPUT_AHEAD:
            return False
        return not self._interactive or self._raw.foreground

    # -- input -----------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            keys = os.read(self._input, _READ_AT_ONCE)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            keys = b""  # the terminal is gone
        self._disturbed = True
        if not keys:
            self._open = self._watch.input_open = False
            return
        commands = ""
        if self._interactive:
            keys, commands = self._keys.split(keys)
        self._partition.console.send(keys)
        for command in commands:
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

    # -- signals ---------------------------------------------------------------------------

    def _end_soon(self) -> None:
        self._partition.stop()

    def _resume(self) -> None:
        if self._interactive:
            self._raw.enter()

    # -- output ----------------------------------------------------------------------------

    def _write(self, text: bytes) -> None:
        """All of `text`, now; waits for a slow reader, but not past a signal."""
        self._at_line_start = text.endswith(b"\n") if text else self._at_line_start
        ready = select.poll()
        ready.register(self._output, select.POLLOUT)
        ready.register(self._signals.descriptor, select.POLLIN)
        while text:
            ready.poll()
            if self._signals.received is not None:
                raise _EndRequested
            self._signals.drain()
            try:
                text = text[os.write(self._output, text) :]
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno not in (errno.EPIPE, errno.EIO):
                    raise
                raise _OutputClosedError from None


def _readable(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def status_line(partition: Partition) -> str:
    """Where a partition is, in one line."""
    stats, registers = partition.stats(), partition.registers
    return (
        f"{partition.name}: {stats.guest_seconds:.3f} s of guest time, "
        f"instructions: {stats.instructions_text}, {stats.mips:.0f} MIPS, "
        f"NIP {registers.nip:#018x}, {registers.msr!r}"
    )
