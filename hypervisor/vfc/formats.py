"""Numbers and layouts of virtual Fibre Channel."""

from __future__ import annotations

import struct
from enum import Enum, IntEnum, IntFlag


class Format(IntEnum):
    """The second byte of a queue element."""

    COMMAND = 0x01
    ASYNC = 0x02
    MAD = 0x04


class Opcode(IntEnum):
    """Management datagrams."""

    NPIV_LOGIN = 0x0001
    DISCOVER_TARGETS = 0x0002
    PORT_LOGIN = 0x0004
    PROCESS_LOGIN = 0x0008
    QUERY_TARGET = 0x0010
    MOVE_LOGIN = 0x0020
    IMPLICIT_LOGOUT = 0x0040
    TASK_MANAGEMENT = 0x0100
    PASSTHRU = 0x0200
    NPIV_LOGOUT = 0x0800
    CHANNEL_ENQUIRY = 0x1000
    CHANNEL_SETUP = 0x2000
    CONNECTION_INFO = 0x4000

    @property
    def size(self) -> int:
        """Bytes of the datagram."""
        return _SIZES[self]


_SIZES = {
    Opcode.NPIV_LOGIN: 40,
    Opcode.DISCOVER_TARGETS: 80,
    Opcode.PORT_LOGIN: 592,
    Opcode.PROCESS_LOGIN: 128,
    Opcode.QUERY_TARGET: 64,
    Opcode.MOVE_LOGIN: 592,
    Opcode.IMPLICIT_LOGOUT: 48,
    Opcode.TASK_MANAGEMENT: 88,
    Opcode.PASSTHRU: 40,
    Opcode.NPIV_LOGOUT: 24,
    Opcode.CHANNEL_ENQUIRY: 48,
    Opcode.CHANNEL_SETUP: 40,
    Opcode.CONNECTION_INFO: 160,
}


class MadStatus(IntEnum):
    SUCCESS = 0x00
    NOT_SUPPORTED = 0xF1
    FAILED = 0xF7


MAD = struct.Struct(">I4xIHH8s")
"""Version, opcode, status, length, tag."""


class Fault(Enum):
    """Why a request failed: class and error, as they stand one behind the other."""

    NONE = 0x0000, 0x0000
    UNABLE_TO_ESTABLISH = 0x0001, 0x0001
    TRANSPORT_FAULT = 0x0001, 0x0002
    NETWORK_DOWN = 0x0001, 0x0004
    LINK_DOWN = 0x0001, 0x0006
    NAME_NOT_REGISTERED = 0x0001, 0x0009
    INVALID_PARAMETER = 0x0002, 0x0003
    HOST_IO_BUS = 0x0002, 0x0005
    CANCELLED = 0x0002, 0x0006
    LOGIN_REQUIRED = 0x0002, 0x0010
    UNSUPPORTED_ELS = 0x0004, 0x000B
    SCSI = 0x0008, 0x0000

    @property
    def bytes(self) -> bytes:
        return _PAIR.pack(*self.value)


_PAIR = struct.Struct(">HH")


class ClientCan(IntFlag):
    """Capabilities that a client names at its login."""

    MIGRATE = 0x01
    USE_CHANNELS = 0x02
    USE_MAD_VERSION = 0x08
    SEND_WWPN = 0x10


class ServerCan(IntFlag):
    """Capabilities that the answer names."""

    FLUSH_ON_HALT = 0x08
    SUPPRESS_ABTS = 0x10
    MAD_VERSION = 0x20
    HANDLE_WWPN = 0x40
    CHANNELS = 0x80


NATIVE_FC = 0x01
LOGIN_BYTES, LOGIN_ANSWER_BYTES = 856, 1360
NAME_BYTES = 256

DESCRIPTOR = struct.Struct(">QII")
"""I/O bus address, key, bytes."""


class Event(IntEnum):
    """Asynchronous events."""

    PORT_LOGIN = 0x0001
    LOGOUT = 0x0002
    STATE_CHANGE = 0x0008
    LINK_UP = 0x0080
    LINK_DOWN = 0x0100


class LinkState(IntEnum):
    UNCHANGED = 0x00
    UP = 0x01
    DOWN = 0x04


ASYNC_BYTES = 48

LINK_SPEED = 1600
"""In hundredths of a gigabit a second."""
FRAME_BYTES = 2048
CLASS_3 = 1 << 31
SERVICE_BYTES = 256


def service_parameters(wwpn: int, wwnn: int) -> bytes:
    """Those of a port (FC-LS-2 6.6): class 3, and frames of the usual size."""
    common = struct.pack(">HHHHII", 0x2020, 10, 0, FRAME_BYTES, 2000, 2000)
    names = wwpn.to_bytes(8, "big") + wwnn.to_bytes(8, "big")
    class_3 = bytes(32) + struct.pack(">II", CLASS_3, FRAME_BYTES)
    return (common + names + class_3).ljust(SERVICE_BYTES, b"\0")


def text(of: str) -> bytes:
    """A name as a field has it."""
    return of.encode()[: NAME_BYTES - 1].ljust(NAME_BYTES, b"\0")
