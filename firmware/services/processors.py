"""Starting and stopping processors (LoPAR 7.3.8)."""

from __future__ import annotations

from enum import IntEnum

from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status
from hypervisor.processor import Standing, VirtualProcessor

rtas = RtasGroup()


class StoppedState(IntEnum):
    """What query-cpu-stopped-state says of a processor."""

    STOPPED = 0
    IN_PROGRESS = 1
    NOT_STOPPED = 2


def _processor(caller: RtasCaller, number: int) -> VirtualProcessor:
    if number >= len(caller.partition.processors):
        raise RtasError(Status.PARAMETER_ERROR, f"there is no processor {number:#x}")
    return caller.partition.processors[number]


@rtas.define("stop-self", papr="7.3.8.1", nargs=0, nrets=1)
def stop_self(caller: RtasCaller) -> None:
    """Stop the calling processor; does not return. The partition's last must not."""
    others = (p for p in caller.partition.processors if p is not caller.processor)
    if all(p.standing is Standing.STOPPED for p in others):
        raise RtasError(Status.HARDWARE_ERROR, "the last processor of a partition cannot stop")
    caller.processor.stop()


@rtas.define("start-cpu", papr="7.3.8.2", nargs=3, nrets=1)
def start_cpu(caller: RtasCaller, processor: int, address: int, parameter: int) -> None:
    """Start a stopped processor at `address` with `parameter` in its r3."""
    started = _processor(caller, processor)
    if started.standing is not Standing.STOPPED:
        raise RtasError(Status.HARDWARE_ERROR, f"processor {processor} is not stopped")
    started.start(address, parameter)


@rtas.define("query-cpu-stopped-state", papr="7.3.8.3", nargs=1, nrets=2)
def query_cpu_stopped_state(caller: RtasCaller, processor: int) -> int:
    """Whether a processor is stopped, stopping or running."""
    if _processor(caller, processor).standing is Standing.STOPPED:
        return StoppedState.STOPPED
    return StoppedState.NOT_STOPPED
