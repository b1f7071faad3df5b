"""What a client of the firmware does with disks, discs and their adapter."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.firmware.devices import DISK, Bytes, boot, disk_with, prep_disk
from tests.firmware.labels import BLOCK

if TYPE_CHECKING:
    from hypervisor.partition import Partition

FAILED = 0xFFFF_FFFF


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
