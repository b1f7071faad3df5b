"""First regions count down how often they may yet be entered before all of theirs is translated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .convention import CONTEXT, COUNTERS, COUNTERS_AT, EIP
from .emitter import Emitter, Label
from .lower.condition import CR7_EQ

if TYPE_CHECKING:
    from .machine import Machine


def displacement(eip: int) -> int:
    """Of a region's counter in the context; regions may share one."""
    return COUNTERS_AT + 4 * (eip % COUNTERS)


def count(e: Emitter, eip: int) -> Label:
    """Code at a region's entry; gives where it goes when the counter is 0."""
    at, label = displacement(eip), Label()
    e.d(32, EIP, CONTEXT, at)
    e.cmpwi(7, EIP, 0)
    e.addi(EIP, EIP, -1)
    e.d(36, EIP, CONTEXT, at)
    e.bc(12, CR7_EQ, label)
    return label


def begin(machine: Machine, often: int) -> None:
    """All counters as if nothing had been entered."""
    machine.context(COUNTERS_AT, 4 * COUNTERS)[:] = often.to_bytes(4, "little") * COUNTERS


def begin_again(machine: Machine, eip: int, often: int) -> None:
    """One of them."""
    machine.write_context(displacement(eip), often)
