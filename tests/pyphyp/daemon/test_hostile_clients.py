"""Clients that send anything, at any pace, or are nobody's friends."""

from __future__ import annotations

import io
import json
import os
import socket
import stat
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hypervisor.system.errors import ManagementError
from pyphyp.actions import (
    ActivatePartition,
    FailCore,
    TypeAtConsole,
)
from pyphyp.daemon.client import Client, DaemonError
from pyphyp.daemon.connection import OUTSTANDING
from pyphyp.daemon.journal import NOTICES, Journal, performed_actions
from pyphyp.daemon.locations import Location
from pyphyp.daemon.protocol import (
    LONGEST_REQUEST,
    AskUsage,
    Attach,
    Follow,
    Notice,
    Perform,
)
from pyphyp.daemon.server import CONNECTIONS, Server, listen

from .conftest import PATIENCE, RunningDaemon, read_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# -- whatever a client sends -------------------------------------------------------------------


@pytest.fixture
def wire(daemon: RunningDaemon) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(os.fspath(daemon.location.socket))
        yield connection


def everything(connection: socket.socket) -> bytes:
    text = b""
    while came := connection.recv(65536):
        text += came
    return text


HELLO = b'{"pyphyp":3}\n'


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (b"\n", "malformed"),
        (b"GET / HTTP/1.0\r\n\r\n", "malformed"),
        (b'{"pyphyp":4}\n', "version"),
        (b'{"pyphyp":true}\n', "version"),
        (b"[" * 60000 + b"\n", "malformed"),
        (b'{"pyphyp":' + b"9" * 9999 + b"}\n", "malformed"),
        (b"x" * (LONGEST_REQUEST + 1), "malformed"),
        (HELLO + b'{"id":-1}\n', "malformed"),
        (HELLO + b'{"id":"1"}\n', "malformed"),
        (HELLO + b"\xff\xfe\n", "malformed"),
        (HELLO + b'{"id":1,"request":"Follow"}\n' * 2, "malformed"),
    ],
)
def test_what_is_no_message_is_answered_and_ends_the_connection(
    wire: socket.socket, sent: bytes, kind: str
) -> None:
    wire.sendall(sent)
    last = json.loads(everything(wire).splitlines()[-1])
    assert last["error"]["kind"] == kind


@pytest.mark.parametrize(
    "request_",
    [
        b'"request":"Nothing"',
        b'"request":["Follow"]',
        b'"request":"Follow","more":1',
        b'"request":"Perform"',
        b'"request":"Perform","action":{"action":"FailCore","core":99999999999999999999}',
        b'"request":"AskSchedule","first":NaN,"last":null,"most":1',
        b'"request":"Attach","partition":"\\ud800","lines":-1',
    ],
)
def test_a_request_that_is_none_is_answered_and_the_connection_goes_on(
    wire: socket.socket, request_: bytes
) -> None:
    wire.sendall(HELLO + b'{"id":1,' + request_ + b'}\n{"id":2,"request":"AskNames"}\n')
    lines = wire.makefile("rb")
    assert lines.readline()
    wrong, right = json.loads(lines.readline()), json.loads(lines.readline())
    assert wrong["error"]["kind"] == "malformed"
    assert right == {"id": 2, "result": ["echo", "noisy", "crashes"]}


def test_who_only_stops_writing_still_gets_results(wire: socket.socket) -> None:
    wire.sendall(
        HELLO
        + b'{"id":1,"request":"Follow"}\n'
        + b'{"id":2,"request":"Perform","action":'
        + b'{"action":"ActivatePartition","partition":"echo","profile":null}}\n'
    )
    wire.shutdown(socket.SHUT_WR)
    answers = [json.loads(line) for line in everything(wire).splitlines()]
    assert answers[-1] == {"id": 2, "result": "echo is activated"}


def test_a_name_with_half_a_character_is_refused_as_any_other(wire: socket.socket) -> None:
    wire.sendall(
        HELLO + b'{"id":1,"request":"Attach","partition":"\\ud800","lines":1,"console":null}\n'
    )
    lines = wire.makefile("rb")
    assert lines.readline()
    assert json.loads(lines.readline())["error"]["kind"] == "refused"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    greeted=st.booleans(),
    lines=st.lists(st.binary(max_size=80) | st.sampled_from([b'{"id":1', b"{}", b"\0"])),
)
def test_any_bytes_leave_a_daemon_that_answers(
    daemon: RunningDaemon, greeted: bool, lines: list[bytes]
) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.fspath(daemon.location.socket))
        connection.sendall(HELLO * greeted + b"\n".join(lines))
    with daemon.connect() as client:
        assert client.names()


def test_more_clients_than_there_is_room_for_are_turned_away(daemon: RunningDaemon) -> None:
    clients = [daemon.connect() for _ in range(CONNECTIONS)]
    with pytest.raises(ManagementError, match="clients are connected already"):
        daemon.connect()
    clients.pop().close()
    for client in clients:
        assert client.names()
        client.close()


def test_a_client_that_asks_without_end_does_not_stop_the_machine(daemon: RunningDaemon) -> None:
    over = threading.Event()

    def ask() -> None:
        with daemon.connect() as client:
            while not over.is_set():
                for _ in range(OUTSTANDING):
                    client.begin(AskUsage())
                for _ in range(OUTSTANDING):
                    client.next_answer()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        with daemon.connect() as client:
            client.perform(ActivatePartition("echo"))
            client.perform(TypeAtConsole("echo", b"x"))
            assert read_until(client, b"x") == b"ready\nx"
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_guest_that_reboots_without_end_does_not_fill_the_journal() -> None:
    file = io.StringIO()
    journal = Journal(file)
    for n in range(NOTICES + 50):
        journal.noticed(Notice(n, "echo", "it boots again"))
    journal.performed(NOTICES + 50, FailCore(1))
    lines = file.getvalue().splitlines()
    assert len(lines) == NOTICES + 1
    assert "left out" in lines[-2]
    assert performed_actions(lines) == [(NOTICES + 50, FailCore(1))]


def test_a_journal_that_cannot_be_written_ends_no_machine(caplog: pytest.LogCaptureFixture) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        journal = Journal(full)
        journal.performed(1, FailCore(1))
        journal.performed(2, FailCore(1))
        journal.close(3)
    assert [record.getMessage() for record in caplog.records] == [
        "the journal ends here: No space left on device"
    ]


def test_a_daemon_that_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    listening = listen(tmp_path / "mute.sock")
    with pytest.raises(DaemonError, match="does not answer"):
        Client.connect(Location(tmp_path / "mute.sock"), seconds=0.1)
    listening.close()


def test_a_client_that_dies_in_the_middle_of_anything_harms_nobody(daemon: RunningDaemon) -> None:
    for _ in range(20):
        client = daemon.connect()
        client.begin(Attach("echo", 5))
        client.begin(Perform(ActivatePartition("echo")))
        client.begin(Follow())
        client.close()
    with daemon.connect() as client:
        assert client.perform(ActivatePartition("echo"))


# -- who may -----------------------------------------------------------------------------------


def test_nobody_else_may_open_the_socket(daemon: RunningDaemon) -> None:
    assert stat.S_IMODE(daemon.location.socket.stat().st_mode) == 0o600


def test_another_user_is_turned_away_though_he_could_open_it(
    daemon: RunningDaemon, tmp_path: Path
) -> None:
    path = tmp_path / "open.sock"
    server = Server(listen(path), daemon.daemon, peer=lambda connection: os.geteuid() + 1)
    server.start()
    try:
        with pytest.raises(ManagementError, match="belongs to another user"):
            Client.connect(Location(path), seconds=PATIENCE)
    finally:
        server.close()
