"""A client of the network block device protocol, over a Unix socket.

Fixed newstyle negotiation with NBD_OPT_GO, then simple replies, one request at a time (the
protocol's specification, https://github.com/NetworkBlockDevice/nbd, doc/proto.md).
"""

from __future__ import annotations

import contextlib
import struct
import threading
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

MOST_TRANSFER = 32 << 20
"""Bytes of one request that every server takes."""
_MOST_ZEROS = 1 << 30
_MAGIC, _OPTION_MAGIC = b"NBDMAGIC", b"IHAVEOPT"
_REPLY_OF_OPTION, _REQUEST, _REPLY = 0x3E889045565A9, 0x25609513, 0x67446698
_FIXED_NEWSTYLE, _NO_ZEROES = 1, 2
_GO, _REPLY_ACK, _REPLY_INFO, _INFO_EXPORT = 7, 1, 3, 0
_MOST_ANSWERS = 64
_MOST_ANSWER_BYTES = 1 << 16
_GREETING = struct.Struct(">8s8sH")
_OPTION = struct.Struct(">8sII")
_OPTION_REPLY = struct.Struct(">QIII")
_EXPORT = struct.Struct(">HQH")
_REQUEST_HEAD = struct.Struct(">IHHQQI")
_REPLY_HEAD = struct.Struct(">IIQ")


class Command(IntEnum):
    READ = 0
    WRITE = 1
    DISCONNECT = 2
    FLUSH = 3
    WRITE_ZEROES = 6


class Transmission(IntFlag):
    """What the server says of the export."""

    HAS_FLAGS = 0x01
    READ_ONLY = 0x02
    SEND_FLUSH = 0x04
    SEND_WRITE_ZEROES = 0x40


class NbdError(Exception):
    """The server has failed, or is gone; `code` is the protocol's, which are errno's of Linux."""

    def __init__(self, why: str, code: int = 0) -> None:
        super().__init__(why)
        self.code = code


class NbdClient:
    """One export at the other end of `connection`, which is closed with it.

    All methods but `close` raise `NbdError`; once a reply was lost, all later ones do.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._lost = ""
        self._handle = 0
        try:
            self.size, self.flags = self._negotiate()
        except OSError as wrong:
            raise NbdError(f"no server of disks answers: {wrong}") from None

    def _negotiate(self) -> tuple[int, Transmission]:
        magic, option, flags = _GREETING.unpack(self._receive(_GREETING.size))
        if (magic, option) != (_MAGIC, _OPTION_MAGIC) or not flags & _FIXED_NEWSTYLE:
            raise NbdError("the server speaks another protocol")
        self._connection.sendall((flags & (_FIXED_NEWSTYLE | _NO_ZEROES)).to_bytes(4, "big"))
        asked = struct.pack(">IH", 0, 0)  # the export without a name, nothing else to know
        self._connection.sendall(_OPTION.pack(_OPTION_MAGIC, _GO, len(asked)) + asked)
        export = None
        for _ in range(_MOST_ANSWERS):
            head = _OPTION_REPLY.unpack(self._receive(_OPTION_REPLY.size))
            magic, option, kind, length = head
            if magic != _REPLY_OF_OPTION or option != _GO or length > _MOST_ANSWER_BYTES:
                raise NbdError("the server's answer means nothing")
            content = self._receive(length)
            if kind == _REPLY_INFO and content[:2] == b"\0\0" and length == _EXPORT.size:
                export = _EXPORT.unpack(content)
            elif kind == _REPLY_ACK and export is not None:
                return export[1], Transmission(export[2])
            elif kind != _REPLY_INFO:
                break
        raise NbdError("the server does not give the disk away")

    def read(self, offset: int, length: int) -> bytes:
        parts = [
            self._request(Command.READ, at, min(MOST_TRANSFER, offset + length - at))
            for at in range(offset, offset + length, MOST_TRANSFER)
        ]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def write(self, offset: int, data: bytes) -> None:
        for at in range(0, len(data), MOST_TRANSFER):
            piece = data[at : at + MOST_TRANSFER]
            self._request(Command.WRITE, offset + at, len(piece), piece)

    def write_zeroes(self, offset: int, length: int) -> None:
        """These bytes are zeros; where they were kept may be given back."""
        for at in range(offset, offset + length, _MOST_ZEROS):
            self._request(Command.WRITE_ZEROES, at, min(_MOST_ZEROS, offset + length - at))

    def flush(self) -> None:
        """Return when what was written before would survive a power failure."""
        self._request(Command.FLUSH, 0, 0)

    def close(self) -> None:
        """Part in friendship; the server then puts everything in order."""
        with contextlib.suppress(OSError):
            if not self._lost:
                self._connection.sendall(
                    _REQUEST_HEAD.pack(_REQUEST, 0, Command.DISCONNECT, 0, 0, 0)
                )
        self._connection.close()

    def _request(self, command: Command, offset: int, length: int, data: bytes = b"") -> bytes:
        with self._lock:
            if self._lost:
                raise NbdError(self._lost)
            try:
                return self._exchange(command, offset, length, data)
            except OSError as wrong:
                self._lost = f"the server of the disk is gone: {wrong}"
                raise NbdError(self._lost) from None

    def _exchange(self, command: Command, offset: int, length: int, data: bytes) -> bytes:
        self._handle += 1
        head = _REQUEST_HEAD.pack(_REQUEST, 0, command, self._handle, offset, length)
        self._connection.sendall(head)
        if data:
            self._connection.sendall(data)
        magic, code, handle = _REPLY_HEAD.unpack(self._receive(_REPLY_HEAD.size))
        if magic != _REPLY or handle != self._handle:
            raise OSError("it answers what was not asked")
        if code:
            raise NbdError(f"{command.name.lower().replace('_', ' ')} failed", code)
        return self._receive(length) if command is Command.READ else b""

    def _receive(self, length: int) -> bytes:
        data = bytearray(length)
        view, done = memoryview(data), 0
        while done < length:
            count = self._connection.recv_into(view[done:])
            if not count:
                raise OSError("the connection ended")
            done += count
        return bytes(data)
