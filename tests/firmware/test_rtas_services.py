"""The RTAS calls themselves (LoPAR 7.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from firmware.boot import BootImage
from firmware.nvram import NVRAM_BYTES
from firmware.services.parameters import PARAMETER_ERROR, Parameter
from hypervisor.configuration import PartitionConfiguration
from hypervisor.partition import Ending
from pyphyp.compose import compose
from tests.firmware.conftest import CONSOLE_INTERRUPT
from tests.firmware.guest import Guest, elf_image

if TYPE_CHECKING:
    from hypervisor.partition import Partition

OUTSIDE = 0xFFFF_0000


def test_display_character_shows_one_character(guest: Guest, screen: bytearray) -> None:
    assert guest.rtas("display-character", ord("A")) == (0,)
    assert guest.rtas("display-character", 0x100) == (-3,)
    assert screen == b"A"


# -- time ------------------------------------------------------------------------------------


def test_get_time_of_day_gives_the_partitions_time_in_utc(guest: Guest) -> None:
    # The partition's epoch is 1,700,000,000 s after 1970.
    assert guest.rtas("get-time-of-day", returns=8)[:7] == (0, 2023, 11, 14, 22, 13, 20)


def test_the_time_of_day_goes_on_with_the_time_base(guest: Guest, partition: Partition) -> None:
    partition.pass_time(partition.time_base + 512_000_000 * 61)
    assert guest.rtas("get-time-of-day", returns=8)[5:7] == (14, 21)


def test_set_time_of_day_sets_what_get_time_of_day_gives(guest: Guest) -> None:
    assert guest.rtas("set-time-of-day", 2031, 2, 28, 23, 59, 58, 0) == (0,)
    assert guest.rtas("get-time-of-day", returns=8)[:7] == (0, 2031, 2, 28, 23, 59, 58)


@pytest.mark.parametrize(
    "time",
    [
        (2030, 2, 30, 0, 0, 0, 0),
        (1969, 1, 1, 0, 0, 0, 0),
        (0xFFFFFFFF, 1, 1, 0, 0, 0, 0),
        (2030, 1, 1, 0, 0, 60, 0),
        (2030, 1, 1, 0, 0, 0, 0xFFFFFFFF),
        (2030, 0, 0xFFFFFFFF, 0, 0, 0, 0),
    ],
)
def test_a_time_that_does_not_exist_is_a_parameter_error(
    guest: Guest, time: tuple[int, ...]
) -> None:
    assert guest.rtas("set-time-of-day", *time) == (-3,)


# -- the end of the run ----------------------------------------------------------------------


def test_system_reboot_reboots(guest: Guest, partition: Partition) -> None:
    guest.rtas("system-reboot")
    assert partition.outcome is not None
    assert partition.outcome.ending is Ending.REBOOT


def test_os_term_ends_the_partition_with_the_systems_message(
    guest: Guest, partition: Partition
) -> None:
    assert guest.rtas("ibm,os-term", guest.string("OS panic: no init")) == (0,)
    assert partition.outcome is not None
    assert partition.outcome.ending is Ending.CRASH
    assert partition.outcome.reason == "OS panic: no init"


def test_os_term_without_a_message_is_refused(guest: Guest, partition: Partition) -> None:
    assert guest.rtas("ibm,os-term", OUTSIDE) == (-3,)
    assert partition.outcome is None


# -- processors ------------------------------------------------------------------------------


def test_the_only_processor_runs_and_can_neither_be_started_nor_stopped(guest: Guest) -> None:
    assert guest.rtas("query-cpu-stopped-state", 0, returns=2) == (0, 2)
    assert guest.rtas("start-cpu", 0, 0x1000, 0) == (-1,)
    assert guest.rtas("stop-self") == (-1,)


def test_a_processor_that_is_not_there_is_a_parameter_error(guest: Guest) -> None:
    assert guest.rtas("query-cpu-stopped-state", 1, returns=2)[0] == -3
    assert guest.rtas("start-cpu", 1, 0x1000, 0) == (-3,)


# -- system parameters -----------------------------------------------------------------------


def parameter(guest: Guest, token: int) -> bytes:
    buffer = guest.buffer(1024)
    assert guest.rtas("ibm,get-system-parameter", token, buffer, 1024) == (0,)
    return guest.memory.read(buffer + 2, guest.memory.u16(buffer))


def test_splpar_characteristics_are_keys_and_values(guest: Guest) -> None:
    text = parameter(guest, 20)
    assert text.endswith(b"\0")
    values = dict(pair.split("=") for pair in text[:-1].decode().split(","))
    assert values["DesProcs"] == "1"
    assert values["DesEntCap"] == "100"
    assert values["DesMem"] == "16"


def test_the_uuid_is_16_bytes_and_the_name_a_string(guest: Guest, partition: Partition) -> None:
    assert parameter(guest, 48).hex() == partition.configuration.uuid.replace("-", "")
    assert parameter(guest, 55) == b"lpar1\0"


def test_cede_latency_settings_are_records_of_the_length_they_say(guest: Guest) -> None:
    value = parameter(guest, 45)
    assert value[0] + 1 == 10
    assert (len(value) - 2) % (value[0] + 1) == 0


def test_a_parameter_is_cut_to_the_buffer_but_its_length_is_not(guest: Guest) -> None:
    buffer = guest.buffer()
    assert guest.rtas("ibm,get-system-parameter", 55, buffer, 4) == (0,)
    assert guest.memory.read(buffer, 6) == b"\0\6lp\xee\xee"


def test_an_unknown_parameter_is_not_supported(guest: Guest) -> None:
    assert guest.rtas("ibm,get-system-parameter", 9999, guest.buffer(), 256) == (-3,)
    assert guest.rtas("ibm,set-system-parameter", 9999, guest.buffer()) == (-3,)


def test_a_buffer_without_room_for_the_length_is_a_parameter_error(guest: Guest) -> None:
    assert guest.rtas("ibm,get-system-parameter", 55, guest.buffer(), 1) == (PARAMETER_ERROR,)


def test_parameters_can_only_be_read(guest: Guest) -> None:
    assert guest.rtas("ibm,set-system-parameter", 55, guest.buffer()) == (-9002,)


# -- interrupts ------------------------------------------------------------------------------


def test_set_xive_gives_a_source_its_server_and_priority(guest: Guest) -> None:
    assert guest.rtas("ibm,set-xive", CONSOLE_INTERRUPT, 0, 5) == (0,)
    assert guest.rtas("ibm,get-xive", CONSOLE_INTERRUPT, returns=3) == (0, 0, 5)


def test_int_off_masks_and_int_on_restores_the_priority(guest: Guest) -> None:
    guest.rtas("ibm,set-xive", CONSOLE_INTERRUPT, 0, 5)
    guest.rtas("ibm,int-off", CONSOLE_INTERRUPT)
    assert guest.rtas("ibm,get-xive", CONSOLE_INTERRUPT, returns=3) == (0, 0, 0xFF)
    guest.rtas("ibm,int-on", CONSOLE_INTERRUPT)
    assert guest.rtas("ibm,get-xive", CONSOLE_INTERRUPT, returns=3) == (0, 0, 5)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ibm,set-xive", (0x7777, 0, 5)),
        ("ibm,set-xive", (CONSOLE_INTERRUPT, 1, 5)),
        ("ibm,set-xive", (CONSOLE_INTERRUPT, 0, 0x100)),
        ("ibm,int-on", (0x7777,)),
        ("ibm,int-off", (0x7777,)),
    ],
)
def test_a_source_server_or_priority_that_is_not_there_is_a_parameter_error(
    guest: Guest, name: str, arguments: tuple[int, ...]
) -> None:
    assert guest.rtas(name, *arguments) == (-3,)


# -- NVRAM -----------------------------------------------------------------------------------


def test_nvram_gives_back_what_was_stored(guest: Guest) -> None:
    assert guest.rtas("nvram-store", 0x2000, guest.place(b"kept"), 4, returns=2) == (0, 4)
    buffer = guest.buffer()
    assert guest.rtas("nvram-fetch", 0x2000, buffer, 4, returns=2) == (0, 4)
    assert guest.memory.read(buffer, 4) == b"kept"


@pytest.mark.parametrize("name", ["nvram-fetch", "nvram-store"])
@pytest.mark.parametrize(
    ("index", "address", "length"),
    [(NVRAM_BYTES, 0x1000, 1), (0, OUTSIDE, 16), (0xFFFFFFFF, 0x1000, 0xFFFFFFFF)],
)
def test_nvram_outside_its_size_or_storage_is_a_parameter_error(
    guest: Guest, name: str, index: int, address: int, length: int
) -> None:
    before = guest.firmware.nvram.content
    assert guest.rtas(name, index, address, length, returns=2) == (-3, 0)
    assert guest.firmware.nvram.content == before


# -- events, indicators ----------------------------------------------------------------------


def test_there_is_no_event_to_report(guest: Guest) -> None:
    buffer = guest.buffer(2048)
    assert guest.rtas("event-scan", 0xFFFFFFFF, 0, buffer, 2048) == (1,)
    assert guest.rtas("rtas-last-error", buffer, 2048) == (1,)


def test_an_event_buffer_outside_storage_is_a_parameter_error(guest: Guest) -> None:
    assert guest.rtas("event-scan", 0xFFFFFFFF, 0, OUTSIDE, 2048) == (-3,)


def test_there_is_no_indicator_and_no_sensor(guest: Guest) -> None:
    assert guest.rtas("set-indicator", 9005, 0, 1) == (-3,)
    assert guest.rtas("get-sensor-state", 9003, 0, returns=2)[0] == -3


# -- the platform ----------------------------------------------------------------------------


def test_display_message_shows_a_string(guest: Guest, screen: bytearray) -> None:
    assert guest.rtas("ibm,display-message", guest.string("booting")) == (0,)
    assert guest.rtas("ibm,display-message", OUTSIDE) == (-3,)
    assert screen == b"booting"


def test_there_is_no_firmware_to_activate(guest: Guest) -> None:
    assert guest.rtas("ibm,activate-firmware") == (-9001,)


def test_no_code_of_the_hypervisor_has_an_address(guest: Guest) -> None:
    area = guest.buffer()
    guest.memory.write_u64(area, 0x1234)
    assert guest.rtas("ibm,lpar-perftools", 1, 0, area, 256, 1, returns=2) == (0, 1)
    assert guest.memory.u64(area) == 0
    assert b"not an address" in guest.memory.read_string(area + 8)
    assert guest.rtas("ibm,lpar-perftools", 1, 0, area, 16, 1, returns=2) == (-5, 0)
    for arguments in ((2, 0, area, 256, 1), (1, 1, area, 256, 1), (1, 0, area, 256, 2)):
        assert guest.rtas("ibm,lpar-perftools", *arguments, returns=2) == (-3, 0)


def test_a_parameter_without_a_buffer_is_only_looked_for(guest: Guest) -> None:
    assert guest.rtas("ibm,get-system-parameter", 55, OUTSIDE, 0) == (0,)
    assert guest.rtas("ibm,get-system-parameter", 9999, OUTSIDE, 0) == (-3,)


def test_every_token_is_answered_and_read_only_or_not_supported(guest: Guest) -> None:
    for token in range(60):
        buffer = guest.buffer(1024)
        got = guest.rtas("ibm,get-system-parameter", token, buffer, 1024)
        put = guest.rtas("ibm,set-system-parameter", token, buffer)
        assert (got, put) == (((0,), (-9002,)) if token in tuple(Parameter) else ((-3,), (-3,)))


def test_parameters_about_the_platform_say_what_is_there(guest: Guest) -> None:
    assert parameter(guest, Parameter.ERROR_CLASSIFICATION) == b"0\0"
    assert parameter(guest, Parameter.DIAGNOSTICS_RUN_MODE) == b"\0"
    assert parameter(guest, Parameter.PROCESSOR_MODULES).hex() == "0001" * 4
    assert parameter(guest, Parameter.ENERGY_TUNING) == b""


def test_blocks_are_invalidated_where_there_is_a_call_for_it(guest: Guest) -> None:
    assert parameter(guest, Parameter.BLOCK_INVALIDATE) == b"", "this partition lacks the call"
    composition = compose(PartitionConfiguration(memory_bytes=16 << 20), epoch=0, seed=0)
    composition.firmware.boot(BootImage(elf_image()))
    other = Guest(composition.partition, composition.firmware)
    assert parameter(other, Parameter.BLOCK_INVALIDATE)[:2] == b"\x03\x06"
    composition.close()
