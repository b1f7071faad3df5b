"""`pyphyp linux`: a real kernel on a real terminal, in pipes, and from a script."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING

import pytest

from guests.linux import fetch_linux
from pyphyp import Ending, Event, Machine
from tests.pyphyp.linux_command import linux
from tests.pyphyp.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.linux


def test_shell_on_a_terminal_reboots_and_powers_off() -> None:
    with Terminal("linux") as terminal:
        terminal.wait_for(b"is up; ")
        terminal.wait_for(b"~# ")
        begin = time.monotonic()
        terminal.type(b"sleep 1; echo slept$((1+1))\r")
        terminal.wait_for(b"slept2")
        assert time.monotonic() - begin >= 1
        terminal.type(b"cat\r")
        terminal.wait_for(b"cat")
        time.sleep(0.3)
        terminal.type(b"\x03")
        terminal.wait_for(b"^C")
        terminal.wait_for(b"~# ")  # an interrupt discards what was typed before it is handled
        terminal.type(b"reboot\r")
        terminal.wait_for(b"is up; ")
        terminal.wait_for(b"~# ")
        terminal.type(b"poweroff\r")
        assert terminal.status() == 0
        assert terminal.restored


def test_command_runs_instead_of_the_shell() -> None:
    done = linux("-c", "uname -m; date")
    assert done.returncode == 0
    assert "ppc64le\n" in done.stdout.replace("\r", "")
    assert "Thu Jan  1 00:00:0" in done.stdout
    assert "~# " not in done.stdout


def test_files_and_script_reach_the_guest(tmp_path: Path) -> None:
    files = tmp_path / "files" / "opt"
    files.mkdir(parents=True)
    (files / "tool").write_text("#!/bin/sh\necho tool says $1\n")
    (files / "tool").chmod(0o755)
    (files / "link").symlink_to("tool")
    script = tmp_path / "script.sh"
    script.write_text("/opt/link first\n")
    done = linux(
        "--initrd-add", str(tmp_path / "files"), "--script", str(script), "-c", "/opt/tool second"
    )
    assert done.stdout.index("tool says first") < done.stdout.index("tool says second")


def test_packages_reach_the_guest_and_are_preferred_to_busybox() -> None:
    done = linux("--package", "bc", "-c", "bc --version; echo 2^100 | bc; readlink /proc/$$/exe")
    assert "Copyright 1991-1994" in done.stdout  # GNU's, not busybox's
    assert "1267650600228229401496703205376\n" in done.stdout.replace("\r", "")
    assert "/usr/bin/bash" in done.stdout


def test_a_package_nobody_has_is_refused() -> None:
    done = linux("--package", "no-such-package")
    assert done.returncode == 1
    assert "offer no no-such-package" in done.stderr


def test_too_little_storage_for_the_files_is_refused_with_what_is_needed(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(300 << 20))
    done = linux("--memory", "700M", "--initrd-add", str(tmp_path))
    assert done.returncode == 1
    assert "needs more storage: --memory 79" in done.stderr


@pytest.mark.parametrize("way", [(), ("--direct",)], ids=["client program", "direct"])
def test_equal_runs_count_the_same_to_the_instruction(way: tuple[str, ...], tmp_path: Path) -> None:
    texts = []
    for n in range(3):
        file = tmp_path / f"{n}.json"
        assert linux(*way, "--stats-file", str(file), "-c", "sleep 1; ls /").returncode == 0
        texts.append(file.read_text())
    assert texts[0] == texts[1] == texts[2]
    assert json.loads(texts[0])["instructions"] > 500_000_000


@pytest.mark.parametrize(
    "way",
    [("--processors", "4"), ("--mmu", "hash", "--processors", "4")],
    ids=["radix", "hash"],
)
def test_equal_runs_of_four_processors_give_equal_traces(
    way: tuple[str, ...], tmp_path: Path
) -> None:
    digests, commands = [], "(ls / | sort) & (ls /proc >/dev/null) & wait; sleep 1"
    for _ in range(2):
        trace = tmp_path / "trace"
        options = ("--trace", "hcall,irq", "--trace-file", str(trace))
        done = linux(*way, *options, "-c", commands)
        assert done.returncode == 0, done.stderr
        with trace.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
        records = sum(1 for _ in trace.open("rb"))
    assert digests[0] == digests[1]
    assert records > 2000


def test_panic_ends_with_status_3_and_the_registers() -> None:
    done = linux("--append", "panic=0 rdinit=/no/such/init")
    assert done.returncode == 3
    assert "crash: OS panic: No working init found" in done.stderr
    assert "NIP " in done.stderr


def test_script_talks_to_linux_and_studies_its_calls() -> None:
    with Machine(epoch=0) as machine:
        years = []

        @machine.after("get-time-of-day")
        def next_century(event: Event) -> None:
            event.results = (event.results[0] + 100, *event.results[1:])
            years.append(event.results[0])

        guest = fetch_linux(Silent())
        partition = machine.add_partition(memory="512M")
        partition.boot(guest.kernel, guest.initramfs(), append="console=hvc0 quiet")
        partition.console.wait_for("~# ")
        partition.console.send("date +%Y\n")
        partition.console.wait_for("2070")
        partition.console.send("poweroff\n")
        outcome = partition.run(seconds=60)
    assert outcome is not None
    assert outcome.ending is Ending.POWER_OFF
    assert years[0] == 2070


class Silent:
    """Nobody watches the fetch."""

    def step(self, description: str, fraction: float | None) -> None: ...
