"""Packets on the wire: `$data#checksum`, with `}` escaping, and the acknowledgements beside them.

Nothing that arrives can do more than be refused: what is too long or has a wrong checksum becomes
a `Garbled`, what lies between packets is skipped.
"""

from __future__ import annotations

from enum import Enum, auto

from ..values import frozen

LARGEST = 0x4000
"""Bytes of a packet's data, as we tell the debugger."""
_START, _END, _ESCAPE, _INTERRUPT = b"$"[0], b"#"[0], b"}"[0], 0x03
_NOT_UNDERSTOOD = b"-"[0]
_ESCAPED = 0x20
_TO_ESCAPE = frozenset(b"#$}*")


@frozen
class Packet:
    """The data of a packet, unescaped."""

    data: bytes


@frozen
class Garbled:
    """A packet that cannot be read."""


@frozen
class Interrupt:
    """The debugger's Ctrl-C, a byte outside of packets."""


@frozen
class Resend:
    """The debugger did not understand what it got last."""


Arrival = Packet | Garbled | Interrupt | Resend


class _State(Enum):
    BETWEEN = auto()
    DATA = auto()
    CHECKSUM = auto()


class Unpacker:
    """Takes bytes as they arrive; holds at most one packet."""

    def __init__(self) -> None:
        self._state = _State.BETWEEN
        self._data = bytearray()
        self._overlong = False
        self._checksum = b""

    def feed(self, received: bytes) -> list[Arrival]:
        """What is complete now, in order."""
        found: list[Arrival] = []
        for byte in received:
            match self._state:
                case _State.BETWEEN:
                    if byte == _INTERRUPT:
                        found.append(Interrupt())
                    elif byte == _NOT_UNDERSTOOD:
                        found.append(Resend())
                    elif byte == _START:
                        self._begin()
                case _State.DATA if byte == _START:  # the debugger begins again
                    self._begin()
                case _State.DATA if byte == _END:
                    self._state, self._checksum = _State.CHECKSUM, b""
                case _State.DATA:
                    self._overlong |= len(self._data) >= LARGEST
                    if not self._overlong:
                        self._data.append(byte)
                case _State.CHECKSUM:
                    self._checksum += bytes((byte,))
                    if len(self._checksum) == 2:
                        self._state = _State.BETWEEN
                        found.append(self._complete())
        return found

    def _begin(self) -> None:
        self._state, self._overlong = _State.DATA, False
        self._data.clear()

    def _complete(self) -> Packet | Garbled:
        try:
            announced = int(self._checksum.decode("ascii"), 16)
        except ValueError:
            return Garbled()
        if self._overlong or announced != checksum(self._data):
            return Garbled()
        return Packet(unescape(bytes(self._data)))


def checksum(data: bytes | bytearray) -> int:
    return sum(data) % 256


def unescape(data: bytes) -> bytes:
    result, escaped = bytearray(), False
    for byte in data:
        if byte == _ESCAPE and not escaped:
            escaped = True
        else:
            result.append(byte ^ _ESCAPED if escaped else byte)
            escaped = False
    return bytes(result)


def escape(data: bytes) -> bytes:
    result = bytearray()
    for byte in data:
        if byte in _TO_ESCAPE:
            result += bytes((_ESCAPE, byte ^ _ESCAPED))
        else:
            result.append(byte)
    return bytes(result)


def pack(data: bytes) -> bytes:
    """The packet that carries `data`."""
    body = escape(data)
    return b"$%s#%02x" % (body, checksum(body))
