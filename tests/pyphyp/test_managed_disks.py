"""Partitions of a managed machine with disks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hypervisor.network import bootp
from hypervisor.system.errors import ManagementError
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine
from pyphyp.usage import PartitionState
from tests.firmware.devices import program

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = '[machine]\ncores = 1\nmemory = "4G"\nepoch = 0\n'
PARTITION = '[[partition]]\nname = "{}"\nguest = "{}"\nmemory = "{}"\nunits = 0.3\ndisks = ["{}"]\n'


def image(path: Path, size: int = 1 << 20) -> Path:
    path.touch()
    os.truncate(path, size)
    return path


def machine(text: str, directory: Path) -> ManagedMachine:
    file = parse(text, directory=directory)
    return ManagedMachine(file.system, epoch=file.epoch, seed=file.seed)


def test_a_disk_that_is_written_to_is_one_partitions(tmp_path: Path) -> None:
    image(tmp_path / "a.img")
    partitions = [PARTITION.format(name, "hello", "64M", "a.img") for name in ("one", "two")]
    with machine(MACHINE + "".join(partitions), tmp_path) as its:
        its.activate("one")
        with pytest.raises(ManagementError, match="in use by another partition"):
            its.activate("two")
        its.run()
        assert its.partitions["one"].state is PartitionState.POWERED_OFF
        its.activate("one")  # again: the file is its own


def test_a_disk_that_is_only_read_serves_several_each_by_itself(tmp_path: Path) -> None:
    image(tmp_path / "a.img")
    partitions = [PARTITION.format(name, "hello", "64M", "a.img,ro") for name in ("one", "two")]
    with machine(MACHINE + "".join(partitions), tmp_path) as its:
        its.power_on()
        one, two = (next(iter(p.media.targets.values())) for p in its.partitions.values())
        assert one.find(bytes(8)) is not two.find(bytes(8))  # its reservations are its own
        its.run()
        assert all(p.state is PartitionState.POWERED_OFF for p in its.partitions.values())
        its.power_on()


def test_a_partition_without_a_boot_program_is_refused_and_costs_nothing(tmp_path: Path) -> None:
    image(tmp_path / "a.img")
    text = MACHINE + PARTITION.format("one", "disk", "64M", "a.img")
    with machine(text, tmp_path) as its:
        for _ in range(2):  # and its file and its resources are free again
            with pytest.raises(ManagementError, match="no PReP partition"):
                its.activate("one")


@pytest.mark.linux
def test_linux_writes_to_the_disk_of_its_machine_file(tmp_path: Path) -> None:
    disk = image(tmp_path / "a.img", 8 << 20)
    command = "command = 'echo written | dd of=/dev/sda conv=fsync,notrunc'\n"
    text = MACHINE + PARTITION.format("one", "linux", "1G", "a.img") + command
    with machine(text, tmp_path) as its:
        its.power_on()
        its.run(seconds=60)
        assert its.partitions["one"].state is PartitionState.POWERED_OFF
    assert disk.read_bytes()[:8] == b"written\n"


def test_a_partition_that_is_switched_off_has_left_its_switch(tmp_path: Path) -> None:
    partition = PARTITION.format("one", "hello", "64M", "a.img") + "[[partition.ethernet]]\n"
    image(tmp_path / "a.img")
    with machine(MACHINE + partition, tmp_path) as its:
        its.activate("one")
        (switch,) = its.network
        assert len(list(switch)) == 1
        its.run()
        assert list(switch) == []
        its.activate("one")
        assert len(list(switch)) == 1


def test_partitions_boot_from_the_machines_boot_server(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "kernel").write_bytes(program())
    text = MACHINE + '[[boot_server]]\ndirectory = "served"\nfile = "kernel"\n'
    for name in ("one", "two"):
        text += (
            f'[[partition]]\nname = "{name}"\nguest = "disk"\nmemory = "64M"\nunits = 0.3\n'
            'boot_device = "net"\n[[partition.ethernet]]\n'
        )
    text += '[[partition]]\nname = "apart"\nguest = "disk"\nmemory = "64M"\nunits = 0.3\n'
    text += "[[partition.ethernet]]\nvlan = 9\n"
    with machine(text, tmp_path) as its:
        with pytest.raises(ManagementError, match="no BOOTP server answers"):
            its.power_on()
        its.run(windows=2)
        assert list(its.partitions) == ["one", "two"]
        given = []
        for partition in its.partitions.values():
            chosen = partition.composition.firmware.tree.at("/chosen").properties
            path = "/vdevice/l-lan@30000003:192.168.128.1,kernel"
            assert chosen["bootpath"].rstrip(b"\0").decode() == path
            reply = bootp.parse(chosen["bootp-response"])
            assert reply is not None
            given.append(str(reply.given))
        assert given == ["192.168.128.10", "192.168.128.11"]
