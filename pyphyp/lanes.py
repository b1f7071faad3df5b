"""Threads of the host on which partitions run side by side.

A slice is short, so what counts is how soon the others begin and the caller hears of their end:
the caller runs one task itself, and the rest wait in one queue for whoever is free.
"""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Task = Callable[[], None]


class Lanes:
    """`threads` of the host, the caller's among them; `close` ends the others."""

    def __init__(self, threads: int) -> None:
        self._waiting: SimpleQueue[Task | None] = SimpleQueue()
        self._ended: SimpleQueue[BaseException | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"lane {n}", daemon=True)
            for n in range(1, threads)
        ]
        for thread in self._threads:
            thread.start()

    def carry_out(self, tasks: list[Task]) -> None:
        """Carry out all tasks; what one of them raises comes out when all have ended."""
        if not tasks:  # every core has failed
            return
        first, *others = tasks
        for task in others:
            self._waiting.put(task)
        failures = [_failure(first)]
        while not self._waiting.empty():  # more tasks than threads
            self._help()
        failures += [self._ended.get() for _ in others]
        for failure in failures:
            if failure is not None:
                raise failure

    def _help(self) -> None:
        """Carry out a task that nobody has taken yet, if there is one."""
        try:
            task = self._waiting.get_nowait()
        except Empty:
            return
        if task is not None:
            self._ended.put(_failure(task))

    def _work(self) -> None:
        while (task := self._waiting.get()) is not None:
            self._ended.put(_failure(task))

    def close(self) -> None:
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()


def _failure(task: Task) -> BaseException | None:
    """Carry it out; what it raised, for the caller's thread."""
    try:
        task()
    except BaseException as failure:
        return failure
    return None
