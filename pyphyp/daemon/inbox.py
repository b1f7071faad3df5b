"""Requests on their way from any thread to the one that runs the machine.

They are carried out there between two windows, in the order they came, so what a request did to
the machine is told by its tick alone.  Putting one in is safe in a signal handler too.
"""

from __future__ import annotations

import queue
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class _Work(Generic[T]):
    def __init__(self, do: Callable[[], T]) -> None:
        self.do = do
        self.future: Future[T] = Future()

    def carry_out(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.do()
        except Exception as wrong:  # the request loop: whoever asked is told
            self.future.set_exception(wrong)
        else:
            self.future.set_result(result)


class Inbox:
    """What is to be done in the machine's thread."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[_Work[object] | None] = queue.SimpleQueue()
        self._closed = False
        self._first: _Work[object] | None = None
        """What ended a wait and is not carried out yet."""

    def put(self, do: Callable[[], T]) -> Future[T]:
        """Have `do` called between two windows; its result, or what it raises, in the future."""
        work = _Work(do)
        self._queue.put(work)  # type: ignore[arg-type]
        if self._closed:
            self._cancel_all()
        return work.future

    def wake(self) -> None:
        """End a wait; there is nothing to do but to look."""
        self._queue.put(None)

    def carry_out(self) -> None:
        """Do what has come, in the machine's thread; what takes too long has to wait."""
        end = time.monotonic() + _AT_ONCE
        first, self._first = self._first, None
        if first is not None:
            first.carry_out()
        while time.monotonic() < end:
            try:
                work = self._queue.get_nowait()
            except queue.Empty:
                return
            if work is not None:
                work.carry_out()

    def wait(self, seconds: float) -> bool:
        """Wait that long on the host's clock; True if something came meanwhile."""
        if self._first is not None:
            return True
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self._first = self._queue.get(timeout=min(left, _LONGEST_WAIT))
            except queue.Empty:
                continue
            return True
        return False

    def close(self) -> None:
        """Nothing will be carried out any more: whoever waits is told."""
        self._closed = True
        self._cancel_all()

    def _cancel_all(self) -> None:
        while True:
            try:
                work = self._queue.get_nowait()
            except queue.Empty:
                return
            if work is not None:
                work.future.cancel()


_AT_ONCE = 0.05
"""Seconds of requests between two windows: whoever asks without end does not stop the machine."""
_LONGEST_WAIT = 1000.0
"""Seconds; more than that some systems cannot wait in one go."""
