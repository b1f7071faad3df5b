"""Drives of a partition: what is in them now, as operators see it and as it is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.state import StateError
from hypervisor.scsi.command import Nexus
from hypervisor.scsi.optical import MediumLockedError
from hypervisor.scsi.status import Condition
from hypervisor.vio.configuration import FIRST_FREE_SLOT, Medium, ScsiAdapter, ScsiUnit
from hypervisor.vio.vscsi import VscsiState
from pyphyp.api import Machine
from pyphyp.raw_file import MediaError
from pyphyp.tapes import TapeName
from tests.hypervisor.scsi.units import condition, send
from tests.pyphyp.guests import FOREVER, program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyphyp.partition import Partition

SLOT = FIRST_FREE_SLOT
GUEST = Nexus(f"1:{SLOT}")
SECTOR = 2048
EJECT = (0x1B, 0, 0, 0, 2)
LOCK = (0x1E, 0, 0, 0, 1)
READ = (0x28, 0, 0, 0, 0, 0, 0, 0, 1)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(epoch=0) as made:
        yield made


@pytest.fixture
def discs(tmp_path: Path) -> tuple[Path, Path]:
    both = tmp_path / "one.iso", tmp_path / "two.iso"
    for disc in both:
        disc.write_bytes(disc.name.encode().ljust(SECTOR, b"\0"))
    return both


def partition_with(machine: Machine, medium: Medium, path: Path) -> Partition:
    unit = ScsiUnit(medium, str(path), read_only=medium is Medium.OPTICAL, capacity=1 << 20)
    made = machine.add_partition(memory="64M", scsi=[ScsiAdapter(SLOT, (unit,))])
    made.load(program(FOREVER))
    return made


def log_in(partition: Partition) -> None:
    """The guest's driver has come up."""
    (server,) = partition.composition.scsi_servers
    server.restore(VscsiState(SLOT, True, ()))


def shown(partition: Partition) -> str:
    return partition.slots()[-1].what


def test_a_drive_is_shown_with_the_disc_that_is_in_it_now(
    machine: Machine, discs: tuple[Path, Path]
) -> None:
    partition = partition_with(machine, Medium.OPTICAL, discs[0])
    assert shown(partition) == f"cdrom {discs[0]}"
    partition.media.load(discs[1])
    assert shown(partition) == f"cdrom {discs[1]}"
    send(partition.media.drives[0], *EJECT, nexus=GUEST)
    assert shown(partition) == "cdrom (empty)"


def test_a_tape_drive_is_shown_as_one_with_its_tape(machine: Machine, tmp_path: Path) -> None:
    for name in ("a.tap", "b.tap"):
        (tmp_path / name).touch()
    partition = partition_with(machine, Medium.TAPE, tmp_path / "a.tap")
    assert shown(partition) == f"tape {tmp_path / 'a.tap'}"
    partition.media.load_tape(TapeName(tmp_path / "b.tap", read_only=True))
    assert shown(partition) == f"tape {tmp_path / 'b.tap'},ro"
    partition.media.unload_tape()
    assert shown(partition) == "tape (empty)"


def test_a_restored_guest_finds_the_disc_that_was_in_its_drive(
    machine: Machine, discs: tuple[Path, Path], tmp_path: Path
) -> None:
    partition = partition_with(machine, Medium.OPTICAL, discs[0])
    partition.media.load(discs[1])
    log_in(partition)
    send(partition.media.drives[0], *LOCK, nexus=GUEST)
    partition.save(tmp_path / "state")
    partition.close()
    with Machine(epoch=0) as other:
        restored = other.restore(tmp_path / "state")
        (drive,) = restored.media.drives
        assert send(drive, *READ, nexus=GUEST).startswith(b"two.iso\0")
        with pytest.raises(MediumLockedError):
            restored.media.unload()
        restored.media.unload(force=True)
        restored.media.load(discs[0])
        assert condition(drive, 0x00, nexus=GUEST) is Condition.MEDIUM_CHANGED


def test_a_drive_that_was_empty_is_empty_when_the_guest_goes_on(
    machine: Machine, discs: tuple[Path, Path], tmp_path: Path
) -> None:
    partition = partition_with(machine, Medium.OPTICAL, discs[0])
    send(partition.media.drives[0], *EJECT, nexus=GUEST)
    partition.save(tmp_path / "state")
    partition.restore(tmp_path / "state")
    assert not partition.media.drives[0].loaded


def test_a_disc_that_is_gone_since_is_missed_at_the_restore(
    machine: Machine, discs: tuple[Path, Path], tmp_path: Path
) -> None:
    partition = partition_with(machine, Medium.OPTICAL, discs[0])
    partition.media.load(discs[1])
    partition.save(tmp_path / "state")
    discs[1].unlink()
    with pytest.raises(StateError, match=r"two\.iso: No such file"):
        partition.restore(tmp_path / "state")


def test_a_partition_is_taken_back_with_the_tape_in_its_drive(
    machine: Machine, tmp_path: Path
) -> None:
    for name in ("a.tap", "b.tap"):
        (tmp_path / name).touch()
    partition = partition_with(machine, Medium.TAPE, tmp_path / "a.tap")
    partition.media.load_tape(TapeName(tmp_path / "b.tap"))
    partition.save(tmp_path / "state")
    partition.restore(tmp_path / "state")
    assert shown(partition) == f"tape {tmp_path / 'b.tap'}"
    partition.media.unload_tape()
    assert shown(partition) == "tape (empty)"


@pytest.mark.parametrize(
    ("drives", "number", "why"),
    [
        (0, 0, "no optical drive 0: there is no optical drive at all"),
        (1, 1, "no optical drive 1: the only one is drive 0"),
        (3, 3, "no optical drive 3: there are drives 0 to 2"),
    ],
)
def test_a_drive_that_there_is_not_is_refused_with_those_there_are(
    machine: Machine, drives: int, number: int, why: str
) -> None:
    units = tuple(ScsiUnit(Medium.OPTICAL, target=n) for n in range(drives))
    partition = machine.add_partition(memory="64M", scsi=[ScsiAdapter(SLOT, units)])
    with pytest.raises(MediaError, match=why):
        partition.media.unload(number)
