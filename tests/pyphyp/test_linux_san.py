"""Debian's ibmvfc while its fabric changes: what it writes and reads is right all the while."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pyphyp.actions import AddToZone, FreezeStorage, RemoveFromZone, ResetStorage, SetLink
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine
from tests.pyphyp.test_linux_multipath import (
    MIB,
    WORK,
    Client,
    assert_nothing_was_lost,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.actions import SanAction

pytestmark = pytest.mark.linux

MACHINE = """
[machine]
cores = 1
memory = "2G"

[[fabric]]
name = "red"
[[fabric.zone]]
name = "web"
members = ["web", "ds8k"]

[[fabric]]
name = "blue"

[[storage]]
name = "ds8k"
fabrics = ["red", "blue"]
disks = ["data.img"]

[[partition]]
name = "web"
guest = "linux"
memory = "1G"
dedicated = 1
start = false
"""
ONE = 'fc = ["red"]\n'
ON_ONE = "dmesg -n 1; head -c 2000000 /dev/urandom >/tmp/content\n" + WORK.replace(
    "/dev/mapper/mpatha", "/dev/sda"
)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "data.img"
    path.touch()
    os.truncate(path, 64 * MIB)
    return path


def machine_of(disk: Path, text: str) -> ManagedMachine:
    return ManagedMachine(parse(MACHINE + text, directory=disk.parent).system, epoch=0)


def _stands_still(client: Client) -> bool:
    """Its work waits for the disk."""
    rounds = client.rounds()
    client.machine.run(seconds=4)
    return client.rounds() <= rounds + 1


def _assert_commands_that_hang_are_aborted(client: Client) -> None:
    """They go by channels; the driver cancels what times out, and sends it anew."""
    machine = client.machine
    (server,) = machine.partitions["web"].composition.fc_servers
    channels = len(server.channels.handles)
    assert channels
    shown = client.told("cat /sys/class/scsi_host/host*/nr_scsi_channels")
    assert f"\n{channels}\n" in shown
    client.told("dmesg -c >/dev/null; echo 2 >/sys/block/sda/device/timeout")
    machine.perform(FreezeStorage("ds8k"))
    machine.run(seconds=6)
    shown = client.told("dmesg")
    assert "Successfully cancelled outstanding commands" in shown, shown
    assert "LUN reset successful" in shown, shown
    machine.perform(FreezeStorage("ds8k", frozen=False))
    client.told("echo 30 >/sys/block/sda/device/timeout")
    client.work_on()


def test_zones_links_resets_and_storage_that_hangs_are_survived_under_work(disk: Path) -> None:
    with machine_of(disk, ONE) as machine:
        client = Client(machine)
        client.told(ON_ONE + "sleep 3")
        client.work_on()
        ways: list[tuple[SanAction, SanAction]] = [
            (RemoveFromZone("red", "web", ("ds8k",)), AddToZone("red", "web", ("ds8k/0",))),
            (SetLink("web/56", up=False), SetLink("web/56", up=True)),
            (SetLink("ds8k", up=False), SetLink("ds8k", up=True)),
            (FreezeStorage("ds8k"), FreezeStorage("ds8k", frozen=False)),
        ]
        for away, back in ways:
            machine.perform(away)
            assert _stands_still(client), away
            machine.perform(back)
            client.work_on()
        _assert_commands_that_hang_are_aborted(client)
        for _ in range(3):
            machine.perform(ResetStorage("ds8k"))
            client.work_on()
        assert_nothing_was_lost(client, disk, job=1)
