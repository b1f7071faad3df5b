"""Debian's unmodified drivers as clients of a Virtual I/O Server that changes while they run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from hypervisor.system.errors import ManagementError
from pyphyp.actions import RunViosCommand
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine

if TYPE_CHECKING:
    from collections.abc import Iterator
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
rootvg = "4G"
tapes = ["backup.tap"]

[[partition]]
name = "web"
guest = "linux"
memory = "1G"
units = 0.5
vios = ["vios1"]
packages = ["eject"]
"""
RESCAN = "for h in /sys/class/scsi_host/host*; do echo '- - -' >$h/scan; done"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[ManagedMachine]:
    (tmp_path / "backup.tap").touch()
    file = parse(FILE, directory=tmp_path)
    with ManagedMachine(file.system, epoch=0) as its:
        its.power_on()
        its.partitions["web"].console.wait_for("~# ", seconds=120)
        yield its


def vios(machine: ManagedMachine, *commands: str) -> None:
    for command in commands:
        machine.perform(RunViosCommand("vios1", command))


def told(machine: ManagedMachine, command: str) -> str:
    """What a command of the guest prints."""
    console = machine.partitions["web"].console
    console.send(f"{command}; echo en''ded $?\n")
    begin = len(console.output)
    console.wait_for(re.compile(r"ended \d+"))
    return console.output[begin:].replace("\r", "")


def test_devices_come_and_go_while_the_client_runs(machine: ManagedMachine, tmp_path: Path) -> None:
    assert "sda" not in told(machine, f"{RESCAN}; cat /proc/partitions")
    vios(machine, "mkbdsp -sp rootvg 64m -bd data -vadapter vhost0")
    shown = told(machine, f"{RESCAN}; sleep 1; cat /proc/partitions; dmesg | tail -20")
    assert re.search(r"65536 sda\n", shown)
    written = told(
        machine, "dd if=/bin/busybox of=/dev/sda conv=fsync; cmp -n 500000 /bin/busybox /dev/sda"
    )
    assert "ended 0" in written
    kept = (tmp_path / "vios1/pools/rootvg/data").read_bytes()
    assert kept[:4] == b"\x7fELF"
    vios(machine, "rmvdev -vdev data")
    assert "ended 0" not in told(machine, "dd if=/dev/sda of=/dev/null count=1 iflag=direct")
    told(machine, "echo 1 >/sys/block/sda/device/delete")
    vios(machine, "mkvdev -vdev data -vadapter vhost0 -dev again")
    again = told(machine, f"{RESCAN}; sleep 1; cmp -n 500000 /bin/busybox /dev/sda")
    assert "ended 0" in again
    with pytest.raises(ManagementError, match="already mapped"):
        vios(machine, "mkvdev -vdev data -vadapter vhost0")


def test_the_client_reads_media_of_the_repository_and_ejects_them(
    machine: ManagedMachine, tmp_path: Path
) -> None:
    image = tmp_path / "disc.iso"
    image.write_bytes(b"on the disc".ljust(2 * MIB, b"\0"))
    vios(machine, "mkrep -sp rootvg -size 1g", f"mkvopt -name disc -file {image} -ro")
    vios(machine, "mkvdev -fbo -vadapter vhost0")
    assert "No medium" in told(machine, f"{RESCAN}; sleep 1; head -c 11 /dev/sr0")
    vios(machine, "loadopt -disk disc -vtd vtopt0")
    assert "on the disc" in told(machine, "head -c 11 /dev/sr0")
    told(machine, "eject /dev/sr0")
    assert machine.io_servers.run("vios1", "lsvopt -fmt :").out == "vtopt0:No Media:n/a\n"


def test_the_server_names_itself_and_lends_its_tape(machine: ManagedMachine) -> None:
    vios(machine, "mkvdev -vdev rmt0 -vadapter vhost0")
    shown = told(machine, f"{RESCAN}; sleep 1; echo x >/dev/nst0; mt -f /dev/nst0 tell; dmesg")
    assert "host partition vios1 (2)" in shown
    assert "Attached scsi tape st0" in shown
    assert "At block 2" in shown
