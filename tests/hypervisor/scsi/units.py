"""Commands to a logical unit, without an adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.scsi.command import Nexus, Task
from hypervisor.scsi.status import CheckConditionError, Condition
from hypervisor.scsi.unit import padded

if TYPE_CHECKING:
    from hypervisor.scsi.unit import LogicalUnit

ONE, OTHER = Nexus("1:2"), Nexus("2:2")


def send(unit: LogicalUnit, *cdb: int, data: bytes = b"", nexus: Nexus = ONE) -> bytes:
    """Carry out a command."""
    return unit.execute(Task(nexus, padded(bytes(cdb)), data))


def condition(
    unit: LogicalUnit, *cdb: int, data: bytes = b"", nexus: Nexus = ONE
) -> Condition | None:
    """How a command fails; None if it does not."""
    try:
        send(unit, *cdb, data=data, nexus=nexus)
    except CheckConditionError as failed:
        return failed.condition
    return None
