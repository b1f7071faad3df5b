"""Requests on their way from any thread to the one that runs the machine.

They are carried out there between two windows, in the order they came, so what a request did to
the machine is told by its tick alone.  Putting one in is safe in a signal handler too.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

from pyphyp.pacing import rings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
        self._heard, self._rung = socket.socketpair()
        """The machine's thread hears what others ring."""
        self._heard.setblocking(False)
        self._rung.setblocking(False)

    def put(self, do: Callable[[], T]) -> Future[T]:
        """Have `do` called between two windows; its result, or what it raises, in the future."""
        work = _Work(do)
        self._put(work)  # type: ignore[arg-type]
        if self._closed:
            self._cancel_all()
        return work.future

    def wake(self) -> None:
        """End a wait; there is nothing to do but to look."""
        self._put(None)

    def _put(self, work: _Work[object] | None) -> None:
        self._queue.put(work)
        with contextlib.suppress(OSError):  # it has been rung often enough, or is closed
            self._rung.send(b"\0")

    def carry_out(self) -> None:
        """Do what has come, in the machine's thread; what takes too long has to wait."""
        end = time.monotonic() + _AT_ONCE
        while time.monotonic() < end:
            try:
                work = self._queue.get_nowait()
            except queue.Empty:
                return
            if work is not None:
                work.carry_out()

    def wait(self, seconds: float, doorbells: Sequence[int] = ()) -> bool:
        """Wait that long on the host's clock; True if something came meanwhile.

        `doorbells` are further descriptors where it may come.
        """
        end = time.monotonic() + seconds
        while self._queue.empty():
            left = end - time.monotonic()
            if left <= 0:
                return False
            if not rings((self._heard.fileno(), *doorbells), min(left, _LONGEST_WAIT)):
                continue
            if rings(doorbells, 0):
                return True
            with contextlib.suppress(BlockingIOError):  # of what has been carried out already
                while self._heard.recv(_BELLS):
                    pass
        return True

    def close(self) -> None:
        """Nothing will be carried out any more: whoever waits is told."""
        self._closed = True
        self._cancel_all()
        self._rung.close()
        self._heard.close()

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
_BELLS = 4096
_LONGEST_WAIT = 1000.0
"""Seconds; more than that some systems cannot wait in one go."""
