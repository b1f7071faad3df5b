"""Virtual Fibre Channel: datagrams and commands as a client's driver sends them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from hypervisor.abi import H
from hypervisor.san.definition import FabricDefinition, Zone
from hypervisor.san.names import client_wwpns, storage_wwpn, wwn_text
from hypervisor.san.san import San
from hypervisor.scsi.backing import Blank
from hypervisor.scsi.disk import Disk
from tests.hypervisor.queue_client import QUEUE
from tests.hypervisor.vfc_client import COMMAND, DATA, LOGIN, MAD, SLOT, SUB_QUEUE, UNIT, Client

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar

BLOCKS = 2048
INQUIRY = bytes([0x12, 0, 0, 0, 96, 0])
READ_10 = bytes([0x28, 0, 0, 0, 0, 5, 0, 0, 2, 0])
WRITE_10 = bytes([0x2A, 0, 0, 0, 0, 5, 0, 0, 2, 0])
SUCCESS, NOT_SUPPORTED, FAILED = 0, 0xF1, 0xF7
LINK_DOWN, NETWORK_DOWN, LOGIN_REQUIRED = (1, 6), (1, 4), (2, 0x10)
CANCELLED, SCSI, HOST_IO_BUS = (2, 6), (8, 0), (2, 5)
STATE_CHANGE, LINK_UP, LINK_WENT_DOWN, LOGOUT = 8, 0x80, 0x100, 2
ACCEPT = 2


@pytest.fixture
def backing() -> Blank:
    return Blank(BLOCKS * 512)


@pytest.fixture
def san(backing: Blank) -> San:
    san = San()
    san.add_fabric(FabricDefinition("a", (Zone("all", ("web", "ds8k")),)))
    storage = san.add_storage("ds8k", ("a",))
    storage.add(0, Disk(backing, "DISK0"))
    storage.add(300, Disk(Blank(4096), "DISK1"))
    return san


@pytest.fixture
def client(lpar: Lpar, san: San) -> Client:
    return Client(lpar, san)


@pytest.fixture
def target(client: Client) -> int:
    """The client is logged in, and has been told of the power-on."""
    port_id = client.ready()
    assert client.command(port_id, bytes(6)).condition == (6, 0x29, 0)
    return port_id


# -- logins ------------------------------------------------------------------------------------


def test_a_pair_of_port_names_follows_from_machine_partition_and_slot() -> None:
    first, second = client_wwpns("PYP0001", 3, 57)
    assert second == first + 1
    assert wwn_text(first).startswith("c0:50:76")
    pairs = {client_wwpns("PYP0001", n, slot) for n in (1, 2, 1000) for slot in (0, 56, 999)}
    assert len({name for pair in pairs for name in pair}) == 18


def test_npiv_login_gives_the_port_its_names_and_its_identifier(client: Client) -> None:
    client.open()
    answer = client.login()
    port_id, wwpn = struct.unpack_from(">QQ", answer, 40)
    assert (port_id, wwpn) == (0x01F001, client.port.wwpn)
    flags, capabilities, commands = struct.unpack_from(">I4xQI", answer, 8)
    assert (flags, capabilities, commands) == (1, 0x38, 113)
    assert answer[72:77] == b"vios\0"
    assert struct.unpack_from(">I", answer, 1096 + 64)[0] >> 31 == 1  # class 3


def test_capabilities_are_those_that_both_have(client: Client) -> None:
    client.open()
    assert int.from_bytes(client.login(0x02 | 0x10)[16:24], "big") == 0x38 | 0x40 | 0x80


def test_targets_of_common_zones_are_discovered(client: Client, san: San) -> None:
    client.open()
    assert client.mad(2, bytes(28))[0] == FAILED  # not logged in
    client.login()
    assert client.discover() == [(0x010000, storage_wwpn("PYP0001", "ds8k/0"))]
    san.unzone("a", "all", ("web",))
    assert client.discover() == []


def test_process_login_needs_port_login(client: Client) -> None:
    client.open()
    client.login()
    where = (0x010000).to_bytes(8, "big")
    status, mad = client.mad(8, where + bytes([8, 0, 0x20, 0]))
    assert (status, struct.unpack(">HH", mad[96:100])) == (FAILED, LOGIN_REQUIRED)
    status, mad = client.mad(4, where)
    assert status == SUCCESS
    assert mad[56 + 16 : 56 + 24] == storage_wwpn("PYP0001", "ds8k/0").to_bytes(8, "big")
    status, mad = client.mad(8, where + bytes([8, 0, 0x20, 0]))
    assert (status, mad[34:36], mad[47] & 0x10) == (SUCCESS, b"\x21\0", 0x10)


def test_a_port_that_is_not_to_be_seen_takes_no_login(client: Client) -> None:
    client.open()
    client.login()
    status, mad = client.mad(4, (0x010100).to_bytes(8, "big"))
    assert (status, struct.unpack(">HHHH", mad[44:52])) == (FAILED, (1, 1, 0x1F, 1))


def test_the_name_server_knows_ports_by_name(client: Client) -> None:
    client.open()
    client.login()
    name = storage_wwpn("PYP0001", "ds8k/0").to_bytes(8, "big")
    status, mad = client.mad(0x10, name)
    assert (status, mad[32:40]) == (SUCCESS, (0x010000).to_bytes(8, "big"))
    status, mad = client.mad(0x10, bytes(8))
    assert (status, struct.unpack(">HHH", mad[40:46])) == (FAILED, (1, 9, 2))


def test_implicit_logout_succeeds_whoever_is_meant(client: Client, target: int) -> None:
    assert client.mad(0x40, bytes(8))[0] == SUCCESS
    assert client.mad(0x40, target.to_bytes(8, "big"))[0] == SUCCESS
    assert client.command(target, bytes(6)).fault == LOGIN_REQUIRED


def test_move_login_goes_to_where_the_name_is(client: Client, target: int) -> None:
    name = storage_wwpn("PYP0001", "ds8k/0").to_bytes(8, "big")
    ids = (0x020000).to_bytes(8, "big") + target.to_bytes(8, "big")
    assert client.mad(0x20, ids + bytes(8))[0] == FAILED
    status, mad = client.mad(0x20, ids + name)
    assert (status, mad[64 + 16 : 64 + 24]) == (SUCCESS, name)
    assert client.mad(8, ids[8:] + bytes([8, 0, 0x20, 0]))[0] == SUCCESS


def test_unknown_datagrams_are_not_supported(client: Client) -> None:
    client.open()
    assert client.mad(0x8000, size=24)[0] == NOT_SUPPORTED


# -- passed through ----------------------------------------------------------------------------


def passed(client: Client, flags: int, port_id: int, request: bytes) -> tuple[int, bytes]:
    client.memory.write(DATA, request)
    unit = bytearray(112)
    struct.pack_into(">II", unit, 8, len(request), 64)
    struct.pack_into(">I", unit, 20, flags)
    struct.pack_into(">QIIQII", unit, 32, DATA, 0, len(request), DATA + 256, 0, 64)
    struct.pack_into(">Q", unit, 72, port_id)
    client.memory.write(DATA + 512, bytes(unit))
    client.memory.write(DATA + 256, bytes(64))
    status, _ = client.mad(0x200, struct.pack(">QII", DATA + 512, 0, 112))
    return status, client.memory.read(DATA + 256, 64)


def test_adisc_is_accepted_by_the_target_and_others_are_rejected(
    client: Client, target: int
) -> None:
    status, answer = passed(client, 1, target, bytes([0x52]) + bytes(27))
    assert (status, answer[0], answer[24:28]) == (SUCCESS, ACCEPT, target.to_bytes(4, "big"))
    assert answer[8:16] == storage_wwpn("PYP0001", "ds8k/0").to_bytes(8, "big")
    status, answer = passed(client, 1, target, bytes([0x0F]) + bytes(27))
    assert (status, answer[0], answer[5]) == (FAILED, 1, 0x0B)


def test_common_transport_reaches_the_name_server(client: Client, target: int) -> None:
    head = struct.pack(">B3xBBxxHHI", 1, 0xFC, 2, 0x0171, 0, 0)
    status, answer = passed(client, 2, 0xFFFFFC, head + bytes([0, 0, 0, 8]))
    assert (status, answer[8:10]) == (SUCCESS, b"\x80\x02")
    entries = [answer[at : at + 4] for at in (16, 20)]
    assert [entry[1:] for entry in entries] == [n.to_bytes(3, "big") for n in (target, 0x01F001)]
    assert [entry[0] >> 7 for entry in entries] == [0, 1]
    head = struct.pack(">B3xBBxxHHI", 1, 0xFC, 2, 0x0112, 0, 0)
    _, answer = passed(client, 2, 0xFFFFFC, head + target.to_bytes(4, "big"))
    assert answer[16:24] == storage_wwpn("PYP0001", "ds8k/0").to_bytes(8, "big")
    _, answer = passed(client, 2, 0xFFFFFC, head + bytes(4))
    assert (answer[8:10], answer[13:15]) == (b"\x80\x01", b"\x09\x01")


# -- commands ----------------------------------------------------------------------------------


def test_data_is_read_and_written(client: Client, target: int, backing: Blank) -> None:
    data = bytes(range(256)) * 4
    assert client.command(target, WRITE_10, out=data).fault == (0, 0)
    assert backing.read(5 * 512, 1024) == data
    pieces = ((DATA, 1000), (DATA + 1000, 24))
    answer = client.command(target, READ_10, into=1024, pieces=pieces)
    assert (answer.fault, answer.left, answer.data) == ((0, 0), 0, data)


def test_residues_are_told(client: Client, target: int) -> None:
    answer = client.command(target, INQUIRY, into=200)
    assert (answer.left, answer.over, answer.data[8:11]) == (104, False, b"AIX")
    answer = client.command(target, READ_10, into=512)
    assert (answer.left, answer.over) == (512, True)


def test_sense_data_come_with_the_response(client: Client, target: int) -> None:
    answer = client.command(target, bytes([0xFF]))
    assert (answer.fault, answer.status, answer.condition) == (SCSI, 2, (5, 0x20, 0))


def test_luns_are_addressed_by_device_and_flat_space(client: Client, target: int) -> None:
    answer = client.command(target, bytes([0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 64]), into=64)
    assert answer.data[8:24] == bytes(8) + (0x4000 | 300).to_bytes(2, "big") + bytes(6)
    assert client.command(target, INQUIRY, into=96, lun=0x4000 | 300).data[0] == 0
    assert client.command(target, INQUIRY, into=36, lun=1).data[0] == 0x7F
    assert client.command(target, bytes(6), lun=1).condition == (5, 0x25, 0)


def test_commands_of_the_second_version_lie_further_on(client: Client, san: San) -> None:
    client.open()
    assert client.login(0x10)
    ((port_id, _),) = client.discover()
    client.log_in_to(port_id)
    assert client.command(port_id, INQUIRY, into=96).data[8:11] == b"AIX"


def test_storage_that_the_window_does_not_allow_is_an_error_of_the_bus(
    client: Client, target: int
) -> None:
    answer = client.command(target, READ_10, into=1024, pieces=((0xF000000, 1024),))
    assert answer.fault == HOST_IO_BUS


def test_task_management_resets_units(client: Client, target: int) -> None:
    assert client.command(target, b"", management=0x10).code == 0
    assert client.command(target, bytes(6)).condition == (6, 0x29, 0)
    assert client.command(target, b"", management=0x10, lun=9).code == 9
    assert client.command(target, b"", management=0x20).code == 0
    assert client.command(target, b"", management=0x80).code == 4


# -- what is under way -------------------------------------------------------------------------


def test_frozen_storage_answers_once_it_is_thawed(client: Client, target: int, san: San) -> None:
    san.freeze("ds8k")
    tag = client.unit(target, INQUIRY, into=96)
    assert client.send(0x80 << 56 | COMMAND << 48, UNIT) == H.SUCCESS
    assert client.take() is None
    san.thaw("ds8k")
    assert client.take() == (0x80 << 56 | COMMAND << 48, int.from_bytes(tag, "big"))
    assert client.answer(96).data[8:11] == b"AIX"


def test_commands_under_way_are_cancelled_by_their_key(
    client: Client, target: int, san: San
) -> None:
    san.freeze("ds8k")
    tag = client.unit(target, INQUIRY, into=96, at=DATA + 0x1000)
    client.send(0x80 << 56 | COMMAND << 48, DATA + 0x1000)
    for key, cancelled in ((8, False), (7, True)):
        body = target.to_bytes(8, "big") + bytes(8) + struct.pack(">II", 0x42, key)
        head = struct.pack(">I4xIHH", 1, 0x100, 0, 88) + bytes(8)
        client.memory.write(UNIT, (head + body).ljust(88, b"\0"))
        client.send(0x80 << 56 | MAD << 48, UNIT)
        if cancelled:
            assert client.take() == (0x80 << 56 | COMMAND << 48, int.from_bytes(tag, "big"))
            assert client.answer(at=DATA + 0x1000).fault == CANCELLED
        assert client.take() == (0x80 << 56 | MAD << 48, 0)
    san.thaw("ds8k")
    assert client.take() is None


def test_storage_that_several_partitions_see_is_used_between_slices_alone(lpar: Lpar) -> None:
    san = San(exclusive=True)
    san.add_fabric(FabricDefinition("a"))
    san.add_storage("ds8k", ("a",)).add(0, Disk(Blank(BLOCKS * 512), "DISK0"))
    client = Client(lpar, san)
    target = client.ready()
    client.command(target, bytes(6))
    san.plug(san.client("build", 2, 56), "a")
    client.unit(target, INQUIRY, into=96)
    client.send(0x80 << 56 | COMMAND << 48, UNIT)
    assert client.take() is None
    assert san.settle()
    assert client.take() is not None
    assert client.answer(96).data[8:11] == b"AIX"
    assert not san.settle()


# -- events ------------------------------------------------------------------------------------


def test_zone_changes_are_told_and_end_logins(client: Client, target: int, san: San) -> None:
    san.unzone("a", "all", ("ds8k",))
    assert client.event() == (STATE_CHANGE, 0, 0)
    assert client.command(target, bytes(6)).fault == NETWORK_DOWN
    san.zone("a", "all", ("ds8k",))
    assert client.event() == (STATE_CHANGE, 0, 0)
    assert client.command(target, bytes(6)).fault == LOGIN_REQUIRED
    san.zone("a", "other", ("tape",))  # which is nothing to this client
    assert client.event() is None


def test_links_go_down_and_come_up(client: Client, target: int, san: San) -> None:
    san.set_link("web", up=False)
    assert client.event() == (LINK_WENT_DOWN, 0, 4)
    assert client.command(target, bytes(6)).fault == LINK_DOWN
    assert client.login() == b""
    assert struct.unpack(">HH", client.memory.read(LOGIN + 4, 4)) == LINK_DOWN
    san.set_link("web", up=True)
    assert client.event() == (LINK_UP, 0, 1)
    assert client.login()
    san.set_link("ds8k/0", up=False)
    assert client.event() == (STATE_CHANGE, 0, 0)


def test_a_reset_of_the_storage_logs_its_initiators_out(
    client: Client, target: int, san: San
) -> None:
    san.reset("ds8k")
    assert client.event() == (LOGOUT, target, 0)
    assert client.command(target, bytes(6)).fault == LOGIN_REQUIRED
    client.log_in_to(target)
    assert client.command(target, bytes(6)).condition == (6, 0x29, 0)


# -- channels ----------------------------------------------------------------------------------


def test_commands_go_by_channels_that_both_ends_have_agreed_on(
    client: Client, target: int, lpar: Lpar
) -> None:
    answer = lpar.call("H_REG_SUB_CRQ", SLOT.unit, SUB_QUEUE, 0x1000)
    number, source = answer.results[:2]
    assert (answer.code, number, source) == (H.SUCCESS, 1, 0x1400)
    status, mad = client.mad(0x1000, bytes(24), 48)
    assert (status, int.from_bytes(mad[28:32], "big")) == (SUCCESS, 8)
    block = bytearray(4096)
    block[8:12] = (1).to_bytes(4, "big")
    block[80:88] = number.to_bytes(8, "big")
    client.memory.write(DATA, bytes(block))
    assert client.mad(0x2000, struct.pack(">QII", DATA, 0, 4096), 40)[0] == SUCCESS
    handle = client.memory.u64(DATA + 80)
    tag = client.unit(target, INQUIRY, into=96)
    message = (0x80 << 56 | COMMAND << 48, UNIT, 0, 0)
    assert lpar.code("H_SEND_SUB_CRQ", SLOT.unit, handle, *message) == H.SUCCESS
    assert client.take() is None
    assert client.memory.u64(SUB_QUEUE + 8) == int.from_bytes(tag, "big")
    assert client.answer(96).data[8:11] == b"AIX"
    assert lpar.code("H_SEND_SUB_CRQ", SLOT.unit, handle + 1, *message) == H.PARAMETER
    client.memory.write(DATA, struct.pack(">QQQQ", *message))
    indirect = ("H_SEND_SUB_CRQ_INDIRECT", SLOT.unit, handle, DATA)
    assert lpar.code(*indirect, 1) == H.SUCCESS
    assert client.memory.read(SUB_QUEUE + 32, 2) == bytes([0x80, COMMAND])
    assert lpar.code(*indirect, 17) == H.PARAMETER
    assert lpar.code("H_FREE_SUB_CRQ", SLOT.unit, number) == H.SUCCESS
    assert lpar.code("H_FREE_SUB_CRQ", SLOT.unit, number) == H.PARAMETER
    assert lpar.code("H_SEND_SUB_CRQ", SLOT.unit, handle, *message) == H.PARAMETER


def test_interrupts_of_channels_are_switched_by_h_vioctl(client: Client, lpar: Lpar) -> None:
    client.open()
    source = lpar.call("H_REG_SUB_CRQ", SLOT.unit, SUB_QUEUE, 0x1000).results[1]
    (queue,) = client.adapter.queues.values()
    assert queue.interrupt.enabled
    assert lpar.code("H_VIOCTL", SLOT.unit, 0x0B, source, 0, 0) == H.SUCCESS
    assert not queue.interrupt.enabled
    assert lpar.code("H_VIOCTL", SLOT.unit, 0x0C, source, 0, 0) == H.SUCCESS
    assert queue.interrupt.enabled
    assert lpar.code("H_VIOCTL", SLOT.unit, 0x0A, 0, 0, 0) == H.SUCCESS
    assert not queue.interrupt.enabled
    assert lpar.code("H_VIOCTL", SLOT.unit, 0x0C, source + 1, 0, 0) == H.PARAMETER


def test_queues_go_with_the_adapters_own(client: Client, lpar: Lpar) -> None:
    client.open()
    for _ in range(16):
        assert lpar.call("H_REG_SUB_CRQ", SLOT.unit, SUB_QUEUE, 0x1000).code == H.SUCCESS
    assert lpar.code("H_REG_SUB_CRQ", SLOT.unit, SUB_QUEUE, 0x1000) == H.RESOURCE
    assert lpar.code("H_REG_SUB_CRQ", SLOT.unit, SUB_QUEUE + 1, 0x1000) == H.PARAMETER
    assert lpar.code("H_FREE_CRQ", SLOT.unit) == H.SUCCESS
    assert not client.adapter.queues


def test_an_adapter_whose_server_does_not_run_has_no_partner(client: Client, lpar: Lpar) -> None:
    client.server.server_left()
    client.allow()
    assert lpar.code("H_REG_CRQ", SLOT.unit, QUEUE, 0x1000) == H.CLOSED
    client.server.server_came()
    assert client.take() == (0xC001 << 48, 0)
    assert client.login()
    client.server.server_left()
    assert client.take() == (0xFF01 << 48, 0)
