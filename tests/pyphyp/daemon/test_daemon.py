"""A daemon as its clients know it."""

from __future__ import annotations

import collections
import threading
from typing import TYPE_CHECKING

import pytest

from hypervisor.system.errors import ManagementError
from pyphyp.actions import (
    ActivatePartition,
    FailCore,
    ShutdownPartition,
    TypeAtConsole,
)
from pyphyp.daemon.client import BusyError, Client, DaemonError, LostError, NotRunningError
from pyphyp.daemon.journal import performed_actions
from pyphyp.daemon.locations import Location
from pyphyp.daemon.protocol import (
    VERSION,
    AskUsage,
    Attach,
    Follow,
    Output,
    Perform,
    PowerOff,
)
from pyphyp.daemon.server import listen
from pyphyp.daemon.streams import HISTORY, ConsoleStream, without_questions

from .conftest import RunningDaemon, read_until

if TYPE_CHECKING:
    from pathlib import Path


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
