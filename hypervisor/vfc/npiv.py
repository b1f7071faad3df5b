"""The login of a virtual port at its fabric, and what it sees there."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from emu.values import frozen
from hypervisor.vio.tce import DmaError

from .formats import (
    DESCRIPTOR,
    LINK_SPEED,
    LOGIN_ANSWER_BYTES,
    LOGIN_BYTES,
    NAME_BYTES,
    NATIVE_FC,
    ClientCan,
    Fault,
    MadStatus,
    ServerCan,
    service_parameters,
    text,
)
from .waiting import MOST_COMMANDS

if TYPE_CHECKING:
    from hypervisor.san.fabric import ClientPort
    from hypervisor.vio.tce import TceTable
    from hypervisor.vio.vscsi import ServerIdentity

    from .events import Events

_MOST_TRANSFER = 8 << 20
_SYSTEMS = {1: "AIX", 2: "Linux", 3: "IBM i"}
"""By what clients say they are."""
_HEAD = struct.Struct(">I4sI4xQIIQQQQQ")


@frozen
class ClientFacts:
    """What a client says of itself: its operating system, its name, and its adapter's."""

    system: str = ""
    partition: str = ""
    device: str = ""
    location: str = ""


class Npiv:
    """The login of the client behind `port`; `device` and `location` are the server's."""

    def __init__(
        self, port: ClientPort, identity: ServerIdentity, device: str, location: str
    ) -> None:
        self._port, self._identity = port, identity
        self.device, self.location = device, location
        self.logged_in = False
        self.client = ClientFacts()
        self.named = False
        """The client names ports in its commands: those are of the second version."""

    def log_in(self, mad: bytearray, dma: TceTable, events: Events) -> MadStatus:
        """The server logs the virtual port in; its answer is in the client's storage."""
        address, _, length = DESCRIPTOR.unpack_from(mad, 24)
        if length < LOGIN_ANSWER_BYTES:
            return MadStatus.FAILED
        fault = Fault.NONE if self._port.online else Fault.LINK_DOWN
        try:
            asked = dma.read(address, LOGIN_BYTES)
            most, wanted = struct.unpack_from(">IQ", asked, 36)
            queue, _, size = DESCRIPTOR.unpack_from(asked, 56)
            capabilities = _agreed(wanted)
            dma.write(address, self._answer(fault, capabilities, most, asked[584:840]))
        except DmaError:
            return MadStatus.FAILED
        events.begin(queue, size)
        if fault is not Fault.NONE:
            return MadStatus.FAILED
        self.client = _facts(asked)
        self.logged_in, self.named = True, bool(capabilities & ServerCan.HANDLE_WWPN)
        return MadStatus.SUCCESS

    def _answer(self, fault: Fault, capabilities: ServerCan, most: int, client: bytes) -> bytes:
        port, fabric = self._port, self._port.fabric
        head = _HEAD.pack(
            1,
            fault.bytes,
            NATIVE_FC,
            capabilities,
            min(most, MOST_COMMANDS),
            4,
            _MOST_TRANSFER,
            port.port_id,
            port.wwpn,
            port.wwnn if fabric is None else fabric.wwn,
            LINK_SPEED,
        )
        names = text(self._identity.name) + text(self.device) + text(self.location) + client
        parameters = service_parameters(port.wwpn, port.wwnn)
        return (head + names + parameters).ljust(LOGIN_ANSWER_BYTES, b"\0")

    def discover(self, mad: bytearray, dma: TceTable) -> MadStatus:
        """List the targets that the port sees."""
        address, _, length = DESCRIPTOR.unpack_from(mad, 24)
        room = min(length, int.from_bytes(mad[48:52], "big")) // 16
        if not self._port.online or self._port.fabric is None:
            mad[44:48] = Fault.LINK_DOWN.bytes
            return MadStatus.FAILED
        targets = self._port.fabric.targets(self._port)
        listed = b"".join(struct.pack(">I4xQ", its.port_id, its.wwpn) for its in targets[:room])
        try:
            dma.write(address, listed)
        except DmaError:
            mad[44:48] = Fault.HOST_IO_BUS.bytes
            return MadStatus.FAILED
        mad[44:48] = Fault.NONE.bytes
        mad[52:60] = struct.pack(">II", len(targets), len(targets[:room]))
        return MadStatus.SUCCESS


def _facts(asked: bytes) -> ClientFacts:
    names = (_shown(asked[at : at + NAME_BYTES]) for at in (72, 328, 584))
    return ClientFacts(_SYSTEMS.get(int.from_bytes(asked[:4], "big"), ""), *names)


def _shown(field: bytes) -> str:
    """A text that a guest wrote: printable characters alone."""
    said = field.partition(b"\0")[0].decode("ascii", "replace")
    return "".join(its if its.isascii() and its.isprintable() else "?" for its in said)


def _agreed(wanted: int) -> ServerCan:
    """What both can."""
    can = ServerCan.FLUSH_ON_HALT | ServerCan.SUPPRESS_ABTS | ServerCan.MAD_VERSION
    if wanted & ClientCan.SEND_WWPN:
        can |= ServerCan.HANDLE_WWPN
    if wanted & ClientCan.USE_CHANNELS:
        can |= ServerCan.CHANNELS
    return can
