"""Ending the partition's run (LoPAR 7.3.6.3, 7.3.7.1, 7.3.9.1)."""

from __future__ import annotations

from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status
from hypervisor.partition import Ending

rtas = RtasGroup()

MESSAGE_LIMIT = 512


@rtas.define("power-off", papr="7.3.6.3", nargs=2, nrets=1)
def power_off(caller: RtasCaller, mask_high: int, mask_low: int) -> None:
    """Power the partition off; the masks name events that would power it on again."""
    caller.partition.end(Ending.POWER_OFF)


@rtas.define("system-reboot", papr="7.3.7.1", nargs=0, nrets=1)
def system_reboot(caller: RtasCaller) -> None:
    """Reset the partition and boot it again."""
    caller.partition.end(Ending.REBOOT)


@rtas.define("ibm,os-term", papr="7.3.9.1", nargs=1, nrets=1)
def os_term(caller: RtasCaller, message: int) -> None:
    """The operating system gives up; `message` is the address of a string that says why."""
    if not caller.memory.contains(message):
        raise RtasError(Status.PARAMETER_ERROR, f"message at {message:#x} is outside storage")
    text = caller.memory.read_string(message, MESSAGE_LIMIT).decode("utf-8", "replace")
    caller.partition.end(Ending.CRASH, text)
