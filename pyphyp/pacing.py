"""What idle time means: skipped in a batch run, waited for when somebody may type.

A partition whose processors all wait is moved on to its next event by an `Attendant`.  Time the
attendant lets pass in full leads to the very same run, however long it took on the host; only
input that arrives in between makes a difference, as it does on a real machine.  Where the time is
the host's, it cannot be skipped: the attendant rests.
"""

from __future__ import annotations

import select
import threading
import time
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from emu.clock import Clock
from emu.engine import TIME_BASE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypervisor.partition import Partition

WINDOW_TICKS = TIME_BASE_HZ // 100
"""A partition runs in windows of 10 ms of its time; attendants look up between them."""


_LONGEST_REST = 1.0
"""Seconds after which a partition that rests is looked after again."""
_WOKEN_WITHIN = 0.05
"""Seconds after which whoever listens at doorbells sees that it was woken otherwise."""


class Verdict(Enum):
    """A debugger's answer before each window: whether the guest may run."""

    RUN = "it may"
    HOLD = "not now: ask again"
    END = "the debugger ended the run"


class Attendant(Protocol):
    """Whoever attends a partition's run from outside."""

    def look(self) -> bool:
        """Called between windows; False ends the run."""

    def wait(self, ticks: int, doorbells: Sequence[int] = ()) -> int:
        """Every processor waits, `ticks` from its next event: how many of them pass now.

        Fewer than `ticks` where input came before; the partition looks at it at once.  With
        `doorbells`, descriptors where frames from outside announce themselves, all of them pass
        on the host's clock.
        """

    def rest(self, seconds: float, doorbells: Sequence[int] = ()) -> None:
        """The same where time passes by itself: come back after so long, or with input."""


class Unattended:
    """Nobody is there: idle time is skipped; a rest ends when `woken` is set."""

    def __init__(self, woken: threading.Event | None = None) -> None:
        self._woken = threading.Event() if woken is None else woken

    def look(self) -> bool:
        return True

    def wait(self, ticks: int, doorbells: Sequence[int] = ()) -> int:
        if not doorbells:
            return ticks
        return wait_for_host(ticks, lambda seconds: self._disturbed_within(seconds, doorbells))

    def rest(self, seconds: float, doorbells: Sequence[int] = ()) -> None:
        if doorbells:
            self._disturbed_within(seconds, doorbells)
        else:
            self._woken.wait(seconds)
        self._woken.clear()

    def _disturbed_within(self, seconds: float, doorbells: Sequence[int]) -> bool:
        end = time.monotonic() + seconds
        while not self._woken.is_set():
            left = end - time.monotonic()
            if rings(doorbells, max(0.0, min(left, _WOKEN_WITHIN))):
                return True
            if left <= 0:
                return False
        return True


def wait_for_host(ticks: int, interrupted: Callable[[float], bool]) -> int:
    """Wait as long as `ticks` last on the host's clock; gives how many passed.

    `interrupted(seconds)` waits at most that long and is True if something came meanwhile.
    """
    begin = time.monotonic()
    if not interrupted(ticks / TIME_BASE_HZ):
        return ticks
    passed = round((time.monotonic() - begin) * TIME_BASE_HZ)
    return min(passed, ticks)


def rings(doorbells: Sequence[int], seconds: float) -> bool:
    """Whether anything comes to one of these descriptors within so long."""
    waiting = select.poll()
    for doorbell in doorbells:
        waiting.register(doorbell, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


class Pace:
    """Holds a machine that is faster than the host's clock; one that is slower falls behind."""

    def __init__(self, now: int) -> None:
        self._now, self._host = now, time.monotonic()

    def ahead(self, now: int) -> float:
        """By how many seconds the machine is ahead, at its tick `now`."""
        host = time.monotonic()
        ahead = (now - self._now) / TIME_BASE_HZ - (host - self._host)
        if ahead < -_BEHIND:
            self._now, self._host = now, host
        return max(0.0, ahead)


_BEHIND = 0.05
"""Seconds that a machine makes up for; what it is further behind, it stays."""


def let_pass(
    partition: Partition, ticks: int, attendant: Attendant, doorbells: Sequence[int] = ()
) -> None:
    """Every processor of `partition` waits, for so many ticks at most."""
    if partition.configuration.clock is Clock.HOST:
        attendant.rest(max(0, min(ticks / TIME_BASE_HZ, _LONGEST_REST)), doorbells)
    else:
        partition.pass_time(partition.time_base + attendant.wait(ticks, doorbells))


def host_epoch() -> int:
    """The host's time of day, in seconds since 1970 (UTC)."""
    return int(time.time())
