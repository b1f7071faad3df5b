"""Disks (SBC-3) and what all logical units do (SPC-4)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypervisor.scsi.backing import Blank
from hypervisor.scsi.command import Task
from hypervisor.scsi.disk import LONGEST_TRANSFER, Disk
from hypervisor.scsi.status import CheckConditionError, Condition, ReservationConflictError
from tests.hypervisor.scsi.units import ONE, OTHER, condition, send

BLOCKS = 4096


@pytest.fixture
def disk() -> Disk:
    return Disk(Blank(BLOCKS * 512), "SERIAL7")


def big(number: int, length: int) -> bytes:
    return number.to_bytes(length, "big")


def test_the_capacity_in_both_lengths(disk: Disk) -> None:
    assert send(disk, 0x25) == big(BLOCKS - 1, 4) + big(512, 4)
    long = send(disk, 0x9E, 0x10, *bytes(8), *big(32, 4))
    assert long[:12] == big(BLOCKS - 1, 8) + big(512, 4)
    assert long[14] & 0xC0 == 0xC0


@pytest.mark.parametrize(
    ("read", "write"),
    [
        ((0x08, 0, 0, 7, 2), (0x0A, 0, 0, 7, 2)),
        ((0x28, 0, *big(7, 4), 0, 0, 2), (0x2A, 0, *big(7, 4), 0, 0, 2)),
        ((0xA8, 0, *big(7, 4), *big(2, 4)), (0xAA, 0, *big(7, 4), *big(2, 4))),
        ((0x88, 0, *big(7, 8), *big(2, 4)), (0x8A, 0, *big(7, 8), *big(2, 4))),
    ],
)
def test_each_length_of_read_and_write(
    disk: Disk, read: tuple[int, ...], write: tuple[int, ...]
) -> None:
    data = bytes(range(256)) * 4
    send(disk, *write, data=data)
    assert send(disk, *read) == data
    assert disk.medium().read(7 * 512, 1024) == data


def test_six_byte_commands_of_no_blocks_mean_256(disk: Disk) -> None:
    assert len(send(disk, 0x08, 0, 0, 0, 0)) == 256 * 512
    assert send(disk, 0x28) == b""


@pytest.mark.parametrize("opcode", [0x28, 0x2A, 0x2F, 0x35, 0x34])
def test_blocks_beyond_the_end_are_out_of_range(disk: Disk, opcode: int) -> None:
    cdb = (opcode, 0, *big(BLOCKS - 1, 4), 0, 0, 2)
    assert condition(disk, *cdb, data=bytes(1024)) is Condition.LBA_OUT_OF_RANGE


def test_a_transfer_has_a_limit() -> None:
    disk = Disk(Blank(1 << 30), "LARGE")
    count = LONGEST_TRANSFER // 512 + 1
    cdb = (0x88, 0, *big(0, 8), *big(count, 4))
    assert condition(disk, *cdb) is Condition.INVALID_FIELD_IN_CDB


def test_a_write_needs_its_data(disk: Disk) -> None:
    cdb = (0x2A, 0, *big(0, 4), 0, 0, 2)
    assert condition(disk, *cdb, data=bytes(1023)) is Condition.PARAMETER_LIST_LENGTH


class Counted(Blank):
    flushes = 0

    def flush(self) -> None:
        self.flushes += 1


def test_a_flush_reaches_the_backing_and_so_does_forced_access() -> None:
    backing = Counted(BLOCKS * 512)
    disk = Disk(backing, "S")
    send(disk, 0x2A, 0, *big(0, 4), 0, 0, 1, data=bytes(512))
    assert backing.flushes == 0
    send(disk, 0x35)
    send(disk, 0x2A, 0x08, *big(0, 4), 0, 0, 1, data=bytes(512))
    assert backing.flushes == 2


def test_without_the_write_cache_each_write_is_flushed() -> None:
    backing = Counted(BLOCKS * 512)
    disk = Disk(backing, "S")
    page = send(disk, 0x1A, 0x08, 0x08, 0, 255)[4:]
    assert page[:3] == bytes([0x08, 18, 0x04])
    off = bytes(4) + bytes([0x08, 18, 0]) + page[3:]
    send(disk, 0x15, 0x10, 0, 0, len(off), data=off)
    send(disk, 0x2A, 0, *big(0, 4), 0, 0, 1, data=bytes(512))
    assert backing.flushes == 1
    assert send(disk, 0x1A, 0x08, 0x08, 0, 255)[6] == 0


def test_what_cannot_change_is_refused_and_nothing_is_taken_over(disk: Disk) -> None:
    page = send(disk, 0x1A, 0x08, 0x08, 0, 255)[4:]
    bad = bytes(4) + bytes([0x08, 18, 0x00, 0xFF]) + page[4:]
    cdb = (0x15, 0x10, 0, 0, len(bad))
    assert condition(disk, *cdb, data=bad) is Condition.INVALID_FIELD_IN_PARAMETERS
    assert send(disk, 0x1A, 0x08, 0x08, 0, 255)[4:] == page
    assert condition(disk, *cdb, data=bad[:9]) is Condition.PARAMETER_LIST_LENGTH


def test_unmapped_blocks_read_as_zeros(disk: Disk) -> None:
    send(disk, 0x2A, 0, *big(0, 4), 0, 0, 64, data=b"x" * 64 * 512)
    listed = big(30, 2) + big(32, 2) + bytes(4)
    listed += big(3, 8) + big(5, 4) + bytes(4) + big(20, 8) + big(30, 4) + bytes(4)
    send(disk, 0x42, 0, 0, 0, 0, 0, 0, *big(len(listed), 2), data=listed)
    left = send(disk, 0x28, 0, *big(0, 4), 0, 0, 64)
    zeros = [n for n in range(64) if not any(left[n * 512 : n * 512 + 512])]
    assert zeros == [3, 4, 5, 6, 7, *range(20, 50)]
    assert all(left[n] == ord("x") for n in range(len(left)) if n // 512 not in zeros)


def test_unmap_takes_all_descriptors_or_none(disk: Disk) -> None:
    send(disk, 0x2A, 0, *big(0, 4), 0, 0, 1, data=b"x" * 512)
    listed = big(38, 2) + big(32, 2) + bytes(4)
    listed += big(0, 8) + big(1, 4) + bytes(4) + big(BLOCKS, 8) + big(1, 4) + bytes(4)
    cdb = (0x42, 0, 0, 0, 0, 0, 0, *big(len(listed), 2))
    assert condition(disk, *cdb, data=listed) is Condition.LBA_OUT_OF_RANGE
    assert disk.medium().read(0, 1) == b"x"
    assert condition(disk, *cdb, data=listed[:30]) is Condition.PARAMETER_LIST_LENGTH


def test_write_same_repeats_a_block(disk: Disk) -> None:
    send(disk, 0x41, 0, *big(10, 4), 0, 0, 3, data=b"ab" * 256)
    assert disk.medium().read(9 * 512, 5 * 512) == bytes(512) + b"ab" * 768 + bytes(512)
    send(disk, 0x93, 0x01, *big(11, 8), *big(1, 4))
    assert disk.medium().read(11 * 512, 512) == bytes(512)


def test_verify_compares(disk: Disk) -> None:
    send(disk, 0x2A, 0, *big(0, 4), 0, 0, 2, data=b"y" * 1024)
    assert condition(disk, 0x2F, 0x02, *big(0, 4), 0, 0, 2, data=b"y" * 1024) is None
    assert condition(disk, 0x2F, 0x06, *big(0, 4), 0, 0, 2, data=b"y" * 512) is None
    wrong = b"y" * 1023 + b"z"
    assert condition(disk, 0x2F, 0x02, *big(0, 4), 0, 0, 2, data=wrong) is Condition.MISCOMPARE


def test_compare_and_write_writes_only_over_what_it_expects(disk: Disk) -> None:
    cdb = (0x89, 0, *big(4, 8), 0, 0, 0, 1)
    assert condition(disk, *cdb, data=b"x" * 1024) is Condition.MISCOMPARE
    assert condition(disk, *cdb, data=bytes(512) + b"x" * 512) is None
    assert disk.medium().read(4 * 512, 512) == b"x" * 512


def test_a_disk_that_is_read_only_says_so_and_refuses_writes() -> None:
    backing = Blank(BLOCKS * 512)
    backing.read_only = True
    disk = Disk(backing, "S")
    assert send(disk, 0x1A, 0, 0x3F, 0, 255)[2] & 0x80
    for cdb in ((0x2A, 0, *big(0, 4), 0, 0, 1), (0x41, 0, *big(0, 4), 0, 0, 1)):
        assert condition(disk, *cdb, data=bytes(512)) is Condition.WRITE_PROTECTED


def test_inquiry_pages_are_those_that_are_listed(disk: Disk) -> None:
    pages = send(disk, 0x12, 1, 0, 0, 255)
    assert pages[4:] == bytes([0x00, 0x80, 0x83, 0xB0, 0xB1, 0xB2])
    for code in pages[4:]:
        page = send(disk, 0x12, 1, code, 0, 255)
        assert (page[1], len(page)) == (code, 4 + int.from_bytes(page[2:4], "big"))
    assert send(disk, 0x12, 1, 0x80, 0, 255)[4:] == b"SERIAL7"
    assert condition(disk, 0x12, 1, 0x99, 0, 255) is Condition.INVALID_FIELD_IN_CDB
    assert condition(disk, 0x12, 0, 0x80, 0, 255) is Condition.INVALID_FIELD_IN_CDB


def test_unknown_commands_and_service_actions_are_told_apart(disk: Disk) -> None:
    assert condition(disk, 0xFF) is Condition.INVALID_OPCODE
    assert condition(disk, 0x9E, 0x1F) is Condition.INVALID_FIELD_IN_CDB


def test_supported_operation_codes_are_those_that_are_carried_out(disk: Disk) -> None:
    listed = send(disk, 0xA3, 0x0C, 0, 0, 0, 0, *big(4096, 4))
    opcodes = {listed[at] for at in range(4, len(listed), 8)}
    for opcode in range(256):
        unknown = condition(disk, opcode) is Condition.INVALID_OPCODE
        assert unknown == (opcode not in opcodes), hex(opcode)
    one = send(disk, 0xA3, 0x0C, 1, 0x28, 0, 0, *big(64, 4))
    assert one[:5] == bytes([0, 3, 0, 10, 0x28])


def test_a_self_test_finds_nothing_wrong_and_sense_data_are_fixed(disk: Disk) -> None:
    assert condition(disk, 0x1D, 0x04) is None
    assert condition(disk, 0x1D, 0x20) is Condition.INVALID_FIELD_IN_CDB
    assert condition(disk, 0x03, 1, 0, 0, 18) is Condition.INVALID_FIELD_IN_CDB
    assert send(disk, 0x03, 0, 0, 0, 18)[0] == 0x70


@pytest.mark.parametrize("cdb", [(0x2E, 0, 0, 0, 0, 1, 0, 0, 1), (0xAE, *[0] * 4, 1, 0, 0, 0, 1)])
def test_what_is_written_and_verified_is_flushed(cdb: tuple[int, ...]) -> None:
    backing = Counted(1 << 20)
    disk = Disk(backing, "S")
    send(disk, *cdb, data=b"w" * 512)
    assert backing.read(512, 512) == b"w" * 512
    assert backing.flushes == 1


def test_an_attention_is_told_once_to_each(disk: Disk) -> None:
    disk.login(ONE)
    disk.login(OTHER)
    for nexus in (ONE, OTHER):
        assert condition(disk, 0x00, nexus=nexus) is Condition.POWER_ON_OR_RESET
        assert condition(disk, 0x00, nexus=nexus) is None
    disk.resized()
    assert send(disk, 0x12, 0, 0, 0, 36)[0] == 0
    assert send(disk, 0x03, 0, 0, 0, 18)[12:14] == bytes([0x2A, 0x09])
    assert condition(disk, 0x00) is None
    assert condition(disk, 0x00, nexus=OTHER) is Condition.CAPACITY_CHANGED


def test_a_simple_reservation_excludes_others_until_it_is_released(disk: Disk) -> None:
    send(disk, 0x16)
    with pytest.raises(ReservationConflictError):
        send(disk, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, nexus=OTHER)
    assert send(disk, 0x12, 0, 0, 0, 36, nexus=OTHER)
    send(disk, 0x17, nexus=OTHER)
    with pytest.raises(ReservationConflictError):
        send(disk, 0x00, nexus=OTHER)
    send(disk, 0x17)
    assert send(disk, 0x00, nexus=OTHER) == b""
    send(disk, 0x16)
    disk.logout(ONE)
    assert send(disk, 0x00, nexus=OTHER) == b""


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.binary(min_size=16, max_size=16), st.binary(max_size=64)),
        min_size=1,
        max_size=20,
    )
)
def test_any_command_is_answered(commands: list[tuple[bytes, bytes]]) -> None:
    disk = Disk(Blank(BLOCKS * 512), "S")
    for cdb, data in commands:
        try:
            answer = disk.execute(Task(ONE, cdb, data))
        except (CheckConditionError, ReservationConflictError):
            continue
        assert len(answer) <= LONGEST_TRANSFER
