"""Debian's dm-multipath over two fabrics, either of which fails and comes back."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from pyphyp.actions import SetLink
from tests.pyphyp.test_linux_multipath import MIB, SET_UP, WORK, Client, assert_nothing_was_lost
from tests.pyphyp.test_linux_san import machine_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.linux

TWO = """
fc = ["red", "blue"]
packages = ["multipath-tools"]
modules = ["dm_multipath", "dm_service_time", "scsi_dh_alua"]
"""


class TwoFabrics(Client):
    """A client that sees its disk in two fabrics."""

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


def test_either_of_two_fabrics_may_fail_under_work(tmp_path: Path) -> None:
    disk = tmp_path / "data.img"
    disk.touch()
    os.truncate(disk, 64 * MIB)
    with machine_of(disk, TWO) as machine:
        client = TwoFabrics(machine)
        client.told(SET_UP + WORK + "sleep 3")
        client.wait_for_path(0, "active")
        client.wait_for_path(1, "active")
        for port, fabric in (("web/56", 0), ("ds8k/1", 1)):
            machine.perform(SetLink(port, up=False))
            client.wait_for_path(fabric, "failed")
            client.work_on()
            machine.perform(SetLink(port, up=True))
            client.wait_for_path(fabric, "active")
            client.work_on()
        assert_nothing_was_lost(client, disk)
