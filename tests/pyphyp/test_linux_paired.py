"""Debian serves Debian: ibmvscsis and ibmvscsi, both unmodified, of two partitions."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from guests import cpio
from guests.linux import fetch_linux
from guests.modules import DISK_MODULES, kernel_modules
from pyphyp.guest_starts import Quiet
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine
from pyphyp.starts import Booted

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.managed_partition import ManagedPartition

pytestmark = pytest.mark.linux

MIB = 1 << 20
FILE = """
[machine]
cores = 2
memory = "2G"
epoch = 0

[[partition]]
name = "io"
guest = "linux"
memory = "512M"
dedicated = 1
disks = ["root.img"]
script = "serve.sh"

[[partition.vscsi_server]]
client = "web"

[[partition]]
name = "web"
guest = "linux"
memory = "512M"
dedicated = 1
vios = ["io"]
start = false
"""
SERVE = """
mount -t configfs none /sys/kernel/config
cd /sys/kernel/config/target
mkdir -p core/iblock_0/disk ibmvscsis/3000000a/tpgt_1/lun/lun_0
echo udev_path=/dev/sda >core/iblock_0/disk/control
echo 1 >core/iblock_0/disk/enable
ln -s /sys/kernel/config/target/core/iblock_0/disk ibmvscsis/3000000a/tpgt_1/lun/lun_0/disk
echo 1 >ibmvscsis/3000000a/tpgt_1/enable
cd /
"""
TAKE_BACK = """
cd /sys/kernel/config/target
echo 0 >ibmvscsis/3000000a/tpgt_1/enable
rm ibmvscsis/3000000a/tpgt_1/lun/lun_0/disk
rmdir ibmvscsis/3000000a/tpgt_1/lun/lun_0 core/iblock_0/disk
cd /
"""
MAKE_ROOT = """
mke2fs /dev/sda >/dev/null
mount /dev/sda /mnt
mkdir -p /mnt/bin /mnt/sbin /mnt/dev /mnt/proc
cp -a /bin/busybox /mnt/bin
for name in sh cat sha256sum dd dmesg mount poweroff sync grep; do
    ln -s busybox /mnt/bin/$name
done
head -c 3000000 /dev/urandom >/mnt/content
sha256sum </mnt/content >/mnt/sum
cat /mnt/sum
cat >/mnt/sbin/init <<'END'
#!/bin/sh
mount -t proc none /proc
mount -t devtmpfs none /dev
grep ' / ' /proc/mounts
sha256sum </content
cat /sum
dd if=/bin/busybox of=/written bs=64k 2>/dev/null
sha256sum </written >/written.sum
sync
dmesg
echo lives''-on
exec sh
END
chmod +x /mnt/sbin/init
umount /mnt
"""
INIT = b"""#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "$module"; done </etc/modules
until [ -b /dev/sda ]; do sleep 0.1; done
mount /dev/sda /mnt
umount /proc
exec switch_root /mnt /sbin/init
"""


def root_on_disk() -> Booted:
    """Debian's kernel, with an initial file system that only looks for its root."""
    linux = fetch_linux(Quiet())
    modules = kernel_modules(linux, Quiet()).load_order(DISK_MODULES)
    initrd = linux.initramfs({"init": cpio.File(INIT, 0o755)}, modules=modules)
    return Booted.of(linux.kernel, initrd, "console=hvc0 rootfstype=ramfs", direct=False)


def text_of(partition: ManagedPartition) -> str:
    return partition.console.output.replace("\r", "")


def test_a_debian_lives_on_the_root_file_system_that_another_one_serves(tmp_path: Path) -> None:
    (tmp_path / "root.img").touch()
    os.truncate(tmp_path / "root.img", 32 * MIB)
    (tmp_path / "serve.sh").write_text(MAKE_ROOT + SERVE + "echo ser''ves\nsh\n")
    system = parse(FILE, directory=tmp_path).system
    with ManagedMachine(system, epoch=0, starts={"web": root_on_disk()}) as machine:
        machine.power_on()
        server = machine.partitions["io"]
        server.console.wait_for("serves", seconds=60)
        client = machine.activate("web")
        client.console.wait_for("lives-on", seconds=120)
        shown = text_of(client)
        assert "/dev/sda / ext2 rw" in shown
        assert "host partition io (1), OS 2" in shown
        sums = re.findall(r"[0-9a-f]{64}", shown)
        assert sums[0] == sums[1]
        assert sums[0] in text_of(server)
        for word in ("Oops", "WARNING", "error"):
            assert word not in shown
        client.console.send("cat /written.sum; poweroff -f\n")
        client.console.wait_for("Power down", seconds=10)
        (written,) = set(re.findall(r"[0-9a-f]{64}", text_of(client))) - set(sums)
        server.console.send(TAKE_BACK + "mount /dev/sda /mnt; sha256sum /mnt/written\n")
        server.console.wait_for(f"{written}  /mnt/written", seconds=10)
