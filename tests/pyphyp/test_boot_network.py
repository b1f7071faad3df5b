"""Booting over the network: a kernel by firmware and by GRUB; Linux as the server's client."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from guests.linux import fetch_linux
from guests.packages import Apt, GuestFilesError
from pyphyp.boot_files import GRUB_IMAGE
from pyphyp.guest_starts import Quiet
from tests.pyphyp.terminal import PATIENCE, PYPHYP

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.linux

NET = "/vdevice/l-lan@30000003:192.168.128.1"
MENU = """
set timeout=1
menuentry Debian { linux /boot/vmlinux console=hvc0 quiet; initrd /boot/initrd }
"""
SOURCES = """Types: deb
URIs: http://deb.debian.org/debian
Suites: sid
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


def run(*arguments: str | Path, status: int = 0) -> str:
    done = subprocess.run(
        [*PYPHYP, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=4 * PATIENCE,
        check=False,
    )
    assert done.returncode == status, done.stdout[-2000:] + done.stderr
    return done.stdout + done.stderr


def test_firmware_loads_debians_kernel_over_the_network(tmp_path: Path) -> None:
    shutil.copy(fetch_linux(Quiet()).kernel, tmp_path / "vmlinux")
    options = ("--netboot", tmp_path / "vmlinux", "--timeout", "30")
    shown = run("boot", *options, "--append", "console=hvc0 panic=1", status=3)
    assert "Linux version" in shown
    assert "Kernel command line: console=hvc0 panic=1" in shown
    assert "Unable to mount root fs" in shown  # it was given none


def grub_images(directory: Path) -> None:
    """GRUB for Open Firmware below `directory`, or a skipped test.

    Debian 12's forgets to allocate a card's path (2.06-13+deb12u2), and finds none.
    """
    if shutil.which("grub-mknetdir") is None:
        pytest.skip("grub-common is not installed")
    apt_directory = directory.parent / "apt"
    apt = Apt(apt_directory, "ppc64el", Quiet())
    (apt_directory / "sources.d" / "host.sources").write_text(SOURCES)
    try:
        apt.update()
        (newest, *_) = apt.versions("grub-ieee1275-bin")
        (deb,) = apt.download([newest], directory.parent)
    except (GuestFilesError, ValueError) as without:
        pytest.skip(f"a GRUB that finds network cards cannot be had: {without}")
    unpacked = directory.parent / "unpacked"
    subprocess.run(["dpkg-deb", "--extract", deb, unpacked], check=True)
    modules = unpacked / "usr/lib/grub/powerpc-ieee1275"
    subprocess.run(
        ["grub-mknetdir", "-d", modules, f"--net-directory={directory}", "--subdir=boot/grub"],
        check=True,
        capture_output=True,
    )


def test_grub_boots_debians_kernel_over_the_network(tmp_path: Path) -> None:
    directory = tmp_path / "served"
    directory.mkdir()
    grub_images(directory)
    linux = fetch_linux(Quiet())
    shutil.copy(linux.kernel, directory / "boot" / "vmlinux")
    said = "echo booted from $(cat /proc/device-tree/chosen/bootpath)\n"
    initrd = linux.initramfs(script=said + "poweroff -f\n")
    (directory / "boot" / "initrd").write_bytes(initrd)
    (directory / "boot" / "grub" / "grub.cfg").write_text(MENU)
    shown = run("boot", "--netboot", directory, "--timeout", "120")
    assert f"booted from {NET},{GRUB_IMAGE}" in shown


def test_linux_asks_the_server_for_an_address_and_files(tmp_path: Path) -> None:
    content = random.Random(1).randbytes(100_000)
    (tmp_path / "file").write_bytes(content)
    (tmp_path / "kernel").write_bytes(b"")
    command = (
        "ip link set eth0 up; udhcpc -q -n -i eth0 -s /etc/udhcpc/default.script; "
        "ip -4 addr show eth0; tftp -g -r file -l /tmp/got 192.168.128.1; wc -c </tmp/got; "
        "tftp -b 1468 -g -r file -l /tmp/large 192.168.128.1; cmp /tmp/got /tmp/large; echo $?; "
        "tftp -g -r ../etc/passwd -l /tmp/no 192.168.128.1; echo refused $?"
    )
    shown = run("linux", "--netboot", tmp_path / "kernel", "--timeout", "60", "-c", command)
    assert "inet 192.168.128.10/24" in shown
    assert re.search(r"^100000\s+0\s", shown, re.MULTILINE)
    assert "refused 1" in shown
