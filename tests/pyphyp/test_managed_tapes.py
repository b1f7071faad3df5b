"""Tapes of a managed machine's partitions, loaded and unloaded while they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hypervisor.scsi.status import Condition
from hypervisor.system.errors import ManagementError
from pyphyp.actions import LoadTape, UnloadTape, plain_action, rebuild_action
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine
from tests.hypervisor.scsi.units import ONE, condition, send

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = '[machine]\ncores = 1\nmemory = "4G"\nepoch = 0\n'
PARTITION = '[[partition]]\nname = "{}"\nguest = "ticks"\nmemory = "64M"\nunits = 0.3\ntapes = {}\n'


def machine(directory: Path, *tapes: str) -> ManagedMachine:
    partitions = [PARTITION.format(f"p{n}", its) for n, its in enumerate(tapes)]
    file = parse(MACHINE + "".join(partitions), directory=directory)
    return ManagedMachine(file.system, epoch=file.epoch, seed=file.seed)


def test_tapes_are_loaded_and_unloaded_while_the_partition_runs(tmp_path: Path) -> None:
    for name in ("a.tap", "b.tap"):
        (tmp_path / name).touch()
    with machine(tmp_path, '["a.tap", ""]') as its:
        its.power_on()
        drive, empty = its.partitions["p0"].media.tape_drives
        drive.login(ONE)
        condition(drive, 0x00)
        send(drive, 0x0A, 0, 0, 0, 4, data=b"data")
        action = rebuild_action(plain_action(LoadTape("p0", str(tmp_path / "b.tap"))))
        its.perform(action)
        assert condition(drive, 0x00) is Condition.MEDIUM_CHANGED
        send(drive, 0x1E, 0, 0, 0, 1)
        with pytest.raises(ManagementError, match="locked"):
            its.perform(UnloadTape("p0"))
        send(drive, 0x1E)
        its.perform(UnloadTape("p0"))
        assert condition(drive, 0x00) is Condition.NO_MEDIUM
        its.perform(LoadTape("p0", str(tmp_path / "a.tap"), 1, True))
        assert send(empty, 0x08, 0, 0, 0, 4) == b"data"
        for wrong in (LoadTape("p0", str(tmp_path / "none.tap")), UnloadTape("p0", 2)):
            with pytest.raises(ManagementError):
                its.perform(wrong)
        assert empty.loaded


def test_a_tape_is_in_one_partitions_drive(tmp_path: Path) -> None:
    (tmp_path / "a.tap").touch()
    with machine(tmp_path, '["a.tap"]', '["a.tap"]') as its:
        its.activate("p0")
        with pytest.raises(ManagementError, match="another partition"):
            its.activate("p1")
        its.perform(UnloadTape("p0"))


def test_a_tape_that_is_no_image_is_left_alone_and_keeps_nothing_from_starting(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.tap").write_bytes(b"no tape")
    with machine(tmp_path, '["a.tap,10M"]') as its:
        its.activate("p0")
        (drive,) = its.partitions["p0"].media.tape_drives
        drive.login(ONE)
        condition(drive, 0x00)
        write = (0x0A, 0, 0, 0, 4)
        assert condition(drive, *write, data=b"data") is Condition.WRITE_ERROR
    assert (tmp_path / "a.tap").read_bytes() == b"no tape"
