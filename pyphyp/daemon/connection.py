"""One client's connection: its requests in the order it sends them, its streams, its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import CancelledError as NeverCarriedOutError
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from emu.state import StateError, plain
from hypervisor.system.errors import ManagementError

from .protocol import (
    VERSION,
    AskActivation,
    AskNames,
    AskSchedule,
    AskSlots,
    AskUsage,
    AskVios,
    AskViosWords,
    Attach,
    ErrorKind,
    Follow,
    Leave,
    Output,
    Perform,
    PowerOff,
    ProtocolError,
    decode,
    encode,
    plain_event,
    rebuild_request,
)
from .streams import without_questions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator
    from concurrent.futures import Future

    from emu.state import Plain
    from pyphyp.actions import Action
    from pyphyp.activated import Activated
    from pyphyp.slots import PartitionSlots
    from pyphyp.timeline import Timeline
    from pyphyp.usage import MachineUsage
    from pyphyp.vios.shell import Answer

    from .protocol import Event, Request
    from .streams import ConsoleStream, NoticeBoard

log = logging.getLogger(__name__)

OUTSTANDING = 64
"""Requests of one client that are answered at a time; more are not read yet."""
_PATIENCE = 10.0
"""Seconds that a client has for its first line."""
_LAST_WORDS = 2.0
"""Seconds that a client has to fetch its last answers when the machine ends."""
_CHUNK = 1 << 14
"""Bytes of a console in one event."""
ENDED = "the machine is off"


class BusyError(Exception):
    """Not now; the message says what it waits for."""


class Desk(Protocol):
    """What the daemon does for clients.  Futures are of the machine's thread."""

    @property
    def machine(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def notices(self) -> NoticeBoard: ...
    def console(self, partition: str, slot: int | None = None) -> ConsoleStream:
        """The first one, or that of a slot; `ManagementError` where there is no such."""

    def perform(self, action: Action) -> Future[str]: ...
    def usage(self) -> Future[MachineUsage]: ...
    def activation(self) -> Future[Activated]: ...
    def run_vios(self, server: str, command: str) -> Future[Answer]: ...
    def vios_words(self, server: str, line: str) -> Future[list[str]]: ...
    def schedule(self, wanted: AskSchedule) -> Future[Timeline]: ...
    def slots(self, partition: str) -> Future[PartitionSlots]: ...
    def power_off(self, *, immediate: bool, seconds: int) -> Future[str]: ...


class Connection:
    """Serves one client until it goes, or `stopping` is set."""

    def __init__(
        self,
        desk: Desk,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        stopping: asyncio.Event,
    ) -> None:
        self._desk, self._reader, self._writer = desk, reader, writer
        self._stopping = stopping
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._streams: set[int] = set()
        """Which of them give events until they are left."""
        self._large: set[int] = set()
        """Which of them has an answer of megabytes: one at a time."""
        self._done = asyncio.Event()
        self._stream_news: set[asyncio.Event] = set()

    async def serve(self) -> None:
        reading = asyncio.create_task(self._read_requests())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((reading, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not self._stopping.is_set():
                await self._finish(stopping)
            if self._stopping.is_set():
                self.pass_on()
                if self._tasks:
                    await asyncio.wait(self._tasks.values(), timeout=_LAST_WORDS)
        finally:
            for task in (reading, stopping, *self._tasks.values()):
                task.cancel()
            await asyncio.gather(reading, stopping, *self._tasks.values(), return_exceptions=True)

    async def _finish(self, stopping: asyncio.Task[object]) -> None:
        """The client asks nothing more; it may still read the results, but streams have none."""
        for stream in self._streams.intersection(self._tasks):
            self._tasks[stream].cancel()
        while self._tasks and not stopping.done():
            await asyncio.wait(
                (*self._tasks.values(), stopping), return_when=asyncio.FIRST_COMPLETED
            )

    def pass_on(self) -> None:
        """There may be something new in the streams."""
        for news in self._stream_news:
            news.set()

    # -- requests ----------------------------------------------------------------------------

    async def _read_requests(self) -> None:
        try:
            if not await self._greet():
                return
            while line := await self._line():
                await self._take(decode(line))
        except ProtocolError as wrong:
            await self._fail(None, ErrorKind.MALFORMED, str(wrong))
        except ConnectionError:
            pass

    async def _line(self) -> bytes:
        """The next line; nothing at the end."""
        try:
            line = await self._reader.readline()
        except ValueError:
            raise ProtocolError("the line is too long") from None
        return line if line.endswith(b"\n") else b""

    async def _greet(self) -> bool:
        try:
            line = await asyncio.wait_for(self._line(), _PATIENCE)
        except TimeoutError:
            raise ProtocolError("nothing came") from None
        if not line:
            return False
        version = decode(line).get("pyphyp")
        if type(version) is int and version == VERSION:
            await self._send({"pyphyp": VERSION, "machine": self._desk.machine})
            return True
        problem = f"this daemon speaks version {VERSION} of the protocol"
        await self._fail(None, ErrorKind.VERSION, problem)
        return False

    async def _take(self, message: dict[str, object]) -> None:
        number = message.get("id")
        if type(number) is not int or not 0 <= number < 1 << 53:
            raise ProtocolError("a request has a number, its id")
        if number in self._tasks:
            raise ProtocolError(f"request {number} is not answered yet")
        try:
            request = rebuild_request(message)
        except StateError as wrong:
            await self._fail(number, ErrorKind.MALFORMED, str(wrong))
            return
        large = isinstance(request, AskSchedule)
        while len(self._tasks) >= OUTSTANDING or (large and self._large.intersection(self._tasks)):
            self._done.clear()
            await self._done.wait()
        if isinstance(request, Leave):
            await self._leave(number, request)
            return
        try:
            # Now, not in the task: what the client sends next may act on it.
            answer = self._begin(number, request)
        except ManagementError as wrong:
            await self._fail(number, ErrorKind.REFUSED, wrong.why, wrong.remedy)
            return
        if isinstance(request, Attach | Follow):
            self._streams.add(number)
        if large:
            self._large = {number}
        self._tasks[number] = task = asyncio.create_task(self._answer(number, request, answer))
        task.add_done_callback(partial(self._answered, number))

    def _answered(self, number: int, task: asyncio.Task[None]) -> None:
        del self._tasks[number]
        self._streams.discard(number)
        self._done.set()

    async def _leave(self, number: int, request: Leave) -> None:
        task = self._tasks.get(request.stream)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._send({"id": request.stream, "result": "left"})
        await self._send({"id": number, "result": "left"})

    def _begin(self, number: int, request: Request) -> Awaitable[Plain]:
        """Put what changes the machine in its inbox, and note where streams begin."""
        match request:
            case Perform(action):
                return _plain(self._desk.perform(action))
            case AskNames():
                return _now(list(self._desk.names))
            case AskUsage():
                return _plain(self._desk.usage())
            case AskVios(server, command):
                return _plain(self._desk.run_vios(server, command))
            case AskViosWords(server, line):
                return _plain(self._desk.vios_words(server, line))
            case AskActivation():
                return _plain(self._desk.activation())
            case AskSlots(partition):
                return _plain(self._desk.slots(partition))
            case AskSchedule():
                return _plain(self._desk.schedule(request))
            case Attach(partition, lines, slot):
                console = self._desk.console(partition, slot)
                begin = console.last_lines(lines)
                return self._attached(number, partition, console, begin, self._desk.notices.end)
            case Follow():
                return self._followed(number, self._desk.notices.end, None)
            case PowerOff(immediate, seconds):
                seen = self._desk.notices.end
                done = self._desk.power_off(immediate=immediate, seconds=seconds)
                return self._followed(number, seen, asyncio.wrap_future(done))
        raise AssertionError(f"{request} is answered elsewhere")

    async def _answer(self, number: int, request: Request, answer: Awaitable[Plain]) -> None:
        try:
            result = await answer
        except ManagementError as wrong:
            await self._fail(number, ErrorKind.REFUSED, wrong.why, wrong.remedy)
        except BusyError as wrong:
            await self._fail(number, ErrorKind.BUSY, str(wrong))
        except ConnectionError:
            pass
        except NeverCarriedOutError:
            await self._fail(number, ErrorKind.FAILED, ENDED)
        except Exception as wrong:  # the request loop: one request fails, not the daemon
            log.exception("request %s failed", type(request).__name__)
            await self._fail(number, ErrorKind.FAILED, f"{type(wrong).__name__}: {wrong}")
        else:
            await self._send({"id": number, "result": result})

    # -- streams -----------------------------------------------------------------------------

    @contextlib.contextmanager
    def _listening(self) -> Iterator[asyncio.Event]:
        news = asyncio.Event()
        self._stream_news.add(news)
        try:
            yield news
        finally:
            self._stream_news.discard(news)

    async def _attached(
        self, number: int, partition: str, console: ConsoleStream, position: int, seen: int
    ) -> Plain:
        """A console from `position` on, and notices about its partition."""
        notices = self._desk.notices
        history = console.read(position, console.end - position)
        position = history.position
        text = without_questions(history.text)
        for begin in range(0, len(text), _CHUNK):
            await self._event(number, Output(text[begin : begin + _CHUNK], 0))
        with self._listening() as news:
            while True:
                news.clear()
                stopping = self._stopping.is_set()
                # Notices are looked for first, but shown behind what was written before them.
                new, seen = notices.since(seen)
                while (read := console.read(position, _CHUNK)).position != position:
                    position = read.position
                    await self._event(number, Output(read.text, read.lost))
                for notice in new:
                    if notice.partition == partition:
                        await self._event(number, notice)
                if stopping:
                    return ENDED
                await news.wait()

    async def _followed(self, number: int, seen: int, until: asyncio.Future[str] | None) -> Plain:
        """Notices from `seen` on, until `until` is there or the machine ends."""
        notices = self._desk.notices
        with self._listening() as news:
            if until is not None:
                until.add_done_callback(lambda _: news.set())
            while True:
                news.clear()
                ended = self._stopping.is_set() or (until is not None and until.done())
                new, seen = notices.since(seen)
                for notice in new:
                    await self._event(number, notice)
                if ended:
                    return ENDED if until is None else await until
                await news.wait()

    # -- answers -----------------------------------------------------------------------------

    async def _event(self, number: int, event: Event) -> None:
        await self._send({"id": number, "event": plain_event(event)})

    async def _fail(
        self, number: int | None, kind: ErrorKind, problem: str, remedy: str = ""
    ) -> None:
        error: dict[str, Plain] = {"kind": kind.value, "problem": problem, "remedy": remedy}
        with contextlib.suppress(ConnectionError):
            await self._send({"id": number, "error": error})

    async def _send(self, message: dict[str, Plain]) -> None:
        self._writer.write(encode(message))
        await self._writer.drain()


async def _plain(future: Future[Any]) -> Plain:
    """What the machine's thread makes, as JSON has it."""
    return plain(await asyncio.wrap_future(future))


async def _now(result: Plain) -> Plain:
    return result
