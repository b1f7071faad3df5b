"""Virtual SCSI: information units as a client's driver sends them (SRP, LoPAR 17.2.3.1)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from hypervisor.abi import H
from hypervisor.scsi.backing import BackingError, Blank
from hypervisor.scsi.command import Nexus
from hypervisor.scsi.disk import Disk
from hypervisor.scsi.target import Targets
from hypervisor.vio.vscsi import CREDIT, VscsiServer, VscsiState
from tests.hypervisor.queue_client import TABLE
from tests.hypervisor.vscsi_client import DATA, MAD, MESSAGE, SLOT, SRP, UNIT, Client

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar

BLOCKS = 2048
INQUIRY = bytes([0x12, 0, 0, 0, 96, 0])
NO_SUCH_UNIT = (5, 0x25, 0)
INVALID_FIELD_IN_CDB = (5, 0x24, 0)


@pytest.fixture
def backing() -> Blank:
    return Blank(BLOCKS * 512)


@pytest.fixture
def client(lpar: Lpar, backing: Blank) -> Client:
    targets = Targets()
    targets.add(Disk(backing, "DISK0"))
    targets.add(Disk(Blank(4096), "DISK1"), 3, 7)
    return Client(lpar, targets)


def ready(client: Client) -> Client:
    """Logged in, and the attention of the power-on told."""
    client.login()
    for target, lun in ((0, 0), (3, 7)):
        assert client.command(bytes(6), target=target, lun=lun).condition == (6, 0x29, 0)
        assert client.command(bytes(6), target=target, lun=lun).status == 0
    return client


def test_login_gives_credit_and_sizes(client: Client) -> None:
    response = client.login()
    assert response[0] == 0xC0
    assert struct.unpack(">I8xIIH", response[4:26]) == (CREDIT, 256, 256, 6)


def test_commands_need_a_login(client: Client) -> None:
    client.open()
    assert client.exchange(SRP, bytes([2]), 36) == b""


def test_data_is_read_and_written(client: Client, backing: Blank) -> None:
    ready(client)
    data = bytes(range(256)) * 4
    write = bytes([0x2A, 0, 0, 0, 0, 5, 0, 0, 2, 0])
    assert client.command(write, out=data).status == 0
    assert backing.read(5 * 512, 1024) == data
    read = bytes([0x28, 0, 0, 0, 0, 5, 0, 0, 2, 0])
    assert client.command(read, into=1024).data == data


def test_what_is_not_filled_is_told(client: Client) -> None:
    ready(client)
    response = client.command(INQUIRY, into=200)
    assert response.left == 104
    assert response.data[8:16] == b"AIX     "


def test_holes_answer_inquiry_and_nothing_else(client: Client) -> None:
    ready(client)
    for target, lun in ((1, 0), (0, 1), (63, 31)):
        assert client.command(INQUIRY, into=36, target=target, lun=lun).data[0] == 0x7F
        response = client.command(bytes(6), target=target, lun=lun)
        assert response.condition == NO_SUCH_UNIT
    other_bus = (0x8020).to_bytes(2, "big") + bytes(6)
    assert client.command(bytes(6), address=other_bus).condition == NO_SUCH_UNIT


def test_a_target_lists_its_units_and_the_adapter_all(client: Client) -> None:
    ready(client)
    report = bytes([0xA0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0])
    its = client.command(report, into=256, target=3).data
    assert its == (8).to_bytes(4, "big") + bytes(4) + bytes([0, 7]) + bytes(6)
    everything = client.command(report, into=256, address=bytes(7) + b"\0").data
    assert everything[:4] == (16).to_bytes(4, "big")
    assert everything[8:10] + everything[16:18] == bytes([0x80, 0, 0x83, 7])
    well_known = client.command(report[:2] + b"\1" + report[3:], into=256, target=3).data
    assert well_known == bytes(8)
    reserved = client.command(report[:2] + b"\3" + report[3:], into=256, target=3)
    assert reserved.condition == INVALID_FIELD_IN_CDB


def test_indirect_descriptors_inline_and_in_a_table(client: Client) -> None:
    ready(client)
    read = bytes([0x28, 0, 0, 0, 0, 0, 0, 0, 2, 0])
    assert client.command(bytes([0x2A]) + read[1:], out=b"ab" * 512).status == 0
    pieces = [(DATA, 500), (DATA + 0x2000, 24), (DATA + 0x1000, 500)]
    listed = b"".join(struct.pack(">QII", at, 0, length) for at, length in pieces)
    client.memory.write(TABLE, listed)
    for count, inline in ((3, listed), (1, listed[:16])):
        table = struct.pack(">QII", TABLE, 0, len(listed)) + (1024).to_bytes(4, "big")
        unit = struct.pack(">B4xBBB8x4x8s4x16s", 2, 2, 0, count, b"\x80", read.ljust(16, b"\0"))
        client.memory.write(DATA, bytes(0x3000))
        assert client.respond(unit + table + inline).status == 0
        assert b"".join(client.memory.read(*piece) for piece in pieces) == b"ab" * 512


@pytest.mark.parametrize("address", [0x3F000, 1 << 40, (1 << 64) - 8])
def test_a_buffer_outside_the_window_fails_the_request_and_writes_nothing(
    client: Client, backing: Blank, address: int
) -> None:
    ready(client)
    before = client.memory.read(0, client.memory.size)
    for opcode, formats in ((0x28, 1), (0x2A, 0x10)):
        cdb = bytes([opcode, 0, 0, 0, 0, 0, 0, 0, 2, 0]).ljust(16, b"\0")
        unit = struct.pack(">B4xB2x8x4x8s4x16s", 2, formats, b"\x80", cdb)
        assert client.exchange(SRP, unit + struct.pack(">QII", address, 0, 1024), 36) == b""
    assert backing.read(0, 1024) == bytes(1024)
    after = client.memory.read(0, client.memory.size)
    changed = [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    assert all(0x40000 <= n < 0x42000 for n in changed)


@pytest.mark.parametrize("formats", [0x03, 0x0F, 0xF0])
def test_unknown_descriptor_formats_fail_the_request(client: Client, formats: int) -> None:
    ready(client)
    unit = struct.pack(">B4xB2x8x4x8s4x16s", 2, formats, b"\x80", bytes(16))
    assert client.exchange(SRP, unit, 36) == b""


def test_an_information_unit_must_be_readable(client: Client) -> None:
    ready(client)
    head = MESSAGE << 56 | SRP << 48
    assert client.send(head | 256, 0x3F000) == H.PARAMETER
    assert client.send(head | 257, UNIT) == H.PARAMETER
    assert client.send(MESSAGE << 56 | 9 << 48 | 256, UNIT) == H.PARAMETER
    assert client.take() is None


def test_too_many_descriptors_are_refused(client: Client) -> None:
    ready(client)
    table = struct.pack(">QIII", TABLE, 0, 1 << 30, 1 << 20)
    unit = struct.pack(">B4xBBB8x4x8s4x16s", 2, 2, 0, 1, b"\x80", bytes(16))
    assert client.exchange(SRP, unit + table, 36) == b""


def test_task_management(client: Client) -> None:
    ready(client)

    def manage(function: int, address: bytes) -> int | None:
        head = struct.pack(">B7x8x4x8s2xB", 1, address, function)
        return client.respond(head).task_result

    first = (0x8000).to_bytes(2, "big") + bytes(6)
    assert manage(0x01, first) == 0
    assert manage(0x08, first) == 0
    assert client.command(bytes(6)).condition == (6, 0x29, 0)
    assert manage(0x08, (0x8500).to_bytes(2, "big") + bytes(6)) == 5
    assert manage(0x40, first) == 4


def test_adapter_information_is_that_of_a_virtual_io_server(client: Client) -> None:
    client.open()
    mad = struct.pack(">IHH8xQ", 3, 0, 148, DATA)
    response = client.exchange(MAD, mad, 24)
    assert response[4:6] == b"\0\0"
    information = client.memory.read(DATA, 148)
    assert information.startswith(b"16.a\0")
    assert struct.unpack(">III", information[104:116])[2] == 3
    assert int.from_bytes(information[116:120], "big") >= 1 << 18


def test_capabilities_migration_and_reservation_are_supported(client: Client) -> None:
    client.open()
    asked = struct.pack(">I32s32sIIHH", 0, b"", b"", 1, 12, 0, 0) + struct.pack(
        ">IIHH", 2, 12, 0, 1
    )
    client.memory.write(DATA, asked)
    assert client.exchange(MAD, struct.pack(">IHH8xQ", 5, 0, 92, DATA), 24)[4:6] == b"\0\0"
    answer = client.memory.read(DATA, 92)
    assert (answer[74:76], answer[86:88]) == (b"\0\1", b"\0\1")
    assert client.exchange(MAD, struct.pack(">IHH8xQ", 5, 0, 91, DATA), 24)[4:6] == b"\0\xf7"


@pytest.mark.parametrize(("kind", "status"), [(8, 0), (1, 0), (2, 0), (4, 0xF1), (99, 0xF1)])
def test_other_datagrams(client: Client, kind: int, status: int) -> None:
    client.open()
    response = client.exchange(MAD, struct.pack(">IHH8xQ", kind, 0, 24, DATA), 16)
    assert int.from_bytes(response[4:6], "big") == status


def test_a_datagrams_buffer_outside_the_window_fails_it(client: Client) -> None:
    client.open()
    response = client.exchange(MAD, struct.pack(">IHH8xQ", 3, 0, 148, 0x1000), 16)
    assert response[4:6] == b"\0\xf7"


class Broken(Blank):
    """What fails at every access."""

    def read(self, offset: int, length: int) -> bytes:
        raise BackingError("the disk fell off")

    def write(self, offset: int, data: bytes) -> None:
        raise BackingError("no room", full=True)

    def flush(self) -> None:
        raise BackingError("the disk fell off")


def test_errors_of_the_backing_become_sense_data(lpar: Lpar) -> None:
    targets = Targets()
    targets.add(Disk(Broken(BLOCKS * 512), "BROKEN"))
    client = Client(lpar, targets)
    client.login()
    client.command(bytes(6))
    read = client.command(bytes([0x28, 0, 0, 0, 0, 9, 0, 0, 1, 0]), into=512)
    assert read.condition == (3, 0x11, 0)
    assert read.sense[3:7] == (9).to_bytes(4, "big")
    write = client.command(bytes([0x2A, 0, 0, 0, 0, 9, 0, 0, 1, 0]), out=bytes(512))
    assert write.condition == (7, 0x27, 7)
    assert client.command(bytes([0x35])).condition == (3, 0x0C, 0)


def test_logout_and_a_new_queue_end_the_login(client: Client) -> None:
    ready(client)
    assert client.respond(bytes([3])).status == 0
    assert client.exchange(SRP, bytes([2]), 36) == b""


def test_commands_for_a_shared_disk_wait_until_nobody_runs(lpar: Lpar) -> None:
    client = Client(lpar)
    client.login()
    client.targets.leave(client.server)
    client.server = VscsiServer(client.adapter, client.targets, Nexus("1:2"), side_by_side=True)
    client.server.restore(VscsiState(SLOT.number, True, ()))
    disk = Disk(Blank(1 << 20), "disk")
    client.targets.add(disk)
    ready = struct.pack(">B4xB10x4xH", 2, 0, 0x8000).ljust(256, b"\0")

    def send() -> int:
        client.memory.write(UNIT, ready)
        return client.send(MESSAGE << 56 | SRP << 48 | 256, UNIT)

    assert send() == H.SUCCESS
    assert client.take() is not None
    disk.shared = True
    assert [send() for _ in range(CREDIT)] == [H.SUCCESS] * CREDIT
    assert send() == H.DROPPED
    assert client.take() is None
    assert client.server.settle()
    assert client.take() is not None
    assert not client.server.settle()
    send()
    client.lpar.call("H_FREE_CRQ", SLOT.unit)
    assert not client.server.settle()
