"""Debian's unmodified ibmvfc driver in a storage area network."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from emu.state import StateError
from guests.linux import fetch_linux
from guests.modules import FC_MODULES, kernel_modules
from hypervisor.san.definition import FabricDefinition, SanDefinition, StorageDefinition
from hypervisor.vio.configuration import FibreChannelAdapter, Medium, ScsiUnit
from pyphyp import Machine
from pyphyp.guest_starts import Quiet
from tests.pyphyp.test_linux_disk import MIB, run

if TYPE_CHECKING:
    from pathlib import Path

linux = pytest.mark.linux


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.touch()
    os.truncate(path, 64 * MIB)
    return path


@linux
def test_linux_writes_a_disk_in_a_storage_network_and_reads_it_back(image: Path) -> None:
    content = random.Random(1).randbytes(3 * MIB)
    with image.open("r+b") as file:
        file.seek(17 * MIB)
        file.write(content)
    command = (
        "cat /sys/class/fc_host/host0/port_state; "
        "dd if=/dev/sda bs=1M skip=17 count=3 2>/dev/null | tee /tmp/part | sha256sum; "
        "dd if=/tmp/part of=/dev/sda bs=65536 seek=16 conv=fsync 2>/dev/null; dmesg -r"
    )
    shown = run(command, "--fc", image)
    assert "Online" in shown
    assert hashlib.sha256(content).hexdigest() in shown
    assert image.read_bytes()[MIB : 4 * MIB] == content


def _connect(machine: Machine, image: Path) -> None:
    units = (ScsiUnit(Medium.DISK, str(image)),)
    storage = StorageDefinition("ds8k", ("red",), units)
    machine.connect_storage(SanDefinition((FabricDefinition("red"),), (storage,)))


@linux
def test_a_restored_partition_is_logged_in_as_it_was(image: Path, tmp_path: Path) -> None:
    guest = fetch_linux(Quiet())
    modules = kernel_modules(guest, Quiet()).load_order(FC_MODULES)
    state = tmp_path / "at-prompt"
    with Machine(epoch=0) as machine:
        _connect(machine, image)
        partition = machine.add_partition(fibre_channel=[FibreChannelAdapter(56, "red")])
        partition.boot(guest.kernel, guest.initramfs(modules=modules), "console=hvc0 quiet")
        partition.console.wait_for("~# ", seconds=60)
        partition.save(state)
    image.write_bytes(b"written elsewhere".ljust(64 * MIB, b"\0"))
    with Machine(epoch=0) as machine:  # which has the fabrics that were saved
        partition = machine.restore(state)
        partition.console.send("head -c 17 /dev/sda; dmesg | grep -c 'rport\\|abort'\n")
        partition.console.wait_for("written elsewhere0", seconds=60)
        partition.restore(state)
        partition.console.send("dd if=/dev/sda bs=17 count=1 2>/dev/null; dmesg | grep -c sense\n")
        partition.console.wait_for("written elsewhere0", seconds=60)
    done = subprocess.run(
        [sys.executable, "-m", "pyphyp", "restore", str(state), "--timeout", "60"],
        input=b"tr a-z A-Z </dev/sda | head -c 17; poweroff -f\n",
        capture_output=True,
        timeout=300,
    )
    assert b"WRITTEN ELSEWHERE" in done.stdout, done.stderr
    image.unlink()
    with Machine(epoch=0) as machine:
        with pytest.raises(StateError, match=r"disk\.img"):
            machine.restore(state)
        assert machine.storage_network is None


def test_what_has_no_fabrics_does_not_load_them() -> None:
    """Loading costs the time of a command that restores a partition."""
    code = (
        "import sys, pyphyp.api, pyphyp.saving, pyphyp.commands.restore, pyphyp.commands.options\n"
        "print(*[its for its in sys.modules if its.startswith("
        "('hypervisor.san', 'hypervisor.vfc', 'pyphyp.storage_network'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {"hypervisor.san", "hypervisor.san.definition"}
    assert set(done.stdout.split()) == loaded | {"hypervisor.vfc", "hypervisor.vfc.waiting"}
