"""The server's side of TFTP, for reading (RFC 1350, 2347, 2348, 2349).

It never acts by itself: what a client asks again is answered again, so nothing is timed and equal
runs are equal.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple, Protocol

from .ip import MOST_PAYLOAD

PORT = 69
USUAL_BLOCK = 512
LEAST_BLOCK = 8
MOST_BLOCK = MOST_PAYLOAD - 4
"""Bytes of a block that needs no fragments."""
_FIRST_PORT, _PORTS = 0xC000, 0x3000
MOST_TRANSFERS, MOST_OF_ONE = 128, 8
"""Under way at a time, of all clients and of one; the oldest makes room."""
LONGEST_REQUEST = 1024


class Operation(IntEnum):
    READ = 1
    WRITE = 2
    DATA = 3
    ACKNOWLEDGE = 4
    ERROR = 5
    OPTIONS = 6


class Error(IntEnum):
    UNDEFINED = 0
    NOT_FOUND = 1
    ACCESS = 2
    ILLEGAL = 4
    UNKNOWN_TRANSFER = 5


class FileError(Exception):
    """A file is not given out."""

    def __init__(self, why: str, error: Error = Error.NOT_FOUND) -> None:
        super().__init__(why)
        self.error = error


class OpenFile(Protocol):
    """A file that is read; its methods raise `FileError`."""

    @property
    def size(self) -> int: ...
    def read(self, offset: int, length: int) -> bytes: ...
    def close(self) -> None: ...


class Files(Protocol):
    """What there is to read."""

    def open(self, name: str) -> OpenFile:
        """The file of that name; raises `FileError`."""


class Peer(NamedTuple):
    """A client, by all that tells it from others."""

    mac: bytes
    address: bytes
    port: int


class _Transfer:
    """One file on its way: `block` is the number of what was sent last."""

    def __init__(self, peer: Peer, file: OpenFile, block_size: int, options: bytes) -> None:
        self.peer, self.file, self.block_size = peer, file, block_size
        self.options = options
        self.block = 0 if options else 1

    def current(self) -> bytes:
        if not self.block:
            return self.options
        data = self.file.read((self.block - 1) * self.block_size, self.block_size)
        return struct.pack(">HH", Operation.DATA, self.block & 0xFFFF) + data

    @property
    def last(self) -> bool:
        """Whether what was sent last is the file's end."""
        return self.block > self.file.size // self.block_size


class TftpServer:
    """Gives out `files`."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._transfers: dict[int, _Transfer] = {}
        """By our port."""
        self._next = 0

    def has(self, port: int) -> bool:
        """Whether a transfer uses that port of ours."""
        return port in self._transfers

    def answer(self, peer: Peer, port: int, data: bytes) -> tuple[int, bytes] | None:
        """Our port and message in answer to what came to `port`; None: there is none."""
        try:
            if port == PORT:
                return self._begin(peer, data)
            transfer = self._transfers.get(port)
            if transfer is None or transfer.peer != peer:
                if data[:2] == struct.pack(">H", Operation.ERROR):
                    return None
                return port, _error(FileError("no such transfer", Error.UNKNOWN_TRANSFER))
            return self._go_on(port, transfer, data)
        except FileError as refused:
            self._end(port)
            return port, _error(refused)

    def _begin(self, peer: Peer, data: bytes) -> tuple[int, bytes] | None:
        operation, words = _request(data)
        if operation == Operation.WRITE:
            raise FileError("files are only read here", Error.ACCESS)
        if operation != Operation.READ or len(words) < 2:
            raise FileError("a request to read was expected", Error.ILLEGAL)
        if words[1].lower() != "octet":
            raise FileError("files are given out in octet mode", Error.ILLEGAL)
        for port, transfer in list(self._transfers.items()):
            if transfer.peer == peer:  # it asks again: it did not hear
                self._end(port)
        file = self._files.open(words[0])
        asked = dict(zip((w.lower() for w in words[2::2]), words[3::2], strict=False))
        block, granted = _granted(asked, file.size)
        port = self._new_port(peer.mac)
        transfer = self._transfers[port] = _Transfer(peer, file, block, granted)
        return port, transfer.current()

    def _new_port(self, mac: bytes) -> int:
        its = [port for port, transfer in self._transfers.items() if transfer.peer.mac == mac]
        if len(its) >= MOST_OF_ONE:
            self._end(its[0])
        elif len(self._transfers) >= MOST_TRANSFERS:
            self._end(next(iter(self._transfers)))
        while (port := _FIRST_PORT + self._next % _PORTS) in self._transfers:
            self._next += 1
        self._next += 1
        return port

    def _go_on(self, port: int, transfer: _Transfer, data: bytes) -> tuple[int, bytes] | None:
        if len(data) < 4:
            return None
        operation, number = struct.unpack_from(">HH", data)
        if operation == Operation.ERROR:
            self._end(port)
            return None
        if operation != Operation.ACKNOWLEDGE:
            raise FileError("an acknowledgement was expected", Error.ILLEGAL)
        if number == transfer.block & 0xFFFF:
            if transfer.last:
                self._end(port)
                return None
            transfer.block += 1
            return port, transfer.current()
        if transfer.block and number == (transfer.block - 1) & 0xFFFF:
            return port, transfer.current()
        return None

    def _end(self, port: int) -> None:
        if (transfer := self._transfers.pop(port, None)) is not None:
            transfer.file.close()

    def close(self) -> None:
        for port in list(self._transfers):
            self._end(port)


def _request(data: bytes) -> tuple[int, list[str]]:
    if not 2 <= len(data) <= LONGEST_REQUEST or not data.endswith(b"\0"):
        raise FileError("a request ends by a zero byte", Error.ILLEGAL)
    words = data[2:-1].split(b"\0")
    return int.from_bytes(data[:2], "big"), [word.decode("utf-8", "replace") for word in words]


def _granted(asked: dict[str, str], size: int) -> tuple[int, bytes]:
    """The size of a block, and the message that acknowledges options, if any are known."""
    block, known = USUAL_BLOCK, []
    wanted = asked.get("blksize", "")
    if wanted.isascii() and wanted.isdecimal() and len(wanted) < 6 and int(wanted) >= LEAST_BLOCK:
        block = min(int(wanted), MOST_BLOCK)
        known += ["blksize", str(block)]
    if "tsize" in asked:
        known += ["tsize", str(size)]
    timeout = asked.get("timeout", "")
    if timeout.isascii() and timeout.isdecimal() and len(timeout) < 4 and 1 <= int(timeout) <= 255:
        known += ["timeout", timeout]
    if not known:
        return block, b""
    listed = b"".join(word.encode() + b"\0" for word in known)
    return block, struct.pack(">H", Operation.OPTIONS) + listed


def _error(refused: FileError) -> bytes:
    words = str(refused).encode("utf-8", "replace")[:200]
    return struct.pack(">HH", Operation.ERROR, refused.error) + words + b"\0"
