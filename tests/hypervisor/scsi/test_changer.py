"""Medium changers: elements, moves, and what operators do beside them (SMC-3)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypervisor.scsi.backing import BackingError
from hypervisor.scsi.changer import LibraryError, MediumChanger
from hypervisor.scsi.elements import Elements, Kind
from hypervisor.scsi.status import (
    CheckConditionError,
    Condition,
    ReservationConflictError,
)
from hypervisor.scsi.tape import TapeDrive
from hypervisor.scsi.tape_medium import BlankTape
from hypervisor.scsi.unit import Identity
from tests.hypervisor.scsi.units import ONE, OTHER, condition, send

if TYPE_CHECKING:
    from collections.abc import Mapping

DRIVE, PORT, SLOT = 257, 769, 1025
ROBOT = 1


@dataclass
class Labelled:
    barcode: str
    broken: bool = False

    def open(self) -> BlankTape:
        if self.broken:
            raise BackingError("no such tape")
        return BlankTape()


@dataclass
class Shelf:
    """Remembers the last layout; `full` has it fail."""

    kept: dict[int, str] = field(default_factory=dict)
    full: bool = False

    def keep(self, layout: Mapping[int, str]) -> None:
        if self.full:
            raise BackingError("no room")
        self.kept = dict(layout)


@dataclass
class Library:
    changer: MediumChanger
    drives: list[TapeDrive]
    shelf: Shelf

    def move(self, source: int, to: int) -> None:
        send(self.changer, 0xA5, 0, 0, ROBOT, *source.to_bytes(2, "big"), *to.to_bytes(2, "big"))

    def failure(self, source: int, to: int) -> Condition:
        with pytest.raises(CheckConditionError) as failed:
            self.move(source, to)
        return failed.value.condition

    def layout(self) -> dict[int, str]:
        return self.changer.elements.layout()


def made() -> Library:
    """Two drives, four slots of which two are full, one port."""
    drives = [TapeDrive("D1"), TapeDrive("D2")]
    shelf = Shelf()
    changer = MediumChanger(Identity("3573-TL", "LIB"), Elements.of(drives, 4, 1), shelf)
    changer.restore({SLOT: Labelled("A1"), SLOT + 1: Labelled("A2")})
    for unit in (changer, *drives):
        for nexus in (ONE, OTHER):
            unit.login(nexus)
            condition(unit, 0x00, nexus=nexus)
    return Library(changer, drives, shelf)


@pytest.fixture
def library() -> Library:
    return made()


def test_a_cartridge_in_a_drive_is_its_tape_and_comes_back_out(library: Library) -> None:
    library.move(SLOT, DRIVE)
    drive = library.drives[0]
    assert condition(drive, 0x00) is Condition.MEDIUM_CHANGED
    send(drive, 0x0A, 0, 0, 0, 4, data=b"text")
    tape = drive.tape
    assert isinstance(tape, BlankTape)
    library.move(DRIVE, SLOT + 3)
    assert tape.flushed == 1
    assert condition(drive, 0x00) is Condition.NO_MEDIUM
    assert library.layout() == library.shelf.kept == {SLOT + 3: "A1", SLOT + 1: "A2"}


def test_moves_that_cannot_be_are_refused_and_nothing_moves(library: Library) -> None:
    before = library.layout()
    assert library.failure(SLOT + 2, DRIVE) is Condition.SOURCE_EMPTY
    assert library.failure(SLOT, SLOT + 1) is Condition.DESTINATION_FULL
    assert library.failure(SLOT, 4000) is Condition.INVALID_ELEMENT
    assert library.failure(ROBOT, SLOT) is Condition.INVALID_ELEMENT
    library.move(SLOT, SLOT)
    assert library.layout() == before


def test_a_tape_that_a_drive_keeps_in_does_not_move(library: Library) -> None:
    library.move(SLOT, DRIVE)
    condition(library.drives[0], 0x00)
    send(library.drives[0], 0x1E, 0, 0, 0, 1)
    assert library.failure(DRIVE, SLOT) is Condition.MEDIUM_REMOVAL_PREVENTED
    assert library.drives[0].loaded
    send(library.drives[0], 0x1E, 0, 0, 0, 0)
    library.move(DRIVE, SLOT)


def test_where_a_move_cannot_be_kept_it_is_not_made(library: Library) -> None:
    library.shelf.full = True
    assert library.failure(SLOT, DRIVE) is Condition.INTERNAL_FAILURE
    assert not library.drives[0].loaded
    assert library.layout()[SLOT] == "A1"


def test_a_cartridge_without_a_tape_lies_in_the_drive_and_can_be_taken_out() -> None:
    library = made()
    slot = library.changer.elements.at(SLOT)
    assert slot is not None
    slot.cartridge = Labelled("BAD", broken=True)
    assert library.failure(SLOT, DRIVE) is Condition.LOAD_OR_EJECT_FAILED
    assert library.layout()[DRIVE] == library.shelf.kept[DRIVE] == "BAD"
    assert condition(library.drives[0], 0x00) is Condition.NO_MEDIUM
    library.move(DRIVE, SLOT)


def test_an_exchange_moves_two_at_once(library: Library) -> None:
    library.move(SLOT, DRIVE)
    ways = b"".join(at.to_bytes(2, "big") for at in (ROBOT, SLOT + 1, DRIVE, SLOT + 1))
    send(library.changer, 0xA6, 0, *ways)
    assert library.layout() == {DRIVE: "A2", SLOT + 1: "A1"}
    ways = b"".join(at.to_bytes(2, "big") for at in (ROBOT, SLOT + 1, DRIVE, PORT))
    send(library.changer, 0xA6, 0, *ways)
    assert library.layout() == {DRIVE: "A1", PORT: "A2"}


def test_an_exchange_with_a_bad_tape_loads_the_other_one(library: Library) -> None:
    library.move(SLOT, DRIVE)
    slot = library.changer.elements.at(SLOT + 1)
    assert slot is not None
    slot.cartridge = Labelled("BAD", broken=True)
    ways = b"".join(at.to_bytes(2, "big") for at in (ROBOT, SLOT + 1, DRIVE, DRIVE + 1))
    assert condition(library.changer, 0xA6, 0, *ways) is Condition.LOAD_OR_EJECT_FAILED
    assert library.layout() == {DRIVE: "BAD", DRIVE + 1: "A1"}
    assert [drive.loaded for drive in library.drives] == [False, True]


def test_an_element_that_was_emptied_forgets_where_its_cartridge_came_from(
    library: Library,
) -> None:
    library.move(SLOT, DRIVE)
    library.move(DRIVE, SLOT)
    drive = library.changer.elements.at(DRIVE)
    assert drive is not None
    assert not drive.source


@pytest.mark.parametrize("serial", ["x" * 256, "\u20ac" * 255], ids=["long", "not ascii"])
def test_a_unit_of_any_name_says_who_it_is(serial: str) -> None:
    drive = TapeDrive(serial + "D1")
    for page in (0x80, 0x83):
        assert b"D1" in send(drive, 0x12, 1, page, 0x0F, 0xFF)
    changer = MediumChanger(Identity("3573-TL", serial), Elements.of([drive], 1, 0), Shelf())
    told = send(changer, 0xB8, 4, 0, 0, 0xFF, 0xFF, 1, 0, 0xFF, 0xFF)
    assert told.endswith(b"D1")


def status(library: Library, kind: int, *, flags: int = 0, first: int = 0) -> bytes:
    where = first.to_bytes(2, "big")
    return send(library.changer, 0xB8, flags | kind, *where, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF)


def test_status_tells_labels_and_where_cartridges_came_from(library: Library) -> None:
    library.move(SLOT, DRIVE + 1)
    data = status(library, Kind.DRIVE, flags=0x10)
    assert data[:8] == bytes([1, 1, 0, 2, 0, 0, 0, len(data) - 8])
    assert data[8:12] == bytes([Kind.DRIVE, 0x80, 0, 52])
    empty, full = data[16:68], data[68:]
    assert (empty[2] & 1, full[2] & 1) == (0, 1)
    assert full[9:12] == bytes([0x80]) + SLOT.to_bytes(2, "big")
    assert full[12:46].rstrip(b" \0") == b"A1"
    whole = status(library, 0)
    assert int.from_bytes(whole[2:4], "big") == 1 + 2 + 1 + 4
    assert len(whole) == 8 + int.from_bytes(whole[5:8], "big")


def test_a_drive_is_told_by_the_name_it_has_itself(library: Library) -> None:
    command = (0xB8, Kind.DRIVE, 0, 0, 0xFF, 0xFF, 1, 0, 0xFF, 0xFF)
    data = send(library.changer, *command)
    assert b"AIX     VTAPE           D2" in data
    assert b"AIX     VTAPE           D2" in send(library.drives[1], 0x12, 1, 0x83, 0, 255)


def test_operators_use_the_ports_and_partitions_hear_of_it(library: Library) -> None:
    changer = library.changer
    changer.insert(Labelled("A9"))
    for nexus in (ONE, OTHER):
        assert condition(changer, 0x00, nexus=nexus) is Condition.PORT_ACCESSED
    assert status(library, Kind.PORT)[16 + 2] & 3 == 3
    with pytest.raises(LibraryError, match="no import/export element is free"):
        changer.insert(Labelled("A8"))
    with pytest.raises(LibraryError, match="element 1025"):
        changer.insert(Labelled("A1"))
    with pytest.raises(LibraryError, match="mtx transfer"):
        changer.export("A1")
    changer.export("A9")
    assert PORT not in library.shelf.kept


def test_a_locked_door_keeps_operators_out_until_its_last_lock_goes(library: Library) -> None:
    for nexus in (ONE, OTHER):
        send(library.changer, 0x1E, 0, 0, 0, 1, nexus=nexus)
    library.changer.logout(ONE)
    with pytest.raises(LibraryError, match="locked"):
        library.changer.insert(Labelled("A9"))
    send(library.changer, 0x1E, 0, 0, 0, 0, nexus=OTHER)
    library.changer.insert(Labelled("A9"))


def test_one_initiator_has_the_robot_to_itself(library: Library) -> None:
    send(library.changer, 0x16)
    with pytest.raises(ReservationConflictError):
        send(library.changer, 0xA5, 0, 0, 1, 4, 1, 1, 1, nexus=OTHER)
    library.changer.logout(ONE)
    send(library.changer, 0xA5, 0, 0, 1, 4, 1, 1, 1, nexus=OTHER)
    assert library.drives[0].loaded


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=20), st.data())
def test_any_command_is_answered_and_no_cartridge_is_lost(
    cdbs: list[bytes], data: st.DataObject
) -> None:
    library = made()
    opcodes = sorted({command.opcode for command in library.changer.commands})
    places = st.sampled_from([0, ROBOT, DRIVE, DRIVE + 1, PORT, SLOT, SLOT + 1, SLOT + 3, 0xFFFF])
    for cdb in cdbs:
        opcode = data.draw(st.sampled_from(opcodes))
        ways = b"".join(data.draw(places).to_bytes(2, "big") for _ in range(3))
        with suppress(CheckConditionError, ReservationConflictError):
            send(library.changer, opcode, cdb[1], 0, 0, *ways, *cdb[10:], data=cdb * 4)
        assert sorted(library.layout().values()) == ["A1", "A2"]
        for drive, at in zip(library.drives, (DRIVE, DRIVE + 1), strict=True):
            assert drive.loaded == (at in library.layout())
