"""Who may use a logical unit: persistent reservations (SPC-4 5.9) and RESERVE/RELEASE (SPC-2)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from emu.state import check, record

from .status import CheckConditionError, Condition, ReservationConflictError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .command import Nexus, Task

MOST_REGISTRATIONS = 64


class Type(IntEnum):
    """Kinds of persistent reservations."""

    WRITE_EXCLUSIVE = 1
    EXCLUSIVE_ACCESS = 3
    WRITE_EXCLUSIVE_REGISTRANTS_ONLY = 5
    EXCLUSIVE_ACCESS_REGISTRANTS_ONLY = 6
    WRITE_EXCLUSIVE_ALL_REGISTRANTS = 7
    EXCLUSIVE_ACCESS_ALL_REGISTRANTS = 8

    @property
    def excludes_reads(self) -> bool:
        return self in (3, 6, 8)

    @property
    def registrants_may(self) -> bool:
        return self >= Type.WRITE_EXCLUSIVE_REGISTRANTS_ONLY

    @property
    def all_hold(self) -> bool:
        return self >= Type.WRITE_EXCLUSIVE_ALL_REGISTRANTS


CAPABILITY_MASK = sum(
    {
        Type.WRITE_EXCLUSIVE: 0x0200,
        Type.EXCLUSIVE_ACCESS: 0x0800,
        Type.WRITE_EXCLUSIVE_REGISTRANTS_ONLY: 0x2000,
        Type.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY: 0x4000,
        Type.WRITE_EXCLUSIVE_ALL_REGISTRANTS: 0x8000,
        Type.EXCLUSIVE_ACCESS_ALL_REGISTRANTS: 0x0001,
    }.values()
)

_READERS_TOO = frozenset({0x08, 0x28, 0x88, 0xA8, 0x2F, 0x8F, 0xAF, 0x34, 0x90, 0x3C, 0x5A, 0x1A})
"""Opcodes that only read: refused by the kinds that exclude reading."""
_ANYBODY = frozenset({0x00, 0x25, 0x9E, 0xA3})
"""TEST UNIT READY, READ CAPACITY, REPORT SUPPORTED OPERATION CODES: persistent reservations refuse
them to nobody (SPC-4 5.9.1, SBC-3 4.17), so that any initiator finds the unit."""


@record
class ReservationState:
    generation: int
    keys: dict[str, int]
    holder: str | None
    type: int | None
    simple: str | None


class Reservations:
    """The reservations of one logical unit; `attention` tells an initiator what it lost."""

    def __init__(self, attention: Callable[[Nexus, Condition], None]) -> None:
        self._attention = attention
        self.generation = 0
        self._keys: dict[Nexus, int] = {}
        self._holder: Nexus | None = None
        self._type: Type | None = None
        self._simple: Nexus | None = None

    # -- SPC-2 -----------------------------------------------------------------------------

    def reserve_simple(self, nexus: Nexus) -> None:
        if self._keys or self._simple not in (None, nexus):
            raise ReservationConflictError
        self._simple = nexus

    def release_simple(self, nexus: Nexus) -> None:
        """By anybody else it does nothing."""
        if self._simple == nexus:
            self._simple = None

    def reset(self) -> None:
        """A reset of the unit: what is not persistent is gone."""
        self._simple = None

    # -- may it? ---------------------------------------------------------------------------

    def admit(self, nexus: Nexus, opcode: int) -> None:
        """Raise where somebody else's reservation forbids a command."""
        if self._simple not in (None, nexus):
            raise ReservationConflictError
        if self._type is None or self._holds(nexus) or opcode in _ANYBODY:
            return
        if self._type.registrants_may and nexus in self._keys:
            return
        if opcode in _READERS_TOO and not self._type.excludes_reads:
            return
        raise ReservationConflictError

    def admit_reserving(self, nexus: Nexus) -> None:
        """Raise where somebody else's RESERVE forbids persistent reservations (SPC-2 5.5.1)."""
        if self._simple not in (None, nexus):
            raise ReservationConflictError

    def _holds(self, nexus: Nexus) -> bool:
        if self._type is not None and self._type.all_hold:
            return nexus in self._keys
        return nexus == self._holder

    # -- PERSISTENT RESERVE IN -------------------------------------------------------------

    def read_keys(self) -> bytes:
        return b"".join(key.to_bytes(8, "big") for key in self._keys.values())

    def read_reservation(self) -> bytes:
        if self._type is None:
            return b""
        key = 0 if self._type.all_hold or self._holder is None else self._keys[self._holder]
        return key.to_bytes(8, "big") + bytes(5) + bytes([self._type]) + bytes(2)

    def full_status(self) -> bytes:
        return b"".join(self._full_status(nexus, key) for nexus, key in self._keys.items())

    def _full_status(self, nexus: Nexus, key: int) -> bytes:
        held = self._type if self._holds(nexus) else None
        name = nexus.encode()[:16].ljust(16, b"\0")
        transport = bytes([0x04, 0, 0, 0, 0, 0, 0, 0]) + name  # an SRP port's identifier
        flags = bytes([0 if held is None else 1, held or 0])
        return (
            key.to_bytes(8, "big")
            + bytes(4)
            + flags
            + bytes(4)
            + (1).to_bytes(2, "big")
            + len(transport).to_bytes(4, "big")
            + transport
        )

    # -- PERSISTENT RESERVE OUT ------------------------------------------------------------

    def register(self, nexus: Nexus, key: int, new: int, *, ignore_key: bool) -> None:
        """REGISTER, and REGISTER AND IGNORE EXISTING KEY; `new` 0 unregisters."""
        if not ignore_key and self._keys.get(nexus, 0) != key:
            raise ReservationConflictError
        self.generation += 1
        if new:
            if nexus not in self._keys and len(self._keys) >= MOST_REGISTRATIONS:
                raise CheckConditionError(Condition.INSUFFICIENT_REGISTRATION_RESOURCES)
            self._keys[nexus] = new
        elif nexus in self._keys:
            self._unregister(nexus)

    def _unregister(self, nexus: Nexus) -> None:
        kind = self._type
        del self._keys[nexus]
        last_of_all = kind is not None and kind.all_hold and not self._keys
        if last_of_all or (nexus == self._holder and (kind is None or not kind.all_hold)):
            self._end(tell=kind is not None and kind.registrants_may, but=nexus)

    def _end(self, *, tell: bool, but: Nexus) -> None:
        """The reservation is over; registrants are told if they had a part in it."""
        self._holder = self._type = None
        if tell:
            for other in self._keys:
                if other != but:
                    self._attention(other, Condition.RESERVATIONS_RELEASED)

    def reserve(self, nexus: Nexus, key: int, kind: int) -> None:
        self._check_key(nexus, key)
        wanted = self._valid(kind)
        if self._type is not None:
            if not self._holds(nexus) or wanted is not self._type:
                raise ReservationConflictError
            return
        self._holder, self._type = nexus, wanted

    def release(self, nexus: Nexus, key: int, kind: int) -> None:
        self._check_key(nexus, key)
        if self._type is None or not self._holds(nexus):
            return
        if kind != self._type:
            raise CheckConditionError(Condition.INVALID_RELEASE)
        self._end(tell=self._type.registrants_may, but=nexus)

    def clear(self, nexus: Nexus, key: int) -> None:
        self._check_key(nexus, key)
        self.generation += 1
        others = [other for other in self._keys if other != nexus]
        self._keys.clear()
        self._holder = self._type = None
        for other in others:
            self._attention(other, Condition.RESERVATIONS_PREEMPTED)

    def preempt(self, nexus: Nexus, key: int, other_key: int, kind: int) -> None:
        """Take the reservation from, and unregister, whoever registered `other_key`."""
        self._check_key(nexus, key)
        all_hold = self._type is not None and self._type.all_hold
        if other_key == 0 and not all_hold:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_PARAMETERS)
        victims = [
            other
            for other, its in self._keys.items()
            if other != nexus and (its == other_key or (all_hold and other_key == 0))
        ]
        holder_goes = self._type is not None and (
            other_key == 0
            if all_hold
            else self._holder is not None and self._keys[self._holder] == other_key
        )
        if not victims and not holder_goes:
            raise ReservationConflictError
        wanted = self._valid(kind) if holder_goes else None
        self.generation += 1
        for victim in victims:
            del self._keys[victim]
            self._attention(victim, Condition.REGISTRATIONS_PREEMPTED)
        if wanted is not None:
            self._holder, self._type = nexus, wanted
        elif self._holder in victims or (all_hold and not self._keys):
            self._holder = self._type = None

    def _check_key(self, nexus: Nexus, key: int) -> None:
        if self._keys.get(nexus, 0) != key or nexus not in self._keys:
            raise ReservationConflictError

    @staticmethod
    def _valid(kind: int) -> Type:
        try:
            return Type(kind)
        except ValueError:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB) from None

    # -- state -----------------------------------------------------------------------------

    def state(self) -> ReservationState:
        return ReservationState(
            self.generation,
            {str(nexus): key for nexus, key in self._keys.items()},
            self._holder,
            self._type,
            self._simple,
        )

    def restore(self, state: ReservationState) -> None:
        from .command import Nexus

        check(state.type is None or state.type in list(Type), f"reservation type {state.type}")
        check(len(state.keys) <= MOST_REGISTRATIONS, "too many registrations")
        self._keys = {Nexus(nexus): key for nexus, key in state.keys.items()}
        holder = None if state.holder is None else Nexus(state.holder)
        held = holder in self._keys and state.type is not None
        check(holder is None or held, "the holder of the reservation is not registered")
        self.generation, self._holder = state.generation, holder
        self._type = None if state.type is None else Type(state.type)
        self._simple = None if state.simple is None else Nexus(state.simple)


def persistent_reserve_out(reservations: Reservations, task: Task) -> None:
    """Carry out PERSISTENT RESERVE OUT (SPC-4 6.16)."""
    reservations.admit_reserving(task.nexus)
    parameters = task.parameters(task.number(5, 4))
    if len(parameters) < 24:
        raise CheckConditionError(Condition.PARAMETER_LIST_LENGTH)
    key, new = (int.from_bytes(parameters[at : at + 8], "big") for at in (0, 8))
    scope, kind = task.cdb[2] >> 4, task.cdb[2] & 0xF
    action = task.cdb[1] & 0x1F
    if scope and action in (1, 2, 4, 5):
        raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
    match action:
        case 0 | 6:
            reservations.register(task.nexus, key, new, ignore_key=action == 6)
        case 1:
            reservations.reserve(task.nexus, key, kind)
        case 2:
            reservations.release(task.nexus, key, kind)
        case 3:
            reservations.clear(task.nexus, key)
        case 4 | 5:
            reservations.preempt(task.nexus, key, new, kind)
        case _:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
