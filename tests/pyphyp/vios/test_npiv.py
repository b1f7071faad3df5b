"""Clients of Fibre Channel that a Virtual I/O Server carries by its physical ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hypervisor.abi import H
from hypervisor.san.names import wwn_text
from hypervisor.system.errors import ManagementError
from pyphyp.actions import (
    ActivatePartition,
    AddToZone,
    LogInSecond,
    RemoveFromZone,
    ResetPartition,
    RunViosCommand,
    SetLink,
    ShutdownPartition,
)
from pyphyp.machine_file import MachineFileError, parse
from pyphyp.managed import ManagedMachine
from pyphyp.san_usage import fabric_tables, fabrics_of
from pyphyp.vios.records import ViosError
from tests.hypervisor.queue_client import INIT
from tests.hypervisor.vfc_client import COMMAND, DATA, SLOT, UNIT, Client

from .servers import fc_server, refused, said, two_fabrics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hypervisor.san.san import San
    from pyphyp.usage import FabricPortUsage
    from pyphyp.vios.engine import Vios
    from tests.hypervisor.lpar import Lpar

LINK_UP, LINK_DOWN = 0x80, 0x100
PARTNER_FAILED = 0xFF01 << 48
TEST_UNIT_READY = bytes(6)


@pytest.fixture
def san() -> San:
    return two_fabrics()


@pytest.fixture
def vios(tmp_path: Path, san: San) -> Iterator[Vios]:
    its = fc_server(tmp_path, san, "fcs0")
    yield its
    its.close()


@pytest.fixture
def client(lpar: Lpar, san: San, vios: Vios) -> Client:
    return Client(lpar, san, carrier=vios.fibre_channel)


def test_a_client_is_in_the_fabric_that_its_server_maps_it_to(client: Client, san: San) -> None:
    port_id = client.ready()
    assert client.command(port_id, TEST_UNIT_READY).condition == (6, 0x29, 0)
    assert client.port.fabric is san.fabrics["red"]
    carrier = next(its for its in san.fabrics["red"] if its.name == "vios1/fcs0")
    assert client.port.port_id & 0xFFFF00 == carrier.port_id  # at the same port of the switch


def test_a_mapping_that_changes_takes_the_link_down_and_brings_it_up(
    client: Client, vios: Vios, san: San
) -> None:
    port_id = client.ready()
    storage = san.storage["ds8k"]
    storage.frozen = True
    client.unit(port_id, TEST_UNIT_READY)
    assert client.send(0x80 << 56 | COMMAND << 48, UNIT) == H.SUCCESS
    assert said(vios, "vfcmap -vadapter vfchost0 -fcp") == "vfchost0 changed\n"
    assert client.take() is not None  # the command ended
    assert client.answer().fault == (1, 6)
    assert client.event() == (LINK_DOWN, 0, 4)
    assert client.login() == b""
    said(vios, "vfcmap -vadapter vfchost0 -fcp fcs1")
    assert client.event() == (LINK_UP, 0, 1)
    assert client.login()
    assert client.port.fabric is san.fabrics["blue"]
    said(vios, "vfcmap -vadapter vfchost0 -fcp fcs2")
    assert [client.event(), client.event()] == [(LINK_DOWN, 0, 4), (LINK_UP, 0, 1)]
    said(vios, "vfcmap -vadapter vfchost0 -fcp fcs2")
    assert client.event() is None


def test_a_server_that_ends_leaves_its_clients_and_finds_them_again(
    client: Client, vios: Vios, san: San, lpar: Lpar
) -> None:
    client.ready()
    vios.shut_down()
    assert client.take() == (PARTNER_FAILED, 0)
    assert lpar.code("H_SEND_CRQ", SLOT.unit, INIT, 0) == H.CLOSED
    online = [its.name for its in san.fabrics["red"] if its.online]
    assert online == ["ds8k/0"]
    vios.start()
    assert client.take() == (INIT, 0)
    assert client.login()
    assert len(client.discover()) == 1


def test_a_cable_of_a_physical_port_is_that_of_all_it_carries(client: Client, san: San) -> None:
    client.ready()
    assert san.set_link("vios1/fcs0", up=False) == ["vios1/fcs0"]
    assert client.event() == (LINK_DOWN, 0, 4)
    san.set_link("vios1/fcs0", up=True)
    assert client.event() == (LINK_UP, 0, 1)


def test_mappings_are_kept_and_go_before_the_machine_files(tmp_path: Path) -> None:
    vios = fc_server(tmp_path, two_fabrics(), "fcs0")
    assert "FC name:fcs0" in said(vios, "lsmap -vadapter vfchost0 -npiv")
    said(vios, "vfcmap -vadapter vfchost0 -fcp ''", "vfcmap -vadapter vfchost1 -fcp fcs2")
    before = said(vios, "lsmap -all -npiv")
    vios.close()
    again = fc_server(tmp_path, two_fabrics(), "fcs0")
    assert said(again, "lsmap -all -npiv") == before
    again.close()
    kept = tmp_path / "vios1" / "fibre_channel.json"
    for wrong in ("{}", "[", '{"format": 1, "mappings": [{"adapter": "", "port": ""}]}'):
        kept.write_text(wrong)
        with pytest.raises(ViosError, match="does not describe Fibre Channel"):
            fc_server(tmp_path, two_fabrics())


def test_a_port_carries_64_clients(tmp_path: Path) -> None:
    vios = fc_server(tmp_path, two_fabrics(), clients=65)
    said(vios, *(f"vfcmap -vadapter vfchost{n} -fcp fcs1" for n in range(64)))
    assert "takes no more" in refused(vios, "vfcmap -vadapter vfchost64 -fcp fcs1")
    said(vios, "vfcmap -vadapter vfchost63 -fcp fcs1", "vfcmap -vadapter vfchost64 -fcp fcs2")
    vios.close()


MACHINE = """
[machine]
cores = 1
memory = "1G"

[[fabric]]
name = "red"

[[storage]]
name = "ds8k"
fabrics = ["red"]

[[vios]]
name = "v1"
fabrics = ["red"]

[[vios]]
name = "v2"
fabrics = ["red", "red"]

[[partition]]
name = "toy"
guest = "ticks"
memory = "64M"
units = 0.3
fc = ["v1", "v2/fcs1", "red"]
"""


def _ports(machine: ManagedMachine) -> list[str]:
    """Those that are online."""
    (fabric,) = fabrics_of(machine.storage_network)
    return sorted(its.name for its in fabric.ports if its.online and its.name[:4] != "ds8k")


def test_servers_of_a_machine_carry_adapters_of_its_partitions(tmp_path: Path) -> None:
    physical = ["v1/fcs0", "v2/fcs0", "v2/fcs1"]
    with ManagedMachine(parse(MACHINE, directory=tmp_path).system, epoch=0) as machine:
        assert _ports(machine) == physical
        machine.power_on()
        assert _ports(machine) == ["toy/57", "toy/58", *physical]
        machine.perform(RunViosCommand("v1", "vfcmap -vadapter vfchost0 -fcp fcs0"))
        machine.perform(RunViosCommand("v2", "vfcmap -vadapter vfchost0 -fcp"))
        assert _ports(machine) == ["toy/56", "toy/58", *physical]
        machine.perform(ShutdownPartition("v1", immediate=True))
        assert _ports(machine) == ["toy/58", *physical[1:]]
        machine.perform(ResetPartition("toy"))
        machine.run(seconds=0.1)
        machine.perform(ActivatePartition("v1"))
        assert _ports(machine) == ["toy/56", "toy/58", *physical]
        machine.perform(ShutdownPartition("toy", immediate=True))
        assert _ports(machine) == physical


def test_operators_see_what_the_second_name_of_a_pair_will_see(tmp_path: Path) -> None:
    def second() -> tuple[FabricPortUsage, str]:
        """As scripts have it, and its line in the table."""
        fabrics = fabrics_of(machine.storage_network)
        port = next(its for its in fabrics[0].ports if its.name == "toy/58/2")
        lines = fabric_tables(fabrics).splitlines()
        return port, next(line for line in lines if " toy/58/2 " in line)

    with ManagedMachine(parse(MACHINE, directory=tmp_path).system, epoch=0) as machine:
        machine.power_on()
        port, line = second()
        assert not port.online
        assert line.split()[-2:] == ["-", "inactive"]
        machine.perform(AddToZone("red", "first", ("toy/58", "ds8k")))
        machine.perform(RemoveFromZone("red", "first", ("toy/58",)))
        machine.perform(AddToZone("red", "second", (wwn_text(port.wwpn), "ds8k/0")))
        machine.perform(LogInSecond("toy/58"))
        port, line = second()
        assert (port.online, port.sees) == (True, ("ds8k/0",))
        assert line.split()[-2:] == ["online", "ds8k/0"]
        machine.perform(SetLink("toy/58", up=False))
        assert second()[0].sees == ()
        machine.perform(SetLink("toy/58", up=True))
        machine.perform(LogInSecond("toy", logged_in=False))
        assert "inactive" in second()[1]
        with pytest.raises(ManagementError, match="no partition's port 'ds8k/0' is in a fabric"):
            machine.perform(LogInSecond("ds8k/0"))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"v2/fcs1"', '"v2/fcs2"', "a port of its fabrics; there are: fcs0, fcs1"),
        ('"v2/fcs1"', '"v3/fcs0"', "nothing there has that name; there are: red, v1, v2"),
        ('["red", "red"]', '["red", "blue"]', "nothing there has that name; there are: red"),
        ('["red", "red"]', str(17 * ["red"]), "16 at most"),
        ('"v1"\nfabrics', '"red"\nfabrics', "another one has it"),
    ],
)
def test_what_names_a_port_that_is_not_there_is_refused(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    with pytest.raises(MachineFileError, match=why):
        parse(MACHINE.replace(old, new), directory=tmp_path)


def test_the_second_name_of_a_pair_is_logged_in_by_operators_alone(
    client: Client, vios: Vios, san: San
) -> None:
    first, second = client.port.wwpns
    assert client.ready()
    assert client.port.second.fabric is None
    san.zone("red", "later", (f"{second:016x}", "ds8k/0"))
    assert client.discover() == []  # the first one is in no zone now
    (its,) = san.log_in("web/56")
    assert (its.name, its.wwpn, its.wwpn - first) == ("web/56/2", second, 1)
    assert [port.name for port in san.fabrics["red"].targets(its)] == ["ds8k/0"]
    vios.shut_down()
    assert its.fabric is None
    vios.start()
    assert its.online
    assert san.log_out("web") == [its]
    assert its.fabric is None
    assert client.memory.read(DATA, 1)
