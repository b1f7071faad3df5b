"""Booting from disks and discs: what is entered, and what is refused."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from firmware.boot import PlatformFirmware
from firmware.boot_devices import parse_arguments
from firmware.device_error import DeviceError
from firmware.elf import SEGMENT_LIMIT, BootError
from tests.firmware.devices import (
    DISK,
    DRIVE,
    Bytes,
    attach,
    boot,
    chosen,
    disk_with,
    prep_disk,
    program,
)  # fmt: skip
from tests.firmware.guest import Guest
from tests.firmware.labels import BLOCK, iso, mbr_record

if TYPE_CHECKING:
    from hypervisor.partition import Partition


def test_the_program_of_a_prep_partition_is_entered_with_32_bit_addresses(
    partition: Partition,
) -> None:
    guest = boot(partition, prep_disk())
    registers = partition.processors[0].registers
    assert (registers.nip, registers.msr.SF, registers.msr.LE) == (0x20_0000, 0, 0)
    assert guest.memory.read(0x20_0000, 4) == b"\x48\0\0\0"
    assert chosen(guest, "bootpath") == DISK + ":1"


def test_a_disc_is_booted_by_its_bootinfo(partition: Partition) -> None:
    script = b"<chrp-boot><boot-script>boot &device;:\\boot\\grub.elf</boot-script></chrp-boot>"
    disc = iso({"PPC/BOOTINFO.TXT;1": script, "BOOT/GRUB.ELF;1": program()})
    guest = boot(partition, disk_with(), Bytes(disc, read_only=True))
    assert chosen(guest, "bootpath") == DRIVE + r":,\boot\grub.elf"
    assert guest.memory.read(0x20_0000, 4) == b"\x48\0\0\0"


def test_a_chrp_partition_is_booted_by_its_bootinfo(partition: Partition) -> None:
    script = b"<boot-script>boot &device;:1,\\grub.elf</boot-script>"
    files = iso({"PPC/BOOTINFO.TXT;1": script, "GRUB.ELF;1": program()})
    medium = disk_with([(0, mbr_record((0x96, 8, len(files) // BLOCK))), (8, files)])
    guest = boot(partition, medium)
    assert chosen(guest, "bootpath") == DISK + r":1,\grub.elf"


def test_the_devices_wanted_are_tried_in_their_order(partition: Partition) -> None:
    guest = boot(partition, prep_disk(), disk_with(), prep_disk(), wanted="cdrom disk1 disk2 disk0")
    assert chosen(guest, "bootpath") == DISK.replace("8000", "8200") + ":1"


def test_boot_device_in_nvram_says_which(partition: Partition) -> None:
    attach(partition, prep_disk(), prep_disk())
    firmware = PlatformFirmware(partition)
    assert firmware.nvram.variables()["auto-boot?"] == "true"
    settings = b"boot-device=disk1:1\0boot-file=debug=all\0\0"
    firmware.nvram.store(16, settings)
    firmware.boot_from_device()
    guest = Guest(partition, firmware)
    assert chosen(guest, "bootpath") == DISK.replace("8000", "8100") + ":1"
    assert chosen(guest, "bootargs") == "debug=all"


def test_where_nothing_can_be_booted_the_refusal_names_each_device(partition: Partition) -> None:
    with pytest.raises(BootError) as refusal:
        boot(partition, disk_with(), None)
    assert f"{DISK}: no PReP partition" in str(refusal.value)
    assert f"{DRIVE}: no medium" in str(refusal.value)


def test_without_devices_the_refusal_says_so(partition: Partition) -> None:
    with pytest.raises(BootError, match="no device"):
        PlatformFirmware(partition).boot_from_device()


def test_a_boot_script_of_blanks_costs_little(partition: Partition) -> None:
    script = b"<boot-script>boot" * 50 + b" " * 60000
    disc = iso({"PPC/BOOTINFO.TXT;1": script})
    attach(partition, Bytes(disc, read_only=True))
    begin = time.process_time()
    with pytest.raises(BootError):
        PlatformFirmware(partition).boot_from_device("cdrom")
    assert time.process_time() - begin < 5  # in any order of growth but the right one: minutes


def test_an_image_that_loads_the_same_bytes_over_and_over_is_refused(partition: Partition) -> None:
    image = program(segments=SEGMENT_LIMIT + 1)
    medium = disk_with([(0, mbr_record((0x41, 8, 64))), (8, image)])
    with pytest.raises(BootError, match="segments"):
        boot(partition, medium)


def test_random_programs_boot_or_are_refused(partition: Partition) -> None:
    medium = prep_disk()
    attach(partition, medium)
    firmware = PlatformFirmware(partition)
    source = random.Random(7)
    for _ in range(400):
        image = bytearray(program(segments=2).ljust(2048, b"\0"))
        for _ in range(source.randrange(1, 8)):
            image[source.randrange(5, 128)] = source.choice(
                (0, 1, 0x7F, 0xFF, source.randrange(256))
            )
        medium.write(8 * BLOCK, bytes(image))
        try:
            firmware.boot_from_device()
        except BootError:
            continue


@pytest.mark.parametrize(
    ("text", "partition_number", "file"),
    [("", None, ""), ("0", 0, ""), ("2", 2, ""), ("2,\\a", 2, "\\a"), (",a", None, "\\a")],
)
def test_arguments_are_partition_and_file(
    text: str, partition_number: int | None, file: str
) -> None:
    assert parse_arguments(text) == (partition_number, file)


def test_arguments_that_name_no_partition_are_refused() -> None:
    with pytest.raises(DeviceError):
        parse_arguments("x")
