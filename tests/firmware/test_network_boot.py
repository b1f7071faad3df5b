"""The network package and booting over a network, against the machine's own boot server."""

from __future__ import annotations

import random
import struct
from collections import deque
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from firmware.boot import PlatformFirmware
from firmware.device_error import DeviceError
from firmware.elf import BootError
from firmware.network_boot import load, parse_network_arguments
from firmware.network_devices import MOST_FRAME, network_devices
from hypervisor.network import bootp
from hypervisor.network.boot_server import BootServer, BootService
from hypervisor.network.frame import Frame, MacAddress
from hypervisor.network.ip import Arp, parse_arp
from hypervisor.network.switch import PortSettings, VirtualSwitch
from hypervisor.vio.adapter import Slot
from pyphyp.boot_files import BootFilesError, ServedDirectory, directory_and_file
from tests.firmware.devices import attach, chosen, prep_disk, program
from tests.firmware.guest import Guest

if TYPE_CHECKING:
    from pathlib import Path

    from hypervisor.partition import Partition
    from hypervisor.vio.lan import LanAdapter

MAC = MacAddress(bytes.fromhex("0a0000000001"))
NET = "/vdevice/l-lan@30000003"
NOTHING_WAITS = 0xFFFF_FFFE
LIMIT = 64 << 20


class Lossy:
    """A server of whose answers only each `nth` arrives."""

    def __init__(self, server: BootServer) -> None:
        self.server, self.mac, self.asked, self.nth = server, server.mac, 0, 1

    def meant(self, frame: Frame) -> bool:
        return self.server.meant(frame)

    def answer(self, frame: Frame) -> list[Frame]:
        self.asked += 1
        answers = self.server.answer(frame)
        return [] if self.asked % self.nth else answers


def adapter(partition: Partition) -> LanAdapter:
    return partition.virtual_io.add_lan(Slot(3), MAC)


def connect(partition: Partition, directory: Path, file: str = "") -> Lossy:
    """An adapter in a switch with a boot server, which loses nothing yet."""
    switch = VirtualSwitch()
    lan = adapter(partition)
    lan.port = switch.attach(lan)
    server = BootServer(BootService(directory, file), ServedDirectory(directory))
    server.expect(MAC)
    switch.attach_responder(lossy := Lossy(server), PortSettings())
    return lossy


@pytest.fixture
def served(tmp_path: Path) -> Path:
    directory = tmp_path / "served"
    (directory / "sub").mkdir(parents=True)
    (directory / "kernel").write_bytes(program())
    (directory / "sub" / "large").write_bytes(random.Random(1).randbytes(300_001))
    return directory


# -- arguments -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "server", "file", "client", "retries", "block"),
    [
        ("", "0.0.0.0", "", "0.0.0.0", 5, 1468),
        ("bootp", "0.0.0.0", "", "0.0.0.0", 5, 1468),
        ("10.0.0.1,\\boot\\k", "10.0.0.1", "/boot/k", "0.0.0.0", 5, 1468),
        (
            "speed=auto,duplex=auto,1.1.1.1,dummy,1.1.1.2,1.1.1.1,7,9,1.1.1.1,512",
            *("1.1.1.1", "dummy", "1.1.1.2", 9, 512),
        ),
        ("dhcp,,k,,,,,,65464", "0.0.0.0", "k", "0.0.0.0", 5, 1468),
    ],
)
def test_arguments_are_those_of_obp_tftp(
    text: str, server: str, file: str, client: str, retries: int, block: int
) -> None:
    found = parse_network_arguments(text)
    assert (found.server, found.client) == (IPv4Address(server), IPv4Address(client))
    assert (found.file, found.tftp_retries, found.block_size) == (file, retries, block)


@pytest.mark.parametrize(
    "text", ["1.1.1", "1.1.1.1,f,x", ",,,,-1", ",,,,,,,7", ",,,,1000", ",,,,,,,,,,", ",,,,,,mask"]
)
def test_other_arguments_are_refused(text: str) -> None:
    with pytest.raises(DeviceError):
        parse_network_arguments(text)


# -- loading ---------------------------------------------------------------------------------


@pytest.mark.parametrize("block", ["", "512", "200", "1000"])
def test_a_file_is_loaded_in_blocks_of_the_size_asked_for(
    partition: Partition, served: Path, block: str
) -> None:
    connect(partition, served)
    (device,) = network_devices(partition).values()
    loaded = load(device, parse_network_arguments(f",sub/large,,,,,,{block}"), LIMIT)
    assert loaded.image == (served / "sub" / "large").read_bytes()
    assert loaded.arguments == "192.168.128.1,sub/large"
    reply = bootp.parse(loaded.reply)
    assert reply is not None
    assert reply.given == IPv4Address("192.168.128.10")


def test_with_both_addresses_nobody_is_asked_for_one(partition: Partition, served: Path) -> None:
    connect(partition, served)
    (device,) = network_devices(partition).values()
    its = parse_network_arguments("192.168.128.1,kernel,192.168.128.77")
    assert load(device, its, LIMIT) == (program(), "192.168.128.1,kernel", b"")


def test_what_is_lost_is_asked_for_again_so_often(partition: Partition, served: Path) -> None:
    lossy = connect(partition, served)
    lossy.nth = 3
    (device,) = network_devices(partition).values()
    loaded = load(device, parse_network_arguments(",sub/large"), LIMIT)
    assert loaded.image == (served / "sub" / "large").read_bytes()
    lossy.asked = 0
    with pytest.raises(DeviceError, match="no BOOTP server answers"):
        load(device, parse_network_arguments(",sub/large,,,1"), LIMIT)
    lossy.asked = 0
    with pytest.raises(DeviceError, match="not send sub/large to its end"):
        load(device, parse_network_arguments(",sub/large,,,,1"), LIMIT)


def test_a_file_larger_than_its_place_is_refused(partition: Partition, served: Path) -> None:
    connect(partition, served)
    (device,) = network_devices(partition).values()
    with pytest.raises(DeviceError, match="300001 bytes: at most 300000"):
        load(device, parse_network_arguments(",sub/large"), 300_000)


def test_names_lead_to_nothing_outside_the_directory(partition: Partition, served: Path) -> None:
    (served.parent / "secret").write_bytes(b"secret")
    (served / "out").symlink_to("../secret")
    (served / "away").symlink_to(served.parent)
    (served / "round").symlink_to("round")
    (served / "link").symlink_to("sub/large")
    connect(partition, served)
    (device,) = network_devices(partition).values()
    for name in ("../secret", "/../secret", "sub/../../secret", "out", "away/secret", "round"):
        with pytest.raises(DeviceError, match="refuses"):
            load(device, parse_network_arguments(f",{name}"), LIMIT)
    for name in ("sub", "none", "kernel/x", "x" * 250):
        with pytest.raises(DeviceError, match="no such file"):
            load(device, parse_network_arguments(f",{name}"), LIMIT)
    assert len(load(device, parse_network_arguments(",/link"), LIMIT).image) == 300_001


def test_what_is_served_is_a_file_or_a_directory_with_a_loader(served: Path) -> None:
    assert directory_and_file(served / "kernel") == (served, "kernel")
    with pytest.raises(BootFilesError, match="grub-mknetdir"):
        directory_and_file(served)
    with pytest.raises(BootFilesError, match="there is no"):
        directory_and_file(served / "none")


# -- booting ---------------------------------------------------------------------------------


def test_a_program_boots_over_the_network(partition: Partition, served: Path) -> None:
    connect(partition, served, "kernel")
    firmware = PlatformFirmware(partition)
    firmware.boot_from_device("net")
    guest = Guest(partition, firmware)
    assert guest.memory.read(0x20_0000, 4) == b"\x48\0\0\0"
    assert chosen(guest, "bootpath") == NET + ":192.168.128.1,kernel"
    reply = bootp.parse(firmware.tree.at("/chosen").properties["bootp-response"])
    assert reply is not None
    assert reply.file == "kernel"


def test_a_list_of_devices_falls_through_to_the_network(partition: Partition, served: Path) -> None:
    connect(partition, served)
    attach(partition, None, prep_disk(b"\x60\0\0\0\x48\0\0\0"))
    firmware = PlatformFirmware(partition)
    firmware.nvram.store(16, b"boot-device=cdrom disk7 net net:,kernel disk1\0\0")
    firmware.boot_from_device()
    assert chosen(Guest(partition, firmware), "bootpath") == NET + ":192.168.128.1,kernel"


def test_without_a_server_the_refusal_says_so(partition: Partition) -> None:
    lan = adapter(partition)
    lan.port = VirtualSwitch().attach(lan)
    with pytest.raises(BootError, match="no BOOTP server answers in its VLAN"):
        PlatformFirmware(partition).boot_from_device()


def test_what_is_no_program_is_refused(partition: Partition, served: Path) -> None:
    connect(partition, served, "sub/large")
    with pytest.raises(BootError, match="no ELF program"):
        PlatformFirmware(partition).boot_from_device("net")


# -- the network package ---------------------------------------------------------------------


def booted(partition: Partition, served: Path) -> Guest:
    connect(partition, served, "kernel")
    firmware = PlatformFirmware(partition)
    firmware.boot_from_device("net")
    return Guest(partition, firmware)


def question(server: str = "192.168.128.1") -> bytes:
    ours, nobody = IPv4Address("192.168.128.10"), MacAddress(bytes(6))
    return Arp(False, MAC, ours, nobody, IPv4Address(server)).frame()


def test_a_client_sends_and_receives_frames(partition: Partition, served: Path) -> None:
    guest = booted(partition, served)
    net = guest.call("open", "net:speed=auto,1.1.1.1,dummy,1.1.1.1,1.1.1.1,5,5,1.1.1.1,512")
    buffer = guest.buffer(MOST_FRAME)
    assert guest.call("read", net, buffer, MOST_FRAME) == NOTHING_WAITS
    frame = question()
    assert guest.call("write", net, guest.place(frame), len(frame)) == len(frame)
    assert guest.call("read", net, buffer, MOST_FRAME) == 60
    answer = parse_arp(guest.memory.read(buffer, 60))
    assert answer is not None
    assert (answer.reply, answer.address) == (True, IPv4Address("192.168.128.1"))
    assert guest.call("read", net, buffer, MOST_FRAME) == NOTHING_WAITS
    assert guest.method("write", net, len(frame), guest.place(frame), returns=2) == (0, len(frame))
    assert guest.method("read", net, 20, buffer, returns=2) == (0, 20)


def test_what_is_no_frame_is_not_sent(partition: Partition, served: Path) -> None:
    guest = booted(partition, served)
    net = guest.call("open", "net")
    for length in (0, 13, MOST_FRAME + 1, 0xFFFF_FFFF):
        assert guest.call("write", net, guest.buffer(16), length) == 0xFFFF_FFFF
    assert guest.call("read", net, 0xFFFF_FF00, 1514) == 0xFFFF_FFFF
    assert guest.call("open", "net:1.2.3") == 0


def test_the_load_method_loads_what_the_path_names(partition: Partition, served: Path) -> None:
    guest = booted(partition, served)
    net = guest.call("open", "net:,sub\\large")
    assert guest.method("load", net, 0xA0_0000, returns=2) == (0, 300_001)
    content = guest.memory.read(0xA0_0000, 300_001)
    assert content == (served / "sub" / "large").read_bytes()
    nothing = guest.call("open", "net:,none")
    assert guest.method("load", nothing, 0xA0_0000, returns=2)[0] == 0xFFFF_FFFF


def test_a_closed_adapter_takes_nothing_and_a_quiesced_one_neither(
    partition: Partition, served: Path
) -> None:
    guest = booted(partition, served)
    (device,) = (its for its in partition.virtual_io.bus if its.slot.number == 3)
    first, second = guest.call("open", "net"), guest.call("open", "net")
    guest.call("close", first)
    assert device.firmware == deque()  # type: ignore[attr-defined]
    guest.call("close", second)
    assert device.firmware is None  # type: ignore[attr-defined]
    guest.call("open", "net")
    guest.service("quiesce", returns=0)
    assert device.firmware is None  # type: ignore[attr-defined]


def test_frames_that_nobody_fetches_are_bounded(partition: Partition, served: Path) -> None:
    guest = booted(partition, served)
    net = guest.call("open", "net")
    frame = question()
    at = guest.place(frame)
    for _ in range(200):
        guest.call("write", net, at, len(frame))
    (device,) = (its for its in partition.virtual_io.bus if its.slot.number == 3)
    assert len(device.firmware) == 64  # type: ignore[attr-defined]


def test_an_open_adapter_is_state(partition: Partition, served: Path) -> None:
    guest = booted(partition, served)
    net = guest.call("open", "net")
    state = guest.firmware.state()
    guest.call("close", net)
    guest.firmware.restore(state)
    assert guest.firmware.state() == state
    frame = question()
    guest.call("write", net, guest.place(frame), len(frame))
    assert guest.call("read", net, guest.buffer(MOST_FRAME), MOST_FRAME) == 60


def test_random_frames_get_an_answer(partition: Partition, served: Path) -> None:
    guest = booted(partition, served)
    net = guest.call("open", "net")
    source = random.Random(3)
    at, buffer = guest.buffer(2048), guest.buffer(2048)
    for _ in range(500):
        length = source.choice((14, 42, 60, 342, 1514, source.randrange(4096)))
        guest.memory.write(at, source.randbytes(2048))
        answer = guest.call("write", net, at, length)
        assert answer in (length, 0xFFFF_FFFF)
        read = guest.call("read", net, buffer, source.randrange(1600))
        assert read == NOTHING_WAITS or read <= 1600
    assert struct.unpack(">I", guest.memory.read(0x20_0000, 4))
