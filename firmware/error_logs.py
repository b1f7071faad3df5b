"""What the platform has to report to a partition, and how the partition learns of it.

An event that must be heard at once raises an interrupt, and the guest asks check-exception for
its log; the others wait for the guest's next event-scan.  Either way a log is handed out once.  A
guest that never asks makes the queue grow to its limit and no further.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol

from emu.state import Length, record

from .error_log import (
    HYPERVISOR_CODE,
    TIMES,
    Disposition,
    EpowAction,
    ErrorLog,
    EventClass,
    EventType,
    HotPlugAction,
    Initiator,
    Severity,
    Shutdown,
    Subsystem,
    Subtype,
    epow_section,
    hot_plug_section,
    reference_code_section,
    text_section,
)
from .machine_check import Fault, machine_check_section

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_WAITING = 64
"""Logs that may wait for a guest that does not ask."""
FIRST_LOG_ID = 0x5000_0001
LAST_LOG_ID = 0x5FFF_FFFF
"""Log identifiers that begin with 5 are the hypervisor's; after the last comes the first."""
_MOST_WORDS = 200
"""Characters of a failure's description that are kept."""

EPOW_INTERRUPT = 0x10F0
INTERNAL_ERROR_INTERRUPT = 0x10F1
HOT_PLUG_INTERRUPT = 0x10F2
SOURCES = {
    EventClass.INTERNAL_ERRORS: INTERNAL_ERROR_INTERRUPT,
    EventClass.EPOW: EPOW_INTERRUPT,
    EventClass.HOT_PLUG: HOT_PLUG_INTERRUPT,
}
"""The interrupt source of each class of events."""


class QueueFullError(Exception):
    """The guest has left too many logs unread."""


class EventInterrupts(Protocol):
    """The part of an interrupt controller that events need."""

    def add_source(self, number: int) -> object: ...
    def raise_source(self, number: int) -> None: ...
    def masked(self, number: int) -> bool: ...


@record
class WaitingLog:
    """A log to be asked for; `interrupts`: after an interrupt has announced it."""

    log: ErrorLog
    interrupts: bool


@record
class ErrorLogsState:
    waiting: Annotated[tuple[WaitingLog, ...], Length(0, MOST_WAITING)]
    last_failure: ErrorLog | None
    next_id: Annotated[int, range(FIRST_LOG_ID, LAST_LOG_ID + 1)]


class ErrorLogs:
    """The logs of one partition; `now` gives its time of day, in seconds since 1970."""

    def __init__(self, interrupts: EventInterrupts, now: Callable[[], float]) -> None:
        self._interrupts = interrupts
        self._now = now
        self._waiting: list[WaitingLog] = []
        self._last_failure: ErrorLog | None = None
        self._next_id = FIRST_LOG_ID
        for number in SOURCES.values():
            interrupts.add_source(number)

    def continue_from(self, before: ErrorLogs) -> None:
        """Take over from the partition's last boot: log identifiers, and logs nobody scanned.

        What an interrupt announced was for the guest that ran then.
        """
        self._next_id = before._next_id
        self._waiting = [waiting for waiting in before._waiting if not waiting.interrupts]

    def state(self) -> ErrorLogsState:
        return ErrorLogsState(tuple(self._waiting), self._last_failure, self._next_id)

    def restore(self, state: ErrorLogsState) -> None:
        self._waiting, self._next_id = list(state.waiting), state.next_id
        self._last_failure = state.last_failure

    def __len__(self) -> int:
        """How many logs wait for the guest."""
        return len(self._waiting)

    # -- the platform reports --------------------------------------------------------------

    @property
    def hears_shutdown(self) -> bool:
        """Whether the guest wants the interrupt that announces such a request."""
        return not self._interrupts.masked(EPOW_INTERRUPT)

    def request_shutdown(self, why: Shutdown) -> int:
        """Ask the guest to power off in order; gives the log's identifier."""
        normal = why is Shutdown.NORMAL
        log = self._log(
            EventClass.EPOW,
            EventType.EPOW,
            Severity.EVENT if normal else Severity.WARNING,
            Disposition.FULLY_RECOVERED if normal else Disposition.NOT_RECOVERED,
            Subsystem.EXTERNAL_ENVIRONMENT,
            Subtype.NORMAL_SHUTDOWN if normal else Subtype.ABNORMAL_SHUTDOWN,
            epow_section(EpowAction.SYSTEM_SHUTDOWN, why),
            epow_action=EpowAction.SYSTEM_SHUTDOWN,
        )
        return self._queue(log, interrupts=True)

    @property
    def hears_hot_plug(self) -> bool:
        """Whether the guest wants the interrupt that announces what comes and goes."""
        return not self._interrupts.masked(HOT_PLUG_INTERRUPT)

    def hot_plug(self, action: HotPlugAction, drc_index: int) -> int:
        """Ask the guest to take what a connector has, or to give it back; gives the identifier."""
        log = self._log(
            EventClass.HOT_PLUG,
            EventType.HOT_PLUG,
            Severity.EVENT,
            Disposition.FULLY_RECOVERED,
            Subsystem.PLATFORM_FIRMWARE,
            Subtype.NONE,
            hot_plug_section(action, drc_index),
        )
        return self._queue(log, interrupts=True)

    def report_error(
        self,
        text: str,
        severity: Severity,
        *,
        recovered: bool = True,
        reference_code: str = HYPERVISOR_CODE,
        interrupts: bool = False,
    ) -> int:
        """Report an error or, with severity up to `EVENT`, a fact; gives the identifier.

        `ValueError` where `text` or `reference_code` does not fit a log.
        """
        error = severity > Severity.EVENT
        log = self._log(
            EventClass.INTERNAL_ERRORS,
            EventType.PLATFORM_ERROR if error else EventType.PLATFORM_INFORMATION,
            severity,
            Disposition.FULLY_RECOVERED if recovered else Disposition.NOT_RECOVERED,
            Subsystem.PLATFORM_FIRMWARE,
            Subtype.NONE,
            reference_code_section(reference_code),
            text_section(text),
        )
        return self._queue(log, interrupts=interrupts)

    def machine_check(
        self, fault: Fault, processor: int, address: int, *, recovered: bool
    ) -> bytes:
        """The log of a machine check, which its handler finds; nobody has to ask for it."""
        return self._log(
            EventClass.INTERNAL_ERRORS,
            EventType.PLATFORM_ERROR,
            Severity.ERROR_SYNC,
            Disposition.FULLY_RECOVERED if recovered else Disposition.NOT_RECOVERED,
            Subsystem.PROCESSOR,
            Subtype.NONE,
            machine_check_section(fault, processor, address),
            initiator=Initiator.CPU,
        ).encode()

    def record_failure(self, call: str, why: str) -> None:
        """An RTAS call failed: keep its log for rtas-last-error."""
        self._last_failure = self._log(
            EventClass.INTERNAL_ERRORS,
            EventType.INTERNAL_DEVICE_FAILURE,
            Severity.WARNING,
            Disposition.NOT_RECOVERED,
            Subsystem.PLATFORM_FIRMWARE,
            Subtype.NONE,
            reference_code_section(HYPERVISOR_CODE),
            text_section(f"{call}: {why}"[:_MOST_WORDS].encode("ascii", "replace").decode()),
        )

    def _log(
        self,
        event_class: EventClass,
        event_type: EventType,
        severity: Severity,
        disposition: Disposition,
        subsystem: Subsystem,
        subtype: Subtype,
        *sections: bytes,
        epow_action: EpowAction = EpowAction.RESET,
        initiator: Initiator = Initiator.UNKNOWN,
    ) -> ErrorLog:
        log_id = self._next_id
        self._next_id = FIRST_LOG_ID if log_id == LAST_LOG_ID else log_id + 1
        return ErrorLog(
            log_id,
            event_class,
            event_type,
            severity,
            disposition,
            subsystem,
            subtype,
            min(max(int(self._now() * 100), TIMES[0]), TIMES[-1]),
            sections,
            epow_action,
            initiator,
        )

    def _queue(self, log: ErrorLog, *, interrupts: bool) -> int:
        if len(self._waiting) >= MOST_WAITING:
            raise QueueFullError(
                f"the guest has {MOST_WAITING} error logs to read: it takes no more"
            )
        self._waiting.append(WaitingLog(log, interrupts))
        if interrupts:
            self._interrupts.raise_source(SOURCES[log.event_class])
        return log.log_id

    # -- the guest asks --------------------------------------------------------------------

    def scan(self, mask: int) -> ErrorLog | None:
        """event-scan: the oldest log of a class in `mask` that no interrupt announced."""
        return self._take(mask, interrupts=False)

    def check(self, mask: int) -> ErrorLog | None:
        """check-exception: the oldest log of a class in `mask` that an interrupt announced."""
        log = self._take(mask, interrupts=True)
        if log is not None and self._oldest(log.event_class, interrupts=True) is not None:
            # Sources are edge-triggered: another log wants an edge of its own.
            self._interrupts.raise_source(SOURCES[log.event_class])
        return log

    def last_failure(self) -> ErrorLog | None:
        """rtas-last-error: the log of the last failed call, once."""
        log, self._last_failure = self._last_failure, None
        return log

    @property
    def epow_action(self) -> EpowAction:
        """The EPOW sensor: the most urgent action that the guest has not asked about yet."""
        actions = (waiting.log.epow_action for waiting in self._waiting)
        return max(actions, default=EpowAction.RESET)

    def _oldest(self, mask: int, *, interrupts: bool) -> WaitingLog | None:
        return next(
            (w for w in self._waiting if w.log.event_class & mask and w.interrupts == interrupts),
            None,
        )

    def _take(self, mask: int, *, interrupts: bool) -> ErrorLog | None:
        if (found := self._oldest(mask, interrupts=interrupts)) is None:
            return None
        self._waiting.remove(found)
        return found.log
