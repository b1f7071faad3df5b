"""The daemon's end of the socket, in a thread of its own: long windows keep nobody from it.

A client can harm itself only: what it sends is bounded and checked, what it does not fetch is
dropped, and what of it is unfinished when it goes is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
import threading
from typing import TYPE_CHECKING

from .connection import Connection
from .protocol import LONGEST_REQUEST, ErrorKind, encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emu.state import Plain

    from .connection import Desk

log = logging.getLogger(__name__)

CONNECTIONS = 64
"""Clients at a time."""
_BACKLOG = 128
_GATHERING = 0.01
"""Seconds of output passed on together: two busy threads of Python slow each other down."""
_CREDENTIALS = struct.Struct("3i")


def peer_user(connection: socket.socket) -> int:
    """The user at the other end of a Unix socket (SO_PEERCRED, unix(7))."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    user: int = _CREDENTIALS.unpack(found)[1]
    return user


def listen(path: Path) -> socket.socket:
    """A new socket at `path`, for this user alone; raises `OSError`."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    mask = os.umask(0o177)
    try:
        listening.bind(os.fspath(path))
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(mask)
    listening.listen(_BACKLOG)
    return listening


class Server:
    """Answers clients at `listening` from `desk`, from `start` to `close`."""

    def __init__(
        self,
        listening: socket.socket,
        desk: Desk,
        *,
        peer: Callable[[socket.socket], int] = peer_user,
    ) -> None:
        self._listening, self._desk, self._peer = listening, desk, peer
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._connections: set[Connection] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._told = threading.Event()
        self._thread = threading.Thread(target=self._run, name="operators", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Clients get their last answers, and no new ones come."""
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def tell(self) -> None:
        """There may be something new in the streams; from any thread."""
        if not self._told.is_set():
            self._told.set()
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._loop.call_later, _GATHERING, self._pass_on)

    # -- in the thread -----------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_unix_server(
            self._welcome, sock=self._listening, limit=LONGEST_REQUEST
        )
        await self._stopping.wait()
        server.close()
        if self._serving:
            await asyncio.wait(self._serving)

    def _pass_on(self) -> None:
        self._told.clear()
        for connection in self._connections:
            connection.pass_on()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            refusal = self._refusal(writer.get_extra_info("socket"))
            if refusal:
                error: dict[str, Plain] = {
                    "kind": ErrorKind.REFUSED.value,
                    "problem": refusal,
                    "remedy": "",
                }
                writer.write(encode({"id": None, "error": error}))
            else:
                await self._attend(reader, writer)
        finally:
            self._serving.discard(task)
            with contextlib.suppress(ConnectionError):
                await _close(writer)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self._desk, reader, writer, self._stopping)
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)

    def _refusal(self, connection: socket.socket) -> str:
        """Why nobody is served here; nothing if he is."""
        user = self._peer(connection)
        if user not in (os.geteuid(), 0):
            log.warning("user %d was turned away", user)
            return "this machine belongs to another user"
        if len(self._connections) >= CONNECTIONS:
            log.warning("more than %d clients", CONNECTIONS)
            return f"{CONNECTIONS} clients are connected already"
        return ""


_CLOSING = 2.0
"""Seconds that the last answers have to leave."""


async def _close(writer: asyncio.StreamWriter) -> None:
    """Send what is unsent, for so long; a client that does not fetch it loses it."""
    writer.close()
    try:
        await asyncio.wait_for(writer.wait_closed(), _CLOSING)
    except TimeoutError:
        writer.transport.abort()
