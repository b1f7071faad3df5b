"""Debian on a logical volume of a Virtual I/O Server, which grows while it is written to."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import pytest

from hypervisor.scsi.disk import Disk
from pyphyp.actions import RunViosCommand
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.linux

MIB = 1 << 20
FILE = """
[machine]
cores = 1
memory = "2G"
epoch = 0

[[vios]]
name = "vios1"
disks = ["pv1.img", "pv2.img"]

[[partition]]
name = "web"
guest = "linux"
memory = "1G"
units = 0.5
vios = ["vios1"]
"""
WORK = """
cat /bin/busybox /bin/busybox /bin/busybox | head -c 2000000 >/tmp/part
for n in 0 1 2 3 4 5 6 7 8 9 10 11; do
  dd if=/tmp/part of=/dev/sda bs=1M seek=$((2*n+1)) oflag=direct conv=notrunc,sync 2>/dev/null
  dd if=/dev/sda bs=1M skip=$((2*n+1)) count=2 iflag=direct 2>/dev/null | head -c 2000000 |
    cmp - /tmp/part || echo wro''ng $n
  echo ti''ck $n
done
echo do''ne
"""


def test_a_volume_is_used_and_grows_and_is_the_same_after_a_restart(tmp_path: Path) -> None:
    for name in ("pv1.img", "pv2.img"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(33 * MIB)
    system = parse(FILE, directory=tmp_path).system
    with ManagedMachine(system, epoch=0) as machine:
        machine.perform(RunViosCommand("vios1", "mksp datavg hdisk1 hdisk2"))
        make = "mkbdsp -sp datavg 28m -bd data -vadapter vhost0"
        machine.perform(RunViosCommand("vios1", make))
        machine.power_on()
        console = machine.partitions["web"].console

        def told(command: str) -> str:
            console.send(f"{command}; echo en''ded $?\n")
            begin = len(console.output)
            console.wait_for(re.compile(r"ended \d+"))
            return console.output[begin:].replace("\r", "")

        console.wait_for("~# ", seconds=120)
        assert re.search(r"28672 sda\n", told("cat /proc/partitions"))
        console.send(f"{WORK.strip()}\n".replace("\n", "\r"))
        console.wait_for("tick 3")
        machine.perform(RunViosCommand("vios1", "extendlv data 28m"))
        console.wait_for("done", seconds=120)
        assert "wrong" not in console.output
        told("echo 1 >/sys/block/sda/device/rescan")
        assert re.search(r"57344 sda\n", told("cat /proc/partitions"))
        written = told(
            "dd if=/bin/busybox of=/dev/sda bs=64k seek=800 oflag=direct conv=fsync,sync"
        )
        assert "ended 0" in written
        shown = told("md5sum /dev/sda; dmesg | grep -i sda")
        assert "I/O error" not in shown
        digest = re.search(r"([0-9a-f]{32})  /dev/sda", shown)
    assert digest is not None
    with ManagedMachine(system, epoch=0) as again:
        disk = again.io_servers.by_name["vios1"].served(1, 20).find((0x81 << 56).to_bytes(8, "big"))
        assert isinstance(disk, Disk)
        assert disk.medium().size == 56 * MIB
        content = disk.medium().read(0, 56 * MIB)
        assert hashlib.md5(content, usedforsecurity=False).hexdigest() == digest[1]
        assert content[800 * 65536 :].startswith(b"\x7fELF")
