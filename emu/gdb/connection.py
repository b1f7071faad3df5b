"""The debugger's connection: a listening socket, one client, and what is between packets."""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING, Self

from .commands import Commands
from .packets import Garbled, Interrupt, Packet, Resend, Unpacker, pack
from .target import Leaving, Resumption

if TYPE_CHECKING:
    from types import TracebackType

    from emu.exits import DebugStop

    from .target import Target

LOOPBACK = "127.0.0.1"
_READ_AT_ONCE = 1 << 16
_SEND_SECONDS = 10.0
"""A client that does not read for so long is gone."""
SIGNAL_INTERRUPT, SIGNAL_ABORT = 2, 6


class GdbConnection:
    """Serves one debugger at a time on `host`:`port` (0: a free one); OSError where it cannot.

    Whoever runs the guest calls `serve` between its runs, and lets it run while `halted` is
    False: `resumption` then says how.
    """

    def __init__(self, target: Target, host: str = LOOPBACK, port: int = 0) -> None:
        self._target = target
        self._commands = Commands(target)
        self._unpacker = Unpacker()
        self._last_sent = b""
        self._client: socket.socket | None = None
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=1)
        self.halted = False
        self.interrupted = False
        """The debugger asks a running guest to stop."""
        self.killed = False
        self.looking_at_end = False
        """The guest has crashed, and the debugger was told."""
        self.resumption = Resumption()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    @property
    def client(self) -> socket.socket | None:
        return self._client

    def close(self) -> None:
        self._drop()
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    # -- input -----------------------------------------------------------------------------

    def serve(self, seconds: float) -> None:
        """Take what has come, waiting for it at most `seconds`."""
        waiting: list[socket.socket] = [self._listener]
        if self._client is not None:
            waiting.append(self._client)
        ready, _, _ = select.select(waiting, [], [], seconds)
        if self._listener in ready:
            self._accept()
        if self._client is not None and self._client in ready:
            self._receive(self._client)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self._client is not None:
            client.close()
            return
        client.settimeout(_SEND_SECONDS)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client, self._unpacker = client, Unpacker()
        self._commands = Commands(self._target)
        self._commands.stopped(self._target.engine.selected, None)
        self.halted, self.interrupted = True, False

    def _receive(self, client: socket.socket) -> None:
        try:
            received = client.recv(_READ_AT_ONCE)
        except OSError:
            received = b""
        if not received:
            self._drop()
            return
        for arrival in self._unpacker.feed(received):
            match arrival:
                case Interrupt():
                    self.interrupted = not self.halted
                case Resend():
                    self._send(self._last_sent)
                case Garbled() if self._commands.acknowledges:
                    self._send(b"-")
                case Garbled():
                    self._reply(b"E01")
                case Packet(data):
                    self._answer(data)

    def _answer(self, data: bytes) -> None:
        if self._commands.acknowledges:
            self._send(b"+")
        if not self.halted:  # a debugger has nothing to ask while the guest runs
            self._reply(b"E01")
            return
        match self._commands.answer(data):
            case bytes() as reply:
                self._reply(reply)
            case Resumption() as resumption:
                self.halted, self.resumption = False, resumption
            case Leaving.DETACHED:
                self._reply(b"OK")
                self._drop()
            case Leaving.KILLED:
                self._reply(b"OK")
                self.killed = True
                self._drop()

    # -- output ----------------------------------------------------------------------------

    def stopped(self, processor: int, stop: DebugStop | None, signal: int = 5) -> None:
        """Tell the debugger that the guest stands; it stays so until resumed."""
        reply = self._commands.stopped(processor, stop, signal)
        self.interrupted = False
        self.halted = self._client is not None
        self._reply(reply)

    def ended(self, reply: bytes) -> None:
        """Tell the debugger that there is nothing to debug any more: W or X and a number."""
        self._reply(reply)
        self._drop()

    def renewed(self) -> None:
        """The engine is another one: what the debugger set is set there too."""
        self._commands.set_stops()

    def _reply(self, data: bytes) -> None:
        self._last_sent = pack(data)
        self._send(self._last_sent)

    def _send(self, raw: bytes) -> None:
        if self._client is None:
            return
        try:
            self._client.sendall(raw)
        except OSError:
            self._drop()

    def _drop(self) -> None:
        """The debugger is gone; the guest runs on as if it had never been there."""
        if self._client is not None:
            self._client.close()
            self._client = None
            self._commands.clear_stops()
        self.halted = self.interrupted = False
        self.resumption = Resumption()
