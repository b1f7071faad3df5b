"""`pyphyp top` on a terminal and in a pipe."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.pyphyp.terminal import PATIENCE, PYPHYP, Terminal

from .processes import daemon_process, run

if TYPE_CHECKING:
    from pyphyp.daemon.locations import Location

ALTERNATE_SCREEN, NORMAL_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"


def test_in_a_pipe_it_writes_lines(office: Location) -> None:
    done = run("top", "--count", "2", "--interval", "0.1")
    assert done.returncode == 0
    assert done.stdout.count("office: ") == 2
    assert done.stdout.count("pool 0 DefaultPool: ") == 2
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("key", [b"q", b"\x03"])
def test_on_a_terminal_it_is_a_screen_until_it_is_left(office: Location, key: bytes) -> None:
    with Terminal("top", "--interval", "0.2") as terminal:
        terminal.wait_for(ALTERNATE_SCREEN)
        terminal.until_raw()
        terminal.wait_for(b"counter")
        terminal.wait_for(b"counter")  # a second look
        terminal.type(key)
        assert terminal.status() == 0
        assert NORMAL_SCREEN in terminal.output
        assert terminal.restored


def test_keys_show_partitions_that_the_screen_has_no_room_for(office: Location) -> None:
    """Three partitions on a screen with a line for one; the keys may come in one piece."""
    with Terminal("top", "--interval", "0.2", lines=10) as terminal:
        terminal.wait_for(b"1 to 1 of 3 partitions")
        terminal.until_raw()
        assert b"counter" not in terminal.output
        terminal.type(b"\x1b[B")
        terminal.wait_for(b"2 to 2 of 3 partitions")
        terminal.type(b"\x1b[6~\x1b[B")
        terminal.wait_for(b"3 to 3 of 3 partitions")
        terminal.type(b"kkkk")
        terminal.wait_for(b"1 to 1 of 3 partitions")
        terminal.type(b"\x1b")
        assert terminal.status() == 0


def test_a_signal_leaves_the_terminal_as_it_was(office: Location) -> None:
    with Terminal("top") as terminal:
        terminal.wait_for(ALTERNATE_SCREEN)
        terminal.until_raw()
        os.kill(terminal.process.pid, signal.SIGTERM)
        assert terminal.status() == 143
        assert NORMAL_SCREEN in terminal.output
        assert terminal.restored


def test_the_end_of_the_machine_is_the_end(office: Location) -> None:
    with Terminal("top", "--interval", "0.2") as terminal:
        terminal.wait_for(ALTERNATE_SCREEN)
        terminal.until_raw()
        os.kill(daemon_process(office), signal.SIGKILL)
        assert terminal.status() == 1
        assert b"is gone" in terminal.output
        assert terminal.restored


def test_whoever_reads_no_more_ends_it(office: Location) -> None:
    with subprocess.Popen(
        [*PYPHYP, "top", "--interval", "0.1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"office: ")
        process.stdout.close()
        assert process.wait(PATIENCE) == 141
