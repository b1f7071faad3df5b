"""Waiting on the host for what threads wait for."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING

from .call import Wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .signals import Signals
    from .thread import Thread

_ALWAYS = select.POLLERR | select.POLLHUP | select.POLLNVAL
_LONGEST = 1_000_000.0
"""Seconds; poll(2) knows no more than 2^31 milliseconds."""


def wait(threads: Sequence[Thread], signals: Signals, *, forever: bool) -> None:
    """Mark those threads woken that have what they wait for, and take the signals that are there.

    With `forever` something will be there when this returns.
    """
    for thread in threads:
        if thread.wait and signals.awaited(thread, thread.wait.signals):
            thread.woken, forever = True, False
    poll = select.poll()
    events: dict[int, int] = {}
    deadlines = []
    waits = [thread.wait for thread in threads if thread.wait]
    for each in waits:
        for file, wanted in each.files:
            events[file] = events.get(file, 0) | wanted
        if each.deadline is not None:
            deadlines.append(each.deadline)
    for file, wanted in events.items():
        poll.register(file, wanted)
    if signals.expected:
        poll.register(signals.file, select.POLLIN)
    timeout: float | None = 0.0
    if forever:
        timeout = None
        if deadlines:
            timeout = min(_LONGEST, max(0.0, min(deadlines) - time.monotonic()))
    # poll(2) counts milliseconds: upwards, or the last one is spent in turns.
    ready = dict(poll.poll(None if timeout is None else -(-timeout * 1000 // 1)))
    if signals.file in ready:
        signals.collect()
    now = time.monotonic() if deadlines else 0.0
    for thread in threads:
        if (waits_for := thread.wait) is None:
            continue
        happened = tuple(
            (file, found)
            for file, wanted in waits_for.files
            if (found := ready.get(file, 0) & (wanted | _ALWAYS))
        )
        if happened or (waits_for.deadline is not None and now >= waits_for.deadline):
            thread.woken = True
            thread.wait = Wait(happened, waits_for.deadline, waits_for.futex)
