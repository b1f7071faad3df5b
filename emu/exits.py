"""Why a processor came back from running: what it cannot do itself, as frozen facts."""

from __future__ import annotations

from enum import Enum

from .values import frozen


@frozen
class Hypercall:
    """`sc 1`: the call and its arguments stand in the registers; run again to go on behind it."""


@frozen
class DeviceAccess:
    """An aligned load from or store to a device page; `Engine.finish_device_access` answers it.

    `value` is what is stored: the bytes in the order of their addresses, as a big-endian number.
    """

    address: int
    """Logical real."""
    length: int
    """1, 2, 4 or 8 bytes."""
    store: bool
    value: int = 0


@frozen
class Preempted:
    """The budget is used up, or a stop was asked for."""


@frozen
class Paused:
    """The guest waits busily (priority hints in a loop): others might run instead."""


@frozen
class Checkstop:
    """The engine cannot go on; the processor's state is as it was then."""

    reason: str


class StopKind(Enum):
    """Why a debugger has the processor stop."""

    BREAKPOINT = "a breakpoint"
    STEP = "a step is done"
    WATCH_STORE = "a store to what is watched"
    WATCH_LOAD = "a load from what is watched"
    WATCH_ACCESS = "an access to what is watched"


@frozen
class DebugStop:
    """A debugger's stop before the instruction at NIP; it has not run yet.

    `address` is that instruction's or, with a watchpoint, the first watched byte it accesses.
    """

    kind: StopKind
    address: int


Exit = Hypercall | DeviceAccess | Preempted | Paused | DebugStop | Checkstop
