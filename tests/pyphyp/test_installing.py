"""Installing Debian: what the installer's console tells, and a whole system that then boots."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from pyphyp.installing import LEAST_BYTES, InstallError, Settings, Watcher, growing
from tests.pyphyp.terminal import PYPHYP, Terminal

if TYPE_CHECKING:
    from pathlib import Path


class Steps:
    """Progress, noted."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, float | None]] = []

    def step(self, description: str, fraction: float | None) -> None:
        self.seen.append((description, fraction))


def watcher(packages: int = 2) -> tuple[Watcher, Steps, list[str]]:
    steps, shown = Steps(), list[str]()
    return Watcher(packages, steps, shown.append), steps, shown


def test_progress_is_what_dpkg_has_done_of_what_there_is() -> None:
    watch, steps, shown = watcher()
    watch(b"Unpacking libc6:ppc64el (2.36) ...\r\nSetting up lib")
    watch(b"c6:ppc64el (2.36) ...\r\nUnpacking libc6:ppc64el (2.36) ...\r\n")
    assert steps.seen == [
        ("Unpacking libc6", 0.25),
        ("Setting up libc6", 0.5),
        ("Unpacking libc6", 0.5),
    ]
    assert len(shown) == 3
    assert not watch.finished


def test_the_end_is_what_the_installer_says() -> None:
    watch, steps, _ = watcher()
    watch(b"pyphyp-install: Partitioning the disk\r\npyphyp-install: step 1 of 9\r\n")
    assert steps.seen == [("Partitioning the disk", 0.0)]
    watch(b"pyphyp-install: failed: no room\r\n")
    assert watch.failure == "no room"
    watch(b"pyphyp-install: finished\r\n")
    assert watch.finished


def test_only_the_last_lines_of_the_console_are_kept() -> None:
    watch, _, _ = watcher()
    watch(b"".join(b"line %d\n" % n for n in range(1000)))
    assert watch.log[-1] == "line 999"
    assert len(watch.log) < 50


def test_a_disk_grows_beside_its_place_until_it_is_whole(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"

    def interrupted() -> None:
        with growing(disk, LEAST_BYTES) as part:
            part.open("r+b").write(b"begun")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not disk.exists()
    with growing(disk, 2 * LEAST_BYTES) as part:
        assert part.open("rb").read(5) == b"begun"
        assert part.stat().st_size == 2 * LEAST_BYTES
    assert disk.stat().st_size == 2 * LEAST_BYTES
    assert list(tmp_path.iterdir()) == [disk]


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(b"precious")
    with pytest.raises(InstallError, match="exists already"), growing(disk, LEAST_BYTES):
        pass
    assert disk.read_bytes() == b"precious"


def test_a_disk_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="too small"), growing(tmp_path / "d", LEAST_BYTES - 1):
        pass


def test_settings_are_lines_that_shells_read() -> None:
    files = Settings("lpar1", "it's $HOME").files()
    assert files["install/hostname"] == b"lpar1\n"
    assert files["install/password"] == b"it's $HOME\n"


@pytest.mark.parametrize("wrong", [["--hostname", "no name"], ["--password", ""], ["--size", "1G"]])
def test_bad_settings_are_refused_before_anything_is_fetched(
    tmp_path: Path, wrong: list[str]
) -> None:
    command = [*PYPHYP, "install", "debian", str(tmp_path / "d"), *wrong]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.linux
def test_debian_is_installed_in_two_goes_and_boots_to_a_login(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    command = [*PYPHYP, "install", "debian", str(disk), "--hostname", "lpar1", "--password", "p w"]
    first = subprocess.Popen([*command, "-v"], stderr=subprocess.PIPE, text=True)
    assert first.stderr is not None
    for line in first.stderr:
        if line.startswith("Setting up dpkg"):
            break
    time.sleep(1)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert not disk.exists()
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr
    assert "going on with" in done.stderr
    assert "Debian is installed" in done.stderr
    with Terminal("boot", "--disk", str(disk), "--memory", "1G") as terminal:
        terminal.wait_for(b"GNU GRUB")
        terminal.wait_for(b"lpar1 login:")
        terminal.type(b"root\r")
        terminal.wait_for(b"Password:")
        terminal.type(b"p w\r")
        terminal.wait_for(b"root@lpar1:~#")
        terminal.type(b"systemctl is-system-running --wait; dpkg --audit; echo audit=$?\r")
        terminal.wait_for(b"running")
        terminal.wait_for(b"audit=0")
        terminal.type(b"echo slots=$(systemctl is-active pyphyp-slots)\r")
        terminal.wait_for(b"slots=active")
        terminal.type(b"grep -c ' root=UUID=' /proc/cmdline | sed s/^/named=/\r")
        terminal.wait_for(b"named=1")
        terminal.type(b"poweroff\r")
        terminal.wait_for(b"Power down")
    assert os.stat(disk).st_blocks * 512 < 4 << 30
    assert re.search(r"in \d+ s", done.stderr)
