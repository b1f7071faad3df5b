"""Errors that a guest asks for, to see how it takes them (LoPAR 7.3.13).

One user at a time opens the facility and gets a token.  What is injected is not damage but what
damage would lead to: a machine check of the calling processor, after the call and as soon as the
processor says that it can recover (MSR[RI]); an error log; the partition's end.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from emu.state import U32, record
from emu.values import frozen, slotted

from .error_log import Severity
from .machine_check import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypervisor.processor import VirtualProcessor

    from .rtas import RtasFirmware

_LAST_TOKEN = 0x7FFF_FFFF


class Injection(IntEnum):
    """What there is, by the values in `ibm,errinjct-tokens`."""

    FATAL = 1
    RECOVERED_RANDOM_EVENT = 2
    RECOVERED_SPECIAL_EVENT = 3
    CORRUPTED_PAGE = 4
    CORRUPTED_SLB = 5
    CORRUPTED_DCACHE_START = 6
    CORRUPTED_DCACHE_END = 7
    CORRUPTED_ICACHE_START = 8
    CORRUPTED_ICACHE_END = 9
    CORRUPTED_TLB_START = 10
    CORRUPTED_TLB_END = 11

    @property
    def token_name(self) -> str:
        return self.name.lower().replace("_", "-")


@record
class FacilityState:
    opened: U32 | None
    last: U32


@slotted
class InjectionFacility:
    """Who may inject errors: `opened` is the token of the one user."""

    opened: int | None = None
    _last: int = 0

    def open(self) -> int | None:
        """A token for a new user; None while there is another."""
        if self.opened is not None:
            return None
        self._last = 1 if self._last >= _LAST_TOKEN else self._last + 1
        self.opened = self._last
        return self.opened

    def close(self) -> None:
        self.opened = None

    def state(self) -> FacilityState:
        return FacilityState(self.opened, self._last)

    def restore(self, state: FacilityState) -> None:
        self.opened, self._last = state.opened, state.last


class InjectionError(Exception):
    """This cannot be injected; the message says why."""


class BusyError(Exception):
    """What was injected before has not happened yet."""


_ERAT = 1
"""The first cell of a cache's working buffer: its translations instead of the cache."""


@frozen
class _Request:
    """An injection on its way."""

    firmware: RtasFirmware
    processor: VirtualProcessor
    work: Sequence[int]
    """The cells of the working buffer."""

    def check(self, fault: Fault, address: int = 0, *, recovered: bool = True) -> None:
        number = self.processor.number
        if not self.firmware.defer_machine_check(fault, number, address, recovered=recovered):
            raise BusyError("the processor waits for a machine check already")


def _fatal(request: _Request) -> None:
    request.processor.partition.checkstop("a fatal error was injected")


def _recovered_event(request: _Request) -> None:
    request.firmware.error_logs.report_error("an injected error", Severity.WARNING)


def _page(request: _Request) -> None:
    address = request.work[0] << 32 | request.work[1]
    if not request.processor.partition.memory.contains(address, 1):
        raise InjectionError(f"{address:#x} is not the partition's storage")
    request.check(Fault.MEMORY_LOAD_STORE, address, recovered=False)


def _slb(request: _Request) -> None:
    request.check(Fault.SLB_PARITY, request.work[0])


def _data_cache(request: _Request) -> None:
    request.check(Fault.ERAT_PARITY if request.work[0] == _ERAT else Fault.DATA_CACHE)


def _instruction_cache(request: _Request) -> None:
    request.check(Fault.ERAT_PARITY if request.work[0] == _ERAT else Fault.INSTRUCTION_CACHE)


def _tlb(request: _Request) -> None:
    request.check(Fault.TLB_PARITY)


def _nothing(request: _Request) -> None:
    """Each error is injected once: there is nothing to stop."""


_INJECTIONS: dict[Injection, Callable[[_Request], None]] = {
    Injection.FATAL: _fatal,
    Injection.RECOVERED_RANDOM_EVENT: _recovered_event,
    Injection.RECOVERED_SPECIAL_EVENT: _recovered_event,
    Injection.CORRUPTED_PAGE: _page,
    Injection.CORRUPTED_SLB: _slb,
    Injection.CORRUPTED_DCACHE_START: _data_cache,
    Injection.CORRUPTED_DCACHE_END: _nothing,
    Injection.CORRUPTED_ICACHE_START: _instruction_cache,
    Injection.CORRUPTED_ICACHE_END: _nothing,
    Injection.CORRUPTED_TLB_START: _tlb,
    Injection.CORRUPTED_TLB_END: _nothing,
}


def inject(
    kind: Injection, firmware: RtasFirmware, processor: VirtualProcessor, work: Sequence[int]
) -> None:
    """Have the error happen to `processor`; raises the errors above or `QueueFullError`."""
    _INJECTIONS[kind](_Request(firmware, processor, work))
