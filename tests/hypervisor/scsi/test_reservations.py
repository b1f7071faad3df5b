"""Persistent reservations (SPC-4 5.9)."""

from __future__ import annotations

import pytest

from hypervisor.scsi.backing import Blank
from hypervisor.scsi.command import Nexus
from hypervisor.scsi.disk import Disk
from hypervisor.scsi.reservations import Type
from hypervisor.scsi.status import Condition, ReservationConflictError
from tests.hypervisor.scsi.units import ONE, OTHER, condition, send

THIRD = Nexus("3:2")
KEYS = {ONE: 0x11, OTHER: 0x22, THIRD: 0x33}
READ, WRITE = (0x28, 0, 0, 0, 0, 0, 0, 0, 1), (0x2A, 0, 0, 0, 0, 0, 0, 0, 1)
REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, _, IGNORE = range(7)


@pytest.fixture
def disk() -> Disk:
    disk = Disk(Blank(1 << 20), "S")
    for nexus in KEYS:
        disk.login(nexus)
        assert condition(disk, 0x00, nexus=nexus) is Condition.POWER_ON_OR_RESET
    return disk


def out(
    disk: Disk, action: int, nexus: Nexus, *, key: int | None = None, new: int = 0, kind: int = 0
) -> None:
    key = KEYS[nexus] if key is None else key
    parameters = key.to_bytes(8, "big") + new.to_bytes(8, "big") + bytes(8)
    send(disk, 0x5F, action, kind, 0, 0, 0, 0, 0, 24, data=parameters, nexus=nexus)


def register(disk: Disk, *nexuses: Nexus) -> None:
    for nexus in nexuses:
        out(disk, REGISTER, nexus, key=0, new=KEYS[nexus])


def may(disk: Disk, nexus: Nexus, cdb: tuple[int, ...]) -> bool:
    try:
        send(disk, *cdb, data=bytes(512), nexus=nexus)
    except ReservationConflictError:
        return False
    return True


def keys(disk: Disk) -> list[int]:
    listed = send(disk, 0x5E, 0, 0, 0, 0, 0, 0, 1, 0)[8:]
    return [int.from_bytes(listed[at : at + 8], "big") for at in range(0, len(listed), 8)]


@pytest.mark.parametrize("kind", list(Type))
def test_anybody_finds_a_reserved_unit(disk: Disk, kind: Type) -> None:
    register(disk, ONE)
    out(disk, RESERVE, ONE, kind=kind)
    capacity = (0x9E, 0x10, *[0] * 8, 0, 0, 0, 32)
    for cdb in ((0x00,), (0x25,), capacity, (0x12, 0, 0, 0, 96), (0xA3, 0x0C, *[0] * 7, 64)):
        assert may(disk, OTHER, cdb)
    assert not may(disk, OTHER, (0x35,))


def test_a_unit_reserved_by_release_2_takes_no_persistent_reservation(disk: Disk) -> None:
    send(disk, 0x16, nexus=ONE)
    with pytest.raises(ReservationConflictError):
        register(disk, OTHER)
    send(disk, 0x17, nexus=ONE)
    register(disk, OTHER)


@pytest.mark.parametrize("kind", list(Type))
def test_each_kind_admits_whom_it_says(disk: Disk, kind: Type) -> None:
    register(disk, ONE, OTHER)
    out(disk, RESERVE, ONE, kind=kind)
    assert may(disk, ONE, READ)
    assert may(disk, ONE, WRITE)
    registered = kind >= Type.WRITE_EXCLUSIVE_REGISTRANTS_ONLY
    assert may(disk, OTHER, WRITE) == registered
    assert may(disk, OTHER, READ) == (registered or kind == Type.WRITE_EXCLUSIVE)
    assert not may(disk, THIRD, WRITE)
    assert may(disk, THIRD, READ) == (not kind.excludes_reads)


def test_who_is_not_registered_cannot_reserve(disk: Disk) -> None:
    with pytest.raises(ReservationConflictError):
        out(disk, RESERVE, ONE, key=0, kind=1)
    register(disk, ONE)
    with pytest.raises(ReservationConflictError):
        out(disk, RESERVE, ONE, key=5, kind=1)
    with pytest.raises(ReservationConflictError):
        out(disk, REGISTER, ONE, key=5, new=6)
    out(disk, IGNORE, ONE, key=5, new=6)
    assert keys(disk) == [6]


def test_a_release_of_registrants_is_told_to_the_others(disk: Disk) -> None:
    register(disk, ONE, OTHER)
    out(disk, RESERVE, ONE, kind=Type.WRITE_EXCLUSIVE_REGISTRANTS_ONLY)
    out(disk, RELEASE, ONE, kind=Type.WRITE_EXCLUSIVE_REGISTRANTS_ONLY)
    assert condition(disk, 0x00, nexus=OTHER) is Condition.RESERVATIONS_RELEASED
    assert may(disk, THIRD, WRITE)


def test_a_release_of_another_kind_is_refused(disk: Disk) -> None:
    register(disk, ONE)
    out(disk, RESERVE, ONE, kind=1)
    parameters = KEYS[ONE].to_bytes(8, "big") + bytes(16)
    cdb = (0x5F, RELEASE, 3, 0, 0, 0, 0, 0, 24)
    assert condition(disk, *cdb, data=parameters) is Condition.INVALID_RELEASE
    assert not may(disk, OTHER, WRITE)


def test_a_preemption_takes_the_reservation_and_unregisters_its_holder(disk: Disk) -> None:
    register(disk, ONE, OTHER)
    out(disk, RESERVE, ONE, kind=1)
    out(disk, PREEMPT, OTHER, new=KEYS[ONE], kind=3)
    assert keys(disk) == [KEYS[OTHER]]
    assert condition(disk, 0x00, nexus=ONE) is Condition.REGISTRATIONS_PREEMPTED
    assert not may(disk, ONE, READ)
    assert may(disk, OTHER, WRITE)


def test_a_clear_forgets_all(disk: Disk) -> None:
    register(disk, ONE, OTHER)
    out(disk, RESERVE, ONE, kind=3)
    out(disk, CLEAR, OTHER)
    assert keys(disk) == []
    assert condition(disk, 0x00, nexus=ONE) is Condition.RESERVATIONS_PREEMPTED
    assert may(disk, THIRD, WRITE)


def test_unregistering_gives_up_the_reservation(disk: Disk) -> None:
    register(disk, ONE, OTHER)
    out(disk, RESERVE, ONE, kind=6)
    out(disk, REGISTER, ONE, new=0)
    assert condition(disk, 0x00, nexus=OTHER) is Condition.RESERVATIONS_RELEASED
    assert may(disk, THIRD, WRITE)


def test_when_all_registrants_hold_it_the_last_one_ends_it(disk: Disk) -> None:
    register(disk, ONE, OTHER)
    out(disk, RESERVE, ONE, kind=8)
    out(disk, REGISTER, ONE, new=0)
    assert not may(disk, THIRD, READ)
    out(disk, REGISTER, OTHER, new=0)
    assert may(disk, THIRD, READ)


def test_full_status_names_each(disk: Disk) -> None:
    register(disk, ONE, OTHER)
    out(disk, RESERVE, ONE, kind=1)
    status = send(disk, 0x5E, 3, 0, 0, 0, 0, 0, 1, 0)
    assert int.from_bytes(status[4:8], "big") == len(status) - 8 == 96
    assert [status[8 + 12], status[8 + 48 + 12]] == [1, 0]


def test_registrations_have_a_limit(disk: Disk) -> None:
    for n in range(64):
        out(disk, REGISTER, Nexus(f"n{n}"), key=0, new=n + 1)
    parameters = bytes(8) + (99).to_bytes(8, "big") + bytes(8)
    found = condition(
        disk, 0x5F, 0, 0, 0, 0, 0, 0, 0, 24, data=parameters, nexus=Nexus("one too many")
    )
    assert found is Condition.INSUFFICIENT_REGISTRATION_RESOURCES


def test_reservations_come_back_from_their_state(disk: Disk) -> None:
    register(disk, ONE, OTHER)
    out(disk, RESERVE, ONE, kind=1)
    state = disk.reservations.state()
    other = Disk(Blank(1 << 20), "S")
    other.reservations.restore(state)
    assert other.reservations.state() == state
    assert not may(other, OTHER, WRITE)
