"""Interrupt sources (LoPAR 7.3.10); under XIVE they are not configured here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status
from hypervisor.abi import InterruptMode

if TYPE_CHECKING:
    from hypervisor.xics import XicsController

rtas = RtasGroup()


def _xics(caller: RtasCaller) -> XicsController:
    interrupts = caller.partition.interrupts
    if interrupts.mode is not InterruptMode.XICS:
        raise RtasError(Status.PARAMETER_ERROR, "sources are configured by hcalls under XIVE")
    return interrupts.xics


def _check(done: bool, source: int) -> None:
    if not done:
        raise RtasError(Status.PARAMETER_ERROR, f"interrupt source {source:#x}")


@rtas.define("ibm,get-xive", papr="7.3.10.1", nargs=1, nrets=3)
def get_xive(caller: RtasCaller, source: int) -> tuple[int, int]:
    """The server and the priority of an interrupt source."""
    if (found := _xics(caller).source(source)) is None:
        raise RtasError(Status.PARAMETER_ERROR, f"there is no interrupt source {source:#x}")
    return found.server, found.priority


@rtas.define("ibm,set-xive", papr="7.3.10.2", nargs=3, nrets=1)
def set_xive(caller: RtasCaller, source: int, server: int, priority: int) -> None:
    """Give an interrupt source a server and a priority; 0xff masks it."""
    _check(_xics(caller).set_source(source, server, priority), source)


@rtas.define("ibm,int-off", papr="7.3.10.3", nargs=1, nrets=1)
def int_off(caller: RtasCaller, source: int) -> None:
    """Mask an interrupt source, keeping its priority for ibm,int-on."""
    _check(_xics(caller).mask(source), source)


@rtas.define("ibm,int-on", papr="7.3.10.4", nargs=1, nrets=1)
def int_on(caller: RtasCaller, source: int) -> None:
    """Give a masked interrupt source its priority back."""
    _check(_xics(caller).unmask(source), source)
