"""The command's own terminal: keys for a guest, commands behind the escape key, a guest's output.

On a terminal, keys go to the guest one by one, Ctrl-C included, but for the escape key `Ctrl-]`
(telnet's) and the letter behind it.  In pipes and batch jobs input is taken as it comes.
"""

from __future__ import annotations

import errno
import os
import select
import sys
from typing import TYPE_CHECKING

from emu.values import frozen

from .rawmode import RawMode
from .signals import SignalWatch

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

ESCAPE = 0x1D
HINT = "Escape character is Ctrl-].  Ctrl-] ? lists what it can do."
_READ_AT_ONCE = 4096


class OutputClosedError(Exception):
    """Nobody reads the output any more."""


class EndRequested(Exception):  # noqa: N818 - a way out of the run, not an error
    """A signal came while output waited."""


@frozen
class Keys:
    """What was typed: for the guest, and the letters behind escape keys."""

    guest: bytes
    commands: str = ""
    end: bool = False
    """There will be nothing more."""


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


class OwnTerminal:
    """The terminal (or pipes) at two descriptors; in raw mode while entered.

    `on_ending` is called in the handler of a signal that is to end the command.
    """

    def __init__(
        self,
        input_descriptor: int = 0,
        output_descriptor: int = 1,
        *,
        on_ending: Callable[[], None] = lambda: None,
    ) -> None:
        self._input, self._output = input_descriptor, output_descriptor
        self.open = _readable(input_descriptor)
        """Whether input may still come."""
        self.interactive = self.open and os.isatty(input_descriptor)
        self._raw = RawMode(input_descriptor)
        self._keys = EscapeKeys()
        self.signals = SignalWatch(on_ending, self._raw.leave, self._resume)
        self._output_waits = select.poll()
        self._output_waits.register(output_descriptor, select.POLLOUT)
        self._output_waits.register(self.signals.descriptor, select.POLLIN)
        self._at_line_start = True

    def __enter__(self) -> Self:
        self.signals.__enter__()
        if self.interactive:
            if sys.stderr.isatty():
                sys.stderr.write(f"{HINT}\n")
                sys.stderr.flush()
            self._raw.enter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._raw.close()
        self.signals.__exit__(kind, error, at)
        if not self._at_line_start and self._messages_beside_output:
            self._at_line_start = True
            sys.stderr.write("\n")

    def _resume(self) -> None:
        if self.interactive:
            self._raw.enter()

    # -- input -----------------------------------------------------------------------------

    @property
    def readable(self) -> bool:
        """Whether input may be read; that of a job in the background may not."""
        return self.open and (not self.interactive or self._raw.foreground)

    def poll(self, seconds: float | None, *others: int, reading: bool = True) -> set[int]:
        """Wait that long (None: for ever) for a signal, `others`, and input if `reading`.

        Gives the descriptors with something to read; that of input is `input`.
        """
        waiting = select.poll()
        waiting.register(self.signals.descriptor, select.POLLIN)
        for other in others:
            waiting.register(other, select.POLLIN)
        if reading and self.readable:
            waiting.register(self._input, select.POLLIN)
        timeout = None if seconds is None else max(0, seconds) * 1000
        ready = {descriptor for descriptor, _ in waiting.poll(timeout)}
        if self.signals.descriptor in ready:
            self.signals.drain()
        return ready

    @property
    def input(self) -> int:
        return self._input

    def read(self) -> Keys:
        """What was typed; only when `poll` says there is something."""
        try:
            keys = os.read(self._input, _READ_AT_ONCE)
        except BlockingIOError:
            return Keys(b"")
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            keys = b""  # the terminal is gone
        if not keys:
            self.open = False
            return Keys(b"", end=True)
        return Keys(*self._keys.split(keys)) if self.interactive else Keys(keys)

    # -- output ----------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """A message of ours, on lines of its own beside the guest's."""
        start = "" if self._at_line_start else "\n"
        self._at_line_start = True
        sys.stderr.write(f"{start}pyphyp: {text}\n")
        sys.stderr.flush()

    def write(self, text: bytes) -> None:
        """All of `text`, now; waits for a slow reader, but not past a signal.

        Raises `OutputClosedError`, `EndRequested`.
        """
        self._at_line_start = text.endswith(b"\n") if text else self._at_line_start
        while text:
            ready = self._output_waits.poll()
            if self.signals.received is not None:
                raise EndRequested
            if any(descriptor == self.signals.descriptor for descriptor, _ in ready):
                self.signals.drain()
            try:
                text = text[os.write(self._output, text) :]
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno not in (errno.EPIPE, errno.EIO):
                    raise
                raise OutputClosedError from None

    @property
    def _messages_beside_output(self) -> bool:
        try:
            return os.path.sameopenfile(self._output, sys.stderr.fileno())
        except (OSError, ValueError):
            return False


def _readable(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
