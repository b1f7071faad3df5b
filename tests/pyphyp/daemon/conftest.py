"""A daemon that runs in this process, with a real socket and real guests."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from firmware import services
from firmware.rtas import RtasTable
from pyphyp.daemon.client import Client, DaemonError
from pyphyp.daemon.journal import Journal
from pyphyp.daemon.locations import Location, location
from pyphyp.daemon.protocol import Attach, Leave, Output, PowerOff
from pyphyp.daemon.server import Server, listen
from pyphyp.daemon.service import Daemon
from tests.pyphyp.guests import ECHO, FOREVER, PRELUDE, START, put, rtas

from .processes import MACHINE, run
from .simple_machine import SimpleMachine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

NOISY = (
    PRELUDE
    + START
    + "noise:  li r5,500\n        mtctr r5\nrest:   bdnz rest\n"
    + put("noise and noise\n")
    + "        b noise\n"
)
OS_TERM = RtasTable(lambda: services.ALL).token("ibm,os-term")
CRASHES = PRELUDE + START + put("oh\n") + rtas(OS_TERM, 0x1004) + FOREVER
PATIENCE = 60


class RunningDaemon:
    """A daemon in a thread, its partitions not activated yet."""

    def __init__(self, directory: Path, sources: dict[str, str]) -> None:
        self.location = Location(directory / "simple.sock")
        self.machine = SimpleMachine(sources)
        self.journal = directory / "journal"
        self.daemon = Daemon(
            self.machine,
            journal=Journal(open(self.journal, "w", encoding="utf-8")),  # noqa: SIM115 - it closes
            directory=directory,
        )
        self.server = Server(listen(self.location.socket), self.daemon)
        self.daemon.tell_news(self.server.tell)
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.daemon.run()
        finally:
            self.location.socket.unlink()
            self.server.close()

    def connect(self) -> Client:
        return Client.connect(self.location, seconds=PATIENCE)

    def wait(self) -> None:
        """For its end."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def __enter__(self) -> Self:
        self.server.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.daemon.power_off(immediate=True, seconds=0)
        self.wait()
        self.machine.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RunningDaemon]:
    sources = {"echo": PRELUDE + ECHO, "noisy": NOISY, "crashes": CRASHES}
    with RunningDaemon(tmp_path, sources) as running:
        yield running


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's directories of its own; a short one for sockets, as their paths are bounded."""
    directory = Path(tempfile.mkdtemp(prefix="pyphyp-test-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("PYPHYP_MACHINE", raising=False)
    yield directory
    for path in (directory / "pyphyp").glob("*.sock"):
        try:
            with Client.connect(Location(path), seconds=PATIENCE) as client:
                client.ask(PowerOff(immediate=True, seconds=0))
        except DaemonError:
            continue
    shutil.rmtree(directory)


@pytest.fixture
def file(runtime: Path, tmp_path: Path) -> str:
    path = tmp_path / "machine.toml"
    path.write_text(MACHINE)
    return str(path)


@pytest.fixture
def office(file: str) -> Location:
    """A machine in the background."""
    done = run("up", file, "--detach")
    assert done.returncode == 0, done.stderr
    return location("office")


def read_until(client: Client, words: bytes, partition: str = "echo", lines: int = 100) -> bytes:
    """What a console says up to `words`; the stream is left."""
    number = client.begin(Attach(partition, lines))
    text = b""
    while words not in text:
        answer = client.next_answer()
        if answer.id == number:
            event = client.event(answer)
            text += event.text if isinstance(event, Output) else b""
    client.ask(Leave(number))
    return text
