"""Storage: logical units behind ports, which initiators log in to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.scsi.status import CheckConditionError, Condition
from hypervisor.scsi.target import INQUIRY, REPORT_LUNS, no_unit_inquiry

from .definition import MOST_LUNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypervisor.scsi.command import Nexus, Task
    from hypervisor.scsi.unit import LogicalUnit

    from .fabric import TargetPort

_FLAT = 1
"""The address method of LUNs from 256 on, in the two bits of highest order."""
_ALL_UNITS = 2


class Storage:
    """Logical units by LUN; all ports show the same ones."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ports: list[TargetPort] = []
        self.frozen = False
        """It answers no commands until it is thawed."""
        self.shared = False
        """Several partitions see it, so that it is used between their slices alone."""
        self._units: dict[int, LogicalUnit] = {}
        self._initiators: dict[Nexus, None] = {}

    def __iter__(self) -> Iterator[tuple[int, LogicalUnit]]:
        return iter(sorted(self._units.items()))

    def add(self, lun: int, unit: LogicalUnit) -> None:
        if not 0 <= lun < MOST_LUNS or lun in self._units:
            raise ValueError(f"{self.name}: LUN {lun} is taken or impossible")
        self._units[lun] = unit
        for nexus in self._initiators:
            unit.login(nexus)

    def find(self, lun: bytes) -> LogicalUnit | None:
        """The unit that eight bytes of a command address (SAM-5 4.7)."""
        first = int.from_bytes(lun[:2], "big")
        if any(lun[2:]):
            return None
        if first >> 14 == _FLAT:
            return self._units.get(first & MOST_LUNS - 1)
        return self._units.get(first) if first < 256 else None

    # -- initiators ------------------------------------------------------------------------

    def login(self, nexus: Nexus) -> None:
        """Process login: the initiator finds the units as after power-on."""
        self._initiators[nexus] = None
        for unit in self._units.values():
            unit.login(nexus)

    def resume(self, nexus: Nexus) -> None:
        """An initiator that was saved goes on, logged in as it was."""
        self._initiators[nexus] = None
        for unit in self._units.values():
            unit.resume(nexus)

    def logout(self, nexus: Nexus) -> None:
        self._initiators.pop(nexus, None)
        for unit in self._units.values():
            unit.logout(nexus)

    def reset(self) -> None:
        """All units are as after power-on."""
        for unit in self._units.values():
            unit.reset()

    # -- commands --------------------------------------------------------------------------

    def execute(self, lun: bytes, task: Task) -> bytes:
        """Carry out a command for whoever is addressed; raises as `LogicalUnit.execute`."""
        if task.opcode == REPORT_LUNS:
            return self._report_luns(task)
        if (unit := self.find(lun)) is not None:
            return unit.execute(task)
        if task.opcode == INQUIRY:
            return no_unit_inquiry(task)
        raise CheckConditionError(Condition.NO_SUCH_UNIT)

    def _report_luns(self, task: Task) -> bytes:
        if task.cdb[2] > _ALL_UNITS:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        listed = [] if task.cdb[2] == 1 else sorted(self._units)
        data = b"".join(lun_bytes(lun) for lun in listed)
        return (len(data).to_bytes(4, "big") + bytes(4) + data)[: task.number(6, 4)]


def lun_bytes(lun: int) -> bytes:
    """Eight bytes, by the peripheral device method or, from 256 on, the flat space's."""
    return (lun if lun < 256 else _FLAT << 14 | lun).to_bytes(2, "big") + bytes(6)
