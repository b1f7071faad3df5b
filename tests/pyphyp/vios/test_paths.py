"""Paths of a Virtual I/O Server to its disks: what goes by them, and what their loss means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hypervisor.scsi.command import Nexus, Task
from hypervisor.scsi.status import CheckConditionError, Condition
from hypervisor.scsi.unit import padded
from hypervisor.system.errors import ManagementError
from pyphyp.actions import PlugCable, RunViosCommand
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine

from .servers import CLIENTS, refused, said, server, volumes

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.vios.engine import Vios

READ, WRITE = (padded(bytes([opcode, 0, 0, 0, 0, 0, 0, 0, 1, 0])) for opcode in (0x28, 0x2A))


def answers(vios: Vios, client: int) -> Condition | None:
    """How the first unit of a client answers a command that reads, and one that writes."""
    unit = vios.served(*CLIENTS[client]).find((0x81 << 56).to_bytes(8, "big"))
    assert unit is not None
    found = []
    for cdb, data in ((READ, b""), (WRITE, bytes(512))):
        try:
            unit.execute(Task(Nexus("1:20"), cdb, data))
            found.append(None)
        except CheckConditionError as failed:
            found.append(failed.condition)
    assert (found[0] is None) is (found[1] is None)
    return found[0]


def test_a_disk_is_used_by_any_path_that_works_and_fails_without_one(tmp_path: Path) -> None:
    vios = server(tmp_path, *volumes(tmp_path, 30, 20), sas=2)
    said(vios, "mksp datavg hdisk1", "mkbdsp -sp datavg 16m -bd volume -vadapter vhost0")
    said(vios, "mkvdev -vdev hdisk2 -vadapter vhost1")
    vios.set_cable("sas1", plugged=False)
    assert [answers(vios, client) for client in (0, 1)] == [None, None]
    assert said(vios, "lspath -pdev sas1 -field status -fmt :") == "Failed\n" * 3
    assert "last path" in refused(vios, "chpath -dev hdisk1 -op disable -pdev sas0")
    vios.set_cable("sas0", plugged=False)
    assert [answers(vios, client) for client in (0, 1)] == [Condition.READ_ERROR] * 2
    assert "no path" in refused(vios, "mklv datavg 4m")
    vios.set_cable("sas1", plugged=True)
    assert [answers(vios, client) for client in (0, 1)] == [None, None]
    log = said(vios, "errlog")
    assert log.count("PATH HAS FAILED") == 2 * 3
    assert log.count("PATH HAS RECOVERED") == 3
    assert log.count("I/O ERROR DETECTED BY LVM") == log.count("DISK OPERATION ERROR") == 1
    vios.close()


def test_a_disabled_path_is_not_used_when_the_other_fails(tmp_path: Path) -> None:
    vios = server(tmp_path, *volumes(tmp_path, 20), sas=2)
    said(vios, "mkvdev -vdev hdisk1 -vadapter vhost0")
    for stop, begin in (
        ("chpath -dev hdisk1 -op disable -pdev sas0", "chpath -dev hdisk1 -op enable -pdev sas0"),
        ("rmpath -dev hdisk1 -pdev sas0", "mkpath -dev hdisk1 -pdev sas0"),
        ("rmpath -dev hdisk1 -pdev sas0 -rm", "cfgdev"),
    ):
        said(vios, stop)
        assert answers(vios, 0) is None
        vios.set_cable("sas1", plugged=False)
        assert answers(vios, 0) is Condition.READ_ERROR
        said(vios, begin)
        assert answers(vios, 0) is None
        vios.set_cable("sas1", plugged=True)
    vios.close()


def test_the_only_path_of_a_disk_stays(tmp_path: Path) -> None:
    vios = server(tmp_path, *volumes(tmp_path, 20))
    for command in ("chpath -op disable", "rmpath", "rmpath -rm", "rmpath -pdev sas0"):
        assert "last path" in refused(vios, f"{command} -dev hdisk1")
    assert said(vios, "lspath -field status -fmt :") == "Enabled\nEnabled\n"
    vios.close()


def test_an_operator_pulls_the_cable_of_a_sas_adapter(tmp_path: Path) -> None:
    text = """
[machine]
cores = 1
memory = "1G"

[[vios]]
name = "v1"
sas = 2

[[partition]]
name = "toy"
guest = "ticks"
memory = "64M"
units = 0.3
"""
    with ManagedMachine(parse(text, directory=tmp_path).system, epoch=0) as machine:
        machine.perform(PlugCable("v1", "sas1", plugged=False))
        out = machine.io_servers.run("v1", "lspath -status failed").out
        assert [line.split()[:3] for line in out.splitlines()] == [["Failed", "hdisk0", "sas1"]]
        with pytest.raises(ManagementError, match="sas2"):
            machine.perform(PlugCable("v1", "sas2", plugged=False))
        with pytest.raises(ManagementError, match="last path"):
            machine.perform(RunViosCommand("v1", "rmpath -pdev sas0"))
