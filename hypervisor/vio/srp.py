"""SCSI RDMA protocol information units, as virtual SCSI exchanges them (SRP, LoPAR 17.2.3.1).

An information unit is at most 256 bytes and has its tag at offset 8; the response is written over
the request.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING

from emu.values import frozen

from .tce import READ

if TYPE_CHECKING:
    from .tce import TceTable

UNIT_BYTES = 256
MOST_DESCRIPTORS = 4096
"""Of one command: what a guest can make the host look at."""
_DIRECT, _INDIRECT = 1, 2
_COMMAND_BYTES, _DESCRIPTOR_BYTES, _INDIRECT_BYTES = 48, 16, 20
_DESCRIPTOR = struct.Struct(">QII")
DESCRIPTOR_FORMATS = 0x0006
"""Direct and indirect ones, as login says."""


class Opcode(IntEnum):
    LOGIN_REQUEST = 0x00
    TASK_MANAGEMENT = 0x01
    COMMAND = 0x02
    INITIATOR_LOGOUT = 0x03
    LOGIN_RESPONSE = 0xC0
    RESPONSE = 0xC1
    LOGIN_REJECT = 0xC2


class Flag(IntEnum):
    """What is valid in a response."""

    RESPONSE = 0x01
    SENSE = 0x02
    DATA_OUT_OVER = 0x04
    DATA_IN_OVER = 0x10


class FormatError(Exception):
    """An information unit that means nothing."""


@frozen
class Buffer:
    """Storage of the initiator: pieces of (I/O bus address, bytes)."""

    pieces: tuple[tuple[int, int], ...] = ()

    @property
    def length(self) -> int:
        return sum(length for _, length in self.pieces)

    def read(self, dma: TceTable, most: int) -> bytes:
        """Its first `most` bytes; `DmaError`."""
        parts, left = list[memoryview](), most
        for ioba, length in self.pieces:
            if not left:
                break
            some = min(length, left)
            parts += dma.look(ioba, some)
            left -= some
        return b"".join(parts)

    def write(self, dma: TceTable, data: bytes) -> int:
        """Fill it with `data`, as much as fits; gives how much that was."""
        if len(self.pieces) == 1 and len(data) <= self.pieces[0][1]:
            dma.write(self.pieces[0][0], data)
            return len(data)
        view, done = memoryview(data), 0
        for ioba, length in self.pieces:
            part = view[done : done + length]
            if not part:
                break
            dma.write(ioba, part)
            done += len(part)
        return done


@frozen
class CommandUnit:
    """A decoded SRP_CMD."""

    lun: bytes
    cdb: bytes
    data_out: Buffer
    data_in: Buffer


def command_unit(unit: bytes, dma: TceTable) -> CommandUnit:
    """Decode SRP_CMD; raises `FormatError`, or `DmaError` for a table of descriptors."""
    extra = unit[31] & 0xFC
    place = _COMMAND_BYTES + extra
    out, place = _buffer(unit, place, unit[5] >> 4, unit[6], dma)
    into, place = _buffer(unit, place, unit[5] & 0xF, unit[7], dma)
    return CommandUnit(unit[20:28], unit[32:48], out, into)


def _buffer(unit: bytes, place: int, form: int, count: int, dma: TceTable) -> tuple[Buffer, int]:
    """A descriptor of the given format at `place`, and where it ends."""
    match form:
        case 0:
            return Buffer(), place
        case 1:
            end = place + _DESCRIPTOR_BYTES
            return Buffer(_pieces(_within(unit, place, end))), end
        case 2:
            table_end = place + _INDIRECT_BYTES
            _within(unit, place, table_end)
            address, _, length = _DESCRIPTOR.unpack_from(unit, place)
            total = length // _DESCRIPTOR_BYTES
            if total > MOST_DESCRIPTORS:
                raise FormatError(f"{total} descriptors: at most {MOST_DESCRIPTORS} are taken")
            end = table_end + count * _DESCRIPTOR_BYTES
            if total <= count:
                listed = _within(unit, table_end, table_end + total * _DESCRIPTOR_BYTES)
            else:
                dma.check(address, total * _DESCRIPTOR_BYTES, READ)
                listed = dma.read(address, total * _DESCRIPTOR_BYTES)
            return Buffer(_pieces(listed)), end
    raise FormatError(f"data descriptor format {form}")


def _within(unit: bytes, start: int, end: int) -> bytes:
    if end > len(unit):
        raise FormatError("descriptors end behind the information unit")
    return unit[start:end]


def _pieces(listed: bytes) -> tuple[tuple[int, int], ...]:
    return tuple((address, length) for address, _, length in _DESCRIPTOR.iter_unpack(listed))


def response(
    tag: bytes,
    *,
    status: int = 0,
    sense: bytes = b"",
    task_result: int | None = None,
    out_left: int = 0,
    in_left: int = 0,
) -> bytes:
    """SRP_RSP.  `out_left` and `in_left` are bytes of the initiator's buffers that were not used;
    they go under the flags of overruns, where virtual SCSI clients look for them."""
    data = b"" if task_result is None else task_result.to_bytes(4, "big")
    flags = (Flag.RESPONSE if data else 0) | (Flag.SENSE if sense else 0)
    flags |= (Flag.DATA_OUT_OVER if out_left else 0) | (Flag.DATA_IN_OVER if in_left else 0)
    head = struct.pack(
        ">B3xI8sHBBIIII",
        Opcode.RESPONSE,
        1,  # credit that comes back
        tag,
        0,
        flags,
        status,
        out_left,
        in_left,
        len(sense),
        len(data),
    )
    return head + data + sense


def login_response(tag: bytes, credit: int) -> bytes:
    """SRP_LOGIN_RSP, with the number of requests that may be under way."""
    sizes = struct.pack(">IIH", UNIT_BYTES, UNIT_BYTES, DESCRIPTOR_FORMATS)
    return struct.pack(">B3xI8s", Opcode.LOGIN_RESPONSE, credit, tag) + sizes.ljust(36, b"\0")


def login_reject(tag: bytes, reason: int) -> bytes:
    return struct.pack(">B3xI8s", Opcode.LOGIN_REJECT, reason, tag).ljust(32, b"\0")
