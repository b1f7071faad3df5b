"""Drives of virtual optical media (MMC-6)."""

from __future__ import annotations

import pytest

from hypervisor.scsi.backing import Blank
from hypervisor.scsi.optical import MediumLockedError, OpticalDrive
from hypervisor.scsi.status import Condition
from tests.hypervisor.scsi.units import ONE, condition, send

SECTORS = 300


@pytest.fixture
def drive() -> OpticalDrive:
    drive = OpticalDrive("DRIVE")
    drive.login(ONE)
    assert condition(drive, 0x00) is Condition.POWER_ON_OR_RESET
    return drive


def disc() -> Blank:
    disc = Blank(SECTORS * 2048)
    disc.write(5 * 2048, b"sector five")
    return disc


def test_an_empty_drive_has_no_medium(drive: OpticalDrive) -> None:
    for cdb in ((0x00,), (0x25,), (0x28, 0, 0, 0, 0, 0, 0, 0, 1), (0x43, 0, 0, 0, 0, 0, 0, 0, 12)):
        assert condition(drive, *cdb) is Condition.NO_MEDIUM


def test_a_loaded_medium_is_announced_and_read(drive: OpticalDrive) -> None:
    drive.load(disc())
    assert condition(drive, 0x00) is Condition.MEDIUM_CHANGED
    assert send(drive, 0x00) == b""
    assert send(drive, 0x25) == (SECTORS - 1).to_bytes(4, "big") + (2048).to_bytes(4, "big")
    assert send(drive, 0x28, 0, 0, 0, 0, 5, 0, 0, 1).startswith(b"sector five")
    beyond = (0x28, 0, *SECTORS.to_bytes(4, "big"), 0, 0, 1)
    assert condition(drive, *beyond) is Condition.LBA_OUT_OF_RANGE


def test_it_says_it_is_a_removable_drive(drive: OpticalDrive) -> None:
    assert send(drive, 0x12, 0, 0, 0, 36)[:2] == bytes([5, 0x80])


def test_the_guest_ejects_and_the_operator_learns_of_it() -> None:
    ejected: list[bool] = []
    drive = OpticalDrive("DRIVE", lambda: ejected.append(True))
    drive.load(disc())
    send(drive, 0x1B, 0, 0, 0, 2)
    assert (ejected, drive.loaded) == ([True], False)
    send(drive, 0x1B, 0, 0, 0, 2)
    assert ejected == [True]


def test_a_locked_medium_stays_in(drive: OpticalDrive) -> None:
    drive.load(disc())
    condition(drive, 0x00)
    send(drive, 0x1E, 0, 0, 0, 1)
    assert condition(drive, 0x1B, 0, 0, 0, 2) is Condition.MEDIUM_REMOVAL_PREVENTED
    with pytest.raises(MediumLockedError):
        drive.unload()
    assert drive.loaded
    send(drive, 0x1E, 0, 0, 0, 0)
    drive.unload()
    assert not drive.loaded


def test_the_table_of_contents_has_one_data_track(drive: OpticalDrive) -> None:
    drive.load(disc())
    condition(drive, 0x00)
    toc = send(drive, 0x43, 0, 0, 0, 0, 0, 0, 0, 255)
    assert toc == bytes([0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xAA, 0]) + (
        SECTORS
    ).to_bytes(4, "big")
    assert send(drive, 0x43, 2, 0, 0, 0, 0, 0, 0, 255)[8:12] == bytes([0, 0, 2, 0])
    assert condition(drive, 0x43, 0, 0, 0, 0, 0, 2, 0, 255) is Condition.INVALID_FIELD_IN_CDB


def test_profile_and_events_follow_the_medium(drive: OpticalDrive) -> None:
    configuration = (0x46, 0, 0, 0, 0, 0, 0, 1, 0)
    assert send(drive, *configuration)[6:8] == b"\0\0"
    assert send(drive, 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8)[5] == 0
    drive.load(disc())
    condition(drive, 0x00)
    assert send(drive, *configuration)[6:8] == b"\0\x08"
    assert send(drive, 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8)[5] == 2
