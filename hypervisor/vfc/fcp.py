"""SCSI commands over Fibre Channel: what a client asks, and what it is answered (FCP-4).

A command's information unit has a header, FCP_CMND and room for FCP_RSP.  The server writes the
outcome into the header, and FCP_RSP where the header says.
"""

from __future__ import annotations

import struct
from enum import IntFlag
from typing import TYPE_CHECKING

from emu.values import frozen
from hypervisor.scsi.command import Task
from hypervisor.scsi.disk import LONGEST_TRANSFER
from hypervisor.scsi.status import CheckConditionError, ReservationConflictError, Status
from hypervisor.vio.srp import MOST_DESCRIPTORS, Buffer
from hypervisor.vio.tce import READ, DmaError

from .formats import DESCRIPTOR, Fault

if TYPE_CHECKING:
    from hypervisor.san.storage import Storage
    from hypervisor.scsi.command import Nexus
    from hypervisor.vio.tce import TceTable

_HEADER = struct.Struct(">24xHHHHI20xQIIQII8xQ8s")
_FCP = struct.Struct(">8s2xBB16sI")
FIRST_VERSION, SECOND_VERSION = 128, 136
"""Where FCP_CMND is, by the login's agreement on port names."""
FCP_BYTES = 32
UNIT_BYTES = SECOND_VERSION + FCP_BYTES
_OUTCOME = 24
"""Where status and error are in the header, followed by flags."""
_RESPONSE = struct.Struct(">8xHBBIII")


class Flag(IntFlag):
    """In the header."""

    SCATTERLIST = 0x0001
    NO_MEMORY = 0x0002
    READ = 0x0004
    WRITE = 0x0008
    TASK_MANAGEMENT = 0x0080


class Response(IntFlag):
    """What FCP_RSP tells (FCP-4 9.5)."""

    INFORMATION = 0x01
    SENSE = 0x02
    OVER = 0x04
    UNDER = 0x08


class TaskManagement(IntFlag):
    ABORT_TASK_SET = 0x02
    CLEAR_TASK_SET = 0x04
    UNIT_RESET = 0x10
    TARGET_RESET = 0x20


COMPLETE, REJECTED, WRONG_LUN = 0x00, 0x04, 0x09
"""What FCP_RSP_INFO says of a task management function."""
_MANAGED = struct.Struct(">3xB4x")


@frozen
class Command:
    """What a client asked for."""

    address: int
    """I/O bus address of its information unit."""
    flags: int
    cancel_key: int
    data: tuple[int, int]
    """Address and bytes of the data, or of a list of descriptors."""
    response: tuple[int, int]
    """Where FCP_RSP goes, and how much of it."""
    port_id: int
    tag: bytes
    lun: bytes
    management: int
    extra_cdb: int
    cdb: bytes
    length: int
    """Bytes that are to be moved."""

    def buffer(self, dma: TceTable) -> Buffer:
        """The client's storage; raises `DmaError`, ValueError for too long a list."""
        address, length = self.data
        if self.flags & Flag.NO_MEMORY or not self.flags & (Flag.READ | Flag.WRITE):
            return Buffer()
        if not self.flags & Flag.SCATTERLIST:
            return Buffer(((address, length),))
        count = length // DESCRIPTOR.size
        if count > MOST_DESCRIPTORS:
            raise ValueError(f"{count} descriptors: at most {MOST_DESCRIPTORS} are taken")
        dma.check(address, count * DESCRIPTOR.size, READ)
        listed = dma.read(address, count * DESCRIPTOR.size)
        return Buffer(tuple((ioba, size) for ioba, _, size in DESCRIPTOR.iter_unpack(listed)))


def read_command(dma: TceTable, address: int, place: int) -> Command:
    """The command at `address`, whose FCP_CMND is at `place` in it; raises `DmaError`."""
    unit = dma.read(address, place + FCP_BYTES)
    _, _, flags, _, cancel_key, data, _, size, response, _, room, port_id, tag = (
        _HEADER.unpack_from(unit)
    )
    lun, management, lengths, cdb, length = _FCP.unpack_from(unit, place)
    return Command(
        address,
        flags,
        cancel_key,
        (data, size),
        (response, room),
        port_id,
        tag,
        lun,
        management,
        lengths >> 2,
        cdb,
        length,
    )


@frozen
class Outcome:
    """How a command ended; `left` are bytes that were not moved, negative: that had no room."""

    fault: Fault
    status: int = 0
    left: int = 0
    sense: bytes = b""
    managed: int | None = None

    def response(self) -> bytes:
        """FCP_RSP."""
        flags = Response.SENSE if self.sense else Response(0)
        if self.left:
            flags |= Response.UNDER if self.left > 0 else Response.OVER
        data = b""
        if self.managed is not None:
            flags |= Response.INFORMATION
            data = _MANAGED.pack(self.managed)
        left = abs(self.left) & 0xFFFFFFFF
        head = _RESPONSE.pack(0, flags, self.status, left, len(self.sense), len(data))
        return head + data + self.sense


def execute(command: Command, storage: Storage, nexus: Nexus, dma: TceTable) -> Outcome:
    """Carry a command out."""
    if command.extra_cdb:
        return Outcome(Fault.INVALID_PARAMETER)
    try:
        buffer, data = command.buffer(dma), b""
        if command.flags & Flag.WRITE:
            data = buffer.read(dma, min(command.length, LONGEST_TRANSFER))
        result = storage.execute(command.lun, Task(nexus, command.cdb, data))
        if command.flags & Flag.WRITE:
            return Outcome(Fault.NONE, left=command.length - len(data))
        moved = _fill(buffer, dma, result, command.length)
    except DmaError:
        return Outcome(Fault.HOST_IO_BUS)
    except ValueError:
        return Outcome(Fault.INVALID_PARAMETER)
    except CheckConditionError as failed:
        return _failed(command, failed, dma)
    except ReservationConflictError:
        return Outcome(Fault.SCSI, Status.RESERVATION_CONFLICT, command.length)
    left = command.length - (moved if len(result) <= command.length else len(result))
    return Outcome(Fault.NONE, left=left)


def _fill(buffer: Buffer, dma: TceTable, data: bytes, most: int) -> int:
    return buffer.write(dma, data if len(data) <= most else data[:most])


def _failed(command: Command, failed: CheckConditionError, dma: TceTable) -> Outcome:
    """A command that failed, having read what it could."""
    left = command.length
    if failed.data and command.flags & Flag.READ:
        try:
            left -= _fill(command.buffer(dma), dma, failed.data, command.length)
        except DmaError:
            return Outcome(Fault.HOST_IO_BUS)
    return Outcome(Fault.SCSI, Status.CHECK_CONDITION, left, failed.sense)


def write_outcome(command: Command, outcome: Outcome, dma: TceTable) -> None:
    """Put the outcome where the client looks for it; raises `DmaError`."""
    dma.write(command.address + _OUTCOME, outcome.fault.bytes)
    address, room = command.response
    if room >= _RESPONSE.size:
        dma.write(address, outcome.response()[:room])
