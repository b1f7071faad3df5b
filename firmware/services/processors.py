"""Starting and stopping processors (LoPAR 7.3.8).

A partition runs on one processor so far: it can be asked after, but not stopped or started.
"""

from __future__ import annotations

from enum import IntEnum

from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status

rtas = RtasGroup()


class StoppedState(IntEnum):
    """What query-cpu-stopped-state says of a processor."""

    STOPPED = 0
    IN_PROGRESS = 1
    NOT_STOPPED = 2


def _check_processor(caller: RtasCaller, processor: int) -> None:
    if processor >= len(caller.partition.processors):
        raise RtasError(Status.PARAMETER_ERROR, f"there is no processor {processor:#x}")


@rtas.define("stop-self", papr="7.3.8.1", nargs=0, nrets=1)
def stop_self(caller: RtasCaller) -> None:
    """Stop the calling processor: the partition's last must not."""
    raise RtasError(Status.HARDWARE_ERROR, "the last processor of a partition cannot stop")


@rtas.define("start-cpu", papr="7.3.8.2", nargs=3, nrets=1)
def start_cpu(caller: RtasCaller, processor: int, address: int, parameter: int) -> None:
    """Start a stopped processor at `address` with `parameter` in its r3."""
    _check_processor(caller, processor)
    raise RtasError(Status.HARDWARE_ERROR, f"processor {processor} is not stopped")


@rtas.define("query-cpu-stopped-state", papr="7.3.8.3", nargs=1, nrets=2)
def query_cpu_stopped_state(caller: RtasCaller, processor: int) -> int:
    """Whether a processor is stopped, stopping or running."""
    _check_processor(caller, processor)
    return StoppedState.NOT_STOPPED
