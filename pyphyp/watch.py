"""A second look at the input while the guest runs.

A window is short in guest time, but a guest that does nothing but take interrupts, or a trace of
every instruction, can make it long on the host's clock.  A thread watches for what must not wait.
"""

from __future__ import annotations

import os
import select
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_AGAIN = 0.05
"""Seconds until input that was announced and not yet taken is announced again."""
_FOR_EVER = -1


class Watch:
    """Calls `announce` when input waits at `descriptor`, and at `deadline` (monotonic time).

    Input that has ended would wait for ever: whoever finds its end sets `input_open` to False.
    """

    def __init__(
        self, descriptor: int, announce: Callable[[], None], deadline: float | None
    ) -> None:
        self._descriptor, self._announce, self._deadline = descriptor, announce, deadline
        self.input_open = True
        self._reading_end, self._writing_end = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="console input", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        os.close(self._writing_end)
        self._thread.join()
        os.close(self._reading_end)

    def _run(self) -> None:
        end = select.poll()
        end.register(self._reading_end, select.POLLIN)
        closed = False
        while not closed:
            waiting = select.poll()
            waiting.register(self._reading_end, select.POLLIN)
            if self.input_open:
                waiting.register(self._descriptor, select.POLLIN)
            left = _FOR_EVER
            if self._deadline is not None:
                left = max(0, round((self._deadline - time.monotonic()) * 1000))
            ready = dict(waiting.poll(left))
            closed = self._reading_end in ready
            if not closed:
                self._announce()
                closed = bool(end.poll(_AGAIN * 1000))
