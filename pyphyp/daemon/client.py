"""The caller's end of a machine's socket.

    with Client.connect(location("demo")) as machine:
        machine.perform(ActivatePartition("aix1"))
        for event in machine.follow(Attach("aix1", 20)): ...

It does what `ManagedMachine.perform` does and raises what that raises; and `LostError` if the
daemon goes away meanwhile.  It loads little: shells wait for it while they complete a word.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from emu.state import StateError, rebuild
from emu.values import frozen
from hypervisor.system.errors import ManagementError
from pyphyp.usage import MachineUsage

from .protocol import (
    LONGEST_ANSWER,
    VERSION,
    AskActivation,
    AskNames,
    AskSchedule,
    AskSlots,
    AskUsage,
    ErrorKind,
    Perform,
    ProtocolError,
    decode,
    encode,
    plain_request,
    rebuild_event,
)

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType
    from typing import Self

    from emu.state import Plain
    from pyphyp.actions import Action
    from pyphyp.activated import Activated
    from pyphyp.slots import PartitionSlots
    from pyphyp.timeline import Timeline

    from .locations import Location
    from .protocol import Event, Request

T = TypeVar("T")

_AT_ONCE = 1 << 16
_GREETING = 10.0
"""Seconds that a daemon has for its first line: one that was stopped says nothing."""


class DaemonError(Exception):
    """The daemon does not do what it should."""


class NotRunningError(DaemonError):
    """Nobody listens at the socket."""


class LostError(DaemonError):
    """The daemon went away in the middle of something."""


class BusyError(DaemonError):
    """Not now; the same may be asked again later."""


@frozen
class Answer:
    """A message from the daemon to request `id`: an event, or (`last`) its result or error."""

    id: int
    value: object
    last: bool
    error: Exception | None = None

    def result(self) -> object:
        """The value; raises the error."""
        if self.error is not None:
            raise self.error
        return self.value


class Client:
    """A connection to a daemon; `close` it, or use it in `with`."""

    def __init__(self, connection: socket.socket, where: str) -> None:
        """Greets the daemon; raises `DaemonError`."""
        self._connection, self._where = connection, where
        self._numbers = itertools.count(1)
        self._kept: deque[Answer] = deque()
        """Those that came while another one was waited for."""
        self._unread = bytearray()
        self._searched = 0
        with contextlib.suppress(LostError):  # why it does not listen may be here already
            self._send({"pyphyp": VERSION})
        self.machine = str(self._hello().get("machine"))

    @classmethod
    def connect(cls, location: Location, *, seconds: float | None = None) -> Self:
        """Connect; an answer that takes longer than so many seconds is one lost."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        connection.settimeout(_GREETING if seconds is None else seconds)
        try:
            connection.connect(os.fspath(location.socket))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            raise NotRunningError(f"no machine runs at {location.socket}") from None
        except OSError as wrong:
            connection.close()
            raise DaemonError(f"{location.socket}: {wrong.strerror or wrong}") from None
        try:
            client = cls(connection, str(location.socket))
            connection.settimeout(seconds)
            return client
        except BaseException:
            connection.close()
            raise

    # -- asking ------------------------------------------------------------------------------

    def perform(self, action: Action) -> str:
        """Have an action performed; a line about it.  Raises `ManagementError`."""
        return str(self.ask(Perform(action)))

    def names(self) -> list[str]:
        """The partitions."""
        found = self.ask(AskNames())
        return [str(name) for name in found] if isinstance(found, list) else []

    def usage(self) -> MachineUsage:
        """What the machine does."""
        return self.told(MachineUsage, AskUsage())

    def activation(self) -> Activated:
        """What of the machine is activated."""
        from pyphyp.activated import Activated

        return self.told(Activated, AskActivation())

    def slots(self, partition: str) -> PartitionSlots:
        """The adapters of a partition that runs; raises `ManagementError`."""
        from pyphyp.slots import PartitionSlots

        return self.told(PartitionSlots, AskSlots(partition))

    def told(self, kind: type[T], request: Request) -> T:
        """The record that answers a request."""
        try:
            return rebuild(kind, self.ask(request), kind.__name__)
        except StateError as wrong:
            raise DaemonError(f"{self._where}: {wrong}") from None

    def schedule(self, first: int | None, windows: int) -> Timeline:
        """Who had which core in so many windows, from `first` on; else in the last ones."""
        from pyphyp.timeline import Timeline

        found = self.ask(AskSchedule(first, None, windows))
        try:
            return rebuild(Timeline, found, "schedule")
        except StateError as wrong:
            raise DaemonError(f"{self._where}: {wrong}") from None

    def ask(self, request: Request) -> object:
        """Send a request that has a result; its result."""
        number = self.begin(request)
        while (answer := self._receive()).id != number or not answer.last:
            self._kept.append(answer)
        return answer.result()

    def follow(self, request: Request) -> Generator[Event, None, object]:
        """The events of a request, up to its result, which is the iterator's value."""
        number = self.begin(request)
        while True:
            answer = self.next_answer()
            if answer.id == number and answer.last:
                return answer.result()
            if answer.id == number:
                yield self.event(answer)

    def begin(self, request: Request) -> int:
        """Send a request; its number, which its answers have."""
        number = next(self._numbers)
        self._send(plain_request(number, request))
        return number

    def event(self, answer: Answer) -> Event:
        try:
            return rebuild_event(answer.value)
        except StateError as wrong:
            raise DaemonError(f"{self._where}: {wrong}") from None

    # -- messages ----------------------------------------------------------------------------

    def fileno(self) -> int:
        """For `select`: readable when something came."""
        return self._connection.fileno()

    @property
    def buffered(self) -> bool:
        """Whether a whole message is here already."""
        return bool(self._kept) or self._line_end() >= 0

    def next_answer(self) -> Answer:
        """Wait for the next one; raises an error that is of no request."""
        return self._kept.popleft() if self._kept else self._receive()

    def _receive(self) -> Answer:
        message = self._message()
        number = message.get("id")
        error = self._error(message["error"]) if "error" in message else None
        if error is not None and number is None:
            raise error
        if type(number) is not int or not message.keys() & {"event", "result", "error"}:
            raise DaemonError(f"{self._where} sent no answer")
        value = message.get("event", message.get("result"))
        return Answer(number, value, "event" not in message, error)

    def _hello(self) -> dict[str, object]:
        message = self._message()
        if "error" in message:
            raise self._error(message["error"])
        if message.get("pyphyp") != VERSION:
            raise DaemonError(f"{self._where} is not a pyphyp of version {VERSION}")
        return message

    def _error(self, error: object) -> Exception:
        fields = error if isinstance(error, dict) else {}
        problem, remedy = str(fields.get("problem")), str(fields.get("remedy", ""))
        match fields.get("kind"):
            case ErrorKind.REFUSED.value:
                return ManagementError(problem, remedy)
            case ErrorKind.BUSY.value:
                return BusyError(problem)
        return DaemonError(problem)

    def _send(self, message: dict[str, Plain]) -> None:
        try:
            self._connection.sendall(encode(message))
        except OSError:
            raise self._lost() from None

    def _line_end(self) -> int:
        end = self._unread.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._unread)
        return end

    def _message(self) -> dict[str, object]:
        while (end := self._line_end()) < 0:
            if len(self._unread) > LONGEST_ANSWER:
                raise DaemonError(f"{self._where} sent a message that is too long")
            try:
                came = self._connection.recv(_AT_ONCE)
            except TimeoutError:
                raise DaemonError(f"the daemon at {self._where} does not answer") from None
            except OSError:
                raise self._lost() from None
            if not came:
                raise self._lost()
            self._unread += came
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        self._searched = 0
        try:
            return decode(line)
        except ProtocolError:
            raise DaemonError(f"{self._where} is not a pyphyp") from None

    def _lost(self) -> LostError:
        return LostError(f"the daemon at {self._where} is gone")

    # -- the end -----------------------------------------------------------------------------

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()
