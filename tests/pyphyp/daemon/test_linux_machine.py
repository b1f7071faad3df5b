"""Two Debian partitions and a toy kernel on one core, in the background, used from terminals."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyphyp.daemon.locations import location
from tests.pyphyp.terminal import PATIENCE, Terminal

from .processes import daemon_process, run, until_gone

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.linux, pytest.mark.usefixtures("runtime")]
EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
IDLE_SECONDS = 4


@pytest.fixture
def desk() -> Iterator[int]:
    """The daemon's process id."""
    done = run("up", str(EXAMPLES / "linux.toml"), "--detach")
    assert done.returncode == 0, done.stderr
    process = daemon_process(location("desk"))
    yield process
    run("down", "--now")
    until_gone(process)


def ask(terminal: Terminal, question: bytes, answer: bytes) -> None:
    terminal.type(question + b"\r")
    terminal.wait_for(answer)


def host_seconds(process: int) -> float:
    """Processor time of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def until(words: str) -> None:
    end = time.monotonic() + PATIENCE
    while words not in (shown := run("ps").stdout):
        assert time.monotonic() < end, shown
        time.sleep(0.2)


def test_two_shells_are_used_left_found_again_and_powered_off(desk: int) -> None:
    with Terminal("console", "web") as web, Terminal("console", "build") as build:
        web.wait_for(b"web:~# ")
        build.wait_for(b"build:~# ")
        ask(web, b"echo $((6 * 7)) $(uname -m)", b"42 ppc64le")
        ask(build, b"i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; echo $i loops", b"3000 loops")
        web.hang_up()
    with Terminal("console", "web") as web:
        web.wait_for(b"42 ppc64le")
        ask(web, b"echo still $((40 + 2))", b"still 42")
        web.type(b"\x03")
        web.wait_for(b"web:~# ")
        assert run("shutdown", "web").returncode == 0
        web.wait_for(b"reboot: Power down")
        web.wait_for(b"web: Powered Off")
        assert run("activate", "web").returncode == 0
        web.wait_for(b"Linux version 6.1")
        web.type(b"\x1dd")
        assert web.status() == 0


def test_ctrl_c_has_operating_systems_power_off_in_order(tmp_path: Path) -> None:
    file = tmp_path / "one.toml"
    file.write_text(
        '[machine]\nname = "one"\ncores = 1\nmemory = "1G"\n'
        '[[partition]]\nname = "deb"\nguest = "linux"\nmemory = "512M"\nunits = 1\n'
    )
    with Terminal("up", str(file)) as up:
        up.wait_for(b"one runs")
        with Terminal("console", "deb") as console:
            console.wait_for(b"deb:~# ")
            up.type(b"\x03")
            console.wait_for(b"reboot: Power down")
        assert up.status() == 130
        assert b"deb: Shutting Down" in up.output
        assert b"deb: Powered Off: power off\r\n" in up.output


def test_an_idle_machine_sleeps_and_goes_down_in_order(desk: int) -> None:
    with Terminal("console", "web") as web, Terminal("console", "build") as build:
        web.wait_for(b"web:~# ")
        build.wait_for(b"build:~# ")
    before = host_seconds(desk)
    time.sleep(IDLE_SECONDS)
    assert host_seconds(desk) - before < 0.1 * IDLE_SECONDS
    down = run("down", "--seconds", str(PATIENCE))
    assert down.returncode == 0
    assert "web: Powered Off: power off\n" in down.stderr
    assert "build: Powered Off: power off\n" in down.stderr
    until_gone(desk)


def test_a_system_reset_is_seen_by_the_kernel(desk: int) -> None:
    with Terminal("console", "build") as build:
        build.wait_for(b"build:~# ")
        assert run("crash", "build").returncode == 0
        build.wait_for(b"System Reset")
        build.wait_for(b"panic")


def test_a_batch_job_of_linux_ends_when_its_command_does(tmp_path: Path) -> None:
    file = tmp_path / "batch.toml"
    file.write_text(
        '[machine]\nname = "batch"\ncores = 1\nmemory = "1G"\nepoch = 0\n'
        '[[partition]]\nname = "job"\nguest = "linux"\nmemory = "512M"\nunits = 1\n'
        'command = "sleep 600; date -u +%H:%M"\n'
    )
    done = run("up", str(file), "--seconds", "2000")
    assert done.returncode == 0
    assert "Powered Off" in done.stdout
    log = tmp_path / "state" / "pyphyp" / "batch" / "console-job.log"
    assert "00:10" in log.read_text()
