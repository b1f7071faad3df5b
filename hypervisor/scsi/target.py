"""Which logical unit answers at which address of an adapter: up to 64 targets of 32 units."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from .status import CheckConditionError, Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .command import Nexus, Task
    from .unit import LogicalUnit

TARGETS, UNITS = 64, 32
INQUIRY, REPORT_LUNS = 0x12, 0xA0
_WELL_KNOWN = 0xC1
_WELL_KNOWN_UNITS, _ALL_UNITS = 1, 2
"""What REPORT LUNS selects beside those that are no well known ones (0); there are none such."""
_NO_UNIT = 0x7F
"""Peripheral qualifier and type where no unit is, nor can be."""


class UnitAddressError(ValueError):
    """There is no such address, or it is taken."""


class ScsiAddress(NamedTuple):
    """Target and logical unit number on one adapter."""

    target: int
    lun: int

    @property
    def wire(self) -> bytes:
        """Eight bytes by the logical unit addressing method (SAM-5 4.7.7.4), on bus 0."""
        return (0x8000 | self.target << 8 | self.lun).to_bytes(2, "big") + bytes(6)


class ServerEnd(Protocol):
    """Whoever speaks with a client for the server."""

    def go(self) -> None:
        """The server ends."""

    def come(self) -> None:
        """It is there again."""


class Targets:
    """The logical units behind one adapter, which partition `server` offers, as clients are told.

    They may come and go while clients are logged in.  `closed` is called, in the client's thread,
    where a client that was logged in gives its queue up.
    """

    def __init__(
        self,
        server: str = "vios",
        number: int = 0,
        closed: Callable[[Nexus], None] = lambda nexus: None,
    ) -> None:
        self.server, self.number = server, number
        self._closed = closed
        self._units: dict[ScsiAddress, LogicalUnit] = {}
        self._clients: dict[Nexus, None] = {}
        """Those that are logged in."""
        self.present = True
        """Whether the server runs."""
        self._ends: list[ServerEnd] = []

    @property
    def shared(self) -> bool:
        """Whether any unit is shared."""
        return any(unit.shared for unit in self._units.values())

    def __iter__(self) -> Iterator[tuple[ScsiAddress, LogicalUnit]]:
        return iter(sorted(self._units.items()))

    def add(self, unit: LogicalUnit, target: int | None = None, lun: int = 0) -> ScsiAddress:
        """Put a unit at an address, by default at the first free target."""
        if target is None:
            taken = {address.target for address in self._units}
            target = next((n for n in range(TARGETS) if n not in taken), TARGETS)
        if not (0 <= target < TARGETS and 0 <= lun < UNITS):
            raise UnitAddressError(
                f"target {target}, LUN {lun}: 0 to {TARGETS - 1} and 0 to {UNITS - 1} are possible"
            )
        address = ScsiAddress(target, lun)
        if address in self._units:
            raise UnitAddressError(f"target {target}, LUN {lun} is taken")
        self._units[address] = unit
        for nexus in self._clients:
            unit.login(nexus)
        return address

    def remove(self, address: ScsiAddress) -> LogicalUnit:
        return self._units.pop(address)

    def find(self, lun: bytes) -> LogicalUnit | None:
        """The unit that eight bytes of a command address."""
        address = self._address(lun)
        return None if address is None else self._units.get(address)

    @staticmethod
    def _address(lun: bytes) -> ScsiAddress | None:
        first = int.from_bytes(lun[:2], "big")
        if any(lun[2:]):
            return None
        if first == 0:
            return ScsiAddress(0, 0)
        if first >> 14 == 2 and not first >> 5 & 7:  # logical unit addressing, bus 0
            return ScsiAddress(first >> 8 & 0x3F, first & 0x1F)
        return None

    def join(self, end: ServerEnd) -> None:
        """It is to hear when the server goes and comes."""
        self._ends.append(end)

    def leave(self, end: ServerEnd) -> None:
        self._ends.remove(end)

    def go(self) -> None:
        """The server ends: clients have nobody to speak with."""
        self.present = False
        for end in self._ends:
            end.go()

    def come(self) -> None:
        self.present = True
        for end in self._ends:
            end.come()

    def changed(self) -> None:
        """Clients are to learn that other units are there than before."""
        for unit in self._units.values():
            unit.attention_to_all(Condition.REPORTED_LUNS_CHANGED)

    def login(self, nexus: Nexus) -> None:
        self._clients[nexus] = None
        for unit in self._units.values():
            unit.login(nexus)

    def resume(self, nexus: Nexus) -> None:
        """A client that was saved goes on, logged in as it was."""
        self._clients[nexus] = None
        for unit in self._units.values():
            unit.resume(nexus)

    def logout(self, nexus: Nexus) -> None:
        if nexus in self._clients:
            del self._clients[nexus]
            self._closed(nexus)
        for unit in self._units.values():
            unit.logout(nexus)

    def execute(self, lun: bytes, task: Task) -> bytes:
        """Carry out a command for whoever is addressed; raises as `LogicalUnit.execute`."""
        if task.opcode == REPORT_LUNS:
            return self._report_luns(lun, task)
        if (unit := self.find(lun)) is not None:
            return unit.execute(task)
        if task.opcode == INQUIRY:
            return no_unit_inquiry(task)
        raise CheckConditionError(Condition.NO_SUCH_UNIT)

    def _report_luns(self, lun: bytes, task: Task) -> bytes:
        """A target lists its own units by number; the adapter as a whole lists them all."""
        if task.cdb[2] > _ALL_UNITS:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        if task.cdb[2] == _WELL_KNOWN_UNITS:
            listed = []
        elif not any(lun) or lun[0] == _WELL_KNOWN:
            listed = [address.wire for address in sorted(self._units)]
        else:
            address = self._address(lun)
            its = [a.lun for a in sorted(self._units) if address and a.target == address.target]
            listed = [n.to_bytes(2, "big") + bytes(6) for n in its]
        data = b"".join(listed)
        return (len(data).to_bytes(4, "big") + bytes(4) + data)[: task.number(6, 4)]


def no_unit_inquiry(task: Task) -> bytes:
    """The answer to INQUIRY where no unit is."""
    return (bytes([_NO_UNIT, 0, 6, 2, 31]) + bytes(31))[: task.number(3, 2)]
