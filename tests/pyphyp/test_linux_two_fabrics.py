"""Debian's dm-multipath over two fabrics, by two servers, each of which fails and comes back."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from pyphyp.actions import ActivatePartition, RunViosCommand, SetLink, ShutdownPartition
from tests.pyphyp.test_linux_multipath import MIB, SET_UP, WORK, Client, assert_nothing_was_lost
from tests.pyphyp.test_linux_san import machine_of

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.actions import Action
    from pyphyp.managed import ManagedMachine

pytestmark = pytest.mark.linux

TWO = """
fc = ["v1/fcs0", "v2"]
packages = ["multipath-tools"]
modules = ["dm_multipath", "dm_service_time", "scsi_dh_alua"]

[[vios]]
name = "v1"
fabrics = ["red"]

[[vios]]
name = "v2"
fabrics = ["blue"]
"""


class TwoFabrics(Client):
    """A client that sees its disk in two fabrics, by two Virtual I/O Servers."""

    def path(self, fabric: int) -> str:
        """Of the adapter in the first fabric, or the second: active or failed."""
        shown = self.told("multipath -ll")
        found = re.findall(rf"{fabric}:0:\d:0 sd[a-z] +\d+:\d+ +(active|failed) ", shown)
        return found[0] if len(found) == 1 else shown

    def wait_for_path(self, fabric: int, wanted: str) -> None:
        for _ in range(40):
            if (path := self.path(fabric)) == wanted:
                return
            self.machine.run(seconds=1)
        raise AssertionError((path, self.told("tail /tmp/log; dmesg | tail -20")))


def _npiv(machine: ManagedMachine, server: str) -> str:
    return machine.io_servers.run(server, "lsmap -all -npiv").out


def test_either_of_two_fabrics_and_servers_may_fail_under_work(tmp_path: Path) -> None:
    disk = tmp_path / "data.img"
    disk.touch()
    os.truncate(disk, 64 * MIB)
    with machine_of(disk, TWO) as machine:
        machine.perform(RunViosCommand("v2", "vfcmap -vadapter vfchost0 -fcp fcs0"))
        client = TwoFabrics(machine)
        client.told(SET_UP + WORK + "sleep 3")
        client.wait_for_path(0, "active")
        client.wait_for_path(1, "active")
        assert "Linux" in _npiv(machine, "v1")
        ways: list[tuple[int, Action, Action]] = [
            (1, SetLink("ds8k/1", up=False), SetLink("ds8k/1", up=True)),
            (0, ShutdownPartition("v1", immediate=True), ActivatePartition("v1")),
            (
                1,
                RunViosCommand("v2", "vfcmap -vadapter vfchost0 -fcp"),
                RunViosCommand("v2", "vfcmap -vadapter vfchost0 -fcp fcs0"),
            ),
        ]
        for fabric, away, back in ways:
            machine.perform(away)
            client.wait_for_path(fabric, "failed")
            client.work_on()
            machine.perform(back)
            client.wait_for_path(fabric, "active")
        client.work_on()
        assert_nothing_was_lost(client, disk)
