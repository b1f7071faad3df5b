"""H_WATCHDOG: timers of a guest that act on it when it does not stop them in time.

LoPAR 2.9 does not describe the call; Linux's driver (pseries-wdt) and QEMU agree on it.  Time is
the partition's time base, so the same run expires at the same tick.  What a watchdog does ends
the partition's run, and whatever starts it anew starts it without running watchdogs.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Protocol

from emu.bits import Field, Word
from emu.engine import TIME_BASE_HZ
from emu.state import Ticks, check, record

from .abi import DOUBLEWORD, Flags, H, HcallError
from .hcall import HcallGroup

if TYPE_CHECKING:
    from collections.abc import Iterator

hcalls = HcallGroup()

NUMBER_OF_WATCHDOGS = 4
LEAST_MILLISECONDS = 1
_TICKS_PER_MILLISECOND = TIME_BASE_HZ // 1000
NEVER = 1 << 59
"""A time base that no partition reaches."""
_ALL = DOUBLEWORD
_NEED_NOT_STOP = 2
"""Query LPM requirement: the watchdog may run while the partition moves."""


class Operation(IntEnum):
    START = 1
    STOP = 2
    QUERY_CAPABILITIES = 3
    QUERY_LPM_REQUIREMENT = 4


class Action(IntEnum):
    """What happens when the time is over."""

    POWER_OFF = 1
    RESTART = 2
    DUMP_RESTART = 3


class WatchdogFlags(Word):
    """The `flags` of H_WATCHDOG."""

    WIDTH = 64
    RESERVED = Field(0, 46)
    LEAVE_OTHERS = Field(47, 47)
    OPERATION = Field(48, 55)
    ACTION = Field(56, 63)


class Capabilities(Word):
    """What Query Watchdog Capabilities gives."""

    WIDTH = 64
    LEAST_MILLISECONDS = Field(0, 15)
    WATCHDOGS = Field(16, 31)


@record
class Watchdog:
    """A running watchdog: at time base `due`, `action`."""

    number: Annotated[int, range(1, NUMBER_OF_WATCHDOGS + 1)]
    due: Ticks
    action: Action


class Watchdogs:
    """The watchdogs of one partition, numbered from 1."""

    def __init__(self) -> None:
        self._running: dict[int, Watchdog] = {}
        self.due = NEVER
        """The time base at which the first of them expires."""

    def __iter__(self) -> Iterator[Watchdog]:
        """Those that run, in the order they expire."""
        return iter(sorted(self._running.values(), key=lambda w: (w.due, w.number)))

    def state(self) -> tuple[Watchdog, ...]:
        return tuple(self)

    def restore(self, state: tuple[Watchdog, ...]) -> None:
        running = {watchdog.number: watchdog for watchdog in state}
        check(len(running) == len(state), "a watchdog runs twice")
        self._running = running
        self._look_ahead()

    def start(self, number: int, due: int, action: Action) -> None:
        """Start a watchdog, or start it again."""
        self._running[number] = Watchdog(number, min(due, NEVER), action)
        self._look_ahead()

    def stop(self, number: int) -> bool:
        """False if it does not run."""
        stopped = self._running.pop(number, None)
        self._look_ahead()
        return stopped is not None

    def stop_all(self) -> bool:
        """False if none runs."""
        any_stopped = bool(self._running)
        self._running.clear()
        self._look_ahead()
        return any_stopped

    def first(self) -> Watchdog:
        """The one that expires first; one must run."""
        return next(iter(self))

    def _look_ahead(self) -> None:
        self.due = min((w.due for w in self._running.values()), default=NEVER)


class WatchdogOwner(Protocol):
    @property
    def watchdogs(self) -> Watchdogs: ...


class WatchdogCaller(Protocol):
    """A processor of a partition that has watchdogs."""

    @property
    def time_base(self) -> int: ...
    @property
    def partition(self) -> WatchdogOwner: ...


@hcalls.define(0x45C, papr="", function_set="hcall-watchdog")
def h_watchdog(caller: WatchdogCaller, flags: Flags, number: int, milliseconds: int) -> int | None:
    """Start or stop a watchdog, stop all (-1), or ask what watchdogs can do."""
    fields = WatchdogFlags(flags)
    if fields.RESERVED:
        raise HcallError(H.PARAMETER, f"reserved bits are set in flags {flags:#x}")
    match fields.OPERATION:
        case Operation.START:
            _start(caller, _existing(number), fields.ACTION, milliseconds)
        case Operation.STOP:
            _stop(caller.partition.watchdogs, number)
        case Operation.QUERY_CAPABILITIES:
            return Capabilities(0).replace(
                LEAST_MILLISECONDS=LEAST_MILLISECONDS, WATCHDOGS=NUMBER_OF_WATCHDOGS
            )
        case Operation.QUERY_LPM_REQUIREMENT:
            _existing(number)
            return _NEED_NOT_STOP
        case unknown:
            raise HcallError(H.PARAMETER, f"there is no operation {unknown:#x}")
    return None


def _existing(number: int) -> int:
    if not 1 <= number <= NUMBER_OF_WATCHDOGS:
        raise HcallError(H.P2, f"watchdog {number:#x}: 1 to {NUMBER_OF_WATCHDOGS} are there")
    return number


def _start(caller: WatchdogCaller, number: int, action: int, milliseconds: int) -> None:
    if action not in list(Action):
        raise HcallError(H.PARAMETER, f"there is no timeout action {action:#x}")
    if milliseconds < LEAST_MILLISECONDS:
        raise HcallError(H.P3, f"{milliseconds} ms: at least {LEAST_MILLISECONDS} are needed")
    due = caller.time_base + milliseconds * _TICKS_PER_MILLISECOND
    caller.partition.watchdogs.start(number, due, Action(action))


def _stop(watchdogs: Watchdogs, number: int) -> None:
    stopped = watchdogs.stop_all() if number == _ALL else watchdogs.stop(_existing(number))
    if not stopped:
        raise HcallError(H.NOOP, "no such watchdog runs")
