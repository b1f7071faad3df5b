"""Partitions of a managed machine as clients of its Virtual I/O Servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hypervisor.system.errors import ManagementError
from hypervisor.vio.configuration import ScsiAdapter
from pyphyp import Machine
from pyphyp.actions import ResetPartition, RunViosCommand, ShutdownPartition
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
