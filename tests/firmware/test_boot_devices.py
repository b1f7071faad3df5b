"""Booting from disks and discs: what firmware finds there, and what it makes of rubbish."""

from __future__ import annotations

import random
import struct
import time
from typing import TYPE_CHECKING

import pytest

from firmware.block_devices import BlockDevice, block_devices
from firmware.boot import PlatformFirmware
from firmware.boot_devices import parse_arguments
from firmware.device_error import DeviceError
from firmware.disk_label import Extent, extent_of, partitions
from firmware.elf import SEGMENT_LIMIT, BootError
from firmware.iso9660 import read_file
from hypervisor.scsi.command import Nexus
from hypervisor.scsi.disk import Disk
from hypervisor.scsi.optical import OpticalDrive
from hypervisor.scsi.target import Targets
from hypervisor.vio.adapter import AdapterKind, Slot
from hypervisor.vio.vscsi import VscsiServer
from tests.firmware.guest import Guest
from tests.firmware.labels import BLOCK, LINUX, PREP, gpt, iso, mbr_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypervisor.partition import Partition

BLOCKS = 4096
FAILED = 0xFFFF_FFFF
DISK = "/vdevice/v-scsi@30000002/disk@8000000000000000"
DRIVE = "/vdevice/v-scsi@30000002/cdrom@8100000000000000"


class Bytes:
    """A medium in memory."""

    def __init__(self, content: bytes, *, read_only: bool = False) -> None:
        self.content, self.read_only = bytearray(content), read_only
        self.size = len(content)

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self.content[offset : offset + length])

    def write(self, offset: int, data: bytes) -> None:
        self.content[offset : offset + len(data)] = data

    def flush(self) -> None: ...

    def discard(self, offset: int, length: int) -> None: ...

    def close(self) -> None: ...


def disk_with(pieces: Iterable[tuple[int, bytes]] = (), blocks: int = BLOCKS) -> Bytes:
    """A disk with bytes from certain blocks on."""
    medium = Bytes(bytes(blocks * BLOCK))
    for block, data in pieces:
        medium.write(block * BLOCK, data)
    return medium


def program(address: int = 0x20_0000, *, segments: int = 1, code: bytes = b"\x48\0\0\0") -> bytes:
    """A 32-bit big-endian executable, as GRUB's core image is one."""
    ident = b"\x7fELF\x01\x02\x01".ljust(16, b"\0")
    header = struct.pack(">HHIIIIIHHHHHH", 2, 20, 1, address, 52, 0, 0, 52, 32, segments, 40, 0, 0)
    at = 52 + 32 * segments
    segment = struct.pack(">IIIIIIII", 1, at, address, address, len(code), 0x1000, 7, 4)
    return ident + header + segment * segments + code


def attach(partition: Partition, *media: Bytes | None) -> None:
    """An adapter with disks, and behind them a drive for each medium that is read-only."""
    targets = Targets()
    for medium in media:
        if medium is None or medium.read_only:
            drive = OpticalDrive("DRIVE")
            if medium is not None:
                drive.load(medium)
            targets.add(drive)
        else:
            targets.add(Disk(medium, "SERIAL"))
    client = partition.virtual_io.add_crq_adapter(AdapterKind.CLIENT_SCSI, Slot(2))
    VscsiServer(client, targets, Nexus("3:2"))


def device(partition: Partition, medium: Bytes) -> BlockDevice:
    attach(partition, medium)
    return next(iter(block_devices(partition).values()))


# -- partition tables ------------------------------------------------------------------------


def test_partitions_of_a_master_boot_record(partition: Partition) -> None:
    record = mbr_record((0x41, 1, 64), (0x83, 100, 200), (0x05, 400, 1000))
    logical = mbr_record((0x83, 10, 20), (0x05, 500, 100))
    last = mbr_record((0x96, 1, 9))
    medium = disk_with([(0, record), (400, logical), (900, last)])
    found = partitions(device(partition, medium))
    places = [(its.number, its.extent.start // BLOCK, its.extent.length // BLOCK) for its in found]
    assert places == [(1, 1, 64), (2, 100, 200), (5, 410, 20), (6, 901, 9)]
    assert [its.number for its in found if its.prep] == [1]
    assert [its.number for its in found if its.chrp] == [6]


def test_partitions_of_a_guid_table(partition: Partition) -> None:
    table = gpt(BLOCKS, (PREP, 100, 163), (LINUX, 200, 299))
    found = partitions(device(partition, disk_with(table.items())))
    assert [(its.number, its.extent) for its in found] == [
        (1, Extent(100 * BLOCK, 64 * BLOCK)),
        (2, Extent(200 * BLOCK, 100 * BLOCK)),
    ]
    assert [its.prep for its in found] == [True, False]


def test_the_second_guid_table_serves_where_the_first_is_damaged(partition: Partition) -> None:
    table = gpt(BLOCKS, (PREP, 100, 163))
    table[1] = bytes(BLOCK)
    assert [its.prep for its in partitions(device(partition, disk_with(table.items())))] == [True]


def test_a_partition_beyond_the_end_of_the_disk_is_left_out(partition: Partition) -> None:
    record = mbr_record((0x41, 1, BLOCKS), (0x83, 1, BLOCKS - 1))
    assert [p.number for p in partitions(device(partition, disk_with([(0, record)])))] == [2]


def test_a_chain_of_logical_partitions_that_turns_back_ends(partition: Partition) -> None:
    around = mbr_record((0x83, 1, 1), (0x05, 0, 100))
    medium = disk_with([(0, mbr_record((0x05, 400, 100))), (400, around)])
    assert len(partitions(device(partition, medium))) == 1


def test_a_chain_of_empty_records_is_followed_so_far_and_no_further(partition: Partition) -> None:
    chain = [(n, mbr_record((0x05, n - 400 + 1, 1))) for n in range(400, BLOCKS - 1)]
    medium = disk_with([(0, mbr_record((0x05, 400, BLOCKS - 400))), *chain])
    reads = 0

    def counted(offset: int, length: int) -> bytes:
        nonlocal reads
        reads += 1
        return bytes(medium.content[offset : offset + length])

    medium.read = counted  # type: ignore[method-assign]
    assert partitions(device(partition, medium)) == []
    assert reads <= 130


def test_a_boot_script_of_blanks_costs_little(partition: Partition) -> None:
    script = b"<boot-script>boot" * 50 + b" " * 60000
    disc = iso({"PPC/BOOTINFO.TXT;1": script})
    attach(partition, Bytes(disc, read_only=True))
    begin = time.process_time()
    with pytest.raises(BootError):
        PlatformFirmware(partition).boot_from_device("cdrom")
    assert time.process_time() - begin < 5  # in any order of growth but the right one: minutes


def test_random_labels_give_partitions_on_the_disk_or_none(partition: Partition) -> None:
    source = random.Random(5)
    table = gpt(BLOCKS, (PREP, 100, 163), (LINUX, 200, 299))
    medium = disk_with()
    its = device(partition, medium)
    for _ in range(300):
        for block, data in table.items():
            medium.write(block * BLOCK, data)
        for _ in range(source.randrange(1, 6)):
            block = source.choice([0, 0, 1, 2])
            medium.content[block * BLOCK + source.randrange(BLOCK)] = source.randrange(256)
        for found in partitions(its):
            assert 0 < sum(found.extent) <= medium.size


def test_extents_by_number(partition: Partition) -> None:
    its = device(partition, disk_with([(0, mbr_record((0x41, 1, 64)))]))
    assert extent_of(its, 0) == Extent(0, BLOCKS * BLOCK)
    assert extent_of(its, 1) == Extent(BLOCK, 64 * BLOCK)
    with pytest.raises(DeviceError, match="no partition 2"):
        extent_of(its, 2)


# -- discs -----------------------------------------------------------------------------------


def test_files_of_a_disc(partition: Partition) -> None:
    disc = Bytes(iso({"PPC/A.TXT;1": b"text", "TOP.ELF;1": b"x" * 5000}), read_only=True)
    its = device(partition, disc)
    everything = Extent(0, its.size())
    assert read_file(its, everything, r"\ppc\a.txt", 100) == b"text"
    assert read_file(its, everything, r"\top.elf", 5000) == b"x" * 5000
    assert read_file(its, everything, r"\ppc", 5000) is None
    assert read_file(its, everything, r"\ppc\b.txt", 5000) is None
    assert read_file(its, everything, r"\top.elf\b.txt", 5000) is None
    with pytest.raises(DeviceError, match="at most 4999"):
        read_file(its, everything, r"\top.elf", 4999)


def test_a_damaged_disc_gives_a_file_or_a_refusal(partition: Partition) -> None:
    whole = iso({"PPC/BOOTINFO.TXT;1": b"text", "TOP.ELF;1": b"x" * 5000})
    disc = Bytes(whole, read_only=True)
    its = device(partition, disc)
    source = random.Random(6)
    for _ in range(300):
        disc.content[:] = whole
        for _ in range(4):
            disc.content[source.randrange(16 * 2048, len(whole))] = source.randrange(256)
        try:
            found = read_file(its, Extent(0, len(whole)), r"\ppc\bootinfo.txt", 1 << 16)
        except DeviceError:
            continue
        assert found is None or len(found) <= 1 << 16


# -- booting ---------------------------------------------------------------------------------


def boot(partition: Partition, *media: Bytes | None, wanted: str = "") -> Guest:
    attach(partition, *media)
    firmware = PlatformFirmware(partition)
    firmware.boot_from_device(wanted)
    return Guest(partition, firmware)


def prep_disk(code: bytes = b"\x48\0\0\0") -> Bytes:
    return disk_with([(0, mbr_record((0x41, 8, 64))), (8, program(code=code))])


def chosen(guest: Guest, name: str) -> str:
    return guest.firmware.tree.at("/chosen").properties[name].rstrip(b"\0").decode()


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


# -- the block package -----------------------------------------------------------------------


def test_a_client_reads_a_disk_from_any_position(partition: Partition) -> None:
    medium = prep_disk()
    content = random.Random(8).randbytes(3 << 20)
    guest = boot(partition, medium, Bytes(content[: 2048 * 1000], read_only=True))
    disk = guest.call("open", "cdrom0")
    assert guest.call("seek", disk, 0, 777) == 0
    assert guest.call("read", disk, 0xA0_0000, 1 << 20) == 1 << 20
    assert guest.memory.read(0xA0_0000, 1 << 20) == content[777 : 777 + (1 << 20)]
    assert guest.call("read", disk, 0xA0_0000, 16) == 16  # and on
    assert guest.memory.read(0xA0_0000, 16) == content[777 + (1 << 20) :][:16]


def test_a_read_ends_at_the_end_of_the_partition(partition: Partition) -> None:
    guest = boot(partition, prep_disk())
    its = guest.call("open", DISK + ":1")
    assert guest.call("seek", its, 0, 64 * BLOCK - 100) == 0
    assert guest.call("read", its, 0xA0_0000, 4096) == 100
    assert guest.call("read", its, 0xA0_0000, 4096) == 0
    assert guest.call("seek", its, 0, 64 * BLOCK + 1) == FAILED
    assert guest.call("seek", its, 1, 0) == FAILED


def test_a_client_writes_whole_blocks(partition: Partition) -> None:
    medium = prep_disk()
    guest = boot(partition, medium)
    its = guest.call("open", "disk:0")
    data = random.Random(9).randbytes(2 * BLOCK)
    assert guest.call("seek", its, 0, 1000 * BLOCK) == 0
    assert guest.call("write", its, guest.place(data), len(data)) == len(data)
    assert medium.read(1000 * BLOCK, len(data)) == data
    assert guest.call("write", its, guest.place(data), 100) == FAILED


def test_reading_into_no_storage_fails_and_moves_nothing(partition: Partition) -> None:
    guest = boot(partition, prep_disk())
    its = guest.call("open", "disk")
    assert guest.call("read", its, 0xFFFF_FF00, 1024) == FAILED
    assert guest.call("read", its, 0xA0_0000, 512) == 512
    assert guest.memory.read(0xA0_0000 + 510, 2) == b"\x55\xaa"  # still the first block


def test_what_is_not_there_cannot_be_opened(partition: Partition) -> None:
    guest = boot(partition, prep_disk(), None)
    assert guest.call("open", "disk:7") == 0
    assert guest.call("open", "cdrom") == 0
    assert guest.call("open", "disk:,\\file") == 0


def test_methods_of_disks(partition: Partition) -> None:
    guest = boot(partition, prep_disk(), disk_with(blocks=10), None)
    disk = guest.call("open", "disk1")
    assert guest.service("call-method", guest.string("block-size"), disk, returns=2) == (0, 512)
    assert guest.service("call-method", guest.string("#blocks"), disk, returns=2) == (0, 10)


def test_an_adapter_lists_its_disks(partition: Partition) -> None:
    guest = boot(partition, prep_disk(), None, disk_with(blocks=10))
    adapter = guest.call("open", "/vdevice/v-scsi@30000002")
    name = guest.string("vscsi-report-luns")
    for _ in range(3):  # and the storage for it is claimed once
        caught, count, table = guest.service("call-method", name, adapter, returns=3)
        assert (caught, count) == (0, 1)
    _, at = guest.memory.words(table, 2)
    luns = [int.from_bytes(guest.memory.read(at + 8 * n, 8), "big") for n in range(3)]
    assert luns == [0x8000 << 48, 0x8200 << 48, 0]


def test_a_node_that_only_says_it_is_a_block_device_has_no_blocks(partition: Partition) -> None:
    guest = boot(partition, prep_disk())
    node = guest.call("finddevice", "/nvram")
    assert guest.call("setprop", node, "device_type", guest.string("block"), 6) == 6
    its = guest.call("open", "/nvram")
    assert guest.service("call-method", guest.string("block-size"), its, returns=2)[0] != 0


def test_who_polls_the_console_or_the_clock_rests_for_a_millisecond(partition: Partition) -> None:
    guest = boot(partition, prep_disk())
    processor = partition.processors[0]
    stdin = int.from_bytes(guest.firmware.tree.at("/chosen").properties["stdin"], "big")
    first = guest.call("milliseconds")
    assert processor.wake_if_interrupted()
    assert guest.call("milliseconds") == first + 1
    assert not processor.wake_if_interrupted()
    assert processor.next_event == (first + 1) * 512_000
    partition.pass_time(processor.next_event)
    assert processor.wake_if_interrupted()
    assert guest.call("read", stdin, guest.buffer(), 1) == 0xFFFF_FFFE
    assert processor.next_event == (first + 2) * 512_000


def test_what_a_client_holds_is_state(partition: Partition) -> None:
    medium = prep_disk()
    medium.write(1000 * BLOCK, b"here")
    guest = boot(partition, medium)
    disk, adapter = guest.call("open", "disk"), guest.call("open", "/vdevice/v-scsi@30000002")
    assert guest.call("seek", disk, 0, 1000 * BLOCK) == 0
    name = guest.string("vscsi-report-luns")
    table = guest.service("call-method", name, adapter, returns=3)[2]
    told = guest.call("milliseconds")
    state = guest.firmware.state()
    guest.call("seek", disk, 0, 0)
    guest.firmware.restore(state)
    assert guest.firmware.state() == state
    assert guest.call("read", disk, 0xA0_0000, 4) == 4
    assert guest.memory.read(0xA0_0000, 4) == b"here"
    assert guest.service("call-method", name, adapter, returns=3)[2] == table
    assert guest.call("milliseconds") == told + 1  # it was told that one already
