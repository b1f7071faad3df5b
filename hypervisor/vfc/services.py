"""What a client asks of the fabric by itself: extended link services and common transport.

A passed-through request is the request of Fibre Channel; the answer is the target's or the name
server's, an acceptance or a rejection.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from emu.values import frozen
from hypervisor.san.fabric import NAME_SERVER

if TYPE_CHECKING:
    from hypervisor.san.fabric import ClientPort, TargetPort

_ACCEPT, _REJECT = 0x02, 0x01
_ADISC = 0x52
_NOT_SUPPORTED, _NOT_POSSIBLE, _LOGICAL_ERROR = 0x0B, 0x09, 0x03
_SCSI = 0x08
"""The type of FCP among those of FC-4."""
_CT_HEADER = struct.Struct(">B3xBBxxHHxBBB")
"""Revision, service's type and subtype, command or response, size, reason, explanation."""
_DIRECTORY, _NAME_SERVICE = 0xFC, 0x02
_CT_ACCEPT, _CT_REJECT = 0x8002, 0x8001
_NO_PORT_ID, _NO_PORT_NAME = 0x01, 0x02
_LAST_ENTRY = 0x80


@frozen
class Answer:
    """`accepted` says whether it is an acceptance."""

    accepted: bool
    content: bytes


def link_service(request: bytes, port: ClientPort, target: TargetPort | None) -> Answer:
    """An extended link service of a port that `target` is, if there is one (FC-LS-2)."""
    if target is None:
        return _rejected(_NOT_POSSIBLE)
    if request[:1] != bytes([_ADISC]):
        return _rejected(_NOT_SUPPORTED)
    names = target.wwpn.to_bytes(8, "big") + target.wwnn.to_bytes(8, "big")
    return Answer(True, struct.pack(">B7x16sI", _ACCEPT, names, target.port_id))


def _rejected(reason: int) -> Answer:
    return Answer(False, struct.pack(">B4xBBx", _REJECT, reason, 0))


def common_transport(request: bytes, port: ClientPort, port_id: int) -> Answer:
    """A request to the name server (FC-GS-6 clause 5)."""
    if len(request) < 16 or port.fabric is None:
        return _ct_rejected(request, _LOGICAL_ERROR)
    _, kind, subtype, command, *_ = _CT_HEADER.unpack_from(request)
    if port_id != NAME_SERVER or (kind, subtype) != (_DIRECTORY, _NAME_SERVICE):
        return _ct_rejected(request, _NOT_SUPPORTED)
    asked = request[16:]
    seen = port.fabric.shown(port)
    match command:
        case 0x0112 | 0x0113:  # GPN_ID, GNN_ID
            wanted = int.from_bytes(asked[:4], "big") & 0xFFFFFF
            for its in seen:
                if its.port_id == wanted:
                    name = its.wwpn if command == 0x0112 else its.wwnn
                    return _ct_accepted(request, name.to_bytes(8, "big"))
            return _ct_rejected(request, _NOT_POSSIBLE, _NO_PORT_ID)
        case 0x0121:  # GID_PN
            for its in seen:
                if asked[:8] == its.wwpn.to_bytes(8, "big"):
                    return _ct_accepted(request, its.port_id.to_bytes(4, "big"))
            return _ct_rejected(request, _NOT_POSSIBLE, _NO_PORT_NAME)
        case 0x0171:  # GID_FT
            listed = [its.port_id for its in seen] if asked[3:4] == bytes([_SCSI]) else []
            entries = [n.to_bytes(4, "big") for n in listed]
            if not entries:
                return _ct_rejected(request, _NOT_POSSIBLE, 0x07)
            last = entries[-1]
            entries[-1] = bytes([_LAST_ENTRY]) + last[1:]
            return _ct_accepted(request, b"".join(entries))
    return _ct_rejected(request, _NOT_SUPPORTED)


def _ct_accepted(request: bytes, content: bytes) -> Answer:
    return Answer(True, _ct_header(request, _CT_ACCEPT) + content)


def _ct_rejected(request: bytes, reason: int, explanation: int = 0) -> Answer:
    return Answer(False, _ct_header(request, _CT_REJECT, reason, explanation))


def _ct_header(request: bytes, code: int, reason: int = 0, explanation: int = 0) -> bytes:
    head = request[:8].ljust(8, b"\0")
    return head + struct.pack(">HHxBBB", code, 0, reason, explanation, 0)
