"""LOCK: how an instruction's load and store are one to other processes that share the storage.

Threads of one program take turns between instructions, so among them any instruction is whole.
Other processes run at the same time.  What is loaded is reserved, and the store is a conditional
one; if that fails, nothing of the instruction has happened, and it begins again by way of the host.
POWER has no reservations of storage that is not aligned; our core does (emulate_reserved.c), within
a page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .emitter import Label
from .instruction import Mem

if TYPE_CHECKING:
    from .addresses import Address
    from .context import Context
    from .instruction import Instruction

_NOT_WHOLE = ("adc", "sbb")
"""What they need of CA is gone when their store might fail."""
_LOADS = {8: 84, 4: 20, 2: 116, 1: 52}
_STORES = {8: 214, 4: 150, 2: 726, 1: 694}
_EQUAL = 2
_SAVED = 7
"""The field that has CR0 across a conditional store."""


def is_locked(i: Instruction) -> bool:
    """Whether other processes see all of it or nothing; XCHG needs no prefix for that."""
    if i.name == "xchg":
        return any(isinstance(operand, Mem) for operand in i.operands)
    return i.lock and i.name not in _NOT_WHOLE and not (i.name == "cmpxchg8b" and i.size == 8)


def _place(x: Context, at: Address) -> tuple[int, int]:
    """As an X-form instruction takes it, RA and RB."""
    base, index, displacement = at
    if index >= 0:
        return base, index
    if base and not displacement:
        return 0, base
    return 0, x.sum("plus", base, displacement) if base else x.constant(displacement)


def load_reserving(x: Context, target: int, at: Address, size: int) -> None:
    base, index = _place(x, at)
    x.may_fail()
    x.e.x(_LOADS[size], target, base, index)
    if size < x.word:
        x.s.widths[target] = 8 * size


def store_conditionally(x: Context, source: int, at: Address, size: int) -> None:
    """CR7 is used up if any flag is wanted."""
    base, index = _place(x, at)
    flags = bool(x.live | x.before)
    if flags:
        x.e.mcrf(_SAVED, 0)
    x.may_fail()
    x.e.x(_STORES[size], source, base, index, 1)
    stored = Label()
    x.e.bc(12, _EQUAL, stored)
    if flags:
        x.e.mcrf(0, _SAVED)
    x.may_fail()
    x.e.tw(31, 0, 0)
    x.e.place(stored)
    if flags:
        x.e.mcrf(0, _SAVED)
    x.s.words.clear()
