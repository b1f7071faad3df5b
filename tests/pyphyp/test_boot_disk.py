"""Booting from disk: Debian's own GRUB, which its grub-install put there, and its own kernel."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from guests.linux import fetch_linux
from guests.userland import fetch_userland
from pyphyp.guest_starts import Quiet
from tests.pyphyp.terminal import PATIENCE, PYPHYP

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.linux

INSTALL = """
set -e
sfdisk -q /dev/sda <<EOF
label: gpt
size=8MiB, type=9E1A2D38-C612-4316-AA26-8B49521E5A8B
type=L
EOF
mke2fs -q -t ext4 /dev/sda2
mount /dev/sda2 /mnt
mkdir -p /mnt/boot/grub
cp /files/* /mnt/boot
cat >/mnt/boot/grub/grub.cfg <<EOF
set timeout=2
menuentry Debian { linux /boot/vmlinux console=hvc0; initrd /boot/initrd }
menuentry Off { halt }
EOF
grub-install --no-nvram --boot-directory=/mnt/boot /dev/sda1
umount /mnt
"""
PACKAGES = ("fdisk", "e2fsprogs", "grub2-common", "grub-ieee1275-bin")


def run(*arguments: str | Path, status: int = 0, typed: str = "") -> str:
    done = subprocess.run(
        [*PYPHYP, *arguments],
        input=typed,
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk with a boot loader, a kernel, and an initial file system that says so."""
    directory = tmp_path_factory.mktemp("boot")
    linux = fetch_linux(Quiet())
    files = directory / "root" / "files"
    files.mkdir(parents=True)
    shutil.copy(linux.kernel, files / "vmlinux")
    said = "echo booted from $(cat /proc/device-tree/chosen/bootpath)\n"
    (files / "initrd").write_bytes(linux.initramfs(script=said + "dmesg -r\npoweroff -f\n"))
    (directory / "install.sh").write_text(INSTALL)
    image = directory / "disk.img"
    image.touch()
    os.truncate(image, 256 << 20)
    packages = [word for name in PACKAGES for word in ("--package", name)]
    script = directory / "install.sh"
    more: list[str | Path] = ["--disk", image, "--initrd-add", directory / "root"]
    command = ["linux", "--memory", "2G", *more, *packages, "--script", script]
    assert "No error reported" in run(*command, "-c", "true")
    return image


@pytest.mark.parametrize("mmu", ["radix", "hash"])
def test_a_disk_boots_by_its_own_loader(disk: Path, mmu: str) -> None:
    shown = run("boot", "--disk", f"{disk},ro", "--mmu", mmu, "--timeout", "60")
    assert "GNU GRUB" in shown
    assert "booted from /vdevice/v-scsi@30000002/disk@8000000000000000:1" in shown
    complaints = [line for line in shown.splitlines() if line[:3] in ("<0>", "<1>", "<2>", "<3>")]
    assert [line for line in complaints if "vas: API" not in line] == []


def test_a_disk_in_a_storage_network_boots_by_its_own_loader(disk: Path) -> None:
    shown = run("boot", "--fc", f"{disk},ro", "--timeout", "60")
    assert "GNU GRUB" in shown
    node = r"booted from /vdevice/vfc-client@30000038/disk@5005076[0-9a-f]{9},0000000000000000:1"
    assert re.search(node, shown), shown


def test_the_menu_counts_down_in_the_guests_time(disk: Path) -> None:
    stats = disk.parent / "stats.json"
    run("boot", "--disk", f"{disk},ro", "--timeout", "60", "--stats-file", stats)
    found = json.loads(stats.read_text())
    assert found["time_base"] > 2 * 512_000_000
    assert found["client_services"]["milliseconds"] < 4000


def test_keys_choose_from_the_menu(disk: Path) -> None:
    shown = run("boot", "--disk", f"{disk},ro", "--timeout", "60", typed="\x0e\r")  # Ctrl-N, Enter
    assert "GNU GRUB" in shown
    assert "booted from" not in shown


def test_a_partition_saved_in_the_menu_goes_on_there(disk: Path, tmp_path: Path) -> None:
    state = tmp_path / "menu.state"
    saved = ("--save-at", "1.5", "--save-to", state, "--timeout", "1.6")
    run("boot", "--disk", f"{disk},ro", *saved, status=4)
    assert "booted from" in run("restore", state, "--timeout", "60")


def test_a_disk_without_a_loader_is_refused_with_the_reason(tmp_path: Path) -> None:
    image = tmp_path / "empty.img"
    image.touch()
    os.truncate(image, 1 << 20)
    shown = run("boot", "--disk", image, status=1)
    assert "no PReP partition" in shown
    assert "Traceback" not in shown


def test_boot_wants_something_to_boot() -> None:
    shown = run("boot", status=2)
    assert "--kernel" in shown
    assert "--disk" in shown


def test_a_disc_that_grub_mkrescue_made_boots_debians_kernel(disk: Path, tmp_path: Path) -> None:
    if not all(map(shutil.which, ("grub-mkrescue", "xorriso", "mformat"))):
        pytest.skip("grub-common, xorriso or mtools are not installed")
    userland = fetch_userland(("grub-ieee1275-bin",), Quiet())
    names = [package.name for package in userland.packages]
    deb = userland.debs[names.index("grub-ieee1275-bin")]
    subprocess.run(["dpkg-deb", "--extract", deb, tmp_path / "grub"], check=True)
    (tmp_path / "disc" / "boot" / "grub").mkdir(parents=True)
    for file in (disk.parent / "root" / "files").iterdir():
        shutil.copy(file, tmp_path / "disc" / "boot")
    menu = "set timeout=1\nmenuentry D { linux /boot/vmlinux console=hvc0; initrd /boot/initrd }\n"
    (tmp_path / "disc" / "boot" / "grub" / "grub.cfg").write_text(menu)
    modules = tmp_path / "grub" / "usr/lib/grub/powerpc-ieee1275"
    image = tmp_path / "disc.iso"
    subprocess.run(
        ["grub-mkrescue", "-d", modules, "-o", image, tmp_path / "disc"],
        check=True,
        capture_output=True,
    )
    shown = run("boot", "--disk", f"{disk},ro", "--cdrom", image, "--boot-device", "disk7 cdrom")
    assert "GNU GRUB" in shown
    drive = "/vdevice/v-scsi@30000002/cdrom@8100000000000000"
    assert f"booted from {drive}:,\\boot\\grub\\powerpc.elf" in shown
