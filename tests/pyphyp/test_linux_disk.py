"""Debian's unmodified ibmvscsi, sd and sr drivers on virtual disks and drives."""

from __future__ import annotations

import hashlib
import os
import random
import re
from typing import TYPE_CHECKING

import pytest

from guests.linux import fetch_linux
from guests.modules import DISK_MODULES, kernel_modules
from hypervisor.vio.configuration import Medium, ScsiAdapter, ScsiUnit
from pyphyp import Machine
from pyphyp.guest_starts import Quiet
from tests.pyphyp.linux_command import linux

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.linux

MIB = 1 << 20


def run(command: str, *arguments: str | Path) -> str:
    done = linux("-c", command, *arguments)
    assert done.returncode == 0, done.stderr
    complaints = re.findall(r"^<[0-3]>.*", done.stdout, re.MULTILINE)
    assert [line for line in complaints if "vas: API" not in line] == []
    return done.stdout


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(b"")
    os.truncate(path, 64 * MIB)
    return path


@pytest.mark.parametrize("mmu", ["radix", "hash"])
def test_linux_writes_a_disk_and_reads_it_back(image: Path, mmu: str) -> None:
    content = random.Random(mmu).randbytes(3 * MIB)
    with image.open("r+b") as file:
        file.seek(17 * MIB)
        file.write(content)
    command = (
        "dd if=/dev/sda bs=1M skip=17 count=3 2>/dev/null | tee /tmp/part | sha256sum; "
        "dd if=/tmp/part of=/dev/sda bs=65536 seek=16 conv=fsync 2>/dev/null; "
        "blockdev --getsize64 /dev/sda; dmesg -r"
    )
    shown = run(command, "--disk", image, "--mmu", mmu)
    assert hashlib.sha256(content).hexdigest() in shown
    assert f"\n{64 * MIB}" in shown.replace("\r", "")
    assert "SRP_LOGIN succeeded" in shown
    assert image.read_bytes()[MIB : 4 * MIB] == content


def test_linux_keeps_a_file_system_over_boots(image: Path) -> None:
    run(
        "mke2fs /dev/sda >/dev/null && mount /dev/sda /mnt && cp /usr/bin/busybox /mnt/b && "
        "sha256sum </mnt/b >/mnt/sum && umount /mnt && dmesg -r",
        "--disk",
        image,
    )
    shown = run("mount /dev/sda /mnt && cat /mnt/sum && sha256sum </mnt/b", "--disk", image)
    sums = re.findall(r"[0-9a-f]{64}", shown)
    assert len(sums) == 2
    assert sums[0] == sums[1]


def test_linux_reads_a_disc_and_ejects_it(tmp_path: Path) -> None:
    disc = tmp_path / "disc.iso"
    disc.write_bytes(random.Random(1).randbytes(2 * MIB))
    command = "sha256sum /dev/sr0; eject /dev/sr0; head -c1 /dev/sr0; dmesg -r"
    shown = run(command, "--cdrom", disc, "--package", "eject")
    assert hashlib.sha256(disc.read_bytes()).hexdigest() in shown
    assert "No medium found" in shown


def test_a_disk_that_is_read_only_refuses_the_guest(image: Path) -> None:
    before = image.stat().st_mtime_ns
    shown = run("dd if=/dev/zero of=/dev/sda count=1 conv=fsync; echo $?", "--disk", f"{image},ro")
    assert re.search(r"\n[1-9]", shown.replace("\r", ""))
    assert image.stat().st_mtime_ns == before


def test_linux_finds_every_disk(tmp_path: Path) -> None:
    options: list[str | Path] = []
    for n in range(32):
        path = tmp_path / f"{n}.img"
        path.write_bytes(b"")
        os.truncate(path, (n + 1) * MIB)
        options += ["--disk", path]
    shown = run("cat /proc/partitions; dmesg -r", *options)
    found = re.findall(r" (\d+) sd[a-z]+\s", shown)
    assert sorted(map(int, found)) == [1024 * (n + 1) for n in range(32)]


def test_linux_finds_all_32_units_of_the_last_target(tmp_path: Path) -> None:
    units = []
    for target in (0, 63):
        for lun in range(32):
            path = tmp_path / f"{target}-{lun}"
            path.touch()
            os.truncate(path, MIB + 512 * (target + lun))
            units.append(ScsiUnit(Medium.DISK, str(path), target, lun))
    linux = fetch_linux(Quiet())
    modules = kernel_modules(linux, Quiet()).load_order(DISK_MODULES)
    script = (
        "sleep 3; cd /sys/class/scsi_device; "
        "for i in *; do echo $i $(cat $i/device/block/*/size); done; poweroff -f"
    )
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(reboot=False, scsi=[ScsiAdapter(2, tuple(units))])
        initrd = linux.initramfs(script=script, modules=modules)
        partition.boot(linux.kernel, initrd, "console=hvc0 quiet")
        assert partition.run(seconds=60) is not None
        shown = partition.console.transcript.text
    found = re.findall(r"0:0:(\d+):(\d+) (\d+)", shown)
    assert len(found) == 64
    assert all(int(size) == MIB // 512 + int(target) + int(lun) for target, lun, size in found)


def test_debians_sg3_utils_agree_with_the_configuration(image: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.img"
    other.touch()
    os.truncate(other, 10 * MIB)
    command = (
        "sg_inq /dev/sg0; sg_vpd -p di /dev/sg0; sg_vpd -p lbpv /dev/sg0; sg_readcap -l /dev/sg1;"
        "sg_persist --out --register --param-sark=0x1234 /dev/sg0;"
        "sg_persist --out --reserve --param-rk=0x1234 --prout-type=5 /dev/sg0;"
        "sg_persist -r /dev/sg0;"
        "sg_write_same --lba=0 --num=8 --unmap --16 /dev/sg0; echo same $?;"
        "sg_verify --lba=0 --count=100 /dev/sg0; echo verify $?;"
        "sg_reset -d /dev/sg0; sg_turs /dev/sg0; echo attention $?; sg_sync /dev/sg0; echo sync $?;"
        "sg_dd if=/dev/zero of=/dev/sg1 bs=512 count=1; echo write $?;"
        "sg_rep_zones /dev/sg0; echo zones $?;"
        "sg_luns /dev/sg0; sg_opcodes -o 0xa0 /dev/sg0; sg_senddiag -t /dev/sg0; echo test $?;"
        "sg_unmap --force --lba=16 --num=8 /dev/sg0; echo unmap $?;"
        "sg_readcap --16 /dev/sg0; sg_vpd -p bl /dev/sg0; sg_persist -i -s /dev/sg0"
    )
    options = ("--package", "sg3-utils", "--module", "sg")
    shown = run(command, "--disk", image, "--disk", f"{other},ro", *options)
    for words in (
        "Product identification: VDASD",
        "LBPRZ): 1",
        f"Device size: {10 * MIB} bytes",
        "type: Write Exclusive, registrants only",
        "same 0",
        "verify 0",
        "attention 6",  # sg3_utils' exit statuses: a unit attention,
        "sync 0",
        "write 7",  # write protected,
        "zones 9",  # and a command that is not supported
        "Lun list length = 8 which imples 1 lun entry",
        "Command is supported [conforming to SCSI standard]",
        "test 0",
        "unmap 0",
        "Maximum unmap LBA count: 4194304",
        "<< Reservation holder >>",
    ):
        assert words in shown, words
