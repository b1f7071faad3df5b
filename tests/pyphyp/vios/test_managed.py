"""Partitions of a managed machine as clients of its Virtual I/O Servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hypervisor.scsi.disk import Disk
from hypervisor.system.errors import ManagementError
from hypervisor.vio.configuration import ScsiAdapter
from pyphyp import Machine
from pyphyp.actions import ActivatePartition, ResetPartition, RunViosCommand, ShutdownPartition
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine
from pyphyp.raw_file import MediaError

if TYPE_CHECKING:
    from pathlib import Path

FILE = """
[machine]
cores = 1
memory = "1G"
epoch = 0

[[vios]]
name = "v1"

[[vios]]
name = "v2"

[[partition]]
name = "toy"
guest = "ticks"
memory = "64M"
units = 0.3
vios = ["v1", "v2"]
"""
LUN = (0x81 << 56).to_bytes(8, "big")


def machine(directory: Path) -> ManagedMachine:
    return ManagedMachine(parse(FILE, directory=directory).system, epoch=0)


def test_a_client_that_boots_again_finds_what_is_mapped(tmp_path: Path) -> None:
    with machine(tmp_path) as its:
        its.power_on()
        its.perform(RunViosCommand("v1", "mkbdsp -sp rootvg 64m -bd a -vadapter vhost0"))
        its.perform(RunViosCommand("v2", "mkbdsp -sp rootvg 64m -bd b -vadapter vhost0"))
        media = its.partitions["toy"].media
        first, second = media.targets[20], media.targets[21]
        unit = first.find(LUN)
        assert unit is not None
        assert second.find(LUN) not in (None, unit)
        assert media.units == []  # they are the servers'
        its.perform(ResetPartition("toy"))
        its.run(seconds=0.1)
        its.perform(ShutdownPartition("toy", immediate=True))
        its.activate("toy")
        assert its.partitions["toy"].media.targets[20].find(LUN) is unit
        its.run(seconds=0.1)
    with machine(tmp_path) as its:  # and in the next run of the machine
        its.power_on()
        assert its.partitions["toy"].media.targets[20].find(LUN) is not None


def test_clients_are_told_which_server_it_is(tmp_path: Path) -> None:
    with machine(tmp_path) as its:
        its.power_on()
        servers = its.partitions["toy"].composition.adapters.servers
        told = [(s.identity.name, s.identity.number) for s in servers.values()]
        assert told == [("v1", 2), ("v2", 3)]


def test_refusals_leave_the_machine_running(tmp_path: Path) -> None:
    with machine(tmp_path) as its:
        its.power_on()
        with pytest.raises(ManagementError, match="there are v1, v2"):
            its.perform(RunViosCommand("v3", "lsmap -all"))
        with pytest.raises(ManagementError, match="Invalid flag"):
            its.perform(RunViosCommand("v1", "lsmap -frob"))
        its.run(seconds=0.1)
        assert its.partitions["toy"].runs


def test_a_server_is_one_machine_s(tmp_path: Path) -> None:
    with machine(tmp_path), pytest.raises(ManagementError, match="in use by another machine"):
        machine(tmp_path)
    with machine(tmp_path):
        pass


def test_without_the_server_a_client_is_refused(tmp_path: Path) -> None:
    with Machine(epoch=0) as its, pytest.raises(MediaError, match="no Virtual I/O Server v1"):
        its.add_partition(scsi=[ScsiAdapter(20, server="v1")])


def test_a_server_that_is_shut_down_answers_no_command_until_it_is_activated(
    tmp_path: Path,
) -> None:
    with machine(tmp_path) as its:
        its.power_on()
        targets = its.partitions["toy"].media.targets[20]
        its.perform(RunViosCommand("v1", "shutdown -force"))
        for refused in (
            RunViosCommand("v1", "lsmap -all"),
            ShutdownPartition("v1", immediate=True),
            ResetPartition("v1"),
        ):
            with pytest.raises(ManagementError, match="v1 does not run: pyphyp activate v1"):
                its.perform(refused)
        assert not targets.present
        its.perform(ActivatePartition("v1"))
        assert targets.present
        with pytest.raises(ManagementError, match="runs already"):
            its.perform(ActivatePartition("v1"))
        its.perform(ResetPartition("v1"))
        its.perform(RunViosCommand("v1", "shutdown -force -restart"))
        assert targets.present
        with pytest.raises(ManagementError, match="-force flag is required"):
            its.perform(RunViosCommand("v1", "shutdown"))


def test_two_servers_lend_a_disk_that_is_shared(tmp_path: Path) -> None:
    (tmp_path / "data.img").write_bytes(bytes(1 << 20))
    shared = FILE.replace('name = "v1"', 'name = "v1"\ndisks = ["data.img,shared"]')
    shared = shared.replace('name = "v2"', 'name = "v2"\ndisks = ["data.img,shared"]')
    with ManagedMachine(parse(shared, directory=tmp_path).system, epoch=0) as its:
        its.power_on()
        for name in ("v1", "v2"):
            its.perform(RunViosCommand(name, "mkvdev -vdev hdisk1 -vadapter vhost0"))
        targets = its.partitions["toy"].media.targets
        assert targets[20].find(LUN) is targets[21].find(LUN) is not None
        its.perform(RunViosCommand("v1", "rmvdev -vdev hdisk1"))
        disk = targets[21].find(LUN)
        assert isinstance(disk, Disk)
        assert disk.medium().read(0, 512) == bytes(512)
    alone = shared.replace(",shared", "", 1)
    system = parse(alone, directory=tmp_path).system
    in_use = pytest.raises(ManagementError, match="in use")  # v2 still lends it
    with ManagedMachine(system, epoch=0) as its, in_use:
        its.perform(RunViosCommand("v1", "mkvdev -vdev hdisk1 -vadapter vhost0"))
