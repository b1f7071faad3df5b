"""The protocol of terminals with modem signals, `hvterm-protocol` (hvsi in Linux).

Characters travel in packets of at most 16 bytes, a packet in each hypercall: a header of type,
length and sequence number, then data (12 bytes at most), a control, a query or the answer to one.
Each side asks the other for the version of the protocol it speaks; when both have answered, data
flows.  LoPAR 17.5.2 names the protocol, whose own document IBM has not published; facts are from
Linux's two drivers for it.
"""

from __future__ import annotations

import struct
from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated

from emu.state import Length, check, record
from hypervisor.abi import H, HcallError

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = 1
MOST_DATA = 12
LONGEST = 16
"""Bytes of a packet."""
HEADER_BYTES = 4
MOST_ANSWERS = 16
"""Packets that may wait for a guest that asks and does not read."""
_HEADER = struct.Struct(">BBH")
_QUERY_BYTES = 6
_ANSWERS_TO_A_QUERY = 2
"""At most: the version is told, and asked for."""


class Packet(IntEnum):
    """The first byte of a packet."""

    QUERY_RESPONSE = 0xFC
    QUERY = 0xFD
    CONTROL = 0xFE
    DATA = 0xFF


class Control(IntEnum):
    SET_MODEM = 1
    MODEM_UPDATE = 2
    CLOSE = 3


class Query(IntEnum):
    VERSION = 1
    MODEM_STATUS = 2


DATA_TERMINAL_READY = 0x01
CARRIER_DETECT = 0x20
"""Signals of the modem, in its 32-bit word."""

_Answer = Annotated[bytes, Length(HEADER_BYTES, LONGEST)]


@record
class HvsiState:
    opened: bool
    terminal_ready: bool
    sequence: Annotated[int, range(1 << 16)]
    unfinished: Annotated[bytes, Length(0, LONGEST)]
    answers: Annotated[tuple[_Answer, ...], Length(0, MOST_ANSWERS)]


class HvsiSession:
    """The hypervisor's end; `show` is given what the guest sends as data."""

    def __init__(self, show: Callable[[bytes], None]) -> None:
        self._show = show
        self.opened = False
        self.terminal_ready = False
        """Whether the guest has the terminal open (DTR)."""
        self._sequence = 0
        self._unfinished = b""
        self._answers: deque[bytes] = deque()

    @property
    def answers_wait(self) -> bool:
        return bool(self._answers)

    # -- from the guest --------------------------------------------------------------------

    def receive(self, piece: bytes) -> None:
        """Take what came in one hypercall; packets may go on in the next one.

        What is no packet is dropped, up to the next call.  `HcallError` BUSY while the guest has
        not read the answers to what it asked before: nothing is taken then.
        """
        queries = (len(self._unfinished) + len(piece)) // _QUERY_BYTES
        if len(self._answers) + _ANSWERS_TO_A_QUERY * queries > MOST_ANSWERS:
            raise HcallError(H.BUSY, "answers wait to be read")
        self._unfinished += piece
        while len(self._unfinished) >= HEADER_BYTES:
            kind, length, sequence = _HEADER.unpack_from(self._unfinished)
            if kind not in tuple(Packet) or not HEADER_BYTES <= length <= LONGEST:
                self._unfinished = b""
                return
            if len(self._unfinished) < length:
                return
            body = self._unfinished[HEADER_BYTES:length]
            self._unfinished = self._unfinished[length:]
            self._take(kind, sequence, body)

    def _take(self, kind: int, sequence: int, body: bytes) -> None:
        verb = int.from_bytes(body[:2], "big")
        match kind:
            case Packet.DATA:
                self._show(body)
            case Packet.CONTROL if verb == Control.CLOSE:
                self.opened = self.terminal_ready = False
            case Packet.CONTROL if verb == Control.SET_MODEM and len(body) >= 10:
                word, mask = struct.unpack_from(">II", body, 2)
                if mask & DATA_TERMINAL_READY:
                    self.terminal_ready = bool(word & DATA_TERMINAL_READY)
            case Packet.QUERY if verb == Query.VERSION:
                self.opened = False
                self._respond(verb, sequence, bytes((VERSION, 0, 0, 0)))
                self._answer(Packet.QUERY, struct.pack(">H", Query.VERSION))
            case Packet.QUERY if verb == Query.MODEM_STATUS:
                word = CARRIER_DETECT | (DATA_TERMINAL_READY if self.terminal_ready else 0)
                self._respond(verb, sequence, struct.pack(">I", word))
            case Packet.QUERY_RESPONSE if verb == Query.VERSION:
                self.opened = True

    def _respond(self, verb: int, sequence: int, value: bytes) -> None:
        self._answer(Packet.QUERY_RESPONSE, struct.pack(">HH", verb, sequence) + value)

    def _answer(self, kind: Packet, body: bytes) -> None:
        self._answers.append(self._packet(kind, body))

    # -- to the guest ----------------------------------------------------------------------

    def next_packet(self, typed: Callable[[int], bytes]) -> bytes:
        """The packet to read next, none where there is nothing; `typed(most)` takes input."""
        if self._answers:
            return self._answers.popleft()
        if self.opened and (data := typed(MOST_DATA)):
            return self._packet(Packet.DATA, data)
        return b""

    def _packet(self, kind: Packet, body: bytes) -> bytes:
        self._sequence = self._sequence + 1 & 0xFFFF
        return _HEADER.pack(kind, HEADER_BYTES + len(body), self._sequence) + body

    # -- state -----------------------------------------------------------------------------

    def state(self) -> HvsiState:
        return HvsiState(
            self.opened,
            self.terminal_ready,
            self._sequence,
            self._unfinished,
            tuple(self._answers),
        )

    def restore(self, state: HvsiState) -> None:
        check(len(state.unfinished) < LONGEST, "a packet that is not finished though it is there")
        self.opened, self.terminal_ready = state.opened, state.terminal_ready
        self._sequence, self._unfinished = state.sequence, state.unfinished
        self._answers = deque(state.answers)
