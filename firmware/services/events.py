"""Errors and events the platform has to report (LoPAR 7.3.3): none so far."""

from __future__ import annotations

from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status, buffer

rtas = RtasGroup()


def _nothing_to_report(caller: RtasCaller, address: int, length: int) -> RtasError:
    buffer(caller.memory, address, length)
    return RtasError(Status.NO_ERRORS_FOUND, "nothing to report")


@rtas.define("event-scan", papr="7.3.3.1", nargs=4, nrets=1)
def event_scan(caller: RtasCaller, mask: int, critical: int, address: int, length: int) -> None:
    """Report the next event of the kinds in `mask`."""
    raise _nothing_to_report(caller, address, length)


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
    """Say what an exception or interrupt of the platform was about."""
    raise _nothing_to_report(caller, address, length)


@rtas.define("rtas-last-error", papr="7.3.3.3", nargs=2, nrets=1)
def rtas_last_error(caller: RtasCaller, address: int, length: int) -> None:
    """The error log of the last call that failed in hardware."""
    raise _nothing_to_report(caller, address, length)
