"""Where a partition's consoles go on the host: a Unix socket, a file, or nowhere.

A socket takes any number of terminals, each of which sees what the guest writes from then on; what
any of them types is the guest's input.  A thread moves the bytes, so no terminal holds up the
partition: one that does not read loses its connection when too much waits for it.
"""

from __future__ import annotations

import contextlib
import os
import select
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hypervisor.vio.configuration import Backend

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from hypervisor.vio.configuration import ConsoleAdapter

MOST_TERMINALS = 16
UNREAD_LIMIT = 1 << 20
"""Bytes that may wait for a terminal."""
INPUT_LIMIT = 1 << 16
"""Bytes typed that may wait for the partition; no more is read from terminals meanwhile."""
_AT_ONCE = 1 << 14


class ConsoleError(Exception):
    """A console cannot be where it was asked to be; the message says why."""


class ConsoleEnd(Protocol):
    """The host's end of a console."""

    def write(self, text: bytes) -> None:
        """What the guest has written."""

    def take(self) -> bytes:
        """What was typed since the last time."""

    def close(self) -> None: ...


def end_of(console: ConsoleAdapter, wake: Callable[[], None]) -> ConsoleEnd | None:
    """The end of a console, None where it has none of its own; raises `ConsoleError`.

    `wake` is called, in another thread, when something was typed.
    """
    match console.backend:
        case Backend.SOCKET:
            return SocketEnd(Path(console.path), wake)
        case Backend.FILE:
            return FileEnd(Path(console.path))
    return None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class FileEnd:
    """What is written is appended to a file; there is no input."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = open(path, "ab", buffering=0, opener=_private)  # noqa: SIM115
        except OSError as wrong:
            raise ConsoleError(f"{path}: {wrong.strerror}") from None

    def write(self, text: bytes) -> None:
        """A full disk loses what does not fit; the guest goes on."""
        with contextlib.suppress(OSError):
            self._file.write(text)

    def take(self) -> bytes:
        return b""

    def close(self) -> None:
        self._file.close()


class _Terminal:
    """One connection, and what waits to be sent to it."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.unsent = bytearray()
        self.typing = True
        """Whether more may come; one that has shut down its side still reads."""
        self.gone = False


class SocketEnd:
    """A Unix socket at `path`, for this user alone."""

    def __init__(self, path: Path, wake: Callable[[], None]) -> None:
        self._path, self._wake = path, wake
        self._lock = threading.Lock()
        self._terminals: list[_Terminal] = []
        self._input = bytearray()
        self._closed = False
        self._listener = _listening(path)
        self._news_here, self._news_there = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._serve, name=f"console {path}", daemon=True)
        self._thread.start()

    # -- for the partition -----------------------------------------------------------------

    def write(self, text: bytes) -> None:
        with self._lock:
            if not self._terminals:
                return
            for terminal in self._terminals:
                terminal.gone |= len(terminal.unsent) > UNREAD_LIMIT
                if not terminal.gone:
                    terminal.unsent += text
        self._tell_thread()

    def take(self) -> bytes:
        with self._lock:
            if not self._input:
                return b""
            full = len(self._input) >= INPUT_LIMIT
            typed = bytes(self._input)
            self._input.clear()
        if full:
            self._tell_thread()
        return typed

    def close(self) -> None:
        """What terminals have not read by then, they lose."""
        self._closed = True
        self._tell_thread()
        self._thread.join()
        self._listener.close()
        for terminal in self._terminals:
            terminal.connection.close()
        os.close(self._news_here)
        os.close(self._news_there)
        self._path.unlink(missing_ok=True)

    def _tell_thread(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._news_there, b"\0")

    # -- the thread ------------------------------------------------------------------------

    def _serve(self) -> None:
        while True:
            ready = dict(self._waiting().poll())
            if self._closed:
                self._send_what_fits()
                return
            if self._news_here in ready:
                self._drain_news()
            for terminal in list(self._terminals):
                if events := ready.get(terminal.connection.fileno(), 0):
                    self._attend(terminal, events)
                if terminal.gone:
                    self._drop(terminal)
            if self._listener.fileno() in ready:
                self._accept()

    def _waiting(self) -> select.poll:
        """What to wait for: news, terminals, and their going away."""
        waiting = select.poll()
        waiting.register(self._news_here, select.POLLIN)
        if len(self._terminals) < MOST_TERMINALS:
            waiting.register(self._listener, select.POLLIN)
        with self._lock:
            room = len(self._input) < INPUT_LIMIT
            for terminal in self._terminals:
                events = select.POLLIN if room and terminal.typing else 0
                events |= select.POLLOUT if terminal.unsent else 0
                waiting.register(terminal.connection, events)
        return waiting

    def _drain_news(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._news_here, 4096):
                pass

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            with self._lock:
                self._terminals.append(_Terminal(connection))

    def _attend(self, terminal: _Terminal, events: int) -> None:
        try:
            if events & select.POLLIN:
                self._read(terminal)
            elif events & (select.POLLHUP | select.POLLERR):
                terminal.gone = True
            elif events & select.POLLOUT:
                self._send(terminal)
        except BlockingIOError:
            return
        except OSError:
            terminal.gone = True

    def _read(self, terminal: _Terminal) -> None:
        typed = terminal.connection.recv(_AT_ONCE)
        if not typed:
            terminal.typing = False
            return
        with self._lock:
            self._input += typed
        self._wake()

    def _send(self, terminal: _Terminal) -> None:
        with self._lock:
            text = bytes(terminal.unsent[:_AT_ONCE])
        sent = terminal.connection.send(text)
        with self._lock:
            del terminal.unsent[:sent]

    def _send_what_fits(self) -> None:
        for terminal in self._terminals:
            with contextlib.suppress(OSError):
                while terminal.unsent:
                    self._send(terminal)

    def _drop(self, terminal: _Terminal) -> None:
        with self._lock:
            self._terminals.remove(terminal)
        terminal.connection.close()


def _listening(path: Path) -> socket.socket:
    """A socket that listens at `path`, where nothing else is or a dead one."""
    import socket  # which few consoles need

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        _remove_dead(path)
        listener.bind(os.fspath(path))
        path.chmod(0o600)  # before anybody can connect
        listener.listen()
        listener.setblocking(False)
    except OSError as wrong:
        listener.close()
        raise ConsoleError(f"{path}: {wrong.strerror or wrong}") from None
    except ConsoleError:
        listener.close()
        raise
    return listener


def _remove_dead(path: Path) -> None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise ConsoleError(f"{path} is something else already")
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise ConsoleError(f"{path} is another console's")
