"""Tape drives: blocks, filemarks, positions (SSC-3)."""

from __future__ import annotations

import pytest

from hypervisor.scsi.backing import BackingError
from hypervisor.scsi.optical import MediumLockedError
from hypervisor.scsi.status import (
    CheckConditionError,
    Condition,
    Mark,
    ReservationConflictError,
)
from hypervisor.scsi.tape import TapeDrive
from hypervisor.scsi.tape_medium import BlankTape
from tests.hypervisor.scsi.units import ONE, OTHER, condition, send

REWIND = (0x01,)
FILEMARK = (0x10, 0, 0, 0, 1)
MINUS = 1 << 24


@pytest.fixture
def tape() -> BlankTape:
    return BlankTape()


@pytest.fixture
def drive(tape: BlankTape) -> TapeDrive:
    drive = TapeDrive("TAPE")
    drive.load(tape)
    for nexus in (ONE, OTHER):
        drive.login(nexus)
        assert condition(drive, 0x00, nexus=nexus) is Condition.POWER_ON_OR_RESET
    return drive


def write(drive: TapeDrive, *blocks: bytes) -> None:
    """Variable blocks; an empty one is a filemark."""
    for block in blocks:
        if block:
            send(drive, 0x0A, 0, *len(block).to_bytes(3, "big"), data=block)
        else:
            send(drive, *FILEMARK)


def read(drive: TapeDrive, length: int, *, flags: int = 0) -> bytes:
    return send(drive, 0x08, flags, *length.to_bytes(3, "big"))


def failure(drive: TapeDrive, *cdb: int, data: bytes = b"") -> CheckConditionError:
    with pytest.raises(CheckConditionError) as failed:
        send(drive, *cdb, data=data)
    return failed.value


def fixed(drive: TapeDrive, length: int) -> None:
    """MODE SELECT of the length of blocks."""
    data = bytes([0, 0, 0x10, 8, 0, 0, 0, 0, 0]) + length.to_bytes(3, "big")
    send(drive, 0x15, 0x10, 0, 0, len(data), data=data)


def position(drive: TapeDrive) -> int:
    return int.from_bytes(send(drive, 0x34)[4:8], "big")


def space(what: int, count: int) -> tuple[int, ...]:
    return 0x11, what, *(count % MINUS).to_bytes(3, "big")


def test_it_says_it_is_a_sequential_device_whose_medium_is_removable(drive: TapeDrive) -> None:
    assert send(drive, 0x12, 0, 0, 0, 36)[:2] == bytes([1, 0x80])
    assert send(drive, 0x05) == (8 << 20).to_bytes(4, "big") + b"\0\1"


def test_blocks_come_back_with_their_lengths(drive: TapeDrive) -> None:
    write(drive, b"a" * 10, b"b" * 7)
    send(drive, *REWIND)
    assert read(drive, 10) == b"a" * 10
    assert read(drive, 7) == b"b" * 7


def test_a_block_of_another_length_is_told_with_its_data(drive: TapeDrive) -> None:
    write(drive, b"a" * 10, b"b" * 10)
    send(drive, *REWIND)
    short = failure(drive, 0x08, 0, 0, 0, 16)
    assert (short.condition, short.marks, short.information) == (Condition.NOTHING, Mark.ILI, 6)
    assert short.data == b"a" * 10
    long = failure(drive, 0x08, 0, 0, 0, 4)
    assert (long.marks, long.information, long.data) == (Mark.ILI, (1 << 32) - 6, b"bbbb")
    assert long.sense[2] == 0x20
    assert position(drive) == 2


def test_it_is_not_told_where_the_initiator_suppresses_it(drive: TapeDrive) -> None:
    write(drive, b"a" * 10, b"b" * 10)
    send(drive, *REWIND)
    assert read(drive, 16, flags=2) == b"a" * 10
    assert read(drive, 4, flags=2) == b"bbbb"
    fixed(drive, 512)  # now longer blocks are told nevertheless
    send(drive, *REWIND)
    assert failure(drive, 0x08, 2, 0, 0, 4).marks is Mark.ILI


def test_a_filemark_ends_a_read_and_is_passed(drive: TapeDrive) -> None:
    write(drive, b"a", b"", b"b")
    send(drive, *REWIND)
    read(drive, 1)
    mark = failure(drive, 0x08, 0, 0, 0, 9)
    assert (mark.condition, mark.marks) == (Condition.FILEMARK_DETECTED, Mark.FILEMARK)
    assert (mark.information, mark.sense[2], mark.sense[12:14]) == (9, 0x80, b"\0\1")
    assert read(drive, 1) == b"b"
    assert failure(drive, 0x08, 0, 0, 0, 9).condition is Condition.END_OF_DATA


def test_fixed_blocks_are_written_and_read_together(drive: TapeDrive, tape: BlankTape) -> None:
    fixed(drive, 4)
    send(drive, 0x0A, 1, 0, 0, 3, data=b"aaaabbbbcccc")
    assert len(tape) == 3
    send(drive, *FILEMARK)
    send(drive, *REWIND)
    assert read(drive, 2, flags=1) == b"aaaabbbb"
    mark = failure(drive, 0x08, 1, 0, 0, 5)
    assert (mark.data, mark.information, mark.marks) == (b"cccc", 4, Mark.FILEMARK)


def test_a_block_of_another_length_ends_a_read_of_fixed_ones(drive: TapeDrive) -> None:
    write(drive, b"aaaa", b"odd", b"bbbb")
    send(drive, *REWIND)
    fixed(drive, 4)
    wrong = failure(drive, 0x08, 1, 0, 0, 3)
    assert (wrong.data, wrong.information, wrong.marks) == (b"aaaa", 2, Mark.ILI)
    assert read(drive, 1, flags=1) == b"bbbb"


def test_fixed_mode_needs_a_length(drive: TapeDrive) -> None:
    for cdb in ((0x08, 1, 0, 0, 1), (0x0A, 1, 0, 0, 1)):
        assert condition(drive, *cdb, data=b"x") is Condition.INVALID_FIELD_IN_CDB
    fixed(drive, 512)
    assert condition(drive, 0x08, 3, 0, 0, 1) is Condition.INVALID_FIELD_IN_CDB
    assert condition(drive, 0x08, 1, 0xFF, 0, 0) is Condition.INVALID_FIELD_IN_CDB


def test_writing_in_the_middle_ends_the_tape_there(drive: TapeDrive, tape: BlankTape) -> None:
    write(drive, b"a", b"b", b"c", b"")
    send(drive, 0x2B, 0, 0, 0, 0, 0, 1)
    write(drive, b"new")
    assert len(tape) == 2
    assert condition(drive, 0x08, 0, 0, 0, 1) is Condition.END_OF_DATA


def test_spacing_over_blocks_stops_at_filemarks(drive: TapeDrive) -> None:
    write(drive, b"a", b"b", b"", b"c")
    send(drive, *REWIND)
    send(drive, *space(0, 2))
    assert position(drive) == 2
    stopped = failure(drive, *space(0, 5))
    assert (stopped.marks, stopped.information, position(drive)) == (Mark.FILEMARK, 5, 3)
    end = failure(drive, *space(0, 5))
    assert (end.condition, end.information, position(drive)) == (Condition.END_OF_DATA, 4, 4)
    back = failure(drive, *space(0, -3))
    assert (back.marks, back.information, position(drive)) == (Mark.FILEMARK, 2, 2)
    begin = failure(drive, *space(0, -3))
    assert (begin.condition, begin.marks) == (Condition.BEGINNING_OF_MEDIUM, Mark.EOM)
    assert (begin.information, position(drive)) == (1, 0)


def test_spacing_over_filemarks_goes_behind_or_before_them(drive: TapeDrive) -> None:
    write(drive, b"a", b"", b"b", b"", b"c")
    send(drive, *REWIND)
    send(drive, *space(1, 2))
    assert position(drive) == 4
    send(drive, *space(1, -1))
    assert position(drive) == 3
    end = failure(drive, *space(1, 3))
    assert (end.condition, end.information, position(drive)) == (Condition.END_OF_DATA, 2, 5)
    begin = failure(drive, *space(1, -3))
    assert (begin.condition, begin.information) == (Condition.BEGINNING_OF_MEDIUM, 1)
    send(drive, *space(3, 0))
    assert position(drive) == 5
    assert condition(drive, *space(4, 1)) is Condition.INVALID_FIELD_IN_CDB


def test_locating_and_positions_of_both_forms(drive: TapeDrive) -> None:
    write(drive, b"a", b"", b"b", b"c", b"")
    send(drive, 0x92, 0, 0, 0, *(3).to_bytes(8, "big"))
    long = send(drive, 0x34, 6)
    assert (long[0], long[8:16], long[16:24]) == (0, b"\0" * 7 + b"\3", b"\0" * 7 + b"\1")
    send(drive, 0x92, 8, 0, 0, *(1).to_bytes(8, "big"))  # file 1
    assert position(drive) == 2
    send(drive, 0x92, 0x18)
    assert position(drive) == 5
    assert condition(drive, 0x2B, 0, 0, 0, 0, 0, 9) is Condition.END_OF_DATA
    send(drive, *REWIND)
    assert send(drive, 0x34)[0] == 0x80


def test_early_warning_and_the_end_of_the_tape() -> None:
    drive, tape = TapeDrive("TAPE"), BlankTape(1600)
    drive.load(tape)
    write(drive, b"x" * 1499)
    warned = failure(drive, 0x0A, 0, 0, 0, 50, data=b"x" * 50)
    assert (warned.condition, warned.marks) == (Condition.END_OF_MEDIUM, Mark.EOM)
    assert (warned.information, len(tape), send(drive, 0x34)[0]) == (0, 2, 0x40)
    full = failure(drive, 0x0A, 0, 0, 0, 100, data=b"x" * 100)
    assert (full.condition, full.marks) == (Condition.VOLUME_OVERFLOW, Mark.EOM)
    assert (full.information, len(tape)) == (100, 2)
    assert full.sense[2] == 0x4D


def test_filemarks_are_kept_before_the_command_ends(drive: TapeDrive, tape: BlankTape) -> None:
    write(drive, b"a")
    assert tape.flushed == 0
    send(drive, 0x10, 1, 0, 0, 1)  # at once
    assert tape.flushed == 0
    send(drive, 0x10, 0, 0, 0, 0)  # none: what was written is kept
    assert (tape.flushed, len(tape)) == (2, 2)
    send(drive, 0x15, 0x10, 0, 0, 4, data=bytes(4))  # without a buffer
    write(drive, b"b")
    assert tape.flushed == 3
    assert condition(drive, 0x10, 2, 0, 0, 1) is Condition.INVALID_FIELD_IN_CDB


def test_erasing_ends_the_tape(drive: TapeDrive, tape: BlankTape) -> None:
    write(drive, b"a", b"b", b"c")
    send(drive, 0x2B, 0, 0, 0, 0, 0, 1)
    send(drive, 0x19, 1)
    assert len(tape) == 1


def test_a_protected_tape_is_read_only(drive: TapeDrive, tape: BlankTape) -> None:
    tape.read_only = True
    for cdb in ((0x0A, 0, 0, 0, 1), FILEMARK, (0x19,)):
        assert condition(drive, *cdb, data=b"x") is Condition.WRITE_PROTECTED
    assert send(drive, 0x1A, 0, 0, 0, 12)[2] & 0x80


def test_a_tape_that_is_unloaded_can_be_loaded_again(tape: BlankTape) -> None:
    told: list[bool] = []
    drive = TapeDrive("TAPE", lambda: told.append(True))
    drive.load(tape)
    write(drive, b"a")
    send(drive, 0x1B)
    assert told == [True]
    assert condition(drive, 0x00) is Condition.NO_MEDIUM
    assert condition(drive, 0x08, 0, 0, 0, 1) is Condition.NO_MEDIUM
    send(drive, 0x1B, 0, 0, 0, 1)
    assert read(drive, 1) == b"a"
    drive.unload()
    assert condition(drive, 0x1B, 0, 0, 0, 1) is Condition.NO_MEDIUM


def test_a_locked_tape_stays_in(drive: TapeDrive) -> None:
    send(drive, 0x1E, 0, 0, 0, 1)
    assert condition(drive, 0x1B) is Condition.MEDIUM_REMOVAL_PREVENTED
    with pytest.raises(MediumLockedError):
        drive.unload()
    send(drive, 0x1E)
    drive.unload()
    assert not drive.loaded


def test_each_initiator_keeps_a_tape_in_until_it_lets_go_or_is_gone(drive: TapeDrive) -> None:
    for nexus in (ONE, OTHER):
        send(drive, 0x1E, 0, 0, 0, 1, nexus=nexus)
    send(drive, 0x1E)
    assert condition(drive, 0x1B) is Condition.MEDIUM_REMOVAL_PREVENTED
    drive.logout(OTHER)
    send(drive, 0x1B)
    drive.unload()


def test_another_tape_is_announced(drive: TapeDrive) -> None:
    drive.unload()
    drive.load(BlankTape())
    assert condition(drive, 0x00) is Condition.MEDIUM_CHANGED


def test_one_initiator_reserves_it_and_others_conflict(drive: TapeDrive) -> None:
    send(drive, 0x16)
    for cdb in ((0x00,), (0x08, 0, 0, 0, 1), REWIND, (0x16,)):
        with pytest.raises(ReservationConflictError):
            send(drive, *cdb, nexus=OTHER)
    assert send(drive, 0x12, 0, 0, 0, 36, nexus=OTHER)[0] == 1
    send(drive, 0x17, nexus=OTHER)  # not its own
    with pytest.raises(ReservationConflictError):
        send(drive, 0x00, nexus=OTHER)
    send(drive, 0x17)
    send(drive, 0x16, nexus=OTHER)


def test_mode_pages_tell_compression_and_configuration(drive: TapeDrive) -> None:
    assert send(drive, 0x1A, 0, 0, 0, 12) == bytes([11, 0, 0x10, 8]) + bytes(8)
    page = send(drive, 0x1A, 8, 0x0F, 0, 64)[4:]
    assert page[:4] == bytes([0x0F, 14, 0xC0, 0x80])
    off = bytes([0, 0, 0x10, 0]) + page[:2] + bytes([0x40]) + page[3:]
    send(drive, 0x15, 0x10, 0, 0, len(off), data=off)
    assert send(drive, 0x1A, 8, 0x0F, 0, 64)[6] == 0x40
    configuration = send(drive, 0x1A, 8, 0x10, 0, 64)[4:]
    assert (configuration[:2], configuration[14]) == (bytes([0x10, 14]), 0)


@pytest.mark.parametrize(
    "data",
    [
        bytes([0, 0, 0x20, 0]),  # a way of buffering that is not there
        bytes([0, 0, 0x10, 8, 0x58]) + bytes(7),  # another density
        bytes([0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0xFF, 0, 0]),  # blocks that are too long
        bytes([0, 0, 0x10, 4]) + bytes(4),
    ],
)
def test_settings_that_cannot_be_are_refused(drive: TapeDrive, data: bytes) -> None:
    found = condition(drive, 0x15, 0x10, 0, 0, len(data), data=data)
    assert found is Condition.INVALID_FIELD_IN_PARAMETERS
    assert send(drive, 0x1A, 0, 0, 0, 12)[9:12] == bytes(3)


def test_log_pages_tell_alerts_once_and_the_room_left(drive: TapeDrive, tape: BlankTape) -> None:
    assert send(drive, 0x4D, 0, 0x40, 0, 0, 0, 0, 1, 0)[4:] == bytes([0, 0x2E, 0x31])
    tape.read_only = True
    condition(drive, *FILEMARK)
    alerts = (0x4D, 0, 0x6E, 0, 0, 0, 0, 4, 0)
    assert send(drive, *alerts)[4 + 5 * 8 + 4] == 1
    assert send(drive, *alerts)[4 + 5 * 8 + 4] == 0
    room = send(drive, 0x4D, 0, 0x71, 0, 0, 0, 0, 1, 0)
    assert room[8:12] == (1).to_bytes(4, "big")
    assert condition(drive, 0x4D, 0, 0x55, 0, 0, 0, 0, 1, 0) is Condition.INVALID_FIELD_IN_CDB


def test_what_cannot_be_read_or_written_is_told(
    drive: TapeDrive, tape: BlankTape, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(drive, b"a", b"b")
    send(drive, *REWIND)

    def broken(*arguments: object) -> tuple[bytes, int]:
        raise BackingError("broken")

    with monkeypatch.context() as its:
        its.setattr(tape, "read", broken)
        assert condition(drive, 0x08, 0, 0, 0, 1) is Condition.READ_ERROR
    assert read(drive, 1) == b"b"  # the bad block is passed
    monkeypatch.setattr(tape, "write", broken)
    assert condition(drive, 0x0A, 0, 0, 0, 1, data=b"c") is Condition.WRITE_ERROR
    tape.damaged = True
    assert condition(drive, 0x08, 0, 0, 0, 1) is Condition.READ_ERROR


def test_an_initiator_that_was_saved_learns_that_the_tape_is_rewound(tape: BlankTape) -> None:
    drive = TapeDrive("TAPE")
    drive.load(tape)
    drive.resume(ONE)
    assert condition(drive, 0x00) is Condition.POWER_ON_OR_RESET
    assert position(drive) == 0
