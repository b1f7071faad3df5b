"""Handlers for system resets and machine checks (LoPAR 7.3.14)."""

from __future__ import annotations

from emu.memory import MIB
from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status
from hypervisor.nonmaskable import Handlers

rtas = RtasGroup()

HANDLERS_BELOW = 32 * MIB
"""Where an absolute branch reaches."""


@rtas.define("ibm,nmi-register", papr="7.3.14", nargs=2, nrets=1)
def nmi_register(caller: RtasCaller, system_reset: int, machine_check: int) -> None:
    """Have system resets and machine checks delivered to these handlers, in real mode."""
    for handler in (system_reset, machine_check):
        if handler % 4 or handler >= HANDLERS_BELOW or not caller.memory.contains(handler, 4):
            raise RtasError(
                Status.PARAMETER_ERROR, f"handler at {handler:#x}: 4-aligned below 32 MiB"
            )
    nonmaskable = caller.partition.nonmaskable
    if nonmaskable.area is None:
        raise RtasError(Status.HARDWARE_ERROR, "RTAS was not instantiated: it has no area to use")
    nonmaskable.handlers = Handlers(system_reset, machine_check)


@rtas.define("ibm,nmi-interlock", papr="7.3.14", nargs=0, nrets=1)
def nmi_interlock(caller: RtasCaller) -> None:
    """The calling processor's handler has read the error log of its machine check."""
    if not caller.partition.nonmaskable.gives_back_log(caller.processor):
        raise RtasError(Status.PARAMETER_ERROR, "the calling processor has no error log")
