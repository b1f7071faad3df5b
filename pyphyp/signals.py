"""Signals that end or stop a command, noticed also while it waits for input or output."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Any, Self

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class SignalWatch:
    """While entered: `received` is the first ending signal; `descriptor` gets readable with it.

    `on_ending` is called then; `on_stop` before the process stops (SIGTSTP), `on_continue` when
    it goes on.  Outside the main thread nothing is watched.
    """

    def __init__(
        self,
        on_ending: Callable[[], None],
        on_stop: Callable[[], None],
        on_continue: Callable[[], None],
    ) -> None:
        self.received: signal.Signals | None = None
        self._on_ending, self._on_stop, self._on_continue = on_ending, on_stop, on_continue
        self._before: dict[signal.Signals, Any] = {}
        self.descriptor, self._writing_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakeup_before = -1

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._wakeup_before = signal.set_wakeup_fd(self._writing_end, warn_on_full_buffer=False)
            for number in ENDING:
                # A command started with a signal ignored (nohup, for one) keeps it so.
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._end)
            self._before[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, self._stop)
            self._before[signal.SIGCONT] = signal.signal(signal.SIGCONT, self._continue)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._before:
            for number, handler in self._before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._wakeup_before)
        os.close(self.descriptor)
        os.close(self._writing_end)

    def drain(self) -> None:
        """Forget what woke us; `received` stays."""
        try:
            while os.read(self.descriptor, 4096):
                pass
        except BlockingIOError:
            pass

    def _end(self, number: int, frame: FrameType | None) -> None:
        if self.received is None:
            self.received = signal.Signals(number)
        self._on_ending()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._on_stop()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _continue(self, number: int, frame: FrameType | None) -> None:
        self._on_continue()
