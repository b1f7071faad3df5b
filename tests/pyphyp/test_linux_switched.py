"""Debian partitions in one switch: floods, long frames, and who hears whom."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import pytest

from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine

from .outside.test_uplink import shown
from .test_linux_ethernet import UP, partition, run
from .test_linux_outside import LEASE, PAGE, http_server

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.linux

WAIT = "until ping -q -c 1 -W 1 10.0.0.2 >/dev/null; do :; done; "


def with_packages(definition: str, *names: str) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return definition.replace("units = 0.6", f"units = 0.6\npackages = [{listed}]")


def test_a_flood_of_pings_and_frames_of_9_000_bytes_lose_nothing() -> None:
    up = UP.replace("eth0 up", "eth0 mtu 9000 up")
    flood = "ping -f -q -c 3000 10.0.0.2 | grep loss; ping -f -q -c 500 -s 8972 -M do 10.0.0.2"
    stream = "; iperf3 -c 10.0.0.2 -n 64M | grep sender; echo $?"
    first = partition("one", up.format(1) + WAIT + flood + stream)
    second = partition("two", up.format(2) + "iperf3 -s -1 >/dev/null; sleep 1; ip -s link")
    names = ("iputils-ping", "iperf3", "iproute2")
    shows, other = run(with_packages(first, *names), with_packages(second, *names))
    assert "3000 packets transmitted, 3000 received, 0% packet loss" in shows
    assert "500 packets transmitted, 500 received, 0% packet loss" in shows
    assert re.search(r"64.0 MBytes .* +0 +sender", shows)
    received = other[other.index("eth0") :].splitlines()[3].split()
    assert received[2:4] == ["0", "0"], "errors and dropped frames"


def test_who_listens_in_another_vlan_hears_nothing_and_who_has_both_hears_the_tag() -> None:
    """Broadcasts of VLAN 10 reach its members alone; unicasts only who they are for."""
    chat = "ping -q -c 5 -W 1 -b 10.0.0.255; ping -q -i 0.2 -c 20 10.0.0.{}"
    one = partition("one", UP.format(1) + "sleep 4; " + chat.format(2), "vlan = 10")
    two = partition("two", UP.format(2) + "sleep 18", "vlan = 10")
    listen = "tcpdump -Z root -n -e -i {0} icmp or arp >/{0} 2>/dev/null & "
    third = partition(
        "three",
        "ip link set eth0 up; ip link set eth1 up; "
        + listen.format("eth0")
        + listen.format("eth1")
        + "sleep 16; kill %1 %2; wait; echo; wc -w </eth0; echo; cat /eth1",
        "vlan = 20",
        "vlan = 21\nmore_vlans = [10]",
    )
    chatted, _, heard = run(
        with_packages(one, "iputils-ping"), two, with_packages(third, "tcpdump")
    )
    apart, _, member = heard.partition("\n0\n\n")
    assert member, apart
    assert "20 packets transmitted, 20 received" in chatted
    frames = [line for line in member.splitlines() if "ethertype" in line]
    assert len(frames) >= 6
    assert all("vlan 10" in frame for frame in frames)
    assert any("Request who-has 10.0.0.2" in frame for frame in frames)
    assert sum("> 10.0.0.255: ICMP echo request" in frame for frame in frames) == 5
    assert not any("> 10.0.0.2: ICMP" in frame for frame in frames)


def outside(capture: Path, *partitions: str) -> Sequence[str]:
    way = f'[[shared_ethernet]]\noutside = "nat"\npcap = "{capture}"\n'
    file = parse('[machine]\ncores = 2\nmemory = "8G"\nepoch = 0\n' + way + "".join(partitions))
    with ManagedMachine(file.system, epoch=0) as machine:
        machine.power_on()
        machine.run(seconds=60)
        return [p.console.output.replace("\r", "") for p in machine.partitions.values()]


def test_partitions_share_a_way_to_the_outside_each_with_an_address_of_its_own(
    tmp_path: Path,
) -> None:
    capture = tmp_path / "nat.pcap"
    with http_server() as port:
        fetch = f"wget -q -O /page http://10.0.2.2:{port}/; sha256sum /page; ip -4 addr show eth0"
        both = outside(capture, *(partition(name, LEASE + fetch) for name in ("one", "two")))
    assert {hashlib.sha256(PAGE).hexdigest() in said for said in both} == {True}
    addresses = {re.findall(r"inet (10\.0\.2\.\d+)/24", said)[0] for said in both}
    assert addresses == {"10.0.2.15", "10.0.2.16"}
    statuses = shown(capture, "ip.checksum.status", "tcp.checksum.status", "udp.checksum.status")
    assert len(statuses) > 1400
    assert {status for frame in statuses for status in frame} <= {"", "1"}
