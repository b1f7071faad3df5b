"""Debian's kernel and drmgr take adapters that come while they run, and give them back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from hypervisor.vio.configuration import ConsoleAdapter, EthernetAdapter, TerminalProtocol
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine
from pyphyp.slots import SlotState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyphyp.managed_partition import ManagedPartition

pytestmark = pytest.mark.linux

MACHINE = """
[machine]
cores = 1
memory = "1G"

[[partition]]
name = "lpar1"
guest = "linux"
memory = "1G"
units = 1
interrupts = "auto"
packages = ["powerpc-utils"]
"""
MIB = 1 << 20
CONTENT = b"what was on the disk before"


@pytest.fixture(scope="module")
def partition() -> Iterator[ManagedPartition]:
    with ManagedMachine(parse(MACHINE).system, epoch=0, host_threads=1) as machine:
        machine.power_on()
        made = machine.partitions["lpar1"]
        made.console.wait_for("~# ")
        yield made


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(CONTENT.ljust(4 * MIB, b"\0"))
    return path


def ask(partition: ManagedPartition, command: str) -> str:
    """What a command says; it must succeed."""
    begins = len(partition.console.output)
    partition.console.send(f"{command}; echo ended=$?\n")
    match = partition.console.wait_for(re.compile(r"ended=(\d+)"), seconds=30)
    said = partition.console.output[begins:].replace("\r", "")
    assert match[1] == "0", said
    return said.partition("ended=$?\n")[2].rpartition("ended=")[0]


def until(partition: ManagedPartition, slot: int, state: SlotState | None) -> None:
    for _ in range(100):
        states = {its.slot: its.state for its in partition.slots()}
        if states.get(slot) is state:
            return
        partition.run(seconds=0.1)
    raise AssertionError(f"{states}; {partition.console.transcript.last_lines()}")


def test_a_disk_comes_is_used_and_goes(partition: ManagedPartition, image: Path) -> None:
    slot = partition.add_disk(image)
    until(partition, slot, SlotState.OWNED)
    said = ask(partition, "sleep 1; dd if=/dev/sda bs=512 count=1 2>/dev/null | tr -d '\\0'")
    assert CONTENT.decode() in said
    ask(partition, "echo 'written by the guest' | dd of=/dev/sda conv=fsync 2>/dev/null")
    assert image.read_bytes().startswith(b"written by the guest")
    location = partition.slots()[-1].location
    assert location in ask(partition, "lsslot -c slot")
    partition.remove_adapter(slot)
    until(partition, slot, None)
    assert "sda" not in ask(partition, "cat /proc/partitions")
    assert "v-scsi" not in ask(partition, "ls /proc/device-tree/vdevice")


def test_a_drive_an_ethernet_adapter_and_a_console_come_and_go_at_once(
    partition: ManagedPartition, image: Path
) -> None:
    slots = [
        partition.add_cdrom(image),
        partition.add_adapter(EthernetAdapter(partition.free_slot())),
        partition.add_adapter(ConsoleAdapter(partition.free_slot(), TerminalProtocol.HVSI)),
    ]
    for slot in slots:
        until(partition, slot, SlotState.OWNED)
    assert CONTENT.decode() in ask(partition, "sleep 1; head -c 27 /dev/sr0")
    ask(partition, "ip link set eth0 up; ip link show eth0")
    ask(partition, "echo hello from hvc1 >/dev/hvc1")
    assert partition.consoles[slots[2]].output == "hello from hvc1\r\n"
    for slot in slots:
        partition.remove_adapter(slot)
    for slot in slots:
        until(partition, slot, None)
    assert "eth0" not in ask(partition, "ip link")
    assert ask(partition, "ls /proc/device-tree/vdevice | grep @").split() == ["vty@30000000"]


def test_what_the_operator_did_not_announce_drmgr_does_by_name(
    partition: ManagedPartition, image: Path
) -> None:
    slot = partition.add_disk(image)
    until(partition, slot, SlotState.OWNED)
    name = partition.slots()[-1].location
    ask(partition, f"drmgr -c slot -r -s {name}")
    until(partition, slot, SlotState.OFFERED)
    ask(partition, f"drmgr -c slot -a -s {name}")
    until(partition, slot, SlotState.OWNED)
    partition.remove_adapter(slot)
    until(partition, slot, None)


def test_a_disk_with_a_mounted_file_system_is_given_back_when_it_is_free(
    partition: ManagedPartition, image: Path
) -> None:
    slot = partition.add_disk(image)
    until(partition, slot, SlotState.OWNED)
    ask(partition, "dmesg -n 1; sleep 1; mke2fs /dev/sda >/dev/null && mount /dev/sda /mnt")
    partition.remove_adapter(slot)
    ask(partition, "until dmesg | grep 'C[0-9]* is in use and not given back'; do sleep 1; done")
    until(partition, slot, SlotState.LEAVING)
    ask(partition, "echo kept >/mnt/file && sync && umount /mnt")
    assert b"kept" in image.read_bytes()
    partition.remove_adapter(slot)
    until(partition, slot, None)
