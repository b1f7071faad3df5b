"""RTAS error logs: their bytes, and how a guest comes by them (LoPAR chapter 10 and 7.3.3)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from firmware.error_log import (
    MOST_TEXT_BYTES,
    Severity,
    Shutdown,
    reference_code_section,
)
from firmware.error_logs import (
    EPOW_INTERRUPT,
    FIRST_LOG_ID,
    INTERNAL_ERROR_INTERRUPT,
    LAST_LOG_ID,
    MOST_WAITING,
    QueueFullError,
)

if TYPE_CHECKING:
    from firmware.boot import PlatformFirmware
    from hypervisor.partition import Partition
    from tests.firmware.guest import Guest

ALL_CLASSES = 0xFFFF_FFFF
INTERNAL_ERRORS, EPOW = 0x8000_0000, 0x4000_0000
LENGTH = 2048
EXTERNAL = 0x500
NOTHING = (1,)


def scan(guest: Guest, mask: int = ALL_CLASSES, length: int = LENGTH) -> tuple[int, bytes]:
    buffer = guest.buffer(LENGTH)
    (status,) = guest.rtas("event-scan", mask, 0, buffer, length)
    return status, guest.memory.read(buffer, LENGTH)


def check(guest: Guest, source: int, mask: int, vector: int = EXTERNAL) -> tuple[int, bytes]:
    buffer = guest.buffer(LENGTH)
    (status,) = guest.rtas("check-exception", vector, source, mask, 0, buffer, LENGTH)
    return status, guest.memory.read(buffer, LENGTH)


def sections(log: bytes) -> dict[bytes, bytes]:
    """The sections of a log by name; checks that its lengths agree."""
    assert log[0] == 6
    assert log[1] & 0x04
    (extended,) = struct.unpack_from(">I", log, 4)
    found, at, end = {}, 24, 8 + extended
    while at < end:
        name, length = struct.unpack_from(">2sH", log, at)
        assert length % 4 == 0
        found[name] = log[at : at + length]
        at += length
    assert at == end
    assert found[b"PH"][27] == len(found)
    return found


def raised(partition: Partition, number: int) -> bool:
    source = partition.interrupts.xics.source(number)
    assert source is not None
    return source.pending


# -- the bytes -------------------------------------------------------------------------------


def test_a_shutdown_request_is_a_version_6_log_with_an_epow_section(
    guest: Guest, firmware: PlatformFirmware
) -> None:
    firmware.error_logs.request_shutdown(Shutdown.NORMAL)
    status, log = check(guest, EPOW_INTERRUPT, EPOW)
    assert status == 0
    assert log[:4] == bytes((6, 1 << 5 | 0x04, 0, 0x40))
    assert log[8:24] == bytes((0x86, 0, 0x8E)) + bytes(9) + b"IBM\0"
    found = sections(log)
    assert list(found) == [b"PH", b"UH", b"EP"]
    assert [len(section) for section in found.values()] == [48, 24, 20]
    assert found[b"PH"][8:16] == bytes.fromhex("20231114 22132000")
    assert found[b"PH"][24:25] == b"H"
    assert found[b"PH"][40:44] == FIRST_LOG_ID.to_bytes(4, "big")
    assert found[b"UH"][8:12] == bytes((0xA0, 0, 0, 0xD0))
    assert found[b"EP"][4] == 2
    assert found[b"EP"][8:11] == bytes((3, Shutdown.NORMAL, 1))


def test_an_error_has_its_reference_code_and_its_words(
    guest: Guest, firmware: PlatformFirmware
) -> None:
    firmware.error_logs.report_error(
        "Lüfter 3 steht", Severity.ERROR, recovered=False, reference_code="B7001111"
    )
    status, log = scan(guest)
    assert status == 0
    assert log[:4] == bytes((6, 4 << 5 | 2 << 3 | 0x04, 0, 0xE0))
    assert log[8] == 0xC6
    found = sections(log)
    assert len(found[b"PS"]) == 80
    assert found[b"PS"][8:16] == bytes((2, 0, 0, 9, 0, 0, 0, 72))
    assert found[b"PS"][48:] == b"B7001111".ljust(32)
    assert found[b"UD"][8:].rstrip(b"\0").decode() == "Lüfter 3 steht"
    assert found[b"UH"][10] == 0x40


def test_identifiers_count_up_and_begin_again_at_the_end(firmware: PlatformFirmware) -> None:
    logs = firmware.error_logs
    first = logs.report_error("one", Severity.EVENT)
    assert logs.report_error("two", Severity.EVENT) == first + 1
    logs._next_id = LAST_LOG_ID  # noqa: SLF001 - 268 million logs would take long
    assert logs.report_error("last", Severity.EVENT) == LAST_LOG_ID
    assert logs.report_error("first", Severity.EVENT) == FIRST_LOG_ID


@pytest.mark.parametrize("code", ["", "B7 00", "x" * 33, "B7-1"])
def test_a_reference_code_is_letters_and_digits(code: str) -> None:
    with pytest.raises(ValueError, match="reference code"):
        reference_code_section(code)


@pytest.mark.parametrize("text", ["x" * (MOST_TEXT_BYTES + 1), "\udc80"])
def test_a_text_that_does_not_fit_is_refused(firmware: PlatformFirmware, text: str) -> None:
    with pytest.raises(ValueError, match=r"bytes|surrogates"):
        firmware.error_logs.report_error(text, Severity.WARNING)
    assert len(firmware.error_logs) == 0


def test_no_time_of_day_is_too_odd_for_a_log(
    guest: Guest, firmware: PlatformFirmware, partition: Partition
) -> None:
    for odd in (-(10**15), 10**15):
        partition.time_of_day.epoch = odd
        firmware.error_logs.report_error("odd", Severity.EVENT)
        assert scan(guest)[0] == 0


# -- event-scan and check-exception ----------------------------------------------------------


def test_event_scan_hands_out_each_log_once_oldest_first(
    guest: Guest, firmware: PlatformFirmware
) -> None:
    for text in ("first", "second"):
        firmware.error_logs.report_error(text, Severity.WARNING)
    assert b"first" in scan(guest)[1]
    assert b"second" in scan(guest)[1]
    assert scan(guest)[0] == 1


def test_event_scan_leaves_what_its_mask_does_not_name(
    guest: Guest, firmware: PlatformFirmware
) -> None:
    firmware.error_logs.report_error("kept", Severity.WARNING)
    assert scan(guest, mask=EPOW)[0] == 1
    assert scan(guest, mask=INTERNAL_ERRORS)[0] == 0


def test_a_shutdown_request_is_announced_by_an_interrupt_and_not_scanned(
    guest: Guest, firmware: PlatformFirmware, partition: Partition
) -> None:
    firmware.error_logs.request_shutdown(Shutdown.ON_UPS)
    assert raised(partition, EPOW_INTERRUPT)
    assert scan(guest)[0] == 1
    assert check(guest, EPOW_INTERRUPT, INTERNAL_ERRORS)[0] == 1
    assert check(guest, EPOW_INTERRUPT, EPOW, vector=0x200)[0] == 1
    assert check(guest, EPOW_INTERRUPT, EPOW)[0] == 0


def test_a_second_event_raises_its_interrupt_again_when_the_first_is_taken(
    guest: Guest, firmware: PlatformFirmware, partition: Partition
) -> None:
    firmware.error_logs.request_shutdown(Shutdown.ON_UPS)
    firmware.error_logs.request_shutdown(Shutdown.NORMAL)
    source = partition.interrupts.xics.source(EPOW_INTERRUPT)
    assert source is not None
    source.pending = False
    assert check(guest, EPOW_INTERRUPT, EPOW)[0] == 0
    assert raised(partition, EPOW_INTERRUPT)
    source.pending = False
    assert check(guest, EPOW_INTERRUPT, EPOW)[0] == 0
    assert not raised(partition, EPOW_INTERRUPT)


def test_an_error_may_be_announced_by_an_interrupt(
    guest: Guest, firmware: PlatformFirmware, partition: Partition
) -> None:
    firmware.error_logs.report_error("loud", Severity.WARNING, interrupts=True)
    assert raised(partition, INTERNAL_ERROR_INTERRUPT)
    assert scan(guest)[0] == 1
    assert b"loud" in check(guest, INTERNAL_ERROR_INTERRUPT, INTERNAL_ERRORS)[1]


def test_the_epow_sensor_shows_what_is_asked_for(guest: Guest, firmware: PlatformFirmware) -> None:
    assert guest.rtas("get-sensor-state", 9, 0, returns=2) == (0, 0)
    firmware.error_logs.request_shutdown(Shutdown.NORMAL)
    assert guest.rtas("get-sensor-state", 9, 0, returns=2) == (0, 3)
    check(guest, EPOW_INTERRUPT, EPOW)
    assert guest.rtas("get-sensor-state", 9, 0, returns=2) == (0, 0)
    assert guest.rtas("get-sensor-state", 9, 1, returns=2)[0] == -3


def test_a_short_buffer_gets_the_beginning_of_a_log(
    guest: Guest, firmware: PlatformFirmware
) -> None:
    firmware.error_logs.report_error("cut", Severity.WARNING)
    status, log = scan(guest, length=20)
    assert status == 0
    assert log[0] == 6
    assert log[20:] == b"\xee" * (LENGTH - 20)


@pytest.mark.parametrize("address", [16 << 20, 0xFFFF_F000])
def test_a_buffer_outside_storage_loses_no_log(
    guest: Guest, firmware: PlatformFirmware, address: int
) -> None:
    firmware.error_logs.report_error("kept", Severity.WARNING)
    firmware.error_logs.request_shutdown(Shutdown.NORMAL)
    assert guest.rtas("event-scan", ALL_CLASSES, 0, address, LENGTH) == (-3,)
    assert guest.rtas("check-exception", EXTERNAL, 0, EPOW, 0, address, LENGTH) == (-3,)
    assert len(firmware.error_logs) == 2


def test_a_guest_that_never_asks_fills_the_queue_to_its_limit(
    guest: Guest, firmware: PlatformFirmware
) -> None:
    for _ in range(MOST_WAITING):
        firmware.error_logs.report_error("again", Severity.WARNING)
    with pytest.raises(QueueFullError, match="64 error logs to read"):
        firmware.error_logs.request_shutdown(Shutdown.NORMAL)
    scan(guest)
    firmware.error_logs.request_shutdown(Shutdown.NORMAL)


# -- rtas-last-error -------------------------------------------------------------------------


def test_rtas_last_error_tells_of_the_last_call_that_failed_in_hardware(guest: Guest) -> None:
    buffer = guest.buffer(LENGTH)
    assert guest.rtas("rtas-last-error", buffer, LENGTH) == NOTHING
    assert guest.rtas("stop-self") == (-1,)
    assert guest.rtas("get-sensor-state", 1, 1, returns=2)[0] == -3
    assert guest.rtas("rtas-last-error", buffer, LENGTH) == (0,)
    words = sections(guest.memory.read(buffer, LENGTH))[b"UD"]
    assert b"stop-self: the last processor of a partition cannot stop" in words
    assert guest.rtas("rtas-last-error", buffer, LENGTH) == NOTHING


# -- the device tree -------------------------------------------------------------------------


def test_event_sources_name_their_interrupts(
    firmware: PlatformFirmware, partition: Partition
) -> None:
    node = firmware.tree.at("/event-sources")
    assert "interrupt-controller" in node.properties
    for name, number in (
        ("epow-events", EPOW_INTERRUPT),
        ("internal-errors", INTERNAL_ERROR_INTERRUPT),
    ):
        interrupts = firmware.tree.at(f"/event-sources/{name}").properties["interrupts"]
        assert struct.unpack(">II", interrupts) == (number, 0)
        assert partition.interrupts.xics.source(number) is not None


def test_the_power_button_is_heard_once_its_interrupt_has_a_priority(
    partition: Partition, firmware: PlatformFirmware, guest: Guest
) -> None:
    assert not firmware.error_logs.hears_shutdown
    guest.rtas("ibm,set-xive", EPOW_INTERRUPT, 0, 5)
    assert firmware.error_logs.hears_shutdown
    guest.rtas("ibm,int-off", EPOW_INTERRUPT)
    assert not firmware.error_logs.hears_shutdown
