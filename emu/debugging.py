"""Stops for a debugger: breakpoints, watchpoints, single steps (native/debug.c).

All go by effective address and hold for every processor.  Nothing of the guest's storage changes,
and a debugged run counts the same instructions as one that nobody looks at.  A run that comes
back with a `DebugStop` goes on past what stopped it when it is run again.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Any

from .exits import DebugStop, StopKind
from .native import lib

_KINDS = {
    lib.DEBUG_BREAKPOINT: StopKind.BREAKPOINT,
    lib.DEBUG_STEP: StopKind.STEP,
    lib.DEBUG_WATCH_STORE: StopKind.WATCH_STORE,
    lib.DEBUG_WATCH_LOAD: StopKind.WATCH_LOAD,
    lib.DEBUG_WATCH_ACCESS: StopKind.WATCH_ACCESS,
}


class Watched(IntFlag):
    """Which accesses a watchpoint stops before."""

    LOADS = 1
    STORES = 2


class TooManyStopsError(Exception):
    """No room for another breakpoint or watchpoint."""


class Debugging:
    """What a debugger may set on the processors of one engine, between their runs."""

    def __init__(self, core: Any) -> None:
        self._core = core
        self._breakpoints: set[int] = set()
        self._watchpoints: set[tuple[int, int, Watched]] = set()

    def add_breakpoint(self, address: int) -> None:
        """Stop before the instruction at `address`; once, however often it is added."""
        if lib.core_debug_add_breakpoint(self._core, address):
            raise TooManyStopsError(f"{len(self._breakpoints)} breakpoints are set already")
        self._breakpoints.add(address)

    def remove_breakpoint(self, address: int) -> None:
        lib.core_debug_remove_breakpoint(self._core, address)
        self._breakpoints.discard(address)

    def add_watchpoint(self, address: int, length: int, watched: Watched) -> None:
        """Stop before an instruction that accesses any of `length` bytes from `address` on."""
        if not 0 < length <= 1 << 64 or address + length > 1 << 64:
            raise ValueError(f"nothing to watch in {length} bytes at {address:#x}")
        if (address, length, watched) in self._watchpoints:
            return
        if lib.core_debug_add_watchpoint(self._core, address, length, watched):
            raise TooManyStopsError(f"{len(self._watchpoints)} watchpoints are set already")
        self._watchpoints.add((address, length, watched))

    def remove_watchpoint(self, address: int, length: int, watched: Watched) -> None:
        if (address, length, watched) in self._watchpoints:
            lib.core_debug_remove_watchpoint(self._core, address, length, watched)
            self._watchpoints.discard((address, length, watched))

    def clear(self) -> None:
        """Remove everything; the processors run at full speed again."""
        for address in tuple(self._breakpoints):
            self.remove_breakpoint(address)
        for watchpoint in tuple(self._watchpoints):
            self.remove_watchpoint(*watchpoint)
        self.step(False)

    def step(self, on: bool = True) -> None:
        """Let the next run execute one instruction, or stop at the interrupt that it causes.

        An interrupt that is due before is given to the guest first.  A hypercall is an exit of
        its own; the stop comes with the run after it.
        """
        lib.core_debug_step(self._core, on)

    def stop(self) -> DebugStop:
        """What the last CORE_DEBUG of the native core was."""
        kind = _KINDS[lib.core_debug_kind(self._core)]
        return DebugStop(kind, int(lib.core_debug_address(self._core)))
