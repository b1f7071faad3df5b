"""Injecting errors into the own partition (LoPAR 7.3.13)."""

from __future__ import annotations

from firmware.error_logs import QueueFullError
from firmware.injection import BusyError, Injection, InjectionError, inject
from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status, buffer

rtas = RtasGroup()

NOT_OPEN = -4
"""The facility is another user's, or nobody's."""
ALREADY_OPEN = -4
WORK_BYTES = 1024


@rtas.define("ibm,open-errinjct", papr="7.3.13", nargs=0, nrets=2, status_last=True)
def open_errinjct(caller: RtasCaller) -> int:
    """Allow the caller alone to inject errors; gives its token, before the status."""
    if (token := caller.firmware.injection.open()) is None:
        raise RtasError(ALREADY_OPEN, "somebody injects errors already")
    return token


def _check(caller: RtasCaller, token: int) -> None:
    if caller.firmware.injection.opened != token:
        raise RtasError(NOT_OPEN, f"token {token:#x} is not that of who may inject errors")


@rtas.define("ibm,close-errinjct", papr="7.3.13", nargs=1, nrets=1)
def close_errinjct(caller: RtasCaller, token: int) -> None:
    """Allow others to inject errors."""
    _check(caller, token)
    caller.firmware.injection.close()


@rtas.define("ibm,errinjct", papr="7.3.13", nargs=3, nrets=1)
def errinjct(caller: RtasCaller, kind: int, token: int, address: int) -> None:
    """Have an error of a kind happen to the caller soon; `address` is that of its details."""
    _check(caller, token)
    if kind not in tuple(Injection):
        raise RtasError(Status.PARAMETER_ERROR, f"no errors of kind {kind} are injected")
    if address % WORK_BYTES:
        raise RtasError(Status.PARAMETER_ERROR, f"buffer at {address:#x}: 1024-aligned")
    buffer(caller.memory, address, WORK_BYTES)
    try:
        inject(Injection(kind), caller.firmware, caller.processor, caller.memory.words(address, 2))
    except InjectionError as wrong:
        raise RtasError(Status.PARAMETER_ERROR, str(wrong)) from None
    except (BusyError, QueueFullError) as full:
        raise RtasError(Status.BUSY, str(full)) from None
