"""Errors and events the platform has to report (LoPAR 7.3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status, buffer

if TYPE_CHECKING:
    from firmware.error_log import ErrorLog

rtas = RtasGroup()

EXTERNAL_INTERRUPT = 0x500
"""The only vector events come by."""


def _hand_out(caller: RtasCaller, log: ErrorLog | None, address: int, length: int) -> None:
    """Write as much of `log` as the buffer holds."""
    if log is None:
        raise RtasError(Status.NO_ERRORS_FOUND, "nothing to report")
    caller.memory.write(address, log.encode()[:length])


@rtas.define("event-scan", papr="7.3.3.1", nargs=4, nrets=1)
def event_scan(caller: RtasCaller, mask: int, critical: int, address: int, length: int) -> None:
    """Report the next event of the kinds in `mask` that no interrupt announced."""
    buffer(caller.memory, address, length)
    _hand_out(caller, caller.firmware.error_logs.scan(mask), address, length)


@rtas.define("check-exception", papr="7.3.3.2", nargs=6, nrets=1)
def check_exception(
    caller: RtasCaller,
    vector: int,
    information: int,
    mask: int,
    critical: int,
    address: int,
    length: int,
    extended_information: int = 0,
) -> None:
    """Say what an interrupt of the platform was about."""
    buffer(caller.memory, address, length)
    announced = caller.firmware.error_logs.check(mask) if vector == EXTERNAL_INTERRUPT else None
    _hand_out(caller, announced, address, length)


@rtas.define("rtas-last-error", papr="7.3.3.3", nargs=2, nrets=1)
def rtas_last_error(caller: RtasCaller, address: int, length: int) -> None:
    """The error log of the last call that failed in hardware."""
    buffer(caller.memory, address, length)
    _hand_out(caller, caller.firmware.error_logs.last_failure(), address, length)
