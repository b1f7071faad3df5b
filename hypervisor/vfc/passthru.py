"""Requests of Fibre Channel that a client sends through its server as they are."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from hypervisor.vio.tce import DmaError

from .formats import DESCRIPTOR, Fault, MadStatus
from .services import common_transport, link_service

if TYPE_CHECKING:
    from hypervisor.san.fabric import ClientPort
    from hypervisor.vio.tce import TceTable

_UNIT = struct.Struct(">8xII4xI8xQIIQII8xQ")
"""Lengths of request and response, flags, their descriptors, and whom it is for."""
_UNIT_BYTES = 112
_STATUS = 16
_LINK_SERVICE, _COMMON_TRANSPORT = 0x01, 0x02
_LONGEST = 1 << 16
"""Bytes of a request."""


def pass_through(mad: bytearray, port: ClientPort, dma: TceTable) -> MadStatus:
    """Carry out the request whose unit the datagram names."""
    address, _, length = DESCRIPTOR.unpack_from(mad, 24)
    if length < _UNIT_BYTES:
        return MadStatus.FAILED
    try:
        unit = dma.read(address, _UNIT_BYTES)
        sent, room, flags, data, _, size, response, _, space, port_id = _UNIT.unpack_from(unit)
        if max(size, sent) > _LONGEST:
            fault, accepted = Fault.INVALID_PARAMETER, False
        else:
            request = dma.read(data, min(sent, size))
            fault, content = _answer(request, flags, port, port_id)
            dma.write(response, content[: min(room, space)])
            accepted = fault is Fault.NONE
        dma.write(address + _STATUS, fault.bytes)
    except DmaError:
        return MadStatus.FAILED
    return MadStatus.SUCCESS if accepted else MadStatus.FAILED


def _answer(request: bytes, flags: int, port: ClientPort, port_id: int) -> tuple[Fault, bytes]:
    if not port.online or port.fabric is None:
        return Fault.LINK_DOWN, b""
    if flags & _COMMON_TRANSPORT:
        # A rejection by the name server is an answer of its own.
        return Fault.NONE, common_transport(request, port, port_id).content
    if not flags & _LINK_SERVICE:
        return Fault.INVALID_PARAMETER, b""
    answer = link_service(request, port, port.fabric.target(port, port_id))
    return Fault.NONE if answer.accepted else Fault.UNSUPPORTED_ELS, answer.content
