"""Debian's dm-multipath over two Virtual I/O Servers, one of which is killed and comes back."""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

import pytest

from hypervisor.system.errors import ManagementError
from pyphyp.actions import ActivatePartition, ResetPartition, RunViosCommand, ShutdownPartition
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.linux

MIB = 1 << 20
CLIENT = """
[[partition]]
name = "web"
guest = "linux"
memory = "1G"
dedicated = 1
vios = ["v1", "v2"]
packages = ["multipath-tools"]
modules = ["dm_multipath", "dm_service_time", "scsi_dh_alua"]
start = false
"""
BUILT_IN = """
[machine]
cores = 1
memory = "2G"

[[vios]]
name = "v1"
disks = ["data.img,shared"]

[[vios]]
name = "v2"
disks = ["data.img,shared"]
"""
# multipathd asks udev; /dev/urandom's content is kept where no disk is, to compare.
SET_UP = """
cat >/etc/multipath.conf <<'END'
defaults {
    find_multipaths no
    user_friendly_names yes
    polling_interval 1
    max_polling_interval 1
    no_path_retry queue
}
END
dmesg -n 1
mkdir -p /etc/multipath; /lib/systemd/systemd-udevd -d; udevadm trigger --action=add 2>/dev/null
udevadm settle; multipathd -d >/tmp/log 2>&1 &
until [ -b /dev/mapper/mpatha ]; do sleep 0.2; done; head -c 2000000 /dev/urandom >/tmp/content
"""
# Writes of content and reads of it, over and over, until there is a file /tmp/stop.
WORK = """
cat >/tmp/work <<'END'
round=0; disk=/dev/mapper/mpatha
while [ ! -e /tmp/stop ]; do
    dd if=/tmp/content of=$disk bs=64k conv=notrunc,fsync oflag=direct 2>/tmp/dd || break
    dd if=$disk bs=64k count=31 iflag=direct 2>/dev/null |
        cmp -n 2000000 - /tmp/content || break
    round=$((round + 1)); echo $round >/tmp/new; mv /tmp/new /tmp/rounds; sleep 0.2
done
[ -e /tmp/stop ] && echo all >/tmp/right
END
sh /tmp/work >/tmp/wrong 2>&1 &
"""


class Client:
    def __init__(self, machine: ManagedMachine) -> None:
        self.machine = machine
        self.console = machine.activate("web").console
        self.console.wait_for("~# ", seconds=120)

    def told(self, command: str, seconds: float = 60) -> str:
        begin = len(self.console.output)
        self.console.send(f"{command.strip()}\necho en''ded $?\n")
        self.console.wait_for(re.compile(r"ended \d+"), seconds=seconds)
        return self.console.output[begin:].replace("\r", "")

    def paths(self) -> list[str]:
        """Of the two, by the first's server: active or failed."""
        shown = self.told("multipath -ll")
        return re.findall(r"\d:0:\d:0 sd[a-z] +\d+:\d+ +(active|failed) ", shown)

    def wait_for_paths(self, *wanted: str) -> None:
        for _ in range(40):
            if (paths := self.paths()) == list(wanted):
                return
            self.machine.run(seconds=1)
        raise AssertionError((paths, self.told("tail /tmp/log; dmesg | tail -20")))

    def rounds(self) -> int:
        shown = self.told("cat /tmp/rounds")
        found = re.findall(r"^(\d+)$", shown, re.MULTILINE)
        assert found, shown
        return int(found[0])

    def work_on(self) -> None:
        """Two more rounds at least."""
        target = self.rounds() + 2
        for _ in range(60):
            if self.rounds() >= target:
                return
            self.machine.run(seconds=1)
        raise AssertionError(self.told("cat /tmp/wrong /tmp/dd; tail /tmp/log; dmesg | tail -30"))


def assert_nothing_was_lost(client: Client, disk: Path, job: int = 2) -> None:
    """`job` is the shell's number of its work."""
    shown = client.told(
        f"touch /tmp/stop; wait %{job}; cat /tmp/right /tmp/wrong; sha256sum /tmp/content"
    )
    assert "\nall\n" in shown
    (digest,) = re.findall(r"[0-9a-f]{64}", shown)
    assert hashlib.sha256(disk.read_bytes()[:2_000_000]).hexdigest() == digest


def test_a_path_over_a_built_in_server_that_is_killed_comes_back_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    (tmp_path / "data.img").touch()
    os.truncate(tmp_path / "data.img", 64 * MIB)
    with ManagedMachine(parse(BUILT_IN + CLIENT, directory=tmp_path).system, epoch=0) as machine:
        for name in ("v1", "v2"):
            machine.perform(RunViosCommand(name, "mkvdev -vdev hdisk1 -vadapter vhost0"))
        machine.power_on()
        client = Client(machine)
        client.told(SET_UP + WORK + "sleep 3")
        client.wait_for_paths("active", "active")
        for name, one_is_dead in (("v1", ("failed", "active")), ("v2", ("active", "failed"))):
            machine.perform(ShutdownPartition(name, immediate=True))
            client.wait_for_paths(*one_is_dead)
            client.work_on()
            with pytest.raises(ManagementError, match="does not run"):
                machine.perform(RunViosCommand(name, "lsmap -all"))
            machine.perform(ActivatePartition(name))
            client.wait_for_paths("active", "active")
            client.work_on()
        machine.perform(RunViosCommand("v1", "shutdown -force -restart"))
        client.work_on()
        client.wait_for_paths("active", "active")
        assert_nothing_was_lost(client, tmp_path / "data.img")


LINUX = """
[machine]
cores = 2
memory = "3G"
"""
SERVER = """
[[partition]]
name = "{0}"
guest = "linux"
memory = "512M"
units = 0.3
weight = 128
disks = ["data.img,shared"]
script = "serve.sh"

[[partition.vscsi_server]]
client = "web"
"""
# Both say that it is the same disk, by its serial number.
SERVE = """
mount -t configfs none /sys/kernel/config
cd /sys/kernel/config/target
mkdir -p core/iblock_0/disk ibmvscsis/3000000a/tpgt_1/lun/lun_0
echo udev_path=/dev/sda >core/iblock_0/disk/control
echo 1 >core/iblock_0/disk/enable
echo 70797068 >core/iblock_0/disk/wwn/vpd_unit_serial
ln -s /sys/kernel/config/target/core/iblock_0/disk ibmvscsis/3000000a/tpgt_1/lun/lun_0/disk
echo 1 >ibmvscsis/3000000a/tpgt_1/enable
echo ser''ves
"""


def test_a_path_over_a_linux_server_that_is_killed_comes_back_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    (tmp_path / "data.img").touch()
    os.truncate(tmp_path / "data.img", 64 * MIB)
    (tmp_path / "serve.sh").write_text(SERVE)
    text = LINUX + SERVER.format("v1") + SERVER.format("v2") + CLIENT
    with ManagedMachine(parse(text, directory=tmp_path).system, epoch=0) as machine:
        machine.power_on()
        for name in ("v1", "v2"):
            machine.partitions[name].console.wait_for("serves", seconds=60)
        client = Client(machine)
        client.told(SET_UP + WORK + "sleep 3")
        client.wait_for_paths("active", "active")
        machine.perform(ShutdownPartition("v1", immediate=True))
        client.wait_for_paths("failed", "active")
        client.work_on()
        machine.activate("v1")
        client.wait_for_paths("active", "active")
        machine.perform(ResetPartition("v2"))
        client.work_on()
        client.wait_for_paths("active", "active")
        client.work_on()
        assert_nothing_was_lost(client, tmp_path / "data.img")
