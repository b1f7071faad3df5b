"""A daemon as its clients know it."""

from __future__ import annotations

import collections
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
    ShutdownPartition,
    TypeAtConsole,
)
from pyphyp.daemon.client import BusyError, Client, DaemonError, LostError, NotRunningError
from pyphyp.daemon.connection import OUTSTANDING
from pyphyp.daemon.journal import Journal, performed_actions
from pyphyp.daemon.locations import Location
from pyphyp.daemon.protocol import (
    LONGEST_REQUEST,
    VERSION,
    AskUsage,
    Attach,
    Follow,
    Leave,
    Output,
    Perform,
    PowerOff,
)
from pyphyp.daemon.server import CONNECTIONS, Server, listen
from pyphyp.daemon.streams import HISTORY, ConsoleStream, without_questions

from .conftest import PATIENCE, RunningDaemon

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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


# -- requests ----------------------------------------------------------------------------------


def test_an_action_is_performed_and_told(daemon: RunningDaemon) -> None:
    with daemon.connect() as client:
        assert client.machine == "simple"
        assert client.names() == ["echo", "noisy", "crashes"]
        assert client.perform(ActivatePartition("echo")) == "echo is activated"
        assert read_until(client, b"ready") == b"ready\n"


def test_a_refusal_comes_with_its_remedy_and_the_connection_goes_on(daemon: RunningDaemon) -> None:
    with daemon.connect() as client:
        with pytest.raises(ManagementError, match="there is no core 9") as refusal:
            client.perform(FailCore(9))
        assert refusal.value.remedy == "there is core 0"
        assert client.names()


def test_an_error_of_our_own_fails_one_request_only(daemon: RunningDaemon) -> None:
    with daemon.connect() as client:
        with pytest.raises(DaemonError, match="an error of the machine's own"):
            client.perform(FailCore(0))
        assert client.perform(ActivatePartition("echo"))


def test_requests_of_one_client_are_performed_in_its_order(daemon: RunningDaemon) -> None:
    with daemon.connect() as client:
        client.perform(ActivatePartition("echo"))
        texts = [bytes([65 + n]) for n in range(26)]
        for text in texts:
            client.begin(Perform(TypeAtConsole("echo", text)))
        assert read_until(client, b"Z") == b"ready\n" + b"".join(texts)


def test_the_journal_holds_every_input_with_its_tick(daemon: RunningDaemon) -> None:
    with daemon.connect() as client:
        client.perform(ActivatePartition("echo"))
        client.perform(TypeAtConsole("echo", b"x"))
        with pytest.raises(ManagementError):
            client.perform(FailCore(9))
        client.ask(PowerOff(immediate=True, seconds=0))
    daemon.wait()
    with open(daemon.journal, encoding="utf-8") as journal:
        assert performed_actions(journal) == [
            entry for entry in daemon.machine.performed if not isinstance(entry[1], FailCore)
        ]


# -- consoles ----------------------------------------------------------------------------------


def test_several_clients_see_one_console_and_later_ones_its_history(daemon: RunningDaemon) -> None:
    with daemon.connect() as first, daemon.connect() as second:
        first.perform(ActivatePartition("echo"))
        first.perform(TypeAtConsole("echo", b"one\n"))
        assert read_until(first, b"one\n") == b"ready\none\n"
        assert read_until(second, b"one\n") == b"ready\none\n"
        second.perform(TypeAtConsole("echo", b"two\n"))
        assert read_until(second, b"two\n", lines=1) in (b"two\n", b"one\ntwo\n")
        with daemon.connect() as third:
            assert read_until(third, b"two\n", lines=2) == b"one\ntwo\n"


def test_a_client_that_does_not_read_loses_output_and_holds_up_nobody(
    daemon: RunningDaemon,
) -> None:
    with daemon.connect() as lazy, daemon.connect() as client:
        lazy.begin(Attach("noisy", 0))
        client.perform(ActivatePartition("noisy"))
        # Far more than its socket and its stream hold.
        counted = 0
        for event in client.follow(Attach("noisy", 0)):
            counted += len(event.text) + event.lost if isinstance(event, Output) else 0
            if counted > 4 * HISTORY:
                break
        client.perform(ShutdownPartition("noisy", immediate=True))
        got = lost = 0
        while not lost:
            event = lazy.event(lazy.next_answer())
            if isinstance(event, Output):
                got, lost = got + len(event.text), lost + event.lost
        assert got < counted


def test_a_guest_that_does_not_read_makes_typing_busy(daemon: RunningDaemon) -> None:
    with daemon.connect() as client:
        many = [TypeAtConsole("crashes", bytes(1 << 15))] * 100
        with pytest.raises(BusyError, match="does not read"):
            collections.deque(map(client.perform, many))


def test_the_end_of_a_partition_is_told_behind_its_last_words(daemon: RunningDaemon) -> None:
    with daemon.connect() as client:
        number = client.begin(Attach("crashes", 0))
        client.perform(ActivatePartition("crashes"))
        text = b""
        while True:
            answer = client.next_answer()
            if answer.id != number:
                continue
            event = client.event(answer)
            if isinstance(event, Output):
                text += event.text
            elif event.text.startswith("Error"):
                break
        assert text == b"oh\n"


def test_consoles_are_saved(daemon: RunningDaemon, tmp_path: Path) -> None:
    with daemon.connect() as client:
        client.perform(ActivatePartition("echo"))
        read_until(client, b"ready")
        client.ask(PowerOff(immediate=True, seconds=0))
    daemon.wait()
    assert (tmp_path / "console-echo.log").read_bytes() == b"ready\n"


# -- ends --------------------------------------------------------------------------------------


def test_powering_off_in_order_waits_and_then_pulls_the_plug(daemon: RunningDaemon) -> None:
    with daemon.connect() as client:
        client.perform(ActivatePartition("echo"))
        said = [e.text for e in client.follow(PowerOff(immediate=False, seconds=1))]
        assert said == ["powering off", b"", "Not Activated"] or said == [
            "powering off",
            "Shutting Down",
            "Not Activated",
        ]
    daemon.wait()
    assert [a for _, a in daemon.machine.performed][1:] == [
        ShutdownPartition("echo", immediate=False),
        ShutdownPartition("echo", immediate=True),
    ]


def test_the_end_of_the_machine_ends_all_streams_in_order(daemon: RunningDaemon) -> None:
    with daemon.connect() as one, daemon.connect() as other:
        following, attached = one.begin(Follow()), one.begin(Attach("echo", 0))
        other.ask(PowerOff(immediate=True, seconds=0))
        ended = set()
        while len(ended) < 2:
            answer = one.next_answer()
            if answer.last:
                ended.add(answer.id)
        assert ended == {following, attached}
    with pytest.raises(NotRunningError):
        daemon.connect()


def test_a_client_whose_daemon_dies_is_told(tmp_path: Path) -> None:
    listening = listen(tmp_path / "dying.sock")

    def greet_and_die() -> None:
        connection, _ = listening.accept()
        connection.recv(100)
        connection.sendall(b'{"pyphyp": %d, "machine": "dying"}\n' % VERSION)
        connection.recv(100)
        connection.close()

    thread = threading.Thread(target=greet_and_die)
    thread.start()
    with (
        Client.connect(Location(tmp_path / "dying.sock")) as client,
        pytest.raises(LostError, match="is gone"),
    ):
        client.ask(AskUsage())
    thread.join()
    listening.close()


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


HELLO = b'{"pyphyp":1}\n'


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (b"\n", "malformed"),
        (b"GET / HTTP/1.0\r\n\r\n", "malformed"),
        (b'{"pyphyp":2}\n', "version"),
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
    wire.sendall(HELLO + b'{"id":1,"request":"Attach","partition":"\\ud800","lines":1}\n')
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


# -- streams -----------------------------------------------------------------------------------


def test_last_lines_are_found() -> None:
    stream = ConsoleStream(lambda: None)
    stream.write(b"one\ntwo\nthree")
    shown = {n: stream.read(stream.last_lines(n), 100).text for n in range(5)}
    assert shown == {
        0: b"",
        1: b"three",
        2: b"two\nthree",
        3: b"one\ntwo\nthree",
        4: b"one\ntwo\nthree",
    }
    stream.write(b"\n")
    assert stream.read(stream.last_lines(1), 100).text == b"three\n"


def test_what_a_terminal_would_answer_is_not_in_the_history(daemon: RunningDaemon) -> None:
    shown = without_questions(b"\x1b[1mbold\x1b[0m \x1b[6nprompt\x1b[c\x1b[>0c\x1bZ\x05.")
    assert shown == b"\x1b[1mbold\x1b[0m prompt."
    with daemon.connect() as client:
        client.perform(ActivatePartition("echo"))
        client.perform(TypeAtConsole("echo", b"\x1b[6n!"))
        assert read_until(client, b"!") in (b"ready\n\x1b[6n!", b"ready\n!")
        assert read_until(client, b"!") == b"ready\n!"


def test_a_reader_that_is_late_is_told_how_much_it_lost() -> None:
    stream = ConsoleStream(lambda: None)
    stream.write(bytes(3 * HISTORY))
    read = stream.read(0, 10)
    assert (read.text, read.lost, read.position) == (bytes(10), 2 * HISTORY, 2 * HISTORY + 10)
