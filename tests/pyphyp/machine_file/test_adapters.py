"""Adapters of a machine file: disks, Ethernet, consoles, and what can be booted from them."""

from __future__ import annotations

from ipaddress import IPv4Interface
from typing import TYPE_CHECKING

import pytest

from guests.modules import DISK_MODULES, ETHERNET_MODULES
from hypervisor.network.boot_server import BootService
from hypervisor.system.definition import (
    DeviceProgram,
    DistributionLinux,
)
from hypervisor.vio.configuration import (
    Backend,
    ConsoleAdapter,
    EthernetAdapter,
    Medium,
    ScsiUnit,
    TerminalProtocol,
)
from pyphyp.machine_file import MachineFileError, parse

from .texts import MACHINE, PARTITION, wrong

if TYPE_CHECKING:
    from pathlib import Path


def test_disks_and_discs_are_targets_of_one_adapter(tmp_path: Path) -> None:
    for name in ("a.img", "b.img", "c.iso"):
        (tmp_path / name).write_bytes(bytes(2048))
    more = 'disks = ["a.img", "b.img,ro"]\ncdroms = ["c.iso", ""]\n'
    (adapter,) = (
        parse(MACHINE + PARTITION + more, directory=tmp_path).system.partitions[0].scsi_adapters
    )
    assert adapter.units == (
        ScsiUnit(Medium.DISK, str(tmp_path / "a.img"), 0),
        ScsiUnit(Medium.DISK, str(tmp_path / "b.img"), 1, read_only=True),
        ScsiUnit(Medium.OPTICAL, str(tmp_path / "c.iso"), 2, read_only=True),
        ScsiUnit(Medium.OPTICAL, "", 3, read_only=True),
    )


def test_boot_servers_give_out_directories(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "kernel").touch()
    more = (
        '[[partition.ethernet]]\nvlan = 7\n[[boot_server]]\ndirectory = "served"\n'
        'file = "kernel"\nvlan = 7\naddress = "10.1.0.1/16"\n'
    )
    guest = PARTITION.replace("hello", "disk")
    system = parse(MACHINE + guest + more, directory=tmp_path).system
    served = tmp_path / "served"
    address = IPv4Interface("10.1.0.1/16")
    assert system.boot_servers == (BootService(served, "kernel", vlan=7, address=address),)


def test_boot_servers_that_cannot_be_are_told(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    server = '[[boot_server]]\ndirectory = "served"\nfile = "kernel"\n'
    for more, words in (
        (server, "there is no file"),
        (server.replace("served", "none"), "there is no directory"),
        (server + server, "has a boot server"),
        (server + 'address = "10.0.0.1/31"\n', "room for clients"),
        (server + 'address = "here"\n', "here"),
    ):
        with pytest.raises(MachineFileError) as caught:
            parse(MACHINE + PARTITION + more, directory=tmp_path)
        assert any(words in str(problem) for problem in caught.value.problems), words


def test_ethernet_adapters_are_plugged_into_switches() -> None:
    more = (
        "[[partition.ethernet]]\nvlan = 10\nmore_vlans = [20, 30]\n"
        '[[partition.ethernet]]\nswitch = "other"\ntrunk_priority = 1\nmac = "0a:00:00:00:00:01"\n'
    )
    file = parse(MACHINE + PARTITION.replace("hello", "linux") + more)
    (partition,) = file.system.partitions
    assert partition.ethernet_adapters == (
        EthernetAdapter(3, vlan=10, more_vlans=(20, 30)),
        EthernetAdapter(4, "other", trunk_priority=1, address=bytes.fromhex("0a0000000001")),
    )
    assert isinstance(partition.guest, DistributionLinux)
    assert partition.guest.modules == ETHERNET_MODULES


@pytest.mark.parametrize(
    "wrong_key", ["vlan = 0", 'mac = "0b:00"', 'mac = "01:00:00:00:00:01"', "more_vlans = [1]"]
)
def test_an_ethernet_adapter_that_cannot_be_is_told(wrong_key: str) -> None:
    (problem,) = wrong(MACHINE + PARTITION + "[[partition.ethernet]]\n" + wrong_key + "\n")
    assert "ethernet" in problem


def test_linux_with_disks_loads_their_drivers(tmp_path: Path) -> None:
    (tmp_path / "a.img").write_bytes(bytes(512))
    text = MACHINE + PARTITION.replace("hello", "linux") + 'disks = ["a.img"]\nmodules = ["sg"]\n'
    guest = parse(text, directory=tmp_path).system.partitions[0].guest
    assert isinstance(guest, DistributionLinux)
    assert guest.modules == ("sg", *DISK_MODULES)


def test_a_partition_can_boot_what_its_disk_holds(tmp_path: Path) -> None:
    (tmp_path / "a.img").write_bytes(bytes(512))
    text = (
        MACHINE + PARTITION.replace("hello", "disk") + 'disks = ["a.img"]\nboot_device = "disk"\n'
    )
    assert parse(text, directory=tmp_path).system.partitions[0].guest == DeviceProgram("disk")


def test_disks_that_are_not_there_and_nothing_to_boot_from_are_told() -> None:
    (problem,) = wrong(MACHINE + PARTITION + 'disks = ["none.img"]\n')
    assert "none.img" in problem
    assert "disk create" in problem
    (problem,) = wrong(MACHINE + PARTITION.replace("hello", "disk"))
    assert "disks, cdroms, vios, fc or ethernet" in problem
    (problem,) = wrong(MACHINE + PARTITION + 'boot_device = "disk"\n')
    assert "boot_device" in problem


def test_consoles_have_their_protocols_and_places(tmp_path: Path) -> None:
    more = (
        "\n[[partition.console]]\n"
        '\n[[partition.console]]\nprotocol = "hvsi"\nsocket = "hvc1"\n'
        '\n[[partition.console]]\nlog = "hvc2.log"\n'
    )
    partition = parse(MACHINE + PARTITION + more, directory=tmp_path).system.partitions[0]
    assert partition.consoles == (
        ConsoleAdapter(0),
        ConsoleAdapter(1, TerminalProtocol.HVSI, Backend.SOCKET, str(tmp_path / "hvc1")),
        ConsoleAdapter(32, TerminalProtocol.RAW, Backend.FILE, str(tmp_path / "hvc2.log")),
    )
    assert parse(MACHINE + PARTITION).system.partitions[0].consoles == (ConsoleAdapter(0),)


def test_a_console_has_a_socket_or_a_log() -> None:
    more = '\n[[partition.console]]\nsocket = "a"\nlog = "b"\n'
    with pytest.raises(MachineFileError, match="the console has a socket"):
        parse(MACHINE + PARTITION + more)
