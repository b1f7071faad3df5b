"""A trunk port and what is behind it: captures, and what the link's failures do."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from hypervisor.network.frame import Frame, MacAddress
from hypervisor.network.shared_ethernet import Nobody, SharedEthernet, Tap
from hypervisor.network.switch import PortSettings
from pyphyp.network import Network
from pyphyp.outside.link import LinkError
from pyphyp.outside.pcap import Capture

from .packets import BROADCAST, GATEWAY, GUEST, OWN, arp_request, udp

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_700_000_000_123_456_789


class Sender:
    """A station in the switch that hears nothing."""

    address = MacAddress(GUEST)

    def wants(self, group: MacAddress) -> bool:
        return False

    def receive(self, frame: Frame) -> None:
        raise AssertionError("nobody sends to it")


def shown(file: Path, *fields: str) -> list[list[str]]:
    """What tshark finds in a capture, a list of fields a frame."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    options = ("-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE")
    options += ("-o", "tcp.check_checksum:TRUE", "-T", "fields")
    chosen = [word for field in fields for word in ("-e", field)]
    command = ["tshark", "-r", str(file), *options, *chosen]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_tshark_reads_frames_with_tags_checksums_and_the_machine_s_time(tmp_path: Path) -> None:
    network = Network()
    capture = tmp_path / "out.pcap"
    network.connect(SharedEthernet(Nobody(), more_vlans=(7,), capture=capture))
    port = network.switch("ETHERNET0").attach(Sender(), PortSettings(1, frozenset((7,))))
    port.send(Frame.of(arp_request()))
    port.send(Frame.of(udp(OWN, GATEWAY, (5000, 6000), b"hello"), unfinished=True).tagged(7))
    assert network.exchange(NOW)
    network.close()
    fields = ("frame.time_epoch", "eth.dst", "vlan.id", "arp.opcode", "udp.checksum.status")
    arp, datagram = shown(capture, *fields)
    everybody = BROADCAST.hex(":")
    assert arp == ["1700000000.123456789", everybody, "", "1", ""]
    assert datagram == ["1700000000.123456789", everybody, "7", "", "1"]


def test_a_capture_ends_where_it_may_be_no_longer(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    capture = Capture(tmp_path / "out.pcap", most=200)
    for _ in range(5):
        capture.write(NOW, bytes(80))
    capture.close()
    assert (tmp_path / "out.pcap").stat().st_size == 24 + 2 * 96
    assert capfd.readouterr().err.count("nothing more is recorded") == 1


def test_a_full_disk_ends_a_capture_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    from pathlib import Path

    with pytest.raises(LinkError, match="/dev/full"):
        Capture(Path("/dev/full"))


def test_a_device_that_is_no_tap_device_is_refused() -> None:
    with pytest.raises(LinkError, match=r"TAP device lo: |/dev/net/tun: "):
        Network().connect(SharedEthernet(Tap("lo")))


def test_a_way_that_cannot_be_had_leaves_no_port_behind(tmp_path: Path) -> None:
    network = Network()
    with pytest.raises(LinkError):
        network.connect(SharedEthernet(Tap("lo"), capture=tmp_path / "out.pcap"))
    assert list(network.switch("ETHERNET0")) == []
