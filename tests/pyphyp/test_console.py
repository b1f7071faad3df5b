"""The console of the command, on real terminals and in pipes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from pyphyp.own_terminal import ESCAPE, EscapeKeys
from tests.pyphyp.guests import ECHO, PRELUDE, START, put
from tests.pyphyp.terminal import PATIENCE, PYPHYP, Terminal

if TYPE_CHECKING:
    from pathlib import Path

HANDLER = "        .org 0x100\n        b .\n"  # of system resets
BUSY = START + put("busy\n") + "        b .\n"
NOISY = START + "noise:" + put("noise and noise\n") + "        b noise\n"


@pytest.fixture
def guest(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    file = tmp_path / "guest.s"
    file.write_text(PRELUDE + request.param)
    return str(file)


echo = pytest.mark.parametrize("guest", [ECHO], indirect=True, ids=["echo"])
busy = pytest.mark.parametrize("guest", [BUSY], indirect=True, ids=["busy"])
noisy = pytest.mark.parametrize("guest", [NOISY], indirect=True, ids=["noisy"])
either = pytest.mark.parametrize("guest", [ECHO, BUSY], indirect=True, ids=["idle", "busy"])


@echo
def test_escape_key_is_shown_and_quits(guest: str) -> None:
    with Terminal("run", guest) as terminal:
        terminal.wait_for(b"Escape character is Ctrl-].")
        terminal.wait_for(b"ready")
        assert terminal.raw
        terminal.type(b"\x1dq")
        assert terminal.status() == 0
        assert terminal.restored


@echo
def test_keys_reach_the_guest_one_by_one_ctrl_c_too(guest: str) -> None:
    with Terminal("run", guest) as terminal:
        terminal.wait_for(b"ready")
        for key in (b"a", b"\x03", b"\x1a", b"\r", b"\xff"):
            terminal.type(key)
            terminal.wait_for(key)
        terminal.type(b"\x1d\x1d")
        terminal.wait_for(b"\x1d")
        terminal.type(b"\x1dq")
        assert terminal.status() == 0


@either
def test_status_and_help_are_shown_beside_the_guest(guest: str) -> None:
    with Terminal("run", guest) as terminal:
        terminal.wait_for(b"y\r\n")
        terminal.type(b"\x1di")
        terminal.wait_for(b"s of guest time")
        terminal.wait_for(b"NIP 0x0000000000001")
        terminal.type(b"\x1d?")
        terminal.wait_for(b"send Ctrl-] itself")
        terminal.type(b"\x1dq")
        assert terminal.status() == 0


@pytest.mark.parametrize("guest", [HANDLER + ECHO], indirect=True, ids=["handler"])
def test_system_reset_reaches_a_waiting_guest(guest: str) -> None:
    with Terminal("run", guest, "--trace", "irq") as terminal:
        terminal.wait_for(b"ready")
        terminal.type(b"\x1dn")
        terminal.wait_for(b"System Reset")
        terminal.type(b"\x1dq")
        assert terminal.status() == 0


@echo
def test_a_guest_that_does_not_handle_a_system_reset_has_crashed(guest: str) -> None:
    with Terminal("run", guest) as terminal:
        terminal.wait_for(b"ready")
        terminal.type(b"\x1dn")
        terminal.wait_for(b"crash: a system reset that nobody handles")
        assert terminal.status() == 3
        assert terminal.restored


@either
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_signals_end_the_command_and_restore_the_terminal(
    guest: str, number: int, status: int
) -> None:
    with Terminal("run", guest) as terminal:
        terminal.wait_for(b"y\r\n")
        assert terminal.raw
        terminal.process.send_signal(number)
        assert terminal.status() == status
        assert terminal.restored


@either
def test_terminal_that_hangs_up_ends_the_command(guest: str) -> None:
    with Terminal("run", guest) as terminal:
        terminal.wait_for(b"y\r\n")
        terminal.hang_up()
        assert terminal.status() == 129


@echo
def test_stopped_command_gives_the_terminal_back_until_it_goes_on(guest: str) -> None:
    with Terminal("run", guest) as terminal:
        terminal.wait_for(b"ready")
        terminal.process.send_signal(signal.SIGTSTP)
        os.waitid(os.P_PID, terminal.process.pid, os.WSTOPPED)
        assert terminal.restored
        terminal.process.send_signal(signal.SIGCONT)
        terminal.until_raw()
        terminal.type(b"\x1dq")
        assert terminal.status() == 0
        assert terminal.restored


@echo
def test_terminal_is_restored_after_a_timeout(guest: str) -> None:
    with Terminal("run", guest, "--timeout", "0.1") as terminal:
        assert terminal.status() == 4
        assert terminal.restored
        assert b"its time is used up" in terminal.output


@echo
def test_terminal_is_restored_after_an_error_of_our_own(guest: str, tmp_path: Path) -> None:
    arguments = ("run", guest, "--timeout", "0.1", "--stats-file", str(tmp_path / "no" / "where"))
    with Terminal(*arguments) as terminal:
        assert terminal.status() == 1
        assert terminal.restored


def test_idle_time_lasts_on_a_terminal() -> None:
    with Terminal("run", "ticks") as terminal:
        terminal.wait_for(b"tick 1")
        begin = time.monotonic()
        terminal.wait_for(b"tick 2")
        assert time.monotonic() - begin > 0.5
        terminal.type(b"\x1dq")
        terminal.status()


def test_terminal_is_restored_when_the_guest_ends() -> None:
    with Terminal("run", "hello") as terminal:
        assert terminal.status() == 0
        assert terminal.restored


# -- pipes -----------------------------------------------------------------------------------


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [*PYPHYP, *arguments], capture_output=True, timeout=PATIENCE, check=False, **options
    )


@echo
def test_input_from_a_pipe_is_fed_and_its_end_does_not_end_the_guest(guest: str) -> None:
    done = run("run", guest, "--timeout", "2", input=b"typed ahead")
    assert done.stdout == b"ready\ntyped ahead"
    assert done.returncode == 4


@echo
def test_binary_input_and_output_pass_unchanged(guest: str) -> None:
    everything = bytes(b for b in range(256) if b != 4)
    done = run("run", guest, "--timeout", "2", input=everything)
    assert done.stdout == b"ready\n" + everything


def test_idle_time_is_skipped_without_input() -> None:
    begin = time.monotonic()
    done = run("run", "ticks", stdin=subprocess.DEVNULL)
    assert done.stdout.endswith(b"tick 5\n")
    assert time.monotonic() - begin < 5  # what the ticks last


@noisy
def test_output_nobody_reads_ends_the_command_quietly(guest: str) -> None:
    with subprocess.Popen(
        [*PYPHYP, "run", guest],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(16) == b"noise and noise\n"
        process.stdout.close()
        assert process.wait(PATIENCE) == 141
        assert process.stderr.read() == b""


@noisy
def test_signal_ends_a_command_whose_output_nobody_takes(guest: str) -> None:
    with subprocess.Popen(
        [*PYPHYP, "run", guest], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        time.sleep(0.5)  # the pipe fills, and the command waits for a reader
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 143


@busy
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_the_command_in_a_pipe(guest: str, number: int, status: int) -> None:
    with subprocess.Popen(
        [*PYPHYP, "run", guest], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"busy\n"
        process.send_signal(number)
        assert process.wait(PATIENCE) == status


@busy
def test_host_timeout_ends_a_busy_guest(guest: str) -> None:
    done = run("run", guest, "--host-timeout", "0.5", stdin=subprocess.DEVNULL)
    assert done.returncode == 4
    assert b"the host's time is used up" in done.stderr


@echo
def test_host_timeout_ends_a_waiting_guest(guest: str) -> None:
    with subprocess.Popen(
        [*PYPHYP, "run", guest, "--host-timeout", "0.5"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.wait(PATIENCE) == 4


def test_escape_keys_are_told_from_the_guests() -> None:
    keys = EscapeKeys()
    assert keys.split(b"ab") == (b"ab", "")
    assert keys.split(b"a\x1d") == (b"a", "")
    assert keys.split(b"qb") == (b"b", "q")
    assert keys.split(bytes([ESCAPE, ESCAPE, ESCAPE]) + b"s") == (b"\x1d", "s")
